"""What the leaf modules of a torch network put out."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from faceloupe.errors import InputError
from faceloupe.inspection.outputs import Trace, chosen_layers
from faceloupe.inspection.torch_networks.running import observe

__all__ = ["torch_trace"]


def torch_trace(network: nn.Module, images: ArrayLike | Tensor, layers: Iterable[str] | None) -> Trace:
    """Run captures through a torch network; see :func:`faceloupe.inspection.trace.trace`."""
    # A copy: a first layer that works in place would overwrite the caller's captures.
    given = images.detach() if isinstance(images, Tensor) else torch.tensor(np.asarray(images, dtype=np.float32))
    batch = given.clone()
    if batch.ndim != 4 or not len(batch):
        shape = tuple(batch.shape)
        raise InputError(
            f"images: expected (N, C, H, W) with N at least 1, got {shape}; images[:, None] adds a channel"
        )
    wanted = None if layers is None else set(layers)
    outputs: dict[str, NDArray[np.float32]] = {}
    ran: list[str] = []

    def keep(name: str, _layer: nn.Module, _given: Tensor, output: Tensor) -> None:
        ran.append(name)
        if wanted is None or name in wanted:
            # A copy, for the same reason: nn.ReLU(inplace=True) would overwrite what is kept.
            outputs[name] = output.float().cpu().numpy().copy()
            outputs[name].flags.writeable = False

    observe(network, batch, keep)
    return Trace({name: outputs[name] for name in chosen_layers(wanted, ran)})
