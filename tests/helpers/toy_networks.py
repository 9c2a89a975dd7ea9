"""Small networks that several tests look into, and what autograd says of one."""

import torch
from hypothesis import strategies as st
from torch import nn

# Settings of a small convolution, for hypothesis.
CONVOLUTIONS = {
    "kernel": st.integers(1, 4),
    "stride": st.integers(1, 3),
    "padding": st.integers(0, 2),
    "dilation": st.integers(1, 2),
}


def image_gradient(network, shape, row, column):
    """Return the rows and columns of the image that one output position depends on, by autograd."""
    image = torch.rand(1, 1, *shape, requires_grad=True)
    network(image)[0, :, row, column].sum().backward()
    seen = image.grad[0, 0] != 0
    return int(seen.any(dim=1).sum()), int(seen.any(dim=0).sum())


class Block(nn.Module):
    """A residual block that halves the map, with a 1 x 1 convolution on the short way."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.first, self.relu = nn.Conv2d(4, 8, 3, 2, 1), nn.ReLU()
        self.second, self.norm = nn.Conv2d(8, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8)
        self.short = nn.Conv2d(4, 8, 1, 2)
        self.pool, self.flat, self.dense = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        y = self.norm(self.second(self.relu(self.first(x)))) + self.short(x)
        return self.dense(self.flat(self.pool(y)))
