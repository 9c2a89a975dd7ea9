"""The tutorial's two networks, as ordinary PyTorch modules with named layers."""

from collections import OrderedDict
from typing import TypeVar

import torch
from torch import nn

from faceloupe.errors import InputError

__all__ = ["CNN", "FCNN", "initialise", "pooled_shape"]

Pair = tuple[int, int]
Network = TypeVar("Network", bound=nn.Module)


class FCNN(nn.Sequential):
    """A fully-connected network with one hidden ReLU layer: faces (N, 1, H, W) -> logits (N, outputs).

    It begins as :func:`initialise` leaves it with seed 0, and PyTorch's global generator is not touched.

    Parameters
    ----------
    image_shape : (int, int)
        Height and width of the faces.
    hidden : int
        Units in the hidden layer.
    outputs : int
        1 for two classes (the logit of class 1), else one logit a class.

    Examples
    --------
    >>> sum(weights.numel() for weights in FCNN((64, 64)).parameters())
    16393
    """

    flatten: nn.Flatten
    hidden: nn.Linear
    relu: nn.ReLU
    output: nn.Linear

    def __init__(self, image_shape: Pair, hidden: int = 4, outputs: int = 1) -> None:
        height, width = image_shape
        with torch.device("meta"):  # nothing is drawn yet
            super().__init__(
                OrderedDict[str, nn.Module](
                    flatten=nn.Flatten(),
                    hidden=nn.Linear(height * width, hidden),
                    relu=nn.ReLU(),
                    output=nn.Linear(hidden, outputs),
                )
            )
        initialise(self.to_empty(device="cpu"), seed=0)


class CNN(nn.Sequential):
    """A convolutional network with one convolution, one max-pooling and one hidden layer: faces (N, 1, H, W) -> logits.

    The convolution is "valid" (no padding); pooling windows do not overlap, and what is left over at the right and
    lower edges is not seen. It begins as :func:`initialise` leaves it with seed 0.

    Parameters
    ----------
    image_shape : (int, int)
        Height and width of the faces.
    filters : int
        Kernels of the convolution.
    kernel_size, pool_size : int or (int, int)
        Side, or height and width, of a kernel and of a pooling window.
    stride : int
        Step of the kernel in pixels; pooling steps by its own size.
    hidden : int
        Units in the hidden layer.
    outputs : int
        1 for two classes (the logit of class 1), else one logit a class.

    Raises
    ------
    InputError
        If the kernel is larger than the faces, or the pooling window larger than the feature map.

    Examples
    --------
    >>> sum(weights.numel() for weights in CNN((64, 64)).parameters())
    3405
    """

    conv: nn.Conv2d
    conv_relu: nn.ReLU
    pool: nn.MaxPool2d
    flatten: nn.Flatten
    hidden: nn.Linear
    hidden_relu: nn.ReLU
    output: nn.Linear

    def __init__(
        self,
        image_shape: Pair,
        filters: int = 4,
        kernel_size: int | Pair = 8,
        stride: int = 1,
        pool_size: int | Pair = 4,
        hidden: int = 4,
        outputs: int = 1,
    ) -> None:
        height, width = pooled_shape(image_shape, kernel_size, stride, pool_size)
        with torch.device("meta"):  # nothing is drawn yet
            super().__init__(
                OrderedDict[str, nn.Module](
                    conv=nn.Conv2d(1, filters, kernel_size, stride=stride),
                    conv_relu=nn.ReLU(),
                    pool=nn.MaxPool2d(pool_size),
                    flatten=nn.Flatten(),
                    hidden=nn.Linear(filters * height * width, hidden),
                    hidden_relu=nn.ReLU(),
                    output=nn.Linear(hidden, outputs),
                )
            )
        initialise(self.to_empty(device="cpu"), seed=0)


def pooled_shape(image_shape: Pair, kernel_size: int | Pair, stride: int, pool_size: int | Pair) -> Pair:
    """Return height and width of the feature maps after the convolution and the pooling of :class:`CNN`.

    >>> pooled_shape((64, 64), kernel_size=8, stride=1, pool_size=4)
    (14, 14)
    """
    height, width = (
        ((size - kernel) // stride + 1) // pool if size >= kernel else 0
        for size, kernel, pool in zip(image_shape, pair(kernel_size), pair(pool_size), strict=True)
    )
    if height == 0 or width == 0:
        raise InputError(
            f"Kernel {kernel_size} with stride {stride} and pooling {pool_size} leave nothing of faces of "
            f"{image_shape[0]}x{image_shape[1]} pixels; take a smaller kernel or pooling window."
        )
    return height, width


def pair(size: int | Pair) -> Pair:
    """Return a size as (height, width)."""
    return size if isinstance(size, tuple) else (size, size)


def initialise(network: Network, seed: int) -> Network:
    """Draw fresh weights, Glorot uniform with zero biases, and return the same network.

    A weight is uniform within ±sqrt(6 / (fan in + fan out)), where a convolution's fans count the kernel's pixels, as
    in Keras (Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks").

    Parameters
    ----------
    network : torch module
        Its linear and convolutional layers are drawn anew, in order.
    seed : int
        Of a generator of its own; PyTorch's global generator is not touched.
    """
    generator = torch.Generator().manual_seed(int(seed))
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
