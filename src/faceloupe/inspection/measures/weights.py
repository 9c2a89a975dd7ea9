"""The weights of a convolution or a dense layer, wherever they are kept."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.inspection.layers import IMAGE, Anatomy, Layer
from faceloupe.inspection.networks import OpenNetwork
from faceloupe.inspection.onnx_networks.graph import settings_of
from faceloupe.inspection.onnx_networks.network import OnnxNetwork

if TYPE_CHECKING:
    from torch import nn

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Weights:
    """Weights (units, channels, h, w) or (units, inputs) and biases (units,) of a convolution or a dense layer."""

    layer: Layer
    weight: Floats
    bias: Floats

    @property
    def sums(self) -> Floats:
        """Sum of each unit's weights, (units,)."""
        return np.asarray(self.weight.sum(axis=tuple(range(1, self.weight.ndim))))

    @property
    def of_ones(self) -> Floats:
        """The layer's output for an input of ones, without the bias: (units, h, w) or (units,).

        At the border of a padded map that is less than the sum of the weights.
        """
        if self.weight.ndim == 2:
            return self.sums
        sizes = zip(self.layer.windows, self.layer.input_shape, self.layer.output_shape, strict=False)
        rows, columns = (window.inside(size, count).astype(np.float64) for window, size, count in sizes)
        return np.asarray(np.einsum("upq,ip,jq->uij", self.weight.sum(axis=1), rows, columns))


def weights_of(network: OpenNetwork, network_anatomy: Anatomy, name: str | None) -> Weights | None:
    """Return the weights of a layer by its name; None unless it is a convolution or a dense layer over vectors.

    In ONNX a bias may be an operator of its own, which then stands for both.
    """
    if name in (None, IMAGE):
        return None
    layer = network_anatomy[name]
    weights = (
        _of_onnx(network, network_anatomy, layer) if isinstance(network, OnnxNetwork) else _of_torch(network, layer)
    )
    return weights if weights and len(layer.output_shape) == weights.weight.ndim - 1 else None


def _of_torch(network: "nn.Module", layer: Layer) -> Weights | None:
    from torch import nn

    module: Any = dict(network.named_modules()).get(layer.name)
    if type(module) not in (nn.Conv2d, nn.Linear) or getattr(module, "padding_mode", "zeros") != "zeros":
        return None
    weight = module.weight.detach().double().cpu().numpy()
    bias = np.zeros(len(weight)) if module.bias is None else module.bias.detach().double().cpu().numpy()
    return Weights(layer, weight, bias)


def _of_onnx(network: OnnxNetwork, network_anatomy: Anatomy, layer: Layer) -> Weights | None:
    graph, node = network.graph, network.graph.nodes[layer.name]
    constants = [graph.constant(name).astype(np.float64) for name in node.input if name in graph.tensors]
    if node.op_type == "Add":
        before = weights_of(network, network_anatomy, layer.source)
        if before is None or not constants or not _adds_one_number_a_unit(constants[0], before.weight):
            return None
        return replace(before, bias=before.bias + constants[0].ravel())
    # Weights that an operator makes of others, as after quantisation, are not followed.
    if node.input[0] in graph.tensors or len(constants) != len(node.input) - 1:
        return None
    settings = settings_of(node)
    match node.op_type, constants:
        case "Conv", [weight, *bias] if weight.ndim == 4:
            return Weights(layer, weight, sum(bias, np.zeros(len(weight))))
        case "Gemm", [matrix, *bias] if not settings.get("transA"):
            weight = settings.get("alpha", 1.0) * (matrix if settings.get("transB") else matrix.T)
            return Weights(layer, weight, settings.get("beta", 1.0) * sum(bias, np.zeros(len(weight))).ravel())
        case "MatMul", [matrix] if matrix.ndim == 2:
            return Weights(layer, matrix.T, np.zeros(matrix.shape[1]))
    return None


def _adds_one_number_a_unit(bias: Floats, weight: Floats) -> bool:
    places = weight.ndim - 2
    return bias.size == 1 or (bias.size == len(weight) and bias.shape[bias.ndim - places :] == (1,) * places)
