"""The optimisers as Keras 3 defines them, on one network's weights or on those of many fits at once.

PyTorch's own differ: its RMSprop adds ε to the root, not under it, and its Adam corrects its moments in another order.
With gradients near zero those are other optimisers.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor

from faceloupe.training.specs import Training

MOMENTUM = 0.9
RHO = 0.9
BETA1, BETA2 = 0.9, 0.999
EPSILON = 1e-7
BLOCK = 2**16  # numbers of a block: four arrays of them fill 1 MB


class Optimiser(ABC):
    """A rule that moves weights along their gradients.

    Parameters
    ----------
    parameters : iterable of Tensor
        Moved in place.
    learning_rate : float
        May be set anew before any step.
    weight_decay : float
        Before each step every weight loses this share of itself times the learning rate.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float = 0.0) -> None:
        self._whole = [weights.detach() for weights in parameters]
        self.parameters = [block for weights in self._whole for block in _blocks(weights, weights)]
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.steps = 0

    @torch.no_grad()
    def step(self, gradients: Iterable[Tensor]) -> None:
        """Move the parameters in place, one gradient each."""
        self.steps += 1
        pairs = zip(gradients, self._whole, strict=True)
        blocks = (block for gradient, weights in pairs for block in _blocks(gradient, weights))
        for place, (weights, gradient) in enumerate(zip(self.parameters, blocks, strict=True)):
            if self.weight_decay:
                weights.mul_(1 - self.learning_rate * self.weight_decay)
            self._move(place, weights, gradient)

    @abstractmethod
    def _move(self, place: int, weights: Tensor, gradient: Tensor) -> None:
        """Move the parameters at one place."""

    def _zeros(self) -> list[Tensor]:
        return [torch.zeros_like(weights) for weights in self.parameters]


def _blocks(values: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
    """Return values of weights in flat pieces: a step passes over each several times, and finds it in the cache.

    Weights in another order than that of their axes, such as channels last, have no flat view, and stay whole.
    """
    return torch.split(values.reshape(-1), BLOCK) if weights.is_contiguous() else (values,)


class SGD(Optimiser):
    """Stochastic gradient descent: ``w -= learning_rate g``."""

    def _move(self, place: int, weights: Tensor, gradient: Tensor) -> None:  # noqa: ARG002
        weights.add_(gradient, alpha=-self.learning_rate)


class Momentum(Optimiser):
    """Gradient descent with momentum 0.9: ``m = 0.9 m - learning_rate g`` and ``w += m``."""

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        self.velocities = self._zeros()

    def _move(self, place: int, weights: Tensor, gradient: Tensor) -> None:
        weights.add_(self.velocities[place].mul_(MOMENTUM).add_(gradient, alpha=-self.learning_rate))


class RMSprop(Optimiser):
    """RMSprop: ``v = ρ v + (1 - ρ) g²`` and ``w -= learning_rate g / sqrt(v + ε)``.

    Tieleman and Hinton 2012, "Lecture 6.5 - RMSprop".
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float = 1e-3, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        self.squares = self._zeros()
        largest = max(self.parameters, key=torch.numel)
        self._roots = largest.new_empty(largest.numel())  # of one block after the other

    def _move(self, place: int, weights: Tensor, gradient: Tensor) -> None:
        square, root = self.squares[place], self._roots[: weights.numel()].view(weights.shape)
        square.mul_(RHO).addcmul_(gradient, gradient, value=1 - RHO)
        torch.add(square, EPSILON, out=root).sqrt_()
        weights.addcdiv_(gradient, root, value=-self.learning_rate)


class Adam(Optimiser):
    """Adam with bias correction (Kingma and Ba 2015, arXiv:1412.6980, the order of operations of its section 2)."""

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float = 1e-3, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        self.means, self.squares = self._zeros(), self._zeros()

    def _move(self, place: int, weights: Tensor, gradient: Tensor) -> None:
        rate = self.learning_rate * (1 - BETA2**self.steps) ** 0.5 / (1 - BETA1**self.steps)
        mean, square = self.means[place], self.squares[place]
        mean.lerp_(gradient, 1 - BETA1)
        square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        weights.addcdiv_(mean, square.sqrt().add_(EPSILON), value=-rate)


_OPTIMISERS: dict[str, type[Optimiser]] = {"sgd": SGD, "momentum": Momentum, "rmsprop": RMSprop, "adam": Adam}


def optimiser_of(training: Training, parameters: Iterable[Tensor]) -> Optimiser:
    """Return the optimiser that a way of training asks for."""
    return _OPTIMISERS[training.optimiser](parameters, training.rate, training.weight_decay)
