"""Running a torch network so that every layer can be watched, and leaving it as it was found."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from faceloupe.errors import InputError

__all__ = ["observe"]


def observe(
    network: nn.Module,
    batch: Tensor,
    after: Callable[[str, nn.Module, Tensor, Tensor], None],
    before: Callable[[Tensor], None] | None = None,
) -> None:
    """Run a network once, with ``before(input)`` and ``after(name, layer, input, output)`` at each leaf layer.

    A layer that answers with a tuple (an LSTM) is shown with its first tensor. Modes, hooks, gradients and the random
    state are restored whatever happens.

    Raises
    ------
    InputError
        If the network cannot run on the batch; the message says how far it came.
    """
    calls: Counter[str] = Counter()
    names = {module: name or type(module).__name__ for name, module in network.named_modules() if _is_leaf(module)}
    modes = {module: module.training for module in network.modules()}

    def leave(layer: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        name = names[layer]
        calls[name] += 1
        called = name if calls[name] == 1 else f"{name} ({calls[name]})"
        after(called, layer, _first_tensor(given), _first_tensor(output))

    def enter(_layer: nn.Module, given: tuple[Any, ...]) -> None:
        if before:
            before(_first_tensor(given))

    weight = next(network.parameters(), batch)
    handles = [
        handle
        for module in names
        for handle in (module.register_forward_pre_hook(enter), module.register_forward_hook(leave))
    ]
    try:
        network.eval()
        with torch.no_grad(), torch.random.fork_rng([weight.device] if weight.is_cuda else []):
            network(batch.to(weight.device, weight.dtype))
    except RuntimeError as error:
        reached = f"it ran {', '.join(calls)} and then stopped" if calls else "its first layer did not run"
        raise InputError(
            f"the network cannot run on a batch of shape {tuple(batch.shape)}; {reached}: {error}"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training


def _is_leaf(module: nn.Module) -> bool:
    return next(module.children(), None) is None


def _first_tensor(value: Any) -> Tensor:
    while isinstance(value, tuple | list):
        value = value[0]
    return value  # type: ignore[no-any-return]
