"""ReLUs, however they are written: told by what they make of numbers of both signs."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import torch
from torch import Tensor

from faceloupe.inspection.torch_networks.operators import tensors_of

STEPS = 8  # functions that a ReLU may be written with
SMALLEST, LARGEST = -4.0, 1.0  # of the numbers tried, as powers of ten

Made: TypeAlias = tuple[Tensor, Callable[..., Any], Any, Any]  # what a function made, the function, args and kwargs


class Rectifying:
    """The last functions of a run, to be run again on other numbers."""

    def __init__(self) -> None:
        self._made: deque[Made] = deque(maxlen=STEPS)

    def note(self, func: Callable[..., Any], args: Any, kwargs: Any, output: Tensor) -> None:
        """Remember a function that makes each number from those at its place, the same each time."""
        self._made.append((output, func, args, kwargs))

    @torch.no_grad()
    def is_relu(self, func: Callable[..., Any], args: Any, kwargs: Any, output: Tensor) -> bool:
        """Return whether what such a function made is the ReLU of another tensor, up to a ceiling."""
        self.note(func, args, kwargs, output)
        if not output.is_floating_point() or output.is_quantized or not output.numel() or output.min() < 0:
            return False
        roots = {id(root): root for root in self._roots(len(self._made) - 1) if root.shape == output.shape}
        try:
            is_relu = any(map(self._is_relu_of, roots.values()))
        except (RuntimeError, TypeError, ValueError, IndexError):
            return False  # it does not run on other numbers
        if is_relu:
            self._made.clear()  # a copy of it is no ReLU of its own
        return is_relu

    def _roots(self, place: int) -> Iterator[Tensor]:
        """Go through the tensors of numbers that one was made of."""
        _, _, args, kwargs = self._made[place]
        for part in tensors_of((args, kwargs)):
            if part.is_floating_point():
                yield part
            earlier = self._maker(part, place)
            if earlier is not None:
                yield from self._roots(earlier)

    def _maker(self, tensor: Tensor, before: int) -> int | None:
        return next((place for place in reversed(range(before)) if self._made[place][0] is tensor), None)

    def _is_relu_of(self, root: Tensor) -> bool:
        numbers = torch.logspace(SMALLEST, LARGEST, root[:1].numel(), dtype=root.dtype, device=root.device)
        numbers[::2] *= -1
        tried = [(sign * numbers).view_as(root[:1]) for sign in (1, -1)]  # of one capture: how many does not matter
        made = [self._again(len(self._made) - 1, root, each) for each in tried]
        ceiling = max(float(each.max()) for each in made)
        return ceiling > 0 and all(map(torch.equal, made, (each.clamp(0, ceiling) for each in tried)))

    def _again(self, place: int, root: Tensor, numbers: Tensor) -> Any:
        """Run a function again, with these numbers in place of a tensor."""

        def replaced(value: Any) -> Any:
            if isinstance(value, tuple | list):
                return type(value)(map(replaced, value))
            if not isinstance(value, Tensor):
                return value
            earlier = self._maker(value, place)
            if value is root or earlier is None:
                alike = value.ndim == root.ndim and value.shape[0] == root.shape[0]
                return (numbers if value is root else value[:1] if alike else value).clone()  # it may work in place
            return self._again(earlier, root, numbers)

        _, func, args, kwargs = self._made[place]
        args = replaced(args)
        made = func(*args, **{key: replaced(value) for key, value in kwargs.items()})
        return args[0] if made is None else made  # written into
