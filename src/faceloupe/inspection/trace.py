"""What every layer of a network puts out for some captures, with the network left as it was found."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Trace", "observe", "trace"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trace(Mapping[str, NDArray[np.float32]]):
    """The outputs of a network's layers: layer name -> float32 array (N, ...), read-only, in the order of running.

    A map is channel-first, (N, C, H, W), as torch holds it. A layer that runs more than once appears as ``relu``,
    ``relu (2)``, ...
    """

    outputs: Mapping[str, NDArray[np.float32]]

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        """Return the output of one layer."""
        if name not in self.outputs:
            raise KeyError(f"no layer {name!r}; the layers are {', '.join(self.outputs)}")
        return self.outputs[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names in the order of running."""
        return iter(self.outputs)

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self.outputs)

    def __repr__(self) -> str:
        return f"Trace({', '.join(f'{name} {output.shape}' for name, output in self.outputs.items())})"


def trace(network: "nn.Module", images: "ArrayLike | Tensor") -> Trace:
    """Run captures through a network and keep the output of every leaf layer.

    Parameters
    ----------
    network : torch.nn.Module
        Runs in evaluation mode without gradients; mode, hooks, gradients and random state are as before afterwards.
    images : array or tensor, shape (N, C, H, W)
        Prepared as the network was trained: the trace applies no preprocessing.

    Raises
    ------
    InputError
        If `images` is not four-dimensional, is empty, or the network cannot run on it.
    """
    import torch

    # A copy: a first layer that works in place would overwrite the caller's captures.
    given = images.detach() if isinstance(images, torch.Tensor) else torch.tensor(np.asarray(images, np.float32))
    batch = given.clone()
    if batch.ndim != 4 or not len(batch):
        shape = tuple(batch.shape)
        raise InputError(
            f"images: expected (N, C, H, W) with N at least 1, got {shape}; images[:, None] adds a channel"
        )
    outputs: dict[str, NDArray[np.float32]] = {}

    def keep(name: str, _layer: "nn.Module", _given: "Tensor", output: "Tensor") -> None:
        # A copy, for the same reason: nn.ReLU(inplace=True) would overwrite what is kept.
        outputs[name] = output.float().cpu().numpy().copy()
        outputs[name].flags.writeable = False

    observe(network, batch, keep)
    return Trace(outputs)


def observe(
    network: "nn.Module", batch: "Tensor", record: Callable[[str, "nn.Module", "Tensor", "Tensor"], None]
) -> None:
    """Run a network once and call ``record(name, layer, input, output)`` after each leaf layer, in running order.

    A layer that answers with a tuple (an LSTM) is recorded with its first tensor. Modes, hooks, gradients and the
    random state are restored whatever happens.

    Raises
    ------
    InputError
        If the network cannot run on the batch; the message says how far it came.
    """
    import torch

    calls: Counter[str] = Counter()
    names = {module: name or type(module).__name__ for name, module in network.named_modules() if _is_leaf(module)}
    modes = {module: module.training for module in network.modules()}

    def hook(layer: "nn.Module", given: tuple[Any, ...], output: Any) -> None:
        name = names[layer]
        calls[name] += 1
        record(
            name if calls[name] == 1 else f"{name} ({calls[name]})", layer, _first_tensor(given), _first_tensor(output)
        )

    weight = next(network.parameters(), batch)
    handles = [module.register_forward_hook(hook) for module in names]
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


def _is_leaf(module: "nn.Module") -> bool:
    return next(module.children(), None) is None


def _first_tensor(value: Any) -> "Tensor":
    while isinstance(value, tuple | list):
        value = value[0]
    return value  # type: ignore[no-any-return]
