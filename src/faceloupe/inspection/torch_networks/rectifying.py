"""ReLUs, however they are written: recognised by what they make of numbers of both signs."""

from collections import deque
from collections.abc import Callable, Container, Iterator
from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceloupe.inspection.relu_probes import acts_as_relu, relu_probes
from faceloupe.inspection.torch_networks.operators import tensors_of, with_tensors

STEPS = 8  # functions that a ReLU may be written with

Made: TypeAlias = tuple[Tensor, Callable[..., Any], Any, Any]  # what a function made, the function, args and kwargs


class Rectifying:
    """The last functions of a run, to be run again on other numbers.

    `constants` are the identities of the tensors that do not depend on the image.
    """

    def __init__(self, constants: Container[int]) -> None:
        self._constants = constants
        self._made: deque[Made] = deque(maxlen=STEPS)

    def forget(self) -> None:
        """Let go of the functions so far: what comes next is made of something else."""
        self._made.clear()

    @torch.no_grad()
    def is_relu(self, func: Callable[..., Any], args: Any, kwargs: Any, output: Tensor) -> bool:
        """Return whether a function's output is the ReLU of another tensor, up to a ceiling.

        The function makes each number from those at its place, the same each time.
        """
        self._made.append((output, func, args, kwargs))
        if not output.is_floating_point() or output.is_quantized or not output.numel():
            return False
        with suppress(RuntimeError):  # sparse ones, those of 8 bits and those within torch.vmap cannot be compared
            if output.min() < 0:
                return False
        roots = {id(root): root for root in self._roots(len(self._made) - 1, set()) if root.shape == output.shape}
        is_relu = any(map(self._is_relu_of, roots.values()))
        if is_relu:
            self._made.clear()  # a copy of it is no ReLU of its own
        return is_relu

    def _roots(self, place: int, passed: set[int]) -> Iterator[Tensor]:
        """Go through the tensors that depend on the image and of which a function's output was made."""
        passed.add(place)
        _, _, args, kwargs = self._made[place]
        for tensor in tensors_of((args, kwargs)):
            if tensor.is_floating_point() and id(tensor) not in self._constants:
                yield tensor
            earlier = self._maker(tensor, place)
            if earlier is not None and earlier not in passed:
                yield from self._roots(earlier, passed)

    def _maker(self, tensor: Tensor, before: int) -> int | None:
        return next((place for place in reversed(range(before)) if self._made[place][0] is tensor), None)

    def _is_relu_of(self, root: Tensor) -> bool:
        try:
            capture = root[:1] if root.ndim else root  # how many there are does not matter
            probes = relu_probes(capture.numel())
            numbers = [torch.as_tensor(each, dtype=root.dtype, device=root.device) for each in probes]
            made = [self._again(len(self._made) - 1, root, each.view(capture.shape), {}) for each in numbers]
            return acts_as_relu(
                [(_as_array(each), _as_array(output)) for each, output in zip(numbers, made, strict=True)]
            )
        except (RuntimeError, TypeError, ValueError, IndexError):
            return False  # it does not run on other numbers, or they cannot be given: sparse ones

    def _again(self, place: int, root: Tensor, numbers: Tensor, done: dict[int, Any]) -> Any:
        """Run a function again, with these numbers in place of a tensor; `done` are the functions run so far.

        Raises ValueError if the image reaches it by another way than through that tensor: a maximum of two maps is no
        ReLU, whatever one of them happens to be.
        """

        def replaced(tensor: Tensor) -> Tensor:
            earlier = self._maker(tensor, place)
            if tensor is root:
                tensor = numbers
            elif earlier is not None:
                tensor = self._again(earlier, root, numbers, done)
            elif id(tensor) not in self._constants:
                raise ValueError("it is made of several tensors")
            elif tensor.ndim == root.ndim and tensor.shape[0] == root.shape[0]:
                tensor = tensor[:1]
            return tensor.clone()  # the function may work in place

        if place not in done:
            _, func, args, kwargs = self._made[place]
            args = with_tensors(args, replaced)
            made = func(*args, **{key: with_tensors(value, replaced) for key, value in kwargs.items()})
            done[place] = args[0] if made is None else made  # written into
        return done[place]


def _as_array(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.double().cpu().numpy().ravel()
