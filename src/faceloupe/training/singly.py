"""Fits of a network one by one, for networks that :mod:`faceloupe.training.ensemble` does not train together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from faceloupe.training.fit import fit_steps
from faceloupe.training.networks import SmallNetwork
from faceloupe.training.preprocessing import Preprocessing
from faceloupe.training.specs import Training

FACES_AT_ONCE = 64

Weights = dict[str, Tensor]
Flags = dict[str, NDArray[np.bool_]]
Result = tuple[Weights, NDArray[np.float32], NDArray[np.float32], Flags, Weights | None]


def fit_singly(
    network: SmallNetwork,
    images: NDArray[np.float32],
    labels: NDArray[np.integer],
    train: NDArray[np.integer],
    orders: NDArray[np.integer],
    weights: Weights,
    preprocessing: Sequence[Preprocessing],
    training: Training,
    seeds: Sequence[int] | NDArray[np.integer],
    frozen_filters: bool,
    keep_moments: bool,
) -> Result:
    """Train S networks of one shape; parameters are those of :func:`~faceloupe.training.ensemble.fit_many`.

    Returns
    -------
    weights, loss, accuracy, silent, moments
        The fields of :class:`~faceloupe.training.ensemble.ManyFits`.
    """
    fits = []
    for place, (indices, order) in enumerate(zip(train, orders, strict=True)):
        own = _network(network, {name: value[place] for name, value in weights.items()})
        for name, part in own.named_parameters():
            part.requires_grad_(not (frozen_filters and name.startswith("conv")))
        faces = _prepared(images[indices], preprocessing[place])
        fits.append(_fit(own, faces, labels[place][indices], order, training, int(seeds[place])))
    moments = _stacked([_stacked(fit["moments"]) for fit in fits])  # (S, epochs + 1, ...)
    return (
        {name: value[:, -1].clone() for name, value in moments.items()},
        np.stack([fit["loss"] for fit in fits]),
        np.stack([fit["accuracy"] for fit in fits]),
        {name: ~np.stack([[fired[name] for fired in fit["fired"]] for fit in fits]) for name in fits[0]["fired"][0]},
        moments if keep_moments else None,
    )


def predict_singly(
    network: SmallNetwork, weights: Weights, images: NDArray[np.float32], preprocessing: Sequence[Preprocessing]
) -> tuple[NDArray[np.float32], Flags]:
    """Run S networks of one shape on the same faces; see :func:`~faceloupe.training.ensemble.predict_many`."""
    logits, active = [], []
    for place, prepared in enumerate(preprocessing):
        own = _network(network, {name: value[place] for name, value in weights.items()}).eval()
        fired: dict[str, list[Tensor]] = {}
        with (
            torch.no_grad(),
            _watched(own, lambda name, firing, fired=fired: fired.setdefault(name, []).append(firing)),
        ):
            parts = torch.split(_prepared(images, prepared), FACES_AT_ONCE)
            logits.append(torch.cat([own(part) for part in parts]).numpy())
        active.append({name: torch.cat(parts).numpy() for name, parts in fired.items()})
    return np.stack(logits), {name: np.stack([part[name] for part in active]) for name in active[0]}


def _fit(
    network: SmallNetwork, faces: Tensor, labels: NDArray[np.integer], order: NDArray[np.integer], training: Training,
    seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Return moments, running loss and accuracy by epoch, and which units were active in each epoch."""
    fired: list[Flags] = [{}]

    def note(name: str, firing: Tensor) -> None:
        now = firing.any(dim=0).numpy()
        fired[-1][name] = fired[-1].get(name, False) | now

    moments = [_state(network)]
    rates = np.zeros((2, len(order)), dtype=faces.numpy().dtype)
    with _watched(network, note):
        with torch.no_grad():
            for part in torch.split(faces, FACES_AT_ONCE):
                network.eval()(part)
        for epoch, steps in enumerate(fit_steps(network, faces, labels, np.asarray(order), training, seed)):
            fired.append({})
            for loss, correct, size in steps:
                rates[:, epoch] += loss * size, correct
            moments.append(_state(network))
    loss, accuracy = rates / order.shape[1]
    return {"moments": moments, "loss": loss, "accuracy": accuracy, "fired": fired}


@contextmanager
def _watched(network: SmallNetwork, note: Any) -> Iterator[None]:
    """Record which units of each ReLU layer are active in every pass, (N, units), as a pooling after it sees them."""
    layers = list(network.named_children())
    hooks = []
    for place, (name, layer) in enumerate(layers):
        if isinstance(layer, nn.ReLU):
            after = layers[place + 1][1]
            watched = after if isinstance(after, nn.MaxPool2d | nn.AvgPool2d) else layer
            hooks.append(watched.register_forward_hook(partial(_tell, note, name)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _tell(note: Any, name: str, layer: nn.Module, inputs: Any, output: Tensor) -> None:  # noqa: ARG001
    note(name, (output > 0).flatten(2).any(dim=2) if output.ndim == 4 else output > 0)


def _network(like: SmallNetwork, state: Weights) -> SmallNetwork:
    network = SmallNetwork(like.spec, like.image_shape, like.outputs)
    network.to(next(iter(state.values())).dtype).load_state_dict(state)
    return network


def _prepared(images: NDArray[np.float32], preprocessing: Preprocessing) -> Tensor:
    """Return faces (N, H, W) preprocessed in their own precision, (N, 1, H, W)."""
    mean, scale = images.dtype.type(preprocessing.mean), images.dtype.type(preprocessing.scale)
    return torch.from_numpy((images - mean) / scale)[:, None]


def _state(network: SmallNetwork) -> Weights:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _stacked(states: list[Weights]) -> Weights:
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}
