import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from faceloupe.arrays import decode_array
from faceloupe.errors import InputError
from faceloupe.inspection import top_patches, trace
from faceloupe.training.networks import CNN, FCNN
from helpers.toy_networks import CONVOLUTIONS, Block


@pytest.fixture
def faces():
    return np.random.default_rng(0).random((12, 1, 20, 20), dtype=np.float32) - 0.5


def test_the_patches_are_those_of_a_search_through_everything(faces):
    network = CNN((20, 20))
    kernel, bias = network.conv.weight.detach().numpy()[1, 0], network.conv.bias.detach().numpy()[1]
    everything = []
    for capture, face in enumerate(faces[:, 0]):
        values = {(r, c): np.sum(face[r : r + 8, c : c + 8] * kernel) + bias for r in range(13) for c in range(13)}
        place = max(values, key=values.get)
        everything.append((values[place], capture, place))
    everything.sort(reverse=True)
    found = top_patches(network, faces, "conv", 1, k=5)
    assert [(patch.capture, patch.position) for patch in found] == [one[1:] for one in everything[:5]]
    assert [patch.value for patch in found] == pytest.approx([one[0] for one in everything[:5]], abs=1e-5)
    for patch in found:
        (row, column), face = patch.corner, faces[patch.capture]
        assert patch.corner == patch.position
        np.testing.assert_array_equal(patch.pixels, face[:, row : row + 8, column : column + 8])


@settings(max_examples=30)
@given(
    **CONVOLUTIONS,
    channels=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_the_patch_alone_gives_the_value(kernel, stride, padding, dilation, channels, seed):
    """With the padding filled in, the kernel on the patch is what the unit put out."""
    images = np.random.default_rng(seed).standard_normal((3, channels, 11, 13)).astype(np.float32)
    conv = nn.Conv2d(channels, 2, kernel, stride, padding=min(padding, kernel // 2), dilation=dilation)
    weight, bias = conv.weight.detach().numpy()[1], conv.bias.detach().numpy()[1]
    for patch in top_patches(nn.Sequential(conv), images, "0", 1):
        seen = np.nan_to_num(patch.pixels)[:, ::dilation, ::dilation]
        assert patch.value == pytest.approx(np.sum(seen * weight) + bias, abs=1e-4)


def test_behind_the_pooling_the_patch_gives_the_value_too(faces):
    network = CNN((20, 20))
    for patch in top_patches(network, faces, "pool", 2):
        assert patch.pixels.shape == (1, 11, 11)
        assert patch.corner == (4 * patch.position[0], 4 * patch.position[1])
        again = trace(nn.Sequential(network.conv, network.conv_relu, network.pool), patch.pixels[None])
        assert again["2"][0, 2, 0, 0] == pytest.approx(patch.value, abs=1e-6)


def test_what_lies_in_the_padding_is_no_number():
    images = np.zeros((1, 1, 5, 5), dtype=np.float32)
    images[0, 0, 0, 0] = 1.0
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.constant_(conv.weight, 0.0)
    conv.weight.data[0, 0, 1, 1] = 1.0
    [patch] = top_patches(nn.Sequential(conv), images, "0", 0)
    assert patch.corner == (-1, -1)
    assert np.isnan(patch.pixels[0]).tolist() == [[True, True, True], [True, False, False], [True, False, False]]
    assert patch.pixels[0, 1, 1] == 1


def test_a_dense_unit_sees_the_whole_face(faces):
    found = top_patches(FCNN((20, 20)), faces, "hidden", 0, k=3)
    outputs = trace(FCNN((20, 20)), faces)["hidden"][:, 0]
    assert [patch.capture for patch in found] == np.argsort(-outputs)[:3].tolist()
    np.testing.assert_array_equal(found[0].pixels, faces[found[0].capture])
    assert found[0].position == (0, 0)


def test_at_most_one_patch_a_capture_and_none_where_nothing_excites(faces):
    network = CNN((20, 20))
    assert len({patch.capture for patch in top_patches(network, faces, "conv", 0, k=99)}) == 12
    network.conv.bias.data[0] = -100.0
    assert top_patches(network, faces, "conv_relu", 0) == ()
    assert len(top_patches(network, faces, "conv", 0)) == 9
    network.conv.bias.data[0] = -float(trace(network, faces)["conv"][:, 0].max(axis=(1, 2)).mean()) - 100
    heard = (trace(network, faces)["conv_relu"][:, 0] > 0).any(axis=(1, 2))
    assert 0 < heard.sum() < 12
    assert {patch.capture for patch in top_patches(network, faces, "conv_relu", 0, k=12)} == set(np.flatnonzero(heard))


@pytest.mark.parametrize(
    ("layer", "unit", "k", "words"),
    [
        ("nose", 0, 9, "no layer 'nose'"),
        ("conv", 4, 9, "a unit from 0 to 3"),
        ("conv", -1, 9, "a unit"),
        ("conv", 0, 0, "k"),
    ],
)
def test_what_cannot_be_asked_is_refused(layer, unit, k, words, faces):
    with pytest.raises(InputError, match=words):
        top_patches(CNN((20, 20)), faces, layer, unit, k)


def test_a_layer_that_looks_nobody_knows_where_is_refused(faces):
    network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, 3))
    with pytest.raises(InputError, match="unknown"):
        top_patches(network, faces, "2", 0)


def test_of_an_onnx_network_with_a_short_way_the_patch_alone_gives_the_value(tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from helpers.onnx_files import block_as_onnx

    images = np.random.default_rng(0).standard_normal((6, 3, 24, 24)).astype(np.float32)
    block = Block().eval()
    path = block_as_onnx(tmp_path / "block.onnx", block, ["N", 3, "H", "W"])
    found = top_patches(path, images, "sum", 5)
    assert [patch.capture for patch in top_patches(block, images, "norm", 5)] != []
    assert {patch.pixels.shape for patch in found} == {(3, 9, 9)}
    for patch in found:
        alone = np.zeros_like(images[:1])
        rows, columns = (slice(max(0, first), first + 9) for first in patch.corner)
        alone[:, :, rows, columns] = images[patch.capture][:, rows, columns]
        again = trace(path, alone)["sum"][0, 5, *patch.position]
        assert again == pytest.approx(patch.value, abs=1e-5)
    assert found[0].value == pytest.approx(trace(path, images)["sum"][:, 5].max())


def test_patches_are_a_tuple_and_a_document_that_names_their_unit(faces):
    patches = top_patches(CNN((20, 20)), faces, "conv", 2, k=3)
    assert isinstance(patches, tuple)
    assert (patches.layer, patches.unit) == ("conv", 2)
    document = patches.to_document()
    assert (document["schema"], document["layer"], document["unit"]) == ("faceloupe.patches/1", "conv", 2)
    assert document["patches"] == [patch.to_document() for patch in patches]


def test_a_patch_is_a_document(faces):
    patch = top_patches(CNN((20, 20)), faces, "conv", 0, k=1)[0]
    document = json.loads(json.dumps(patch.to_document()))
    np.testing.assert_array_equal(decode_array(document["pixels"]), patch.pixels)
    assert "from 8×8 pixels at row" in repr(patch)
