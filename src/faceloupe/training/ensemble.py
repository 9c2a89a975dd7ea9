"""Many fits at once: S networks of one shape, trained together.

A study trains the same small network thousands of times. One at a time, such a fit is all overhead: its matrices are a
few columns wide. Here the S fits of a chunk go through each step together, and three facts about the network save work:

1. Convolution and max-pooling are one pass over a face, and no feature map is written to memory.
2. The first layer needs no gradient for its input, and max-pooling sends its own to one position of each window: the
   kernel's gradient is a weighted sum of 196 patches a filter instead of 3,249.
3. Preprocessing is a shift and a scale of pixels, and may as well be applied to what is computed from them.

Networks for which that does not pay (:func:`faceloupe.training.fronts.pays`) are trained one by one, through the same
functions. Either way the results equal those of :func:`faceloupe.training.fit.fit_network` from the same weights and
batches, up to the order of floating-point sums. Shapes below: S fits, B captures a batch, M faces, F filters, P pooled
positions, D features, K hidden units, C outputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceloupe.errors import InputError
from faceloupe.training.activations import activate_, slope_through
from faceloupe.training.augmentation import vary
from faceloupe.training.fronts import Front, Scaling, Tape, Weights, front_of, pays
from faceloupe.training.networks import SmallNetwork, initialise
from faceloupe.training.optimisers import optimiser_of
from faceloupe.training.preprocessing import Preprocessing
from faceloupe.training.singly import fit_singly, predict_singly
from faceloupe.training.specs import Activation, Augmentation, Dense, Training

FACES_AT_ONCE = 128  # bounds the pooled maps held by a prediction: 6 kB a face and fit of the CNN


@dataclass(frozen=True, slots=True, eq=False)
class ManyFits:
    """The results of S fits.

    Attributes
    ----------
    weights : dict of str to Tensor
        By the names in the network's ``state_dict``, each (S, ...).
    loss, accuracy : ndarray of shape (S, epochs)
        Running means over each epoch's captures before the update, as Keras prints them.
    silent : dict of str to ndarray of bool, shape (S, epochs + 1, units)
        By ReLU layer: whether a unit put out 0 for every training capture, before training (index 0) and all through
        each epoch. A filter is heard where the pooling looks; what it does in an unseen last row counts for nothing.
        With dropout or augmentation: in what the network saw.
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


def initial_weights(network: SmallNetwork, seeds: NDArray[np.integer], training: Training | None = None) -> Weights:
    """Return the weights that :func:`~faceloupe.training.networks.initialise` draws for each seed, stacked (S, ...).

    They are drawn as `training` says, or else the network's own ``spec``; the network's own weights stay as they are.
    """
    kind = (training or network.spec.training).initialisation
    fresh = SmallNetwork(network.spec, network.image_shape, network.outputs)
    states = [
        {name: value.clone() for name, value in initialise(fresh, int(seed), kind).state_dict().items()}
        for seed in seeds
    ]
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}


def fit_many(
    network: SmallNetwork,
    images: NDArray[np.float32],
    labels: NDArray[np.integer],
    train: NDArray[np.integer],
    orders: NDArray[np.integer],
    weights: Weights,
    preprocessing: Sequence[Preprocessing],
    training: Training | None = None,
    *,
    seeds: Sequence[int] | NDArray[np.integer] | None = None,
    frozen_filters: bool = False,
    keep_moments: bool = False,
) -> ManyFits:
    """Train S networks of one shape together.

    Parameters
    ----------
    network : SmallNetwork
        The shape; its own weights are not used.
    images : ndarray of shape (M, H, W), float32
        The faces that the fits draw from, as they are. With float64 faces and weights everything is float64.
    labels : ndarray of shape (M,) or (S, M)
        Class of each face, the same for all fits or of each fit its own: 0 or 1 for a network with one output, else
        0..C-1.
    train : ndarray of shape (S, n)
        Faces that each fit trains on.
    orders : ndarray of shape (S, epochs, n)
        Each fit's order of its n training faces in each epoch (:func:`~faceloupe.training.fit.batch_orders`).
    weights : dict of str to Tensor
        Weights that each fit starts from, as from :func:`initial_weights`; left unchanged.
    preprocessing : sequence of S Preprocessing
        Preprocessing of each fit; the faces are shared by all fits as they are.
    training : Training, optional
        As in :func:`~faceloupe.training.fit.fit_network`; the network's own ``spec`` says it if not given.
    seeds : sequence of S int, optional
        Seeds of dropout and augmentation in each fit; 0 for all if not given.
    frozen_filters : bool
        Leave convolutions as they began, and train what comes after them.
    keep_moments : bool
        Keep the weights of every epoch, not only the last.

    Returns
    -------
    ManyFits

    Raises
    ------
    InputError
        If the weights are not of the images' precision, or the preprocessing is not that of S fits.
    IndexError
        If `train` or `orders` names a face that is not there.
    """
    _check(images, weights, preprocessing)
    training = training or network.spec.training
    targets = np.broadcast_to(labels, (len(train), len(images))).astype(np.int64)
    seeds = np.zeros(len(train), dtype=int) if seeds is None else seeds
    if not pays(network.spec):
        return ManyFits(
            *fit_singly(
                network, images, targets, train, orders, weights, preprocessing, training, seeds,
                frozen_filters, keep_moments,
            )
        )  # fmt: skip
    with torch.no_grad():
        pixels = torch.tensor(images)
        stack = _Stack(network, pixels)
        # (S, epochs, n): the faces in the order in which each fit meets them
        faces = torch.from_numpy(
            np.take_along_axis(train[:, None, :], orders, axis=2).astype(np.int64, casting="same_kind")
        )
        chunks = [
            _fit_chunk(
                stack,
                torch.from_numpy(targets[part]),
                faces[part],
                {name: value[part] for name, value in weights.items()},
                Scaling.of(preprocessing[part], pixels.dtype),
                training,
                [torch.Generator().manual_seed(int(seed)) for seed in seeds[part]],
                frozen_filters,
                keep_moments,
            )
            for part in (slice(start, start + stack.front.chunk) for start in range(0, len(faces), stack.front.chunk))
        ]
    return ManyFits(
        weights=_joined([chunk.weights for chunk in chunks]),
        loss=np.concatenate([chunk.loss for chunk in chunks]),
        accuracy=np.concatenate([chunk.accuracy for chunk in chunks]),
        silent={name: np.concatenate([chunk.silent[name] for chunk in chunks]) for name in chunks[0].silent},
        moments=_joined([chunk.moments for chunk in chunks if chunk.moments]) if keep_moments else None,
    )


def predict_many(
    network: SmallNetwork, weights: Weights, images: NDArray[np.float32], preprocessing: Sequence[Preprocessing]
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.bool_]]]:
    """Run S networks of one shape on the same faces.

    Parameters
    ----------
    network : SmallNetwork
        The shape; its own weights are not used.
    weights : dict of str to Tensor
        Stacked (S, ...).
    images : ndarray of shape (M, H, W), float32
        Faces as they are.
    preprocessing : sequence of S Preprocessing
        Preprocessing that each network was trained with.

    Returns
    -------
    logits : ndarray of shape (S, M, C)
    active : dict of str to ndarray of bool, shape (S, M, units)
        By ReLU layer: whether a unit put out more than 0 anywhere on a face.

    Raises
    ------
    InputError
        If the weights are not of the images' precision, or the preprocessing is not that of S fits.
    """
    _check(images, weights, preprocessing)
    if not pays(network.spec):
        return predict_singly(network, weights, images, preprocessing)
    logits, active = [], []
    pixels = torch.tensor(images)
    scaling = Scaling.of(preprocessing, pixels.dtype)
    with torch.no_grad():
        for block in torch.split(pixels, FACES_AT_ONCE):
            stack = _Stack(network, block)
            passed = stack.forward(weights, scaling, torch.arange(len(block)).expand(len(weights["output.bias"]), -1))
            logits.append(passed.logits)
            active.append(passed.active)
    return (
        torch.cat(logits, dim=1).numpy(),
        {name: torch.cat([part[name] for part in active], dim=1).numpy() for name in active[0]},
    )


def _check(images: NDArray[np.float32], weights: Weights, preprocessing: Sequence[Preprocessing]) -> None:
    fits, precisions = len(weights["output.bias"]), {str(value.dtype) for value in weights.values()}
    if len(preprocessing) != fits:
        raise InputError(f"preprocessing must be one for each of the {fits} fits, but is {len(preprocessing)}.")
    if f"torch.{images.dtype}" not in precisions or images.dtype.kind != "f":
        raise InputError(
            f"images and weights must both be float32 or both float64, but are {images.dtype} and "
            f"{' and '.join(sorted(precisions))}."
        )


@dataclass(frozen=True, slots=True)
class _Pass:
    """The values that one forward pass leaves for the backward pass."""

    tape: Tape
    outputs: list[Tensor]  # of each hidden layer, activated: (S, B, K)
    logits: Tensor  # (S, B, C)
    active: Weights  # by ReLU layer: (S, B, units)


class _Stack:
    """The front, and the dense layers after it."""

    def __init__(self, network: SmallNetwork, images: Tensor) -> None:
        self.network, self.images = network, images
        dense = [layer for layer in network.spec.layers if isinstance(layer, Dense)]
        numbers = [""] if len(dense) == 1 else [str(place + 1) for place in range(len(dense))]
        self.names = [*(f"hidden{number}" for number in numbers[: len(dense)]), "output"]
        self.activations: list[Activation] = [*(layer.activation for layer in dense), "none"]
        self.front: Front = front_of(network.spec, self.names[0], images)

    def varied(
        self, faces: Tensor, augment: Augmentation, generators: list[torch.Generator]
    ) -> "tuple[_Stack, Tensor]":
        """Return a stack on the faces (S, B), varied afresh by the generator of each fit, and their numbers there."""
        images = vary(self.images[faces.flatten(), None], augment, *generators)[:, 0]
        return _Stack(self.network, images), torch.arange(faces.numel()).view(faces.shape)

    def forward(self, weights: Weights, scaling: Scaling, faces: Tensor) -> _Pass:
        """Show each fit its faces (S, B)."""
        sums, tape = self.front.forward(weights, scaling, faces)
        active = dict(tape.active)
        outputs = []
        for name, activation, after in zip(self.names[:-1], self.activations, self.names[1:], strict=False):
            outputs.append(activate_(activation, sums))
            if activation == "relu":
                active[f"{name}_relu"] = sums > 0
            sums = torch.baddbmm(weights[f"{after}.bias"].unsqueeze(1), outputs[-1], weights[f"{after}.weight"].mT)
        return _Pass(tape, outputs, sums, active)

    def backward(self, weights: Weights, passed: _Pass, scaling: Scaling, slope: Tensor, gradients: Weights) -> None:
        """Fill in all gradients, given the loss's slope by the logits (S, B, C)."""
        for place in range(len(passed.outputs), 0, -1):
            name, below = self.names[place], passed.outputs[place - 1]
            torch.bmm(slope.mT, below, out=gradients[f"{name}.weight"])
            torch.sum(slope, dim=1, out=gradients[f"{name}.bias"])
            slope = slope_through(self.activations[place - 1], torch.bmm(slope, weights[f"{name}.weight"]), below)
        self.front.backward(weights, passed.tape, scaling, slope, gradients)


def _joined(parts: list[Weights]) -> Weights:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _fit_chunk(
    stack: _Stack,
    targets: Tensor,
    faces: Tensor,
    start: Weights,
    scaling: Scaling,
    training: Training,
    generators: list[torch.Generator],
    frozen_filters: bool,
    keep_moments: bool,
) -> ManyFits:
    fits, epochs, captures = faces.shape
    values, weights = _pack(start)
    moved = {name: value for name, value in start.items() if not (frozen_filters and name.startswith("conv"))}
    slopes, gradients = _pack({name: torch.zeros_like(value) for name, value in moved.items()})
    optimiser = optimiser_of(training, [values[-len(slopes) :]])  # a convolution's weights come first
    loss, right = values.new_zeros(2, fits, epochs)
    active = [_activity(stack, weights, scaling, faces[:, 0], training.batch_size)] if epochs else []
    moments = [values.clone()] if keep_moments else []
    for epoch in range(epochs):
        fired: Weights = {}
        for batch in torch.split(faces[:, epoch], training.batch_size, dim=1):
            shown, places = stack.varied(batch, training.augment, generators) if training.augment else (stack, batch)
            passed = shown.forward(weights, scaling, places)
            batch_loss, correct, slope = _cross_entropy(passed.logits, targets.gather(1, batch))
            loss[:, epoch] += batch_loss.sum(1)
            right[:, epoch] += correct.sum(1)
            _note(fired, passed.active)
            shown.backward(weights, passed, scaling, slope / batch.shape[1], gradients)
            optimiser.step([slopes])  # over all weights of all fits at once
        active.append(fired)
        if keep_moments:
            moments.append(values.clone())
    silent = {name: ~torch.stack([part[name] for part in active], dim=1).numpy() for name in active[0]}
    views = [_views(moment, start) for moment in moments]
    return ManyFits(
        {name: value.clone() for name, value in weights.items()},
        loss.div_(captures).numpy(),
        right.div_(captures).numpy(),  # counted first: a perfect epoch is 1, to the last bit
        silent,
        {name: torch.stack([moment[name] for moment in views], dim=1) for name in start} if keep_moments else None,
    )


def _pack(weights: Weights) -> tuple[Tensor, Weights]:
    """Copy stacked weights into one vector and return it with views of it by name, each (S, ...) and contiguous."""
    flat = torch.cat([value.flatten() for value in weights.values()])
    return flat, _views(flat, weights)


def _views(flat: Tensor, like: Weights) -> Weights:
    parts = torch.split(flat, [value.numel() for value in like.values()])
    return {name: part.view(value.shape) for (name, value), part in zip(like.items(), parts, strict=True)}


def _activity(stack: _Stack, weights: Weights, scaling: Scaling, faces: Tensor, batch_size: int) -> Weights:
    """Return which units are active for any of each fit's faces (S, n), without training."""
    fired: Weights = {}
    for batch in torch.split(faces, batch_size, dim=1):
        _note(fired, stack.forward(weights, scaling, batch).active)
    return fired


def _note(fired: Weights, active: Weights) -> None:
    for name, part in active.items():
        now = part.any(dim=1)  # (S, B, units) -> (S, units)
        fired[name] = fired[name] | now if name in fired else now


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
