import hashlib
import os
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from faceloupe.errors import InputError, UnavailableError
from faceloupe.inspection import OnnxNetwork, anatomy, trace

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, numpy_helper  # noqa: E402

from helpers.onnx_files import of_layers, write  # noqa: E402

SFACE = Path(os.environ.get("FACELOUPE_WEIGHTS", "")) / "face_recognition_sface_2021dec.onnx"


def small_layers():
    """Return one layer of every kind that the writer knows, with batch statistics that are not those at the start."""
    torch.manual_seed(0)
    layers = OrderedDict(
        conv=nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
        norm=nn.BatchNorm2d(8),
        prelu=nn.PReLU(8),
        depthwise=nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8),
        clip=nn.ReLU6(),
        pool=nn.MaxPool2d(2, ceil_mode=True),
        point=nn.Conv2d(8, 12, 1),
        leaky=nn.LeakyReLU(0.1),
        average=nn.AvgPool2d(2),
        sigmoid=nn.Sigmoid(),
        whole=nn.AdaptiveAvgPool2d(1),
        drop=nn.Dropout(),
        flat=nn.Flatten(),
        hidden=nn.Linear(12, 6),
        hidden_norm=nn.BatchNorm1d(6),
        relu=nn.ReLU(),
        output=nn.Linear(6, 2, bias=False),
    )
    for layer in layers.values():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.uniform_(layer.weight, -1, 1)
            nn.init.uniform_(layer.bias, -1, 1)
    nn.init.uniform_(layers["prelu"].weight)
    return layers


@pytest.fixture
def faces():
    return np.random.default_rng(0).random((3, 3, 21, 18), dtype=np.float32)


@pytest.fixture
def file(tmp_path):
    return of_layers(tmp_path / "small.onnx", small_layers(), [1, 3, 21, 18])


class TestAgainstTorch:
    def test_every_layer_puts_out_the_same(self, file, faces):
        theirs = trace(nn.Sequential(small_layers()), faces)
        ours = OnnxNetwork(file).trace(faces)
        assert list(ours) == list(theirs)
        assert ours.sides == theirs.sides != {}
        for name, output in theirs.items():
            assert ours[name].dtype == np.float32
            np.testing.assert_allclose(ours[name], output, atol=1e-5, err_msg=name)

    def test_running_gives_the_last_layers_output(self, file, faces):
        with torch.no_grad():
            expected = nn.Sequential(small_layers()).eval()(torch.from_numpy(faces)).numpy()
        network = OnnxNetwork(file)
        found = network.run(faces)
        assert (found.shape, found.dtype) == ((3, 2), np.float32)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        np.testing.assert_allclose(network.run(torch.from_numpy(faces)), found, atol=0)

    @settings(max_examples=25)
    @given(
        steps=st.lists(
            st.tuples(
                st.sampled_from(["conv", "depthwise", "max", "average", "norm", "relu"]),
                st.integers(1, 3),
                st.integers(1, 2),
                st.integers(1, 2),
                st.integers(0, 1),
            ),
            min_size=1,
            max_size=5,
        ),
        rows=st.integers(24, 30),
    )
    def test_random_stacks_agree_layer_by_layer_and_in_their_anatomy(self, tmp_path_factory, steps, rows):
        torch.manual_seed(len(steps))
        made = {
            "conv": lambda kernel, *rest: nn.Conv2d(4, 4, kernel, rest[0], rest[2], rest[1]),
            "depthwise": lambda kernel, *rest: nn.Conv2d(4, 4, kernel, rest[0], rest[2], rest[1], 2, bias=False),
            "max": lambda kernel, stride, *_: nn.MaxPool2d(kernel, stride),
            "average": lambda kernel, stride, *_: nn.AvgPool2d(kernel, stride),
            "norm": lambda *_: nn.BatchNorm2d(4),
            "relu": lambda *_: nn.ReLU(),
        }
        layers = {str(place): made[kind](*numbers) for place, (kind, *numbers) in enumerate(steps)}
        network = nn.Sequential(*layers.values())
        images = np.random.default_rng(0).normal(size=(2, 4, rows, 25)).astype(np.float32)
        try:
            theirs = trace(network, images)
        except InputError:  # the maps became too small
            return
        file = of_layers(tmp_path_factory.mktemp("stacks") / "stack.onnx", layers, ["N", 4, rows, "W"])
        ours = trace(file, images)
        for name, output in theirs.items():
            np.testing.assert_allclose(ours[name], output, atol=1e-5)
        one, other = anatomy(file, (4, rows, 25)), anatomy(network, (4, rows, 25))
        assert one.to_document()["layers"] == [
            document | {"kind": layer.kind}
            for document, layer in zip(other.to_document()["layers"], one.layers, strict=True)
        ]
        assert (one.parameters, one.multiply_adds) == (other.parameters, other.multiply_adds)

    def test_many_captures_come_back_in_their_order(self, file):
        faces = np.random.default_rng(1).random((40, 3, 21, 18), dtype=np.float32)
        network = OnnxNetwork(file)
        one_by_one = np.concatenate([network.run(face[None]) for face in faces])
        np.testing.assert_array_equal(network.run(faces), one_by_one)


class TestWhatIsKept:
    def test_only_the_named_layers_in_the_order_of_running(self, file, faces):
        whole = trace(file, faces)
        some = trace(OnnxNetwork(file), torch.from_numpy(faces), layers=["relu", "conv"])
        assert list(some) == ["conv", "relu"]
        assert all(np.allclose(some[name], whole[name], atol=1e-6) for name in some)

    def test_only_the_named_layers_leave_the_graph(self, file, faces):
        (outputs,) = OnnxNetwork(file).tensors(faces[:1], ["flat"])
        assert [output.shape for output in outputs] == [(1, 12)]

    def test_the_outputs_cannot_be_written(self, file, faces):
        with pytest.raises(ValueError, match="read-only"):
            OnnxNetwork(file).trace(faces)["conv"][:] = 0

    def test_an_unknown_name_is_answered_with_the_layers_the_closest_first(self, file, faces):
        with pytest.raises(InputError, match="no layer 'hiden'; the layers are hidden, hidden_norm, conv, norm, prelu"):
            trace(file, faces, layers=["conv", "hiden"])

    def test_no_name_at_all_is_refused(self, file, faces):
        with pytest.raises(InputError, match="expected names, got none"):
            trace(file, faces, layers=[])


class TestFiles:
    def test_weights_among_the_inputs_are_weights(self, tmp_path, faces):
        nodes, weights = of_layers(None, small_layers(), None, save=False)
        new = write(tmp_path / "new.onnx", nodes, weights, [1, 3, 21, 18])
        old = write(tmp_path / "old.onnx", nodes, weights, [1, 3, 21, 18], weights_as_inputs=True)
        np.testing.assert_array_equal(OnnxNetwork(old).run(faces), OnnxNetwork(new).run(faces))
        assert OnnxNetwork(old).input_shape == (3, 21, 18)

    def test_free_sizes_are_none_and_any_size_goes(self, tmp_path):
        network = OnnxNetwork(of_layers(tmp_path / "f.onnx", {"c": nn.Conv2d(3, 2, 3)}, ["N", 3, "H", "W"]))
        assert network.input_shape == (3, None, None)
        assert network.run(np.zeros((5, 3, 6, 7))).shape == (5, 2 * 4 * 5)
        assert repr(network).startswith("OnnxNetwork(f.onnx: 3×any×any -> 1 layers")

    def test_of_several_outputs_the_first_is_the_answer(self, tmp_path):
        nodes = [("Relu", ["image"], ["one"], {}), ("Neg", ["image"], ["other"], {})]
        network = OnnxNetwork(write(tmp_path / "two.onnx", nodes, answers=["other", "one"]))
        assert network.run(np.ones((1, 1, 8, 8))).tolist() == [[-1.0] * 64]
        assert network.layers == ("one", "other")

    def test_half_precision_is_answered_in_single(self, tmp_path):
        path = write(tmp_path / "half.onnx", [("Neg", ["image"], ["neg"], {})], kind=TensorProto.FLOAT16)
        network = OnnxNetwork(path)
        assert network.run(np.full((1, 1, 8, 8), 0.5)).dtype == np.float32
        assert network.trace(np.full((1, 1, 8, 8), 0.5))["neg"].tolist() == np.full((1, 1, 8, 8), -0.5).tolist()

    def test_captures_come_first_whatever_axis_a_layer_has_them_along(self, tmp_path):
        nodes = [("Transpose", ["image"], ["turned"], {"perm": [2, 0, 1, 3]}), ("Relu", ["turned"], ["relu"], {})]
        images = np.random.default_rng(0).random((2, 1, 8, 8), np.float32)
        found = trace(write(tmp_path / "t.onnx", nodes), images)["relu"]
        assert np.array_equal(found, images.transpose(0, 2, 1, 3))

    def test_nodes_without_a_name_go_by_their_output_and_names_are_told_apart(self, tmp_path):
        path = write(tmp_path / "n.onnx", [("Relu", ["image"], ["same"], {}), ("Neg", ["same"], ["end"], {})])
        model = onnx.load(path)
        model.graph.node[0].name, model.graph.node[1].name = "", "same"
        onnx.save(model, path)
        found = OnnxNetwork(path).trace(np.ones((1, 1, 8, 8)))
        assert {name: output.mean() for name, output in found.items()} == {"same": 1, "same (2)": -1}

    def test_constants_and_shapes_are_no_layers(self, tmp_path):
        minus_one = numpy_helper.from_array(np.array([-1]), "minus_one")
        nodes = [
            ("Constant", [], ["rest"], {"value": minus_one}),
            ("Shape", ["image"], ["shape"], {"end": 1}),
            ("Concat", ["shape", "rest"], ["target"], {"axis": 0}),
            ("Reshape", ["image", "target"], ["flat"], {}),
            ("Transpose", ["turned"], ["weight"], {}),
            ("MatMul", ["flat", "weight"], ["dense"], {}),
        ]
        weight = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
        path = write(tmp_path / "shapes.onnx", nodes, {"turned": weight}, ["N", 1, 8, 8])
        images = np.random.default_rng(1).random((2, 1, 8, 8), np.float32)
        found = trace(path, images)
        assert list(found) == ["flat", "dense"]
        np.testing.assert_allclose(found["dense"], images.reshape(2, -1) @ weight.T, rtol=1e-4)
        assert [layer.parameters for layer in anatomy(path, (8, 8)).layers] == [0, 192]

    def test_the_hash_is_that_of_the_file(self, file):
        assert OnnxNetwork(file).sha256 == hashlib.sha256(file.read_bytes()).hexdigest()

    def test_the_repr_tells_what_it_is_and_not_where(self, file):
        network = OnnxNetwork(str(file))
        assert network.path == file
        assert repr(network) == f"OnnxNetwork(small.onnx: 3×21×18 -> 17 layers, sha256 {network.sha256[:12]}…)"

    def test_weights_beside_the_file_are_read_and_hashed(self, tmp_path, file, faces):
        expected = OnnxNetwork(file).run(faces)
        model = onnx.load(file)
        onnx.save_model(model, tmp_path / "out.onnx", save_as_external_data=True, location="out.data", size_threshold=0)
        network = OnnxNetwork(tmp_path / "out.onnx")
        np.testing.assert_array_equal(network.run(faces), expected)
        data = bytearray((tmp_path / "out.data").read_bytes())
        data[3] ^= 1
        (tmp_path / "out.data").write_bytes(data)
        assert OnnxNetwork(tmp_path / "out.onnx").sha256 != network.sha256
        (tmp_path / "out.data").unlink()
        with pytest.raises(InputError, match="weights in a file beside it, which cannot be read"):
            OnnxNetwork(tmp_path / "out.onnx")


class TestRandomised:
    def test_weights_are_permuted_within_themselves_and_statistics_stay(self, file):
        network = OnnxNetwork(file)
        other = network.randomised(0)
        for name, tensor in network.graph.tensors.items():
            before, after = numpy_helper.to_array(tensor), other.graph.constant(name)
            assert before.shape == after.shape
            assert np.array_equal(np.sort(before, axis=None), np.sort(after, axis=None))
            kept = name.endswith((".mean", ".var", ".low", ".high"))
            assert np.array_equal(before, after) == kept, name

    def test_the_seed_decides_and_the_network_itself_stays(self, file, faces):
        network = OnnxNetwork(file)
        before = network.run(faces)
        one, same, other = (network.randomised(seed) for seed in (1, 1, 2))
        assert np.array_equal(one.run(faces), same.run(faces))
        assert one.sha256 == same.sha256
        assert len({network.sha256, one.sha256, other.sha256}) == 3
        assert np.abs(one.run(faces) - before).max() > 0.01
        assert np.array_equal(network.run(faces), before)
        assert np.abs(one.trace(faces)["output"] - one.run(faces)).max() < 1e-6
        assert "small.onnx, weights permuted with seed 1:" in repr(one)

    def test_a_biased_single_unit_and_scales_of_a_resize_are_told_apart(self, tmp_path):
        nodes = [
            ("Mul", ["image", "mean"], ["scaled"], {}),
            ("Resize", ["scaled", "", "scales"], ["larger"], {}),
            ("PRelu", ["larger", "slope"], ["prelu"], {}),
        ]
        held = {"mean": [0.5], "scales": [1, 1, 2, 3], "slope": [0.25]}
        weights = {name: np.array(values, np.float32) for name, values in held.items()}
        assert OnnxNetwork(write(tmp_path / "r.onnx", nodes, weights)).graph.weights == {"slope": 1}


class TestErrors:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", r"is not an ONNX file: it holds no graph \(0 bytes\)"),
            (b"not a network at all\n", "is not an ONNX file"),
            (b"PK\x03\x04 archive", "it looks like a file of torch.save: export the network with torch.onnx.export"),
        ],
    )
    def test_another_kind_of_file(self, tmp_path, content, message):
        (tmp_path / "bad.onnx").write_bytes(content)
        with pytest.raises(InputError, match=message):
            OnnxNetwork(tmp_path / "bad.onnx")

    @pytest.mark.parametrize("new", [True, False])
    def test_a_torch_file(self, tmp_path, new):
        torch.save(nn.Conv2d(1, 1, 3).state_dict(), tmp_path / "net.pt", _use_new_zipfile_serialization=new)
        with pytest.raises(InputError, match=r"looks like a file of torch\.save"):
            OnnxNetwork(tmp_path / "net.pt")

    @pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
    def test_part_of_a_file(self, tmp_path, file, share):
        content = file.read_bytes()
        (tmp_path / "part.onnx").write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError, match=r"part\.onnx"):
            OnnxNetwork(tmp_path / "part.onnx")

    def test_no_file(self, tmp_path):
        with pytest.raises(InputError, match="is not a file; give the path"):
            OnnxNetwork(tmp_path / "none.onnx")

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ([1, 10], r"expected one input \(N, C, H, W\), but it takes image \(1, 10\)"),
            ([8, 3, 9, 9], "takes exactly 8 captures at a time"),
        ],
    )
    def test_no_network_of_one_image(self, tmp_path, shape, message):
        with pytest.raises(InputError, match=message):
            OnnxNetwork(write(tmp_path / "n.onnx", [("Relu", ["image"], ["relu"], {})], given=shape))

    def test_integers(self, tmp_path):
        path = write(tmp_path / "i.onnx", [("Abs", ["image"], ["abs"], {})], kind=TensorProto.UINT8)
        with pytest.raises(InputError, match="takes numbers of type UINT8"):
            OnnxNetwork(path)

    def test_two_images(self, tmp_path):
        path = write(tmp_path / "two.onnx", [("Add", ["image", "other"], ["sum"], {})])
        model = onnx.load(path)
        model.graph.input.add().CopyFrom(model.graph.input[0])
        model.graph.input[1].name = "other"
        onnx.save(model, path)
        with pytest.raises(InputError, match=r"it takes image \(1, 1, 8, 8\), other \(1, 1, 8, 8\)"):
            OnnxNetwork(path)

    def test_an_operator_that_nobody_knows(self, tmp_path):
        with pytest.raises(InputError, match="ONNX Runtime cannot run it"):
            OnnxNetwork(write(tmp_path / "odd.onnx", [("Oddity", ["image"], ["odd"], {})]))

    @pytest.mark.parametrize("shape", [(3, 21, 18), (0, 3, 21, 18), (1, 1, 21, 18), (1, 3, 21, 19)])
    @pytest.mark.parametrize("look", [OnnxNetwork.run, OnnxNetwork.trace])
    def test_faces_of_another_size(self, file, look, shape):
        with pytest.raises(InputError, match=r"faces: small.onnx takes \(N, 3, 21, 18\) with N at least 1, got"):
            look(OnnxNetwork(file), np.zeros(shape))

    def test_an_anatomy_for_another_size(self, file):
        with pytest.raises(InputError, match=r"takes \(N, 3, 21, 18\)"):
            anatomy(file, (3, 20, 20))

    def test_faces_too_small_for_a_free_size(self, tmp_path):
        network = OnnxNetwork(of_layers(tmp_path / "f.onnx", {"c": nn.Conv2d(1, 1, 5)}, ["N", 1, "H", "W"]))
        with pytest.raises(InputError, match=r"f\.onnx cannot run on a capture of shape \(1, 3, 3\)"):
            network.run(np.zeros((1, 1, 3, 3)))

    @pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
    def test_a_missing_package_names_the_remedy(self, monkeypatch, file, package):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(UnavailableError, match=r"pip install 'faceloupe\[onnx\]'"):
            trace(file, np.zeros((1, 3, 21, 18)))


@pytest.mark.skipif(not SFACE.is_file(), reason="FACELOUPE_WEIGHTS names no folder with SFace")
def test_sface():
    network = OnnxNetwork(SFACE)
    assert network.sha256 == "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"
    assert network.input_shape == (3, 112, 112)
    face = np.random.default_rng(0).uniform(0, 255, (1, 3, 112, 112)).astype(np.float32)
    found = network.trace(face)
    assert (len(found), next(iter(found)), list(found)[-1]) == (88, "_minusscalar0", "fc1")
    np.testing.assert_allclose(found["fc1"], network.run(face), atol=1e-5)

    whole = anatomy(network, (3, 112, 112))
    model = onnx.load(SFACE)
    held = {tensor.name: numpy_helper.to_array(tensor).size for tensor in model.graph.initializer}
    no_weights = sum(size for name, size in held.items() if "_moving_" in name or name.startswith("scalar_op"))
    assert whole.parameters == sum(held.values()) - no_weights == 9_642_880
    assert whole.parameters_elsewhere == 0
    assert whole.not_counted == ()
    assert whole.multiply_adds == multiply_adds(model) == 584_312_192
    assert whole.layers[-1].receptive_field == (112, 112)


def multiply_adds(model):
    """Count by ONNX's own shape inference: a product for each weight used, for each value scaled."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    size = {
        value.name: np.prod([dim.dim_value for dim in value.type.tensor_type.shape.dim])
        for value in (*inferred.value_info, *inferred.output, *inferred.input)
    }
    weights = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    each = {
        "Conv": lambda node: np.prod(weights[node.input[1]][1:]),
        "Gemm": lambda node: weights[node.input[1]][1],
        **dict.fromkeys(["BatchNormalization", "PRelu", "Mul"], lambda _: 1),
    }
    return sum(
        int(size[node.output[0]] * each[node.op_type](node)) for node in model.graph.node if node.op_type in each
    )
