"""The compact network that is trained here to recognise strangers."""

from collections import OrderedDict
from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from faceloupe.errors import InputError

Size = Literal["small", "large"]

SIDE = 56  # pixels: half of a face chip's
DIMENSIONS = 128  # of a vector
CHANNELS = {"small": (16, 32, 64, 128), "large": (32, 64, 128, 256)}
RESIDUALS = {"small": 0, "large": 2}  # in each of the last two stages


class Residual(nn.Module):
    """A 3x3 convolution whose output is added to its input (He et al. 2016, arXiv:1512.03385)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (N, C, H, W) of the same shape."""
        return torch.relu(maps + self.norm(self.conv(maps)))


class CompactNetwork(nn.Sequential):
    """Faces (N, 3, 56, 56) in [0, 1] -> vectors (N, 128): four stages of convolutions.

    Each face's channels are brought to mean 0 and standard deviation 1 first, so that light matters less. The first
    stage is a 5x5 convolution with stride 2, the others are 3x3; each is followed by batch normalisation and ReLU, the
    others by max-pooling, the last two, in the large network, by residual convolutions before that. A dense layer then
    weighs every place of the last maps, 4x4, for itself: in aligned faces each place is another part of the face.

    Parameters
    ----------
    size : {"small", "large"}
        About 360,000 or 2,400,000 parameters.

    Raises
    ------
    InputError
        If there is no such size.

    Examples
    --------
    >>> [sum(weights.numel() for weights in CompactNetwork(size).parameters()) for size in ("small", "large")]
    [360848, 2391072]
    """

    def __init__(self, size: Size = "small") -> None:
        if size not in get_args(Size):
            raise InputError(f'size: expected "small" or "large", got {size!r}')
        channels = CHANNELS[size]
        layers: dict[str, nn.Module] = {"light": nn.InstanceNorm2d(3)}
        for stage, (before, after) in enumerate(pairwise((3, *channels)), start=1):
            first = stage == 1
            layers[f"conv{stage}"] = nn.Conv2d(before, after, 5 if first else 3, 1 + first, 1 + first, bias=False)
            layers[f"norm{stage}"] = nn.BatchNorm2d(after)
            layers[f"relu{stage}"] = nn.ReLU()
            if 1 < stage < len(channels):
                layers[f"pool{stage}"] = nn.MaxPool2d(2)
            for place in range(RESIDUALS[size] if stage > 2 else 0):
                layers[f"residual{stage}_{place + 1}"] = Residual(after)
        layers["pool4"] = nn.MaxPool2d(3, stride=2, padding=1)
        layers["flatten"] = nn.Flatten()
        layers["embedding"] = nn.Linear(channels[-1] * 16, DIMENSIONS, bias=False)
        layers["embedding_norm"] = nn.BatchNorm1d(DIMENSIONS)
        super().__init__(OrderedDict(layers))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
