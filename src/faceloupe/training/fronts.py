"""Fronts of many fits, before their hidden layers: pixels, or a convolution with max-pooling.

Shapes as in :mod:`faceloupe.training.ensemble`: S fits, B captures a batch, M faces, F filters, P pooled positions, D
features, K units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from faceloupe.training.activations import activate_, slope_through
from faceloupe.training.pooled_maps import PooledMaps
from faceloupe.training.pooling_code import Geometry
from faceloupe.training.preprocessing import Preprocessing
from faceloupe.training.specs import Convolution, Dense, GlobalPooling, NetworkSpec, Pooling

GATHER = 60  # faces times units, for each capture of a batch, past which copying the batch beats a product with all

Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Scaling:
    """The preprocessing (pixel - mean) / scale of S fits, as tensors (S, 1, 1)."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, preprocessing: Sequence[Preprocessing], dtype: torch.dtype) -> "Scaling":
        """Stack the preprocessing of S fits."""
        pairs = torch.tensor([(each.mean, each.scale) for each in preprocessing], dtype=dtype)
        return cls(*pairs.view(-1, 2, 1, 1).unbind(1))


@dataclass(frozen=True, slots=True)
class Tape:
    """The values that a front's backward pass needs from its forward pass."""

    active: Weights  # by ReLU layer of the front: (S, B, units)
    faces: Tensor  # (S, B): the faces of the batch
    features: Tensor  # pooled and activated, (S, B, F, P); of a network of dense layers a batch's pixels, (S, B, D)
    winners: Tensor  # (S, B, F, P): the patch that won each window, as PooledMaps gives it


class Front(Protocol):
    """Everything up to the first dense layer's product: faces (S, B) -> (S, B, K)."""

    chunk: int  # fits trained together; past this the products gain nothing and only memory grows

    def forward(self, weights: Weights, scaling: Scaling, faces: Tensor) -> tuple[Tensor, Tape]:
        """Return the first dense layer's sums with its bias, and what :meth:`backward` will need."""
        ...

    def backward(self, weights: Weights, tape: Tape, scaling: Scaling, slope: Tensor, gradients: Weights) -> None:
        """Fill in the gradients of the first dense layer, and of filters that are not frozen, by its sums' slope."""
        ...


def pays(spec: NetworkSpec) -> bool:
    """Return whether fits of a network are worth training together, not one by one.

    That is so for dense layers alone, and for one unpadded convolution with max-pooling before them. Deeper
    convolutions do enough work in one fit. Dropout and batch normalisation are drawn or computed batch by batch, and
    shared by no two fits.
    """
    match spec.layers:
        case (Convolution(padding=(0, 0)), Pooling(average=False) | GlobalPooling(average=False), *dense):
            pass
        case dense:
            pass
    return all(isinstance(layer, Dense) for layer in dense)


def front_of(spec: NetworkSpec, first: str, images: Tensor) -> Front:
    """Return the front of a network on images (M, H, W); its first dense layer is called `first`."""
    return _Convolution(spec, first, images) if isinstance(spec.layers[0], Convolution) else _Pixels(first, images)


class _Pixels:
    """The front of a network of dense layers: a face's pixels are its features.

    Where all fits are multiplied by all faces, a fit's preprocessing is applied to the sums, for a product is linear.
    """

    chunk = 64

    def __init__(self, first: str, images: Tensor) -> None:
        self.first = first
        self.pixels = images.flatten(1)  # (M, D)

    def forward(self, weights: Weights, scaling: Scaling, faces: Tensor) -> tuple[Tensor, Tape]:
        matrix, bias = weights[f"{self.first}.weight"], weights[f"{self.first}.bias"].unsqueeze(1)
        fits, units, _ = matrix.shape
        nothing = torch.empty(0)
        if self._gathers(faces, units):
            features = (self.pixels[faces] - scaling.mean) / scaling.scale  # (S, B, D): fewer than the weights
            return torch.baddbmm(bias, features, matrix.mT), Tape({}, faces, features, nothing)
        every = torch.mm(matrix.flatten(0, 1), self.pixels.t()).view(fits, units, -1).mT  # (S, M, K)
        sums = every.gather(1, faces.unsqueeze(2).expand(-1, -1, units))
        sums = (sums - scaling.mean * matrix.sum(2).unsqueeze(1)) / scaling.scale + bias
        return sums, Tape({}, faces, nothing, nothing)

    def backward(self, weights: Weights, tape: Tape, scaling: Scaling, slope: Tensor, gradients: Weights) -> None:  # noqa: ARG002
        fits, _, units = slope.shape
        bias, matrix = gradients[f"{self.first}.bias"], gradients[f"{self.first}.weight"]
        torch.sum(slope, dim=1, out=bias)
        if self._gathers(tape.faces, units):
            torch.bmm(slope.mT, tape.features, out=matrix)
            return
        slope = slope / scaling.scale
        by_face = slope.new_zeros(fits, units, len(self.pixels))
        by_face.scatter_add_(2, tape.faces.unsqueeze(1).expand(-1, units, -1), slope.mT)
        torch.mm(by_face.flatten(0, 1), self.pixels, out=matrix.view(fits * units, -1))
        matrix.sub_(scaling.mean * slope.sum(1).unsqueeze(2))

    def _gathers(self, faces: Tensor, units: int) -> bool:
        every, batch = len(self.pixels), faces.shape[1]
        return batch < every and every * units > GATHER * batch  # a batch of all faces is never worth a copy


class _Convolution:
    """Convolution and max-pooling, compiled into one pass, then the first dense layer.

    Activation after pooling is activation before it, both being monotonic, on fewer values. Likewise a fit's
    preprocessing is applied to what pooling leaves: the convolution is linear and the scale positive.
    """

    chunk = 64

    def __init__(self, spec: NetworkSpec, first: str, images: Tensor) -> None:
        convolution, pooling = spec.layers[0], spec.layers[1]
        assert isinstance(convolution, Convolution)  # noqa: S101 - front_of asked
        self.first = first
        self.activation = convolution.activation
        kernel, stride, image = convolution.kernel, convolution.stride, (images.shape[1], images.shape[2])
        height, width = ((side - k) // by + 1 for side, k, by in zip(image, kernel, stride, strict=True))
        window, step = (pooling.size, pooling.stride) if isinstance(pooling, Pooling) else ((height, width),) * 2
        self.maps = PooledMaps(images, Geometry(images.dtype, image, convolution.filters, kernel, stride, window, step))

    def forward(self, weights: Weights, scaling: Scaling, faces: Tensor) -> tuple[Tensor, Tape]:
        kernels, factors = weights["conv.weight"].squeeze(2), 1 / scaling.scale.flatten()
        offsets = weights["conv.bias"] - kernels.sum((2, 3)) * scaling.mean.flatten(1) * factors.unsqueeze(1)
        features, winners = self.maps.pool(faces, kernels, factors, offsets)  # (S, B, F, P)
        activate_(self.activation, features)
        active = {"conv_relu": features.amax(dim=3) > 0} if self.activation == "relu" else {}
        sums = torch.baddbmm(
            weights[f"{self.first}.bias"].unsqueeze(1), features.flatten(2), weights[f"{self.first}.weight"].mT
        )
        return sums, Tape(active, faces, features, winners)

    def backward(self, weights: Weights, tape: Tape, scaling: Scaling, slope: Tensor, gradients: Weights) -> None:
        torch.sum(slope, dim=1, out=gradients[f"{self.first}.bias"])
        torch.bmm(slope.mT, tape.features.flatten(2), out=gradients[f"{self.first}.weight"])
        if "conv.weight" not in gradients:
            return  # frozen
        slope = torch.bmm(slope, weights[f"{self.first}.weight"]).view(tape.features.shape)
        slope_through(self.activation, slope, tape.features)
        raw, bias = self.maps.gradient(tape.faces, tape.winners, slope)  # as if the pixels had not been preprocessed
        gradients["conv.bias"].copy_(bias)
        shifted = (raw - scaling.mean * bias.unsqueeze(2)) / scaling.scale
        gradients["conv.weight"].copy_(shifted.view(gradients["conv.weight"].shape))
