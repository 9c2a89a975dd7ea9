"""Networks and shorthands for the tests of attribution."""

import numpy as np
import torch
from torch import nn

from faceloupe.inspection import attribute

__all__ = ["SIDE", "Around", "OnlyRuns", "hooks_of", "raw"]

SIDE = 24


def raw(network, face, *args, **options):
    return attribute(network, face, *args, certify=False, **options)


def hooks_of(network):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())


class OnlyRuns:
    """A network that can be run and nothing else, as one from a file; notes how many faces it gets at once."""

    def __init__(self, network):
        self.network = network
        self.batches = []

    def run(self, faces):
        self.batches.append(len(faces))
        assert faces.dtype == np.float32
        with torch.no_grad():
            return self.network(torch.from_numpy(faces)).numpy()


class Around(nn.Module):
    """Some of the answer goes through `inner`, some around it; one ReLU serves twice."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Conv2d(1, 1, 3, padding=1)
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.output = nn.Linear(SIDE * SIDE, 1)

    def forward(self, x):
        x = self.relu(x)
        return self.output(self.flatten(self.relu(x + self.inner(x))))
