"""Also tests ``inspection/measures/sensitivity_sentences.py``."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from faceloupe.errors import InputError
from faceloupe.faces.perturbations import shift
from faceloupe.inspection import shift_sensitivity, trace
from faceloupe.training.networks import CNN, FCNN
from helpers.toy_networks import CONVOLUTIONS, Block


@pytest.fixture
def faces():
    """Rough noise in the middle, nothing around it: a shift of up to 8 pixels is a turn of the whole picture."""
    images = np.zeros((5, 1, 40, 40), dtype=np.float32)
    images[:, :, 12:28, 12:28] = np.random.default_rng(0).random((5, 1, 16, 16), dtype=np.float32)
    return images


def some(*shape):
    return np.random.default_rng(0).random(shape)


def between_faces(output):
    """Root mean square distance of the outputs for two different captures, pair by pair."""
    pairs = [(i, j) for i in range(len(output)) for j in range(len(output)) if i != j]
    return np.sqrt(np.mean([np.sum((output[i] - output[j]).astype(float) ** 2) for i, j in pairs]))


@pytest.mark.parametrize("distance", [-8, -3, 1, 4])
def test_the_numbers_are_those_of_shifting_by_hand(distance):
    """With `faces.perturbations.shift`, layer by layer, in NumPy."""
    images = np.random.default_rng(1).random((4, 24, 24), dtype=np.float32)
    network = CNN((24, 24))
    still = trace(network, images[:, None])
    right, down = (trace(network, shift(images, *step)[:, None]) for step in ((distance, 0), (0, distance)))
    found = shift_sensitivity(network, images[:, None], [distance])
    for name, output in still.items():
        moved = np.sqrt(np.mean([np.sum((one[name] - output).astype(float) ** 2) / 4 for one in (right, down)]))
        assert found[name].change == pytest.approx((moved / between_faces(output),), rel=1e-4), name


def test_a_convolution_moves_round_content_that_is_surrounded_by_nothing(faces):
    """The convolution theorem says what circular content gives; no border is involved."""
    conv = nn.Conv2d(1, 3, 5, padding="same", padding_mode="circular", bias=False)
    spectrum = np.fft.fft2(faces[:, 0])[:, None] * np.conj(
        np.fft.fft2(np.roll(np.pad(conv.weight.detach().numpy()[:, 0], ((0, 0), (0, 35), (0, 35))), (-2, -2), (1, 2)))
    )
    maps = np.fft.ifft2(spectrum).real
    np.testing.assert_allclose(trace(nn.Sequential(conv), faces)["0"], maps, atol=1e-5)
    found = shift_sensitivity(nn.Sequential(conv), faces, [-8, 3, 8])["0"]
    assert found.largest_error < 1e-6
    for distance, change in zip((-8, 3, 8), found.change, strict=True):
        # Right and down are alike in squares: the mean of both.
        squares = [np.sum((np.roll(maps, distance, axis) - maps) ** 2) / 5 for axis in (2, 3)]
        assert change == pytest.approx(np.sqrt(np.mean(squares)) / between_faces(maps), rel=1e-4)


@settings(max_examples=40)
@given(
    **CONVOLUTIONS,
    distance=st.integers(-6, 6).filter(bool),
    seed=st.integers(0, 1000),
)
def test_a_convolution_alone_moves_with_the_face_exactly(kernel, stride, padding, dilation, distance, seed):
    images = np.random.default_rng(seed).standard_normal((2, 1, 25, 28)).astype(np.float32)
    conv = nn.Conv2d(1, 2, kernel, stride, padding=min(padding, kernel // 2), dilation=dilation)
    layer = shift_sensitivity(nn.Sequential(conv), images, [distance])["0"]
    assert layer.stride == (stride, stride)
    if distance % stride:
        assert layer.equivariance_error == (None,)
    else:
        assert layer.equivariance_error[0] < 1e-6


def test_a_map_with_a_place_of_its_own_does_not_move_along(faces):
    """The error is no constant 0: a convolution that also sees a fixed map is caught, with the norm of that map."""

    class Placed(nn.Conv2d):
        def forward(self, x):
            y = super().forward(x)
            return y + torch.arange(y.shape[3])

    Placed.__module__ = "torch.nn.modules.conv"
    Placed.__name__ = "Conv2d"
    network = nn.Sequential(Placed(1, 1, 1, bias=False))
    nn.init.zeros_(network[0].weight)
    found = shift_sensitivity(network, faces, [2])["0"]
    # Of one axis: the columns 2 to 39 differ by 2; along the rows nothing differs.
    expected = np.sqrt(38 * 4 / (np.sum(np.arange(40) ** 2) * 38 / 40 + np.sum(np.arange(38) ** 2)))
    assert found.equivariance_error == (pytest.approx(expected),)
    assert found.change == (None,)


def test_what_a_layer_cannot_follow_is_not_called_an_error(faces):
    found = shift_sensitivity(CNN((40, 40)), faces, [1, 2, 4, 36])
    assert [error is None for error in found["pool"].equivariance_error] == [True, True, False, True]
    assert found["flatten"].equivariance_error == (None,) * 4
    assert found["flatten"].stride is None
    assert found["flatten"].change == found["pool"].change


def test_pooling_forgives_and_the_dense_layers_have_no_places(faces):
    network = CNN((40, 40))
    found = shift_sensitivity(network, faces, [-4, -1, 1, 4])
    assert [layer.name for layer in found.layers] == ["image", *trace(network, faces)]
    conv, pool, dense = found.words
    assert conv.startswith("conv and conv_relu: move with the face pixel by pixel. After a shift of 1 and 4 px")
    assert pool.startswith("pool: moves with the face in steps of 4 pixels. After a shift of 4 px")
    forgiven = 1 - np.mean(found["pool"].change[1:3]) / np.mean(found["conv_relu"].change[1:3])
    assert forgiven > 0
    assert pool.endswith(f": {100 * forgiven:.0f} % is forgiven.")
    assert dense.startswith(
        "flatten, hidden, hidden_relu and output: every position of pool becomes a number of its own"
    )
    assert f"hidden by {np.mean(found['hidden'].change[1:3]):.2f} and " in dense


def test_the_words_of_a_fully_connected_network_begin_with_the_image(faces):
    [words] = shift_sensitivity(FCNN((40, 40)), faces, [1, 2]).words
    assert "every position of the image becomes a number of its own" in words
    assert "A shift of 1 and 2 px changes the image by" in words


def test_a_layer_that_says_nothing_has_no_change(faces):
    network = FCNN((40, 40))
    nn.init.constant_(network.hidden.weight, -1.0)
    nn.init.constant_(network.output.bias, 0.1)
    found = shift_sensitivity(network, faces, [1])
    assert found["hidden_relu"].change == found["output"].change == (None,)
    assert found.words[0].endswith("relu and output put out the same for all faces.")


def test_steps_may_differ_by_rows_and_columns(faces):
    network = nn.Sequential(nn.Conv2d(1, 2, 3, stride=(2, 3)))
    found = shift_sensitivity(network, faces, [2, 3, 6])
    assert [error is None for error in found["0"].equivariance_error] == [True, True, False]
    assert "in steps of 2 by 3 pixels. After a shift of 6 px" in found.words[0]
    [alone] = shift_sensitivity(network, faces, [2]).words
    assert "because no shift is one of whole steps of 2 by 3 pixels inside the map" in alone


def test_where_the_stride_is_unknown_that_is_said(faces):
    network = nn.Sequential(nn.Upsample(scale_factor=2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    unknown, placeless = shift_sensitivity(network, faces, [1]).words
    assert unknown.startswith(
        "0 and 1: whether the output moves along is not measured, because the stride is not known."
    )
    assert placeless.startswith("2: no positions that could move along.")


def test_an_onnx_network_gets_the_numbers_and_words_of_its_torch_twin(faces, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from helpers.onnx_files import block_as_onnx

    three = np.repeat(faces, 3, axis=1)
    block = Block().eval()
    found = shift_sensitivity(block_as_onnx(tmp_path / "block.onnx", block, ["N", 3, 40, 40]), three, [-4, 1, 2])
    for theirs in shift_sensitivity(block, three, [-4, 1, 2]).layers:
        ours = found[theirs.name]
        assert (ours.shape, ours.stride) == (theirs.shape, theirs.stride)
        assert ours.change == pytest.approx(theirs.change, rel=1e-4, abs=1e-4)
        assert ours.equivariance_error == pytest.approx(theirs.equivariance_error, abs=1e-5)
    assert [error is None for error in found["sum"].equivariance_error] == [False, True, False]
    assert found["sum"].largest_error < 1e-5
    assert "first, relu, second, norm, short and sum: move with the face in steps of 2 pixels." in " ".join(found.words)


def test_only_the_layers_asked_for(faces):
    found = shift_sensitivity(CNN((40, 40)), faces, [1], layers=["pool", "output"])
    assert [layer.name for layer in found.layers] == ["image", "pool", "output"]
    with pytest.raises(KeyError, match="the layers are image, pool, output"):
        found["conv"]
    with pytest.raises(InputError, match="no layer 'nose'"):
        shift_sensitivity(CNN((40, 40)), faces, [1], layers=["nose"])


def test_brightness_of_the_captures_does_not_matter():
    """Centred pixels are moved like the others: the ruler is the difference between faces, not the norm."""
    images = np.random.default_rng(2).random((4, 1, 24, 24), dtype=np.float32)
    one, other = (shift_sensitivity(nn.Sequential(nn.Identity()), pixels, [3]) for pixels in (images, images - 0.5))
    assert one["image"].change == pytest.approx(other["image"].change, rel=1e-4)


def test_the_numbers_are_a_document_and_a_table(faces):
    found = shift_sensitivity(CNN((40, 40)), faces, [1, 4])
    document = json.loads(json.dumps(found.to_document(), allow_nan=False))
    assert document["layers"][3]["name"] == "pool"
    assert document["layers"][3]["equivariance_error"][0] is None
    assert document["words"] == list(found.words)
    assert repr(found) == "ShiftSensitivity(7 layers, 5 faces, pixels=(1, 4))"
    assert len(str(found).splitlines()) == 10
    assert f"{found['pool'].change[1]:.2f} (0)" in str(found)


@pytest.mark.parametrize(
    ("images", "pixels", "words"),
    [
        (some(2, 8, 8), [1], "faces"),
        (some(1, 1, 8, 8), [1], "at least 2"),
        (np.ones((3, 1, 8, 8)), [1], "that differ"),
        (some(2, 1, 8, 9), [8], "between -8 and 8"),
        (some(2, 1, 8, 8), [], "pixels"),
        (some(2, 1, 8, 8), [0.5], "whole numbers"),
    ],
)
def test_what_cannot_be_shifted_is_refused(images, pixels, words):
    with pytest.raises(InputError, match=words):
        shift_sensitivity(nn.Sequential(nn.Flatten()), images, pixels)
