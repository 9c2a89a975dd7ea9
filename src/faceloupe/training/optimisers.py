"""The optimisers as Keras 3 defines them, on one network's weights or on those of many fits at once.

PyTorch's own differ: its RMSprop adds ε to the root, not under it, and its Adam corrects its moments in another order.
With gradients near zero those are other optimisers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from faceloupe.training.compiling import (
    I64,
    at,
    compile_function,
    fill,
    load,
    loop,
    multiply_add,
    processor,
    square_root,
    store,
)  # fmt: skip
from faceloupe.training.specs import Training

MOMENTUM = 0.9
RHO = 0.9
BETA1, BETA2 = 0.9, 0.999
EPSILON = 1e-7


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

    block = 2**16  # numbers that are moved at once: a step passes over them several times, and finds them in the cache

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float = 0.0) -> None:
        self._weights = [weights.detach() for weights in parameters]
        self.parameters = [block for weights in self._weights for block in self._blocks(weights, weights)]
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.steps = 0

    @torch.no_grad()
    def step(self, gradients: Iterable[Tensor]) -> None:
        """Move the parameters in place, one gradient each."""
        self.steps += 1
        pairs = zip(gradients, self._weights, strict=True)
        blocks = (block for gradient, weights in pairs for block in self._blocks(gradient, weights))
        for place, (weights, gradient) in enumerate(zip(self.parameters, blocks, strict=True)):
            if self.weight_decay:
                weights.mul_(1 - self.learning_rate * self.weight_decay)
            self._move(place, weights, gradient)

    @abstractmethod
    def _move(self, place: int, weights: Tensor, gradient: Tensor) -> None:
        """Move the parameters at one place."""

    def _blocks(self, values: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        """Return values of weights in flat pieces; whole where the weights have no flat view, as with channels last."""
        return torch.split(values.reshape(-1), self.block) if weights.is_contiguous() else (values,)

    def _zeros(self) -> list[Tensor]:
        return [torch.zeros_like(weights) for weights in self.parameters]


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

    block = 2**40  # all at once: one pass does

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float = 1e-3, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        self.squares = self._zeros()

    def _move(self, place: int, weights: Tensor, gradient: Tensor) -> None:
        square = self.squares[place]
        if not weights.is_contiguous():  # as after Module.to(memory_format=...)
            square.mul_(RHO).addcmul_(gradient, gradient, value=1 - RHO)
            weights.addcdiv_(gradient, (square + EPSILON).sqrt_(), value=-self.learning_rate)
            return
        rate, gradient = weights.new_tensor(self.learning_rate), gradient.to(weights.dtype).contiguous()
        tensors = weights, square, gradient, rate
        _compiled_rmsprop(weights.dtype)(*(tensor.data_ptr() for tensor in tensors), weights.numel())


@cache
def _compiled_rmsprop(dtype: torch.dtype) -> Callable[..., None]:
    """Return ``move(weights, squares, gradients, rate, count)``: one pass, where PyTorch's operators take five."""
    vector = processor().vector(dtype, processor().vector_bytes)
    real = vector.element

    def write(b: Any, weights: Any, squares: Any, gradients: Any, rate: Any, count: Any) -> None:
        rate = b.load(rate, typ=real)

        def move(first: Any, kind: Any) -> Sequence[Any]:
            weight, square, gradient = (at(b, each, first, real) for each in (weights, squares, gradients))
            slope = load(b, gradient, kind)
            share, rho, epsilon, own_rate = (
                number if kind == real else fill(b, number, kind)
                for number in (real(1 - RHO), real(RHO), real(EPSILON), rate)
            )
            mean = multiply_add(b, b.fmul(slope, slope), share, b.fmul(load(b, square, kind), rho))
            step = b.fdiv(b.fmul(slope, own_rate), square_root(b, b.fadd(mean, epsilon)))
            store(b, mean, square)
            store(b, b.fsub(load(b, weight, kind), step), weight)
            return []

        lanes = I64(vector.count)
        vectors = b.udiv(count, lanes)
        moved, rest = b.mul(vectors, lanes), b.urem(count, lanes)
        with b.if_then(b.icmp_unsigned(">", vectors, I64(0))):
            loop(b, vectors, [], lambda number, _: move(b.mul(number, lanes), vector))
        with b.if_then(b.icmp_unsigned(">", rest, I64(0))):
            loop(b, rest, [], lambda number, _: move(b.add(moved, number), real))

    return compile_function(4, 1, write)


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
