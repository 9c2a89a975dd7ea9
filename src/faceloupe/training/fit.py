"""One fit: the order of the captures, RMSprop as Keras defines it, and the loop."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from faceloupe.progress import Progress

__all__ = ["EPSILON", "RHO", "History", "RMSprop", "batch_orders", "evaluate", "fit_network"]

RHO = 0.9
EPSILON = 1e-7
CAPTURES_AT_ONCE = 64  # bounds the feature maps held: 52 kB a face of 64x64 in the CNN


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class History:
    """Loss and accuracy of a fit, by epoch.

    Attributes
    ----------
    loss, accuracy : ndarray of shape (epochs,)
        Running means over the epoch's training captures, each before the update it leads to, as Keras prints them.
    validation_loss, validation_accuracy : ndarray of shape (epochs,) or None
        On the validation captures after each epoch; None without them.
    """

    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    validation_loss: NDArray[np.float64] | None = None
    validation_accuracy: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.loss)

    def __repr__(self) -> str:
        if not len(self):
            return "History(no epochs)"
        text = f"History({len(self)} epochs: loss {self.loss[0]:.4f} → {self.loss[-1]:.4f}"
        text += f", accuracy {self.accuracy[0]:.3f} → {self.accuracy[-1]:.3f}"
        if self.validation_accuracy is not None:
            text += f", validation accuracy {self.validation_accuracy[0]:.3f} → {self.validation_accuracy[-1]:.3f}"
        return text + ")"


def batch_orders(n: int, epochs: int, seed: int) -> NDArray[np.int64]:
    """Return the order of n captures in each epoch, (epochs, n): a fresh permutation an epoch.

    >>> batch_orders(4, epochs=2, seed=0)
    array([[2, 0, 1, 3],
           [3, 2, 1, 0]])
    """
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(n) for _ in range(epochs)]
    return np.array(orders, dtype=np.int64).reshape(epochs, n)


class RMSprop:
    """RMSprop as Keras 3 defines it: ``v = ρ v + (1 - ρ) g²`` and ``w -= learning_rate g / sqrt(v + ε)``.

    PyTorch's own adds ε to the root, not under it: with gradients near zero that is another optimiser. Tieleman and
    Hinton 2012, "Lecture 6.5 - RMSprop".

    Parameters
    ----------
    parameters : iterable of Parameter
    learning_rate : float
    """

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float = 1e-3) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.squares = [torch.zeros_like(weights) for weights in self.parameters]

    @torch.no_grad()
    def step(self, gradients: Iterable[Tensor]) -> None:
        """Move the parameters in place, one gradient each."""
        for weights, square, gradient in zip(self.parameters, self.squares, gradients, strict=True):
            square.mul_(RHO).addcmul_(gradient, gradient, value=1 - RHO)
            weights.addcdiv_(gradient, (square + EPSILON).sqrt_(), value=-self.learning_rate)


def fit_network(
    network: nn.Module,
    images: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    orders: NDArray[np.int64],
    *,
    batch_size: int = 5,
    learning_rate: float = 1e-3,
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
        The captures of each epoch in order, all or some, as from :func:`batch_orders`; the last batch may be smaller.
    batch_size, learning_rate : int, float
        Captures a step, and :class:`RMSprop`'s step.
    validation : (images, labels), optional
        Captures to evaluate after each epoch; they never change a weight.
    progress : callable, optional
        Called with (done, whole) after each batch, of all batches of all epochs.

    Returns
    -------
    History
    """
    images, labels = _tensors(network, images, labels)
    held_out = None if validation is None else _tensors(network, *validation)
    optimiser = RMSprop(network.parameters(), learning_rate)
    training, validating = np.zeros((2, len(orders))), np.zeros((2, len(orders)))
    batches = math.ceil(orders.shape[1] / batch_size)
    for epoch, order in enumerate(torch.from_numpy(orders)):
        network.train()
        for step, batch in enumerate(order.split(int(batch_size)), start=epoch * batches + 1):
            logits, targets = network(images[batch]), labels[batch]
            loss = cross_entropy(logits, targets)
            optimiser.step(torch.autograd.grad(loss, optimiser.parameters))
            training[:, epoch] += loss.item() * len(batch), n_correct(logits, targets)
            if progress is not None:
                progress(step, len(orders) * batches)
        if held_out is not None:
            validating[:, epoch] = evaluate(network, *held_out)
    network.eval()
    training /= orders.shape[1]
    return History(*training) if held_out is None else History(*training, *validating)


@torch.no_grad()
def evaluate(network: nn.Module, images: ArrayLike | Tensor, labels: ArrayLike | Tensor) -> tuple[float, float]:
    """Return mean loss and accuracy of a network on preprocessed captures (N, 1, H, W) with labels (N,)."""
    images, labels = _tensors(network, images, labels)
    network.eval()
    logits = torch.cat([network(part) for part in torch.split(images, CAPTURES_AT_ONCE)])
    return cross_entropy(logits, labels).item(), n_correct(logits, labels) / len(labels)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy: binary for logits (N, 1), softmax for (N, C)."""
    if logits.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], labels.to(logits.dtype))
    return functional.cross_entropy(logits, labels)


def n_correct(logits: Tensor, labels: Tensor) -> int:
    """Count the captures whose most probable class is their label."""
    predicted = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)
    return int((predicted == labels).sum())


def _tensors(network: nn.Module, images: ArrayLike | Tensor, labels: ArrayLike | Tensor) -> tuple[Tensor, Tensor]:
    return _tensor(images, next(network.parameters()).dtype), _tensor(labels, torch.int64)


def _tensor(values: ArrayLike | Tensor, dtype: torch.dtype) -> Tensor:
    if isinstance(values, Tensor):
        return values.to(dtype)
    return torch.from_numpy(np.array(values)).to(dtype)  # a copy, because PyTorch takes no read-only arrays
