"""The answer of a torch network among the things that it puts out, and the function it ends in."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from faceloupe.errors import InputError
from faceloupe.inspection.attribution.targets import Unit
from faceloupe.inspection.torch_networks.operators import Operator, tensors_of
from faceloupe.inspection.torch_networks.running import Visitor

LOGITS = "logits"  # what libraries call the answer among several outputs
PROBABILITIES = {"hardsigmoid", "sigmoid", "softmax", "softmin"}
LOG_PROBABILITIES = {"log_softmax", "logsigmoid"}
# The same written out: what runs last, one after the other, in 1 / (1 + exp(-x)), exp(x) / sum and (tanh(x) + 1) / 2.
DIVISIONS = {"div", "divide", "rdiv", "reciprocal", "rtruediv", "true_divide", "truediv"}
SUMS = {"add", "radd", "rsub", "sub", "sum"}
WRITTEN_OUT = ({"exp"}, SUMS, DIVISIONS), ({"tanh"}, SUMS, DIVISIONS | {"mul", "rmul"})


def answer_in(output: Any, captures: int) -> tuple[Tensor, str]:
    """Return the answer (N, K) in whatever a network put out for N captures, and how it was chosen, "" for a tensor.

    Among several outputs it is what is called "logits", as a key or an attribute, else the first tensor of real numbers
    that has a row for each capture. Raises InputError if there is no tensor, it has no row for each capture, or its
    numbers are not real ones.
    """
    if isinstance(output, Iterator):
        output = tuple(output)
    single = isinstance(output, Tensor)
    several = output if isinstance(output, Mapping) else getattr(output, "__dict__", {})
    chosen = several.get(LOGITS, getattr(output, LOGITS, None))
    if single or isinstance(chosen, Tensor):
        answer, how = (output, "") if single else (chosen, f"“{LOGITS}”")
    else:
        tensors = [*tensors_of(output)]
        rowed = [tensor for tensor in tensors if tensor.ndim and len(tensor) == captures]  # a loss may stand first
        answer = next(iter([*filter(torch.is_floating_point, rowed), *rowed, *tensors]), None)
        names = [str(name) for name, value in several.items() if value is answer]
        how = f"“{names[0]}”, the first tensor" if names else "the first tensor"
        how += " of real numbers" if answer is not None and answer is not tensors[0] else ""
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
    if answer.is_quantized:
        answer = answer.dequantize()
    if not answer.is_floating_point():
        raise InputError(
            f"network: expected an answer of real numbers, got {answer.dtype}".replace("torch.", "")
            + "; wrap it in a module whose forward returns what it has before it chooses or rounds"
        )
    return answer.reshape(captures, -1), how and f"of its {type(output).__name__}, {how}"


class Endings(Visitor):
    """Keeps what functions that make probabilities put out, to be found in an answer."""

    def __init__(self) -> None:
        self._made: list[tuple[Unit, Tensor]] = []
        self._last: deque[str] = deque(maxlen=len(WRITTEN_OUT[0]))  # functions

    def function(
        self, operator: Operator, _remembered: Any, _carried: Sequence[Tensor], output: Any, *, within: bool
    ) -> None:
        """Keep the output of a function that makes probabilities."""
        del within
        if not isinstance(output, Tensor):
            return
        self._last.append(operator.name)
        if operator.name in PROBABILITIES or self._written_out():
            self._made.append(("probability", output.detach()))
        elif operator.name in LOG_PROBABILITIES:
            self._made.append(("log-probability", output.detach()))

    def unit_of(self, answer: Tensor) -> Unit:
        """Return the unit of an answer's numbers: "probability", "log-probability", or else "logit"."""
        for kind, made in reversed(self._made):
            if bool(torch.isin(answer, made.to(answer.dtype)).all()):
                return kind
        return "logit"

    def _written_out(self) -> bool:
        return any(
            len(self._last) == len(names) and all(map(set.__contains__, names, self._last)) for names in WRITTEN_OUT
        )
