"""Targets of attribution: one number made of a network's outputs, always with a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError

Unit = Literal["logit", "probability", "log-probability"]  # of a network's numbers

# What a single number must be above to speak for class 1.
THRESHOLDS: dict[Unit, float] = {"logit": 0.0, "probability": 0.5, "log-probability": float(np.log(0.5))}

SUM_ERROR = 0.005  # by which probabilities of half precision may miss a sum of 1

TargetLike = int | tuple[int, int] | Sequence[float] | NDArray[Any] | None


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One number made of a network's outputs: their sum with `weights` (K,), plus `offset`.

    `text` is "logit of class 1", "cosine with the given template", ...; `unit` that of the outputs, or "cosine", for
    which `weights` are the template, of length 1.
    """

    text: str
    unit: str
    weights: NDArray[np.float32]
    offset: float = 0.0

    @property
    def linear(self) -> bool:
        """True if the number is linear in the outputs, up to its offset."""
        return self.unit != "cosine"

    def of(self, outputs: Any) -> Any:
        """Return the number for each row of outputs (N, K), an array or a tensor: (N,) of the same kind."""
        weights = self.weights if isinstance(outputs, np.ndarray) else outputs.new_tensor(self.weights)
        answers = outputs @ weights
        # The small number keeps the gradient finite where a network puts out nothing but zeros: a cosine of 0.
        return answers + self.offset if self.linear else answers / ((outputs**2).sum(-1) + 1e-12) ** 0.5


def unit_of_numbers(outputs: NDArray[np.float64], ending: Unit) -> Unit:
    """Return the unit of outputs (N, K), by the network's ending or by their numbers.

    Several numbers that sum to 1 for each of the faces are probabilities; those of one face may do so by chance. No
    number outside 0 to 1 is a probability, whatever the ending looked like.
    """
    low, high = {"logit": (-np.inf, np.inf), "probability": (0, 1), "log-probability": (-np.inf, 0)}[ending]
    if outputs.min() < low - SUM_ERROR or outputs.max() > high + SUM_ERROR:
        return "logit"
    if ending != "logit" or outputs.shape[1] == 1:
        return ending
    if outputs.min() >= 0 and (abs(outputs.sum(axis=1) - 1) < SUM_ERROR).all():
        return "probability"
    if outputs.max() <= 0 and (abs(np.exp(outputs).sum(axis=1) - 1) < SUM_ERROR).all():
        return "log-probability"
    return "logit"


def taken_for(outputs: NDArray[np.float64], unit: Unit) -> int:
    """Return the class that outputs (K,) speak for; one number speaks for the second of two classes."""
    return int(outputs[0] > THRESHOLDS[unit]) if len(outputs) == 1 else int(outputs.argmax())


def choose_target(target: TargetLike, outputs: NDArray[np.float64], unit: Unit) -> Target:
    """Read the target of an attribution, as :func:`~faceloupe.inspection.attribute` takes it, for outputs (K,).

    A network with one logit has two classes: the logit is evidence for class 1, minus the logit for class 0. Raises
    InputError if the network has no such class, or the template does not fit its outputs.
    """
    count = len(outputs)
    if target is None:
        return _of_class(taken_for(outputs, unit), count, unit)
    if _is_class(target, count):
        return _of_class(int(target), count, unit)  # type: ignore[arg-type]
    if isinstance(target, tuple) and len(target) == 2 and all(_is_class(part, count) for part in target):
        return _of_pair(int(target[0]), int(target[1]), count, unit)
    if isinstance(target, list | np.ndarray) or hasattr(target, "numpy"):
        return _of_template(target, count)
    raise InputError(f"target: {_choices(count)}; got {target!r:.60}")


def _of_class(chosen: int, count: int, unit: Unit) -> Target:
    if count > 1:
        return Target(f"{unit} of class {chosen}", unit, np.eye(count, dtype=np.float32)[chosen])
    if chosen == 1:
        return Target(f"{unit} of class 1", unit, np.ones(1, np.float32))
    if unit == "probability":
        return Target("probability of class 0: 1 minus the number", unit, -np.ones(1, np.float32), offset=1.0)
    return Target(f"minus the {unit}: evidence for class 0", unit, -np.ones(1, np.float32))


def _of_pair(chosen: int, other: int, count: int, unit: Unit) -> Target:
    if chosen == other:
        raise InputError(f"target: expected two different classes, got {chosen} twice; their difference is always 0")
    if count == 1:
        return _of_class(chosen, count, unit)  # one number tells both apart
    weights = np.eye(count, dtype=np.float32)
    return Target(f"{unit} of class {chosen} minus {unit} of class {other}", unit, weights[chosen] - weights[other])


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
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return is_integer and 0 <= value < max(2, count)


def _choices(count: int) -> str:
    classes = "class 0 or 1 (the network has one logit)" if count == 1 else f"a class from 0 to {count - 1}"
    return (
        f"expected None (the network's own answer), {classes}, a pair (a, b) of such classes for their logit "
        f"difference, or a template of {count} numbers for the cosine with it"
    )
