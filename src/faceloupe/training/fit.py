"""One fit: the order of the captures, and the loop."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from faceloupe.errors import InputError
from faceloupe.progress import Progress
from faceloupe.training.augmentation import vary
from faceloupe.training.history import History
from faceloupe.training.networks import SeededDropout
from faceloupe.training.optimisers import optimiser_of
from faceloupe.training.specs import Training

CAPTURES_AT_ONCE = 64  # bounds the feature maps held: 52 kB a face of 64x64 in the CNN


class Scores(NamedTuple):
    """Loss and accuracy of a network on some captures.

    Attributes
    ----------
    loss : float
        Mean cross-entropy in nats.
    accuracy : float
        Share of captures recognised.
    """

    loss: float
    accuracy: float


def batch_orders(n: int, epochs: int, seed: int) -> NDArray[np.int64]:
    """Return the order of n captures in each epoch, (epochs, n): a fresh permutation an epoch.

    >>> batch_orders(4, epochs=2, seed=0)
    array([[2, 0, 1, 3],
           [3, 2, 1, 0]])
    """
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(n) for _ in range(epochs)]
    return np.array(orders, dtype=np.int64).reshape(epochs, n)


def fit_network(
    network: nn.Module,
    images: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    orders: NDArray[np.int64],
    training: Training | None = None,
    *,
    seed: int = 0,
    validation: tuple[ArrayLike | Tensor, ArrayLike | Tensor] | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a network in place.

    Parameters
    ----------
    network : torch module
        Faces (N, 1, H, W) -> logits (N, C): one logit for two classes (binary cross-entropy), else softmax.
    images : array, (N, 1, H, W)
        The training captures, already preprocessed; computed on in the precision of the network's weights.
    labels : array of int, (N,)
        0 or 1 for one logit, else 0..C-1.
    orders : ndarray of int, (epochs, n)
        The captures of each epoch in order, all or some, as from :func:`batch_orders`. The last batch may be smaller;
        with batch normalisation a single capture joins the batch before it, having no variance of its own.
    training : Training, optional
        Optimiser, learning rate, batch size, weight decay and augmentation; the tutorial's if not given. Epochs are
        those of `orders`; the preprocessing and the first weights are the caller's.
    seed : int
        Seed of dropout and augmentation; PyTorch's global generator is not touched.
    validation : (images, labels), optional
        Captures to evaluate after each epoch; they never change a weight.
    progress : callable, optional
        Called with (done, whole) after each batch, of all batches of all epochs.

    Returns
    -------
    History

    Raises
    ------
    InputError
        If a network with batch normalisation is to be trained on batches of one.
    """
    held_out = None if validation is None else _tensors(network, *validation)
    training = training or Training()
    rates, validating = np.zeros((2, len(orders))), np.zeros((2, len(orders)))
    done, total = 0, len(orders) * len(_batches(network, orders.shape[1], training.batch_size))
    for epoch, steps in enumerate(fit_steps(network, images, labels, orders, training, seed)):
        for loss, correct, size in steps:
            rates[:, epoch] += loss * size, correct
            done += 1
            if progress is not None:
                progress(done, total)
        if held_out is not None:
            validating[:, epoch] = evaluate(network, *held_out)
    network.eval()
    rates /= orders.shape[1]
    return History(*rates) if held_out is None else History(*rates, *validating)


def fit_steps(
    network: nn.Module,
    images: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    orders: NDArray[np.int64],
    training: Training,
    seed: int,
) -> Iterator[Iterator[tuple[float, int, int]]]:
    """Yield for each epoch an iterator of its steps: loss before the step, captures right, and captures.

    Parameters are those of :func:`fit_network`. A step is done when it is asked for.
    """
    images, labels = _tensors(network, images, labels)
    sizes = _batches(network, orders.shape[1], training.batch_size)
    parameters = [weights for weights in network.parameters() if weights.requires_grad]  # the others are frozen
    optimiser = optimiser_of(training, parameters)
    generator = torch.Generator().manual_seed(int(seed))
    dropouts = [layer for layer in network.modules() if isinstance(layer, SeededDropout)]

    def steps(order: Tensor) -> Iterator[tuple[float, int, int]]:
        for batch in torch.split(order, sizes):
            faces, targets = images[batch], labels[batch]
            logits = network(vary(faces, training.augment, generator) if training.augment else faces)
            loss = cross_entropy(logits, targets)
            optimiser.step(torch.autograd.grad(loss, parameters))
            yield loss.item(), n_correct(logits, targets), len(batch)

    for order in torch.from_numpy(orders):
        network.train()
        for dropout in dropouts:
            dropout.generator = generator
        try:
            yield steps(order)
        finally:
            for dropout in dropouts:
                dropout.generator = None  # lent for the epoch: a generator can be neither copied nor pickled


@torch.no_grad()
def evaluate(network: nn.Module, images: ArrayLike | Tensor, labels: ArrayLike | Tensor) -> Scores:
    """Return mean loss and accuracy of a network on preprocessed captures (N, 1, H, W) with labels (N,)."""
    images, labels = _tensors(network, images, labels)
    network.eval()
    logits = torch.cat([network(part) for part in torch.split(images, CAPTURES_AT_ONCE)])
    return Scores(cross_entropy(logits, labels).item(), n_correct(logits, labels) / len(labels))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy: binary for logits (N, 1), softmax for (N, C)."""
    if logits.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], labels.to(logits.dtype))
    return functional.cross_entropy(logits, labels)


def n_correct(logits: Tensor, labels: Tensor) -> int:
    """Count the captures whose most probable class is their label."""
    predicted = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)
    return int((predicted == labels).sum())


def _batches(network: nn.Module, captures: int, batch_size: int) -> list[int]:
    """Return the number of captures in each step of an epoch."""
    sizes = [min(batch_size, captures - start) for start in range(0, captures, batch_size)]
    if any(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in network.modules()) and 1 in sizes:
        if len(sizes) == 1 or batch_size == 1:
            raise InputError("Batch normalisation needs two captures in a batch at least; take a larger batch.")
        sizes[-2:] = [batch_size + 1]
    return sizes


def _tensors(network: nn.Module, images: ArrayLike | Tensor, labels: ArrayLike | Tensor) -> tuple[Tensor, Tensor]:
    return _tensor(images, next(network.parameters()).dtype), _tensor(labels, torch.int64)


def _tensor(values: ArrayLike | Tensor, dtype: torch.dtype) -> Tensor:
    if isinstance(values, Tensor):
        return values.to(dtype)
    return torch.from_numpy(np.array(values)).to(dtype)  # a copy, because PyTorch takes no read-only arrays
