"""A trained network as an ONNX file: face chips in, vectors out, batch normalisation folded into what it follows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from faceloupe.errors import extra
from faceloupe.strangers.network import DIMENSIONS, SIDE, CompactNetwork, Residual

OPSET = 17
CHIP_SIDE = 2 * SIDE
AGREES = 1e-4  # of the length of the longest vector

Floats = NDArray[np.float32]
Node = tuple[str, list[str], dict[str, Any], dict[str, Floats]]


def to_onnx(network: CompactNetwork) -> bytes:
    """Return a network as an ONNX file that takes chips, (N, 3, 112, 112) in [0, 1], and gives vectors, (N, 128).

    Raises
    ------
    ArithmeticError
        If what ONNX Runtime computes with it on random chips is not what PyTorch does, to 1e-4 of their length.
    UnavailableError
        If the packages of the extra ``onnx`` are missing.
    """
    with extra("onnx"):
        from onnx import TensorProto, helper, numpy_helper

    nodes, before = [], "chips"
    weights: dict[str, Floats] = {}
    for name, (op, further_inputs, attributes, own_weights) in _operators(network):
        inputs = [before, *further_inputs, *own_weights]
        output = "vectors" if name == "embedding" else name
        nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        weights |= own_weights
        before = output
    graph = helper.make_graph(
        nodes,
        "faceloupe",
        [helper.make_tensor_value_info("chips", TensorProto.FLOAT, ["faces", 3, CHIP_SIDE, CHIP_SIDE])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["faces", DIMENSIONS])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    content: bytes = model.SerializeToString()
    _check(network, content)
    return content


@torch.no_grad()
def vectors_of(network: CompactNetwork, faces: torch.Tensor, at_once: int = 256) -> Floats:
    """Return the sum of the vectors of each face and its mirror image, (N, 3, 56, 56) -> (N, 128)."""
    device = next(network.parameters()).device
    parts = (part.to(device) for part in torch.split(faces, at_once))
    return torch.cat([(network(part) + network(part.flip(3))).float().cpu() for part in parts]).numpy()


def _operators(network: CompactNetwork) -> Iterator[tuple[str, Node]]:
    """Yield the operators of a network in order: a name, and type, further inputs, attributes and weights of each."""
    yield "shrink", ("AveragePool", [], {"kernel_shape": [2, 2], "strides": [2, 2]}, {})
    norms = dict(network.named_children())
    before = "shrink"
    for name, layer in network.named_children():
        match layer:
            case nn.InstanceNorm2d():
                weights = {f"{name}.scale": np.ones(3, np.float32), f"{name}.shift": np.zeros(3, np.float32)}
                yield name, ("InstanceNormalization", [], {"epsilon": layer.eps}, weights)
            case nn.Conv2d():
                yield name, _convolution(name, layer, norms[name.replace("conv", "norm")])
            case Residual():
                yield f"{name}.conv", _convolution(name, layer.conv, layer.norm)
                yield f"{name}.sum", ("Add", [before], {}, {})
                yield name, ("Relu", [], {}, {})
            case nn.ReLU():
                yield name, ("Relu", [], {}, {})
            case nn.MaxPool2d():
                yield name, ("MaxPool", [], _window(layer), {})
            case nn.Flatten():
                yield name, ("Flatten", [], {"axis": 1}, {})
            case nn.Linear():
                scale, shift = _folded(norms[f"{name}_norm"])
                weights = {
                    f"{name}.weight": _array(layer.weight * scale[:, None]),
                    f"{name}.bias": _array(shift),
                }
                yield name, ("Gemm", [], {"transB": 1}, weights)
            case _:
                continue  # batch normalisation, folded already
        before = name


def _convolution(name: str, layer: nn.Conv2d, norm: nn.Module) -> Node:
    scale, shift = _folded(norm)
    attributes = {
        "kernel_shape": list(layer.kernel_size),
        "strides": list(layer.stride),
        "pads": [int(side) for side in layer.padding] * 2,
    }
    weights = {f"{name}.weight": _array(layer.weight * scale[:, None, None, None]), f"{name}.bias": _array(shift)}
    return "Conv", [], attributes, weights


def _window(layer: nn.MaxPool2d) -> dict[str, Any]:
    side, stride, padding = layer.kernel_size, layer.stride, layer.padding
    return {"kernel_shape": [side, side], "strides": [stride, stride], "pads": [padding] * 4}


def _folded(norm: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the factor and the addend of a batch normalisation."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def _array(values: torch.Tensor) -> Floats:
    return np.asarray(values.detach().cpu().numpy(), dtype=np.float32)


def _check(network: CompactNetwork, content: bytes) -> None:
    with extra("onnx"):
        import onnxruntime

    chips = np.random.default_rng(0).random((3, 3, CHIP_SIDE, CHIP_SIDE), dtype=np.float32)
    theirs = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"chips": chips})[0]
    device = next(network.parameters()).device
    with torch.no_grad():
        ours = network(nn.functional.avg_pool2d(torch.from_numpy(chips), 2).to(device)).cpu().numpy()
    difference = float(np.abs(ours - theirs).max())
    if not difference <= AGREES * np.linalg.norm(ours, axis=1).max():
        raise ArithmeticError(
            f"the ONNX file does not compute what the network does: numbers differ by up to {difference:g}"
        )
