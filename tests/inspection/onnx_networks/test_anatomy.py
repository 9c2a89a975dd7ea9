"""Also tests ``inspection/onnx_networks/graph.py``, ``inspection/onnx_networks/operators.py``."""

import numpy as np
import pytest
import torch

from faceloupe.inspection import anatomy, trace

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper  # noqa: E402

from helpers.onnx_files import block_as_onnx, write  # noqa: E402
from helpers.toy_networks import Block  # noqa: E402

RNG = np.random.default_rng(0)


def weights(**shapes):
    return {name: RNG.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def layers_of(tmp_path, nodes, held=None, given=(1, 4, 16, 16)):
    found = anatomy(write(tmp_path / "net.onnx", nodes, held, given), given[1:])
    return {layer.name: layer for layer in found.layers}


class TestAResidualBlock:
    def test_agrees_with_torch(self, tmp_path):
        torch.manual_seed(0)
        block = Block()
        file = block_as_onnx(tmp_path / "block.onnx", block, ["N", 3, 20, 20])
        images = RNG.normal(size=(2, 3, 20, 20)).astype(np.float32)
        ours, theirs = trace(file, images), trace(block, images)
        assert set(ours) == {*theirs, "sum"}
        for name, output in theirs.items():
            np.testing.assert_allclose(ours[name], output, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(ours["sum"], theirs["norm"] + theirs["short"], atol=1e-5)

        one, other = anatomy(file, (3, 20, 20)), anatomy(block, (3, 20, 20))
        assert (one.parameters, one.multiply_adds) == (other.parameters, other.multiply_adds)
        named = {layer.name: layer for layer in one.layers}
        for layer in other.layers:
            same = named[layer.name]
            assert (same.output_shape, same.parameters) == (layer.output_shape, layer.parameters)
            assert (same.receptive_field, same.stride, same.unseen) == (
                layer.receptive_field,
                layer.stride,
                layer.unseen,
            )

    def test_every_operator_tells_what_it_reads(self, tmp_path):
        found = anatomy(block_as_onnx(tmp_path / "block.onnx", Block(), [1, 3, 20, 20]), (3, 20, 20))
        assert {layer.name: layer.source for layer in found.layers} == {
            "stem": "image",
            "first": "stem",
            "relu": "first",
            "second": "relu",
            "norm": "second",
            "short": "stem",
            "sum": "norm",
            "pool": "sum",
            "flat": "pool",
            "dense": "flat",
        }

    def test_the_sum_sees_what_either_branch_sees(self, tmp_path):
        found = anatomy(block_as_onnx(tmp_path / "block.onnx", Block(), [1, 3, 20, 20]), (3, 20, 20))
        fields = {layer.name: layer.receptive_field for layer in found.layers}
        assert (fields["norm"], fields["short"], fields["sum"]) == ((9, 9), (3, 3), (9, 9))
        # Ten outputs, two pixels apart, of nine pixels each.
        assert (fields["pool"], fields["dense"]) == ((27, 27), (20, 20))


class TestReceptiveFields:
    @pytest.mark.parametrize("given", [16, 17])
    @pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
    def test_automatic_padding_agrees_with_what_one_output_depends_on(self, tmp_path, auto_pad, given):
        nodes = [
            ("Conv", ["image", "w"], ["conv"], {"auto_pad": auto_pad, "strides": [2, 2]}),
            ("AveragePool", ["conv"], ["pool"], {"kernel_shape": [2, 3], "strides": [2, 1], "auto_pad": auto_pad}),
            ("GlobalAveragePool", ["pool"], ["all"], {}),
            ("Flatten", ["all"], ["flat"], {}),
            ("Gemm", ["flat", "dense_w"], ["dense"], {}),
        ]
        held = {"w": np.ones((1, 1, 4, 3), np.float32), "dense_w": np.ones((1, 1), np.float32)}
        path = write(tmp_path / "net.onnx", nodes, held, (1, 1, given, given))
        layers = {layer.name: layer for layer in anatomy(path, (given, given)).layers}
        rows = [touched(path, given, "pool", row) for row in range(layers["pool"].output_shape[0])]
        middle = rows[len(rows) // 2 - 1]
        assert len(middle) == layers["pool"].receptive_field[0] == 6
        assert layers["pool"].stride == (4, 2)
        seen = set().union(*rows)
        assert layers["dense"].receptive_field[0] == max(seen) + 1 - min(seen)

    def test_a_gate_that_sees_the_whole_map_makes_every_output_see_it(self, tmp_path):
        nodes = [
            ("Conv", ["image", "w"], ["conv"], {"pads": [1, 1, 1, 1]}),
            ("GlobalAveragePool", ["conv"], ["squeeze"], {}),
            ("Conv", ["squeeze", "gate_w"], ["excite"], {}),
            ("Sigmoid", ["excite"], ["gate"], {}),
            ("Mul", ["conv", "gate"], ["scaled"], {}),
            ("Add", ["image", "scaled"], ["sum"], {}),
            ("MaxPool", ["sum"], ["pool"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ]
        found = layers_of(tmp_path, nodes, weights(w=(4, 4, 3, 3), gate_w=(4, 4, 1, 1)))
        fields = [found[name].receptive_field for name in ("conv", "squeeze", "scaled", "sum", "pool")]
        assert fields == [(3, 3), (18, 18), (18, 18), (18, 18), (18, 18)]
        assert (found["conv"].stride, found["scaled"].stride) == ((1, 1), None)

    def test_a_gate_that_sees_only_a_part_leaves_no_single_field(self, tmp_path):
        nodes = [
            ("Conv", ["image", "w"], ["corner"], {"strides": [9, 9]}),
            ("Mul", ["image", "corner"], ["scaled"], {}),
            ("Relu", ["scaled"], ["relu"], {}),
        ]
        found = layers_of(tmp_path, nodes, weights(w=(4, 4, 8, 8)))
        assert found["corner"].output_shape == (1, 1, 4)
        assert [found[name].receptive_field for name in ("scaled", "relu")] == [None, None]

    def test_a_constant_may_come_first_or_be_the_larger(self, tmp_path):
        constants = {"one": np.array(1, np.float32), "grid": np.ones((16, 16), np.float32)}
        nodes = [
            ("Sub", ["one", "image"], ["turned"], {}),
            ("GlobalAveragePool", ["turned"], ["mean"], {}),
            ("Add", ["grid", "mean"], ["spread"], {}),
            ("Conv", ["spread", "w"], ["conv"], {}),
        ]
        found = layers_of(tmp_path, nodes, constants | weights(w=(4, 4, 3, 3)))
        assert [layer.receptive_field for layer in found.values()] == [(1, 1), (16, 16), (16, 16), (16, 16)]
        assert found["turned"].input_shape == (16, 16, 4)

    def test_a_branch_that_takes_the_image_from_outside_is_a_layer(self, tmp_path):
        ways = {
            way: helper.make_graph(
                [helper.make_node(op, ["image"], [way])], way, [], [helper.make_tensor_value_info(way, 1, None)]
            )
            for way, op in (("yes", "Relu"), ("no", "Neg"))
        }
        nodes = [
            ("If", ["choice"], ["chosen"], {"then_branch": ways["yes"], "else_branch": ways["no"]}),
            ("Relu", ["chosen"], ["relu"], {}),
        ]
        found = layers_of(tmp_path, nodes, {"choice": np.array(True)})
        assert [layer.output_shape for layer in found.values()] == [(16, 16, 4)] * 2
        assert [layer.multiply_adds for layer in found.values()] == [None, 0]

    def test_joined_channels_see_what_either_sees_and_joined_rows_have_no_single_field(self, tmp_path):
        conv = ("Conv", ["image", "w"], ["conv"], {"pads": [2, 2, 2, 2]})
        for axis, field in ((1, (5, 5)), (-3, (5, 5)), (2, None)):
            nodes = [conv, ("Concat", ["image", "conv"], ["both"], {"axis": axis})]
            assert layers_of(tmp_path, nodes, weights(w=(4, 4, 5, 5)))["both"].receptive_field == field

    def test_padding_moves_the_field_and_mirroring_leaves_none(self, tmp_path):
        pads = {"pads": np.array([0, 0, 1, 2, 0, 0, 1, 2])}
        held = weights(w=(2, 4, 3, 5))
        nodes = [("Pad", ["image", "pads"], ["pad"], {}), ("Conv", ["pad", "w"], ["conv"], {})]
        after = [("Flatten", ["conv"], ["flat"], {}), ("Gemm", ["flat", "d"], ["dense"], {})]
        found = layers_of(tmp_path, nodes + after, held | pads | weights(d=(512, 3)))
        assert (found["conv"].output_shape, found["conv"].receptive_field) == ((16, 16, 2), (3, 5))
        assert (found["dense"].receptive_field, found["pad"].parameters) == ((16, 16), 0)
        # Two rows taken away in front and seven at the end: seven rows are left to see.
        crop = {"pads": np.array([0, 0, -2, 0, 0, 0, -7, 0])}
        nodes = [nodes[0], ("Flatten", ["pad"], ["flat"], {}), ("Gemm", ["flat", "d"], ["dense"], {})]
        found = layers_of(tmp_path, nodes, crop | weights(d=(4 * 7 * 16, 3)))
        assert found["dense"].receptive_field == (7, 16)
        mirrored = [("Pad", ["image", "pads"], ["pad"], {"mode": "reflect"})]
        assert layers_of(tmp_path, mirrored, pads)["pad"].receptive_field is None

    def test_channels_may_be_shuffled_and_put_last(self, tmp_path):
        sizes = {"split": np.array([1, 2, 2, 16, 16]), "merged": np.array([1, 4, 16, 16])}
        nodes = [
            ("Conv", ["image", "w"], ["conv"], {"pads": [1, 1, 1, 1]}),
            ("Reshape", ["conv", "split"], ["groups"], {}),
            ("Transpose", ["groups"], ["swapped"], {"perm": [0, 2, 1, 3, 4]}),
            ("Reshape", ["swapped", "merged"], ["shuffled"], {}),
            ("Conv", ["shuffled", "w"], ["again"], {"pads": [1, 1, 1, 1]}),
            ("Transpose", ["again"], ["last"], {"perm": [0, 2, 3, 1]}),
            ("Transpose", ["last"], ["first"], {"perm": [0, 3, 1, 2]}),
            ("MaxPool", ["first"], ["pool"], {"kernel_shape": [2, 2]}),
            ("Reshape", ["last", "merged"], ["torn"], {}),
            ("MaxPool", ["torn"], ["lost"], {"kernel_shape": [2, 2]}),
        ]
        found = layers_of(tmp_path, nodes, weights(w=(4, 4, 3, 3)) | sizes)
        fields = [found[name].receptive_field for name in ("shuffled", "again", "last", "pool", "lost")]
        assert fields == [(3, 3), (5, 5), (5, 5), (6, 6), None]
        assert found["again"].parameter_arithmetic == "3·3·4·4 = 144, of them 144 counted in an earlier layer"
        assert found["shuffled"].multiply_adds == 0

    def test_shapes_are_written_with_the_channels_last_wherever_they_are(self, tmp_path):
        nodes = [
            ("Transpose", ["image"], ["last"], {"perm": [0, 2, 3, 1]}),
            ("Relu", ["last"], ["relu"], {}),
            ("Transpose", ["relu"], ["first"], {"perm": [0, 3, 1, 2]}),
        ]
        found = layers_of(tmp_path, nodes, given=(1, 4, 16, 12))
        assert {layer.input_shape for layer in found.values()} == {(16, 12, 4)}
        assert {layer.output_shape for layer in found.values()} == {(16, 12, 4)}

    def test_averaging_rows_and_columns_is_pooling(self, tmp_path):
        for keep, shape in ((1, (1, 1, 4)), (0, (4,))):
            layer = layers_of(tmp_path, [("ReduceMean", ["image"], ["mean"], {"axes": [2, 3], "keepdims": keep})])[
                "mean"
            ]
            assert (layer.output_shape, layer.receptive_field, layer.multiply_adds) == (shape, (16, 16), 0)
        layer = layers_of(tmp_path, [("ReduceMean", ["image"], ["mean"], {"axes": [1]})])["mean"]
        assert layer.receptive_field is None

    def test_what_is_made_of_a_template_sees_what_the_template_sees(self, tmp_path):
        nodes = [
            ("Flatten", ["image"], ["flat"], {}),
            ("Gemm", ["flat", "w"], ["template"], {}),
            ("ReduceL2", ["template"], ["length"], {"axes": [1]}),
            ("Div", ["template", "length"], ["unit"], {}),
        ]
        found = layers_of(tmp_path, nodes, weights(w=(1024, 8)))
        assert [found[name].receptive_field for name in ("length", "unit")] == [(16, 16)] * 2
        assert (found["length"].multiply_adds, found["unit"].multiply_adds) == (8, 8)


class TestReading:
    def test_what_is_read_beside_the_pooling_is_not_unread(self, tmp_path):
        pool = ("MaxPool", ["relu"], ["pool"], {"kernel_shape": [5, 6], "strides": [5, 6]})
        nodes = [("Relu", ["image"], ["relu"], {}), pool]
        assert layers_of(tmp_path, nodes)["relu"].unread == (1, 4)
        assert layers_of(tmp_path, [*nodes, ("Neg", ["relu"], ["rest"], {})])["relu"].unread == (0, 0)
        assert layers_of(tmp_path, [*nodes, ("Add", ["image", "relu"], ["sum"], {})])["relu"].unread == (0, 0)

    def test_an_operators_second_output_is_that_of_no_layer(self, tmp_path):
        nodes = [
            ("Split", ["image"], ["half", "rest"], {"axis": 1}),
            ("Relu", ["half"], ["first"], {}),
            ("Relu", ["rest"], ["second"], {}),
        ]
        found = layers_of(tmp_path, nodes)
        assert (found["first"].source, found["second"].source) == ("half", None)

    @pytest.mark.parametrize(
        ("limits", "rectifies"),
        [
            (["zero", "six"], True),
            (["zero"], True),
            (["zero", ""], True),
            (["one", "six"], False),
            (["", "six"], False),
            (["zero", "zero"], False),
        ],
    )
    def test_a_clip_from_0_is_a_relu(self, tmp_path, limits, rectifies):
        held = {name: np.array(value, np.float32) for value, name in enumerate(("zero", "one"))}
        nodes = [("Clip", ["image", *limits], ["clip"], {})]
        assert layers_of(tmp_path, nodes, held | {"six": np.array(6, np.float32)})["clip"].rectifies == rectifies

    def test_the_limits_of_an_early_clip_are_settings(self, tmp_path):
        path = write(tmp_path / "old.onnx", [("Clip", ["image"], ["clip"], {"min": 0.0, "max": 6.0})])
        model = onnx.load(path)
        model.opset_import[0].version = 9
        onnx.save(model, path)
        assert anatomy(path, (8, 8))["clip"].rectifies


class TestCounting:
    def test_a_dense_layer_of_two_operators(self, tmp_path):
        nodes = [
            ("Flatten", ["image"], ["flat"], {}),
            ("MatMul", ["flat", "w"], ["dense"], {}),
            ("Add", ["dense", "b"], ["bias"], {}),
        ]
        found = layers_of(tmp_path, nodes, weights(w=(1024, 3), b=(3,)))
        assert found["dense"].parameter_arithmetic == "1024·3 = 3,072"
        assert found["dense"].multiply_add_arithmetic == "1024·3 = 3,072"
        assert (found["bias"].parameters, found["bias"].multiply_adds) == (3, 0)
        assert found["bias"].receptive_field == (16, 16)

    def test_every_way_to_write_a_dense_layer(self, tmp_path):
        flat = ("Flatten", ["image"], ["flat"], {})
        for settings, shape in (({}, (1024, 3)), ({"transB": 1}, (3, 1024))):
            nodes = [flat, ("Gemm", ["flat", "w", "b"], ["dense"], settings)]
            layer = layers_of(tmp_path, nodes, weights(w=shape, b=(3,)))["dense"]
            assert layer.parameter_arithmetic == "(1024 + 1)·3 = 3,075"
            assert layer.multiply_adds == 3072

    def test_two_maps_multiplied_as_matrices(self, tmp_path):
        layer = layers_of(tmp_path, [("MatMul", ["image", "image"], ["product"], {})])["product"]
        assert (layer.parameters, layer.multiply_adds, layer.receptive_field) == (0, 4 * 16 * 16 * 16, None)

    def test_a_convolution_that_does_not_tell_its_kernel(self, tmp_path):
        nodes = [("Conv", ["image", "w", "b"], ["conv"], {"group": 2, "dilations": [2, 1]})]
        layer = layers_of(tmp_path, nodes, weights(w=(6, 2, 3, 2), b=(6,)))["conv"]
        assert layer.parameter_arithmetic == "(3·2·2 + 1)·6 = 78"
        assert layer.multiply_add_arithmetic == "12·15·6·12 = 12,960"
        assert layer.receptive_field == (5, 2)

    def test_a_convolution_with_a_kernel_that_is_made_is_not_counted(self, tmp_path):
        nodes = [("Neg", ["w"], ["made"], {}), ("Conv", ["image", "made"], ["conv"], {})]
        layer = layers_of(tmp_path, nodes, weights(w=(2, 4, 3, 3)))["conv"]
        assert (layer.parameters, layer.multiply_adds, layer.receptive_field) == (72, None, None)

    def test_constants_of_the_arithmetic_are_no_parameters(self, tmp_path):
        nodes = [
            ("Sub", ["image", "mean"], ["centred"], {}),
            ("Mul", ["centred", "scale"], ["scaled"], {}),
            ("Clip", ["scaled", "low"], ["clipped"], {}),
            ("Mul", ["clipped", "gain"], ["gained"], {}),
        ]
        held = {name: np.array(0.5, np.float32) for name in ("mean", "scale", "low")}
        found = layers_of(tmp_path, nodes, held | weights(gain=(4, 1, 1)))
        assert [layer.parameters for layer in found.values()] == [0, 0, 0, 4]
        assert [layer.multiply_adds for layer in found.values()] == [0, 1024, 0, 1024]

    def test_an_unknown_operator_is_said_not_to_be_counted(self, tmp_path):
        nodes = [
            ("LRN", ["image"], ["odd"], {"size": 3}),
            ("Conv", ["odd", "w"], ["conv"], {}),
        ]
        found = anatomy(write(tmp_path / "net.onnx", nodes, weights(w=(2, 4, 3, 3)), (1, 4, 8, 8)), (4, 8, 8))
        odd, conv = found.layers
        assert (odd.multiply_adds, odd.multiply_add_arithmetic, odd.receptive_field) == (None, "not counted", None)
        assert (conv.multiply_adds, conv.receptive_field) == (6 * 6 * 2 * 36, None)
        assert found.not_counted == ("odd",)

    def test_numbers_that_no_operator_uses_are_in_the_total(self, tmp_path):
        path = write(tmp_path / "n.onnx", [("Relu", ["image"], ["r"], {})], weights(unused=(7,)), (1, 1, 4, 4))
        found = anatomy(path, (4, 4))
        assert (found.parameters, found.parameters_elsewhere) == (7, 7)

    def test_channels_may_be_split_and_rows_then_have_no_single_field(self, tmp_path):
        for axis, shape, field in ((1, (14, 14, 2), (3, 3)), (2, (7, 14, 4), None)):
            nodes = [
                ("Conv", ["image", "w"], ["conv"], {}),
                ("Split", ["conv"], ["half", "rest"], {"axis": axis}),
                ("Relu", ["rest"], ["relu"], {}),
            ]
            relu = layers_of(tmp_path, nodes, weights(w=(4, 4, 3, 3)))["relu"]
            assert (relu.input_shape, relu.output_shape, relu.receptive_field) == (shape, shape, field)


def touched(path, size, layer, row):
    """Return the rows of the image that change a row of a layer's output, by trying each."""
    images = np.zeros((size + 1, 1, size, size), np.float32)
    images[range(1, size + 1), :, range(size)] = 1
    maps = trace(path, images, [layer])[layer]
    return {place for place in range(size) if np.any(maps[place + 1, :, row] != maps[0, :, row])}
