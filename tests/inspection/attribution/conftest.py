"""A network and a face for most tests of attribution."""

import numpy as np
import pytest

from faceloupe.training.networks import CNN, initialise
from helpers.attributing import SIDE


@pytest.fixture(scope="module")
def cnn():
    return initialise(CNN((SIDE, SIDE), hidden=8, outputs=3), seed=3)


@pytest.fixture(scope="module")
def face():
    return np.random.default_rng(0).standard_normal((1, SIDE, SIDE)).astype(np.float32)
