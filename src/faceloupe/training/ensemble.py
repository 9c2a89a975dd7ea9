"""Many fits at once: S networks of one shape, trained together as wide matrix products.

A study trains the same small network thousands of times. One at a time, such a fit is all overhead: its matrices are a
few columns wide. Here the S fits of a chunk go through each step together, and three facts about the network save work:

1. The first layer needs no gradient for its input, so the patches under the kernel are unfolded once, for good.
2. Fits whose batches hold the same face share its patches: one product (patches, k²) x (k², fits·filters) serves all.
3. Max-pooling sends its gradient to one position of each window, so the kernel's gradient is a weighted sum of
   196 patches a filter instead of 3,249.

The results equal those of :func:`faceloupe.training.fit.fit_network` from the same weights and batches, up to the order
of floating-point sums. Shapes below: S fits, B captures a batch, M faces, F filters, P pooled positions, D features,
K hidden units, C outputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceloupe.training.fit import EPSILON, RHO
from faceloupe.training.fronts import Front, Scaling, Tape, Weights, front_of
from faceloupe.training.networks import CNN, FCNN, initialise
from faceloupe.training.preprocessing import Preprocessing

__all__ = ["ManyFits", "fit_many", "initial_weights", "predict_many"]

CHUNK = 64  # fits trained together; past this the products gain nothing and only memory grows
FACES_AT_ONCE = 32  # bounds the patches held by a prediction: 0.8 MB a face of 64x64 with a kernel of 8x8


@dataclass(frozen=True, slots=True, eq=False)
class ManyFits:
    """What S fits left behind.

    Attributes
    ----------
    weights : dict of str to Tensor
        By the network's parameter names, each (S, ...).
    loss, accuracy : ndarray of shape (S, epochs)
        Running means over each epoch's captures before the update, as Keras prints them.
    silent : dict of str to ndarray of bool, shape (S, epochs + 1, units)
        By ReLU layer: whether a unit put out 0 for every training capture, before training (index 0) and all through
        each epoch. A filter is heard where the pooling looks; what it does in an unseen last row counts for nothing.
    moments : dict of str to Tensor, or None
        The weights before training and after each epoch, (S, epochs + 1, ...), where they were asked for.
    """

    weights: Weights
    loss: NDArray[np.float32]
    accuracy: NDArray[np.float32]
    silent: dict[str, NDArray[np.bool_]]
    moments: Weights | None = None

    def __repr__(self) -> str:
        fits, epochs = self.loss.shape
        return f"ManyFits({fits} fits, {epochs} epochs, last accuracy {self.accuracy[:, -1].mean():.3f})"


def initial_weights(network: FCNN | CNN, seeds: NDArray[np.integer]) -> Weights:
    """Return the weights that :func:`~faceloupe.training.networks.initialise` draws for each seed, stacked (S, ...)."""
    states = [
        {name: value.detach().clone() for name, value in initialise(network, int(seed)).named_parameters()}
        for seed in seeds
    ]
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}


def fit_many(
    network: FCNN | CNN,
    images: NDArray[np.float32],
    labels: NDArray[np.integer],
    train: NDArray[np.integer],
    orders: NDArray[np.integer],
    weights: Weights,
    preprocessing: Sequence[Preprocessing],
    *,
    batch_size: int = 5,
    learning_rate: float = 1e-3,
    keep_moments: bool = False,
) -> ManyFits:
    """Train S networks of one shape together.

    Parameters
    ----------
    network : FCNN or CNN
        The shape; its own weights are not used.
    images : ndarray of shape (M, H, W), float32
        The faces that the fits draw from, as they are. With float64 faces and weights everything is float64.
    labels : ndarray of shape (M,) or (S, M)
        Class of each face, the same for all fits or of each fit its own: 0 or 1 for a network with one output, else
        0..C-1.
    train : ndarray of shape (S, n)
        Which faces each fit trains on.
    orders : ndarray of shape (S, epochs, n)
        Each fit's order of its n training faces in each epoch (:func:`~faceloupe.training.fit.batch_orders`).
    weights : dict of str to Tensor
        Where each fit starts, as from :func:`initial_weights`; left unchanged.
    preprocessing : sequence of S Preprocessing
        What each fit does to the pixels. Fits that differ in nothing else still share every product.
    batch_size, learning_rate : int, float
        As in :func:`~faceloupe.training.fit.fit_network`.
    keep_moments : bool
        Keep the weights of every epoch, not only the last.

    Returns
    -------
    ManyFits
    """
    with torch.no_grad():
        pixels = torch.tensor(images)
        front = front_of(network, pixels)
        targets = torch.from_numpy(np.broadcast_to(labels, (len(train), len(images))).astype(np.int64))
        # (S, epochs, n): the faces in the order in which each fit meets them
        faces = torch.from_numpy(np.take_along_axis(train[:, None, :], orders, axis=2))
        chunks = [
            _fit_chunk(
                front,
                targets[part],
                faces[part],
                {name: value[part] for name, value in weights.items()},
                Scaling.of(preprocessing[part], pixels.dtype),
                batch_size,
                learning_rate,
                keep_moments,
            )
            for part in (slice(start, start + CHUNK) for start in range(0, len(faces), CHUNK))
        ]
    return ManyFits(
        weights=_joined([chunk.weights for chunk in chunks]),
        loss=np.concatenate([chunk.loss for chunk in chunks]),
        accuracy=np.concatenate([chunk.accuracy for chunk in chunks]),
        silent={name: np.concatenate([chunk.silent[name] for chunk in chunks]) for name in chunks[0].silent},
        moments=_joined([chunk.moments for chunk in chunks if chunk.moments]) if keep_moments else None,
    )


def predict_many(
    network: FCNN | CNN, weights: Weights, images: NDArray[np.float32], preprocessing: Sequence[Preprocessing]
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.bool_]]]:
    """Run S networks of one shape on the same faces.

    Parameters
    ----------
    network : FCNN or CNN
        The shape; its own weights are not used.
    weights : dict of str to Tensor
        Stacked (S, ...).
    images : ndarray of shape (M, H, W), float32
        Faces as they are.
    preprocessing : sequence of S Preprocessing
        What each network was trained with.

    Returns
    -------
    logits : ndarray of shape (S, M, C)
    active : dict of str to ndarray of bool, shape (S, M, units)
        By ReLU layer: whether a unit put out more than 0 anywhere on a face.
    """
    logits, active = [], []
    pixels = torch.tensor(images)
    scaling = Scaling.of(preprocessing, pixels.dtype)
    with torch.no_grad():
        for block in torch.split(pixels, FACES_AT_ONCE):
            front = front_of(network, block)
            faces = torch.arange(len(block)).expand(len(weights["output.bias"]), -1)
            features, tape = front.forward(weights, scaling, faces)
            hidden = _hidden(weights, features)
            logits.append(_logits(weights, hidden))
            active.append(_active(front, tape, hidden))
    return (
        torch.cat(logits, dim=1).numpy(),
        {name: torch.cat([part[name] for part in active], dim=1).numpy() for name in active[0]},
    )


def _joined(parts: list[Weights]) -> Weights:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _fit_chunk(
    front: Front,
    targets: Tensor,
    faces: Tensor,
    start: Weights,
    scaling: Scaling,
    batch_size: int,
    learning_rate: float,
    keep_moments: bool,
) -> ManyFits:
    fits, epochs, captures = faces.shape
    values, weights = _pack(start)
    slopes, gradients = _pack({name: torch.zeros_like(value) for name, value in start.items()})
    squares = torch.zeros_like(values)
    loss, right = values.new_zeros(2, fits, epochs)
    active = [_activity(front, weights, scaling, faces[:, 0], batch_size)]
    moments = [values.clone()] if keep_moments else []
    for epoch in range(epochs):
        seen: Weights = {}
        for batch in torch.split(faces[:, epoch], batch_size, dim=1):
            features, tape = front.forward(weights, scaling, batch)
            hidden = _hidden(weights, features)
            logits = _logits(weights, hidden)
            batch_loss, correct, slope = _cross_entropy(logits, targets.gather(1, batch))
            loss[:, epoch] += batch_loss.sum(1)
            right[:, epoch] += correct.sum(1)
            _note(seen, _active(front, tape, hidden))
            slope_features = _backward(weights, gradients, features, hidden, slope / batch.shape[1])
            front.backward(tape, scaling, slope_features, gradients)
            # RMSprop as Keras defines it, over all weights of all fits at once
            squares.mul_(RHO).addcmul_(slopes, slopes, value=1 - RHO)
            values.addcdiv_(slopes, (squares + EPSILON).sqrt_(), value=-learning_rate)
        active.append(seen)
        if keep_moments:
            moments.append(values.clone())
    silent = {name: ~torch.stack([part[name] for part in active], dim=1).numpy() for name in active[0]}
    return ManyFits(
        {name: value.clone() for name, value in weights.items()},
        loss.div_(captures).numpy(),
        right.div_(captures).numpy(),  # counted first: a perfect epoch is 1, to the last bit
        silent,
        _unpacked(torch.stack(moments, dim=1), start) if keep_moments else None,
    )


def _pack(weights: Weights) -> tuple[Tensor, Weights]:
    """Copy stacked weights into one (S, parameters) tensor and return it with views of it by name."""
    flat = torch.cat([value.flatten(1) for value in weights.values()], dim=1)
    return flat, _unpacked(flat, weights)


def _unpacked(flat: Tensor, like: Weights) -> Weights:
    """Return views of (S, ..., parameters) by name, each (S, ..., *shape of one fit's)."""
    parts = torch.split(flat, [value[0].numel() for value in like.values()], dim=-1)
    return {
        name: part.view(*part.shape[:-1], *value.shape[1:])
        for (name, value), part in zip(like.items(), parts, strict=True)
    }


def _activity(front: Front, weights: Weights, scaling: Scaling, faces: Tensor, batch_size: int) -> Weights:
    """Which units are active for any of each fit's faces (S, n), without training."""
    seen: Weights = {}
    for batch in torch.split(faces, batch_size, dim=1):
        features, tape = front.forward(weights, scaling, batch)
        _note(seen, _active(front, tape, _hidden(weights, features)))
    return seen


def _active(front: Front, tape: Tape, hidden: Tensor) -> Weights:
    return {**tape.active, front.hidden_relu: hidden > 0}


def _note(seen: Weights, active: Weights) -> None:
    for name, part in active.items():
        now = part.any(dim=1)  # (S, B, units) -> (S, units)
        seen[name] = seen[name] | now if name in seen else now


def _hidden(weights: Weights, features: Tensor) -> Tensor:
    """ReLU of the hidden layer: (S, B, D) -> (S, B, K)."""
    bias = weights["hidden.bias"].unsqueeze(1)
    return torch.baddbmm(bias, features, weights["hidden.weight"].mT).relu_()


def _logits(weights: Weights, hidden: Tensor) -> Tensor:
    """Apply the output layer: (S, B, K) -> (S, B, C)."""
    return torch.baddbmm(weights["output.bias"].unsqueeze(1), hidden, weights["output.weight"].mT)


def _cross_entropy(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return each capture's loss and whether it is right, (S, B), and the loss's slope by the logits (S, B, C)."""
    if logits.shape[2] == 1:
        logit, target = logits[..., 0], targets.to(logits.dtype)
        loss = functional.binary_cross_entropy_with_logits(logit, target, reduction="none")
        return loss, (logit > 0) == (targets == 1), (logit.sigmoid() - target).unsqueeze(2)
    log_probability = logits.log_softmax(2)
    loss = -log_probability.gather(2, targets.unsqueeze(2)).squeeze(2)
    slope = log_probability.exp() - functional.one_hot(targets, logits.shape[2])
    return loss, logits.argmax(2) == targets, slope


def _backward(weights: Weights, gradients: Weights, features: Tensor, hidden: Tensor, slope: Tensor) -> Tensor:
    """Fill in the gradients of the two dense layers and return the gradient by the features (S, B, D)."""
    torch.bmm(slope.mT, hidden, out=gradients["output.weight"])
    torch.sum(slope, dim=1, out=gradients["output.bias"])
    slope_hidden = torch.bmm(slope, weights["output.weight"]).mul_(hidden > 0)
    gradients["hidden.weight"].copy_(torch.bmm(slope_hidden.mT, features))
    torch.sum(slope_hidden, dim=1, out=gradients["hidden.bias"])
    return torch.bmm(slope_hidden, weights["hidden.weight"])
