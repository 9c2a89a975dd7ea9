"""What an attribution explains: one number made of a network's outputs, always with a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError

__all__ = ["Target", "TargetLike", "choose_target"]

TargetLike = int | tuple[int, int] | Sequence[float] | NDArray[Any] | None


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One number made of a network's outputs.

    Attributes
    ----------
    text : str
        "logit of class 1", "cosine with the given template", ...
    unit : {"logit", "cosine"}
    weights : array of float32, shape (K,)
        Logits: the number is their sum weighted by this. Cosine: this is the template, of length 1.
    """

    text: str
    unit: str
    weights: NDArray[np.float32]

    @property
    def linear(self) -> bool:
        """Whether the number is linear in the outputs."""
        return self.unit == "logit"

    def of(self, outputs: Any) -> Any:
        """Return the number for each row of outputs (N, K), an array or a tensor: (N,) of the same kind."""
        weights = self.weights if isinstance(outputs, np.ndarray) else outputs.new_tensor(self.weights)
        answers = outputs @ weights
        # The small number keeps the gradient finite where a network puts out nothing but zeros: a cosine of 0.
        return answers if self.linear else answers / ((outputs**2).sum(-1) + 1e-12) ** 0.5


def choose_target(target: TargetLike, outputs: NDArray[np.float64]) -> Target:
    """Read what is to be explained.

    Parameters
    ----------
    target : None, int, (int, int) or array of shape (K,)
        None: the network's own answer. An int: the logit of that class. A pair (a, b): logit of a minus logit of b. An
        array: the cosine between the outputs and this template. A network with one logit has two classes: the logit is
        evidence for class 1, minus the logit for class 0.
    outputs : array, shape (K,)
        What the network puts out for the face.

    Raises
    ------
    InputError
        If the network has no such class, or the template does not fit its outputs.
    """
    count = len(outputs)
    if target is None:
        return _of_class(int(outputs[0] > 0) if count == 1 else int(outputs.argmax()), count)
    if _is_class(target, count):
        return _of_class(int(target), count)  # type: ignore[arg-type]
    if isinstance(target, tuple) and len(target) == 2 and all(_is_class(part, count) for part in target):
        return _of_pair(int(target[0]), int(target[1]), count)
    if isinstance(target, list | np.ndarray) or hasattr(target, "numpy"):
        return _of_template(target, count)
    raise InputError(f"target: {_choices(count)}; got {target!r:.60}")


def _of_class(chosen: int, count: int) -> Target:
    if count > 1:
        return Target(f"logit of class {chosen}", "logit", np.eye(count, dtype=np.float32)[chosen])
    if chosen == 1:
        return Target("logit of class 1", "logit", np.ones(1, np.float32))
    return Target("minus the logit: evidence for class 0", "logit", -np.ones(1, np.float32))


def _of_pair(chosen: int, other: int, count: int) -> Target:
    if chosen == other:
        raise InputError(f"target: expected two different classes, got {chosen} twice; their difference is always 0")
    if count == 1:
        return _of_class(chosen, count)  # one logit is the difference already
    weights = np.eye(count, dtype=np.float32)
    return Target(f"logit of class {chosen} minus logit of class {other}", "logit", weights[chosen] - weights[other])


def _of_template(template: ArrayLike, count: int) -> Target:
    vector = np.asarray(template, dtype=np.float32)
    length = np.linalg.norm(vector)
    if vector.shape != (count,) or not np.isfinite(vector).all() or not length:
        raise InputError(
            f"target: expected a template of {count} finite numbers, not all 0, as the network puts out; "
            f"got {vector.shape}"
        )
    return Target("cosine with the given template", "cosine", vector / length)


def _is_class(value: Any, count: int) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and 0 <= value < max(2, count)


def _choices(count: int) -> str:
    classes = "class 0 or 1 (the network has one logit)" if count == 1 else f"a class from 0 to {count - 1}"
    return (
        f"expected None (the network's own answer), {classes}, a pair (a, b) of such classes for their logit "
        f"difference, or a template of {count} numbers for the cosine with it"
    )
