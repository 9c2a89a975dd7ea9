"""A network that has to learn its filters, as a contrast to the tutorial's: all people at once, varied afresh."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from faceloupe.studies.plan import StudyPlan, seeds_for
from faceloupe.training.fit import batch_orders, fit_network
from faceloupe.training.language import parse_network
from faceloupe.training.networks import SmallNetwork, initialise
from faceloupe.training.preprocessing import fit_preprocessing

SENTENCE = (
    "conv 16 {kernel}x{kernel} stride 2 relu, pool {pool}, dense 64 relu; optimiser adam, rate 0.003, batch 20, "
    "preprocess standardise, augment mirror shift 3"
)
"""The network and how it is trained, with room for the sizes that fit the faces."""

EPOCHS = 4  # times those of the study: 80
SMALL = 40  # pixels a side below which the kernel is halved


@dataclass(frozen=True, slots=True, eq=False)
class FilterFit:
    """One fit: its kernels before and after training, (16, h, w), and what it reached.

    Attributes
    ----------
    start, end : ndarray of float32
    train_accuracy, accuracy : float
        On the training captures, unvaried, and on those held out.
    seconds : float
    """

    start: NDArray[np.float32]
    end: NDArray[np.float32]
    train_accuracy: float
    accuracy: float
    seconds: float

    @property
    def correlation(self) -> float:
        """Correlation of a kernel with what it was before training, mean over the kernels."""
        pairs = zip(self.start.reshape(len(self.start), -1), self.end.reshape(len(self.end), -1), strict=True)
        return float(np.mean([np.corrcoef(before, after)[0, 1] for before, after in pairs]))


def fit_filters(
    plan: StudyPlan,
    images: NDArray[np.float32],
    labels: NDArray[np.intp],
    train: NDArray[np.intp],
    held_out: NDArray[np.intp],
    seed: int,
    *,
    frozen: bool,
) -> FilterFit:
    """Train the network to name all people, on freshly moved and mirrored captures.

    Parameters
    ----------
    plan : StudyPlan
    images, labels : arrays, (M, H, W) and (M,)
    train, held_out : arrays of int
        Captures to train on, and captures held out.
    seed : int
        Seed of the weights, the order and the variation of captures; the same, frozen or not.
    frozen : bool
        Leave the kernels as they began.
    """
    started = perf_counter()
    _, weights_seed, order_seed = map(int, seeds_for(plan, range(int(labels.max()) + 1), seed))
    side = min(images.shape[1:])
    kernel = 8 if side >= SMALL else 4
    pool = ((side - kernel) // 2 + 1) // 2  # two by two places: what tells people apart, the filters must find
    spec = parse_network(SENTENCE.format(kernel=kernel, pool=pool))
    network = initialise(SmallNetwork(spec, images.shape[1:], outputs=int(labels.max()) + 1), weights_seed)
    kernels = dict(network.named_parameters())["conv.weight"]
    start = kernels.detach().numpy().copy()
    faces = fit_preprocessing("standardise", images[train]).apply(images)[:, None]
    for name, part in network.named_parameters():
        part.requires_grad_(not (frozen and name.startswith("conv")))
    orders = batch_orders(len(train), EPOCHS * plan.epochs, order_seed)
    fit_network(network, faces[train], labels[train], orders, spec.training, seed=order_seed)
    with torch.no_grad():
        right = network(torch.from_numpy(faces)).argmax(1).numpy() == labels
    end = kernels.detach().numpy()
    shares = float(right[train].mean()), float(right[held_out].mean())
    return FilterFit(start[:, 0], end[:, 0], *shares, perf_counter() - started)
