"""Numbers that tell a ReLU from any other function of single numbers, for torch and ONNX alike."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

LEAST = 16  # numbers of either sign
SMALLEST, LARGEST = -4.0, 1.0  # of the numbers, as powers of ten

Numbers = NDArray[np.floating]


def relu_probes(count: int) -> Iterator[NDArray[np.float64]]:
    """Yield arrays of `count` numbers to try; each place gets numbers of both signs and of several sizes."""
    rounds = -(-LEAST // count)
    sizes = np.logspace(SMALLEST, LARGEST, rounds * count).reshape(count, rounds)
    for numbers in (sizes * np.where(np.arange(sizes.size) % 2, 1, -1).reshape(sizes.shape)).T:
        yield from (numbers, -numbers)


def acts_as_relu(trials: Iterable[tuple[Numbers, Numbers]]) -> bool:
    """Return whether trials (numbers, what a function made of them) show a ReLU, up to a ceiling."""
    numbers, made = (np.stack(arrays) for arrays in zip(*trials, strict=True))
    ceiling = made.max()
    return bool(ceiling > 0) and np.array_equal(made, np.clip(numbers, 0, ceiling))
