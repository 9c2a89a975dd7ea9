"""The ONNX file computes what the network does, whatever batch normalisation has learned.

Also tests ``strangers/network.py``.
"""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from faceloupe.errors import InputError
from faceloupe.recognition.engines import open_network
from faceloupe.strangers.network import CompactNetwork
from faceloupe.strangers.onnx_file import OPSET, to_onnx, vectors_of


def used(size):
    """A network whose batch normalisation is far from where it began."""
    torch.manual_seed(0)
    network = CompactNetwork(size)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias)
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    return network.eval()


@pytest.mark.parametrize("size", ["small", "large"])
def test_onnx_runtime_and_torch_agree(size):
    network = used(size)
    content = to_onnx(network)
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model)
    assert model.opset_import[0].version == OPSET
    chips = np.random.default_rng(1).random((5, 3, 112, 112), dtype=np.float32)
    [vectors] = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"chips": chips})
    with torch.no_grad():
        ours = network(nn.functional.avg_pool2d(torch.from_numpy(chips), 2)).numpy()
    assert vectors.shape == (5, 128)
    np.testing.assert_allclose(vectors, ours, atol=1e-4 * np.linalg.norm(ours, axis=1).max())


def test_a_face_without_any_contrast_gives_numbers():
    content = to_onnx(used("small"))
    black = np.zeros((2, 3, 112, 112), np.float32)
    assert np.isfinite(open_network(content, "onnxruntime")(black)).all()


def test_a_file_that_computes_something_else_is_not_given_out(monkeypatch):
    monkeypatch.setattr("faceloupe.strangers.onnx_file._folded", lambda norm: (norm.weight, norm.bias))
    with pytest.raises(ArithmeticError, match="does not compute what the network does"):
        to_onnx(used("small"))


def test_a_face_and_its_mirror_image_have_one_vector():
    network, faces = used("small"), torch.rand(3, 3, 56, 56)
    np.testing.assert_allclose(vectors_of(network, faces), vectors_of(network, faces.flip(3)), rtol=1e-4, atol=1e-3)


def test_there_are_two_sizes():
    with pytest.raises(InputError, match='"small" or "large", got \'huge\''):
        CompactNetwork("huge")
