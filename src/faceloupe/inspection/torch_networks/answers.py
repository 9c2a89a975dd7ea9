"""The answer of a torch network among the things that it puts out, and the function it ends in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from faceloupe.errors import InputError
from faceloupe.inspection.torch_networks.operators import Operator, tensors_of
from faceloupe.inspection.torch_networks.running import Visitor

__all__ = ["Endings", "answer_in"]

LOGITS = "logits"  # what libraries call the answer among several outputs
PROBABILITIES = {"expit", "hardsigmoid", "sigmoid", "softmax", "softmin", "special_expit"}
LOG_PROBABILITIES = {"log_softmax", "logsigmoid"}


def answer_in(output: Any, captures: int) -> tuple[Tensor, str]:
    """Return the answer (N, K) in whatever a network put out for N captures, and how it was chosen, "" for a tensor.

    Among several outputs it is what is called "logits", as a key or an attribute, else the first tensor. Raises
    InputError if there is no tensor, or it has no row for each capture.
    """
    if isinstance(output, Iterator):
        output = tuple(output)
    single = isinstance(output, Tensor)
    several = output if isinstance(output, Mapping) else getattr(output, "__dict__", {})
    chosen = several.get(LOGITS, getattr(output, LOGITS, None))
    if single or isinstance(chosen, Tensor):
        answer, how = (output, "") if single else (chosen, f"“{LOGITS}”")
    else:
        answer = next(tensors_of(output), None)
        names = [str(name) for name, value in several.items() if value is answer]
        how = f"“{names[0]}”, the first tensor" if names else "the first tensor"
    if answer is None:
        raise InputError(
            f"network: expected one that answers with a tensor (N, K), got {type(output).__name__}; wrap it in a "
            "module whose forward returns that tensor"
        )
    rows = answer.shape[0] if answer.ndim else 1
    if not answer.numel() or (rows != captures and captures > 1):
        raise InputError(
            f"network: expected an answer (N, K), one row for each of {captures} captures, got {tuple(answer.shape)}; "
            "wrap it in a module whose forward returns that"
        )
    return answer.reshape(captures, -1), how and f"of its {type(output).__name__}, {how}"


class Endings(Visitor):
    """Keeps what functions that make probabilities put out, to be found in an answer."""

    def __init__(self) -> None:
        self._made: list[tuple[str, Tensor]] = []

    def function(
        self, operator: Operator, _remembered: Any, _carried: Sequence[Tensor], output: Any, *, within: bool
    ) -> None:
        """Keep the output of a function that makes probabilities."""
        del within
        kinds = {"probability": PROBABILITIES, "log-probability": LOG_PROBABILITIES}
        for kind, names in kinds.items():
            if operator.name in names and isinstance(output, Tensor):
                self._made.append((kind, output.detach()))

    def unit_of(self, answer: Tensor) -> str:
        """Return the unit of an answer's numbers: "probability", "log-probability", or else "logit"."""
        for kind, made in reversed(self._made):
            if bool(torch.isin(answer, made).all()):
                return kind
        return "logit"
