"""Fit groups of networks that share their people."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from faceloupe.faces.perturbations import permute_pixels
from faceloupe.faces.splits import split_by_capture
from faceloupe.studies.groups import FitGroup, Images, prepare
from faceloupe.studies.networks import SENTENCES, build
from faceloupe.studies.plan import StudyPlan, seeds_for
from faceloupe.training.ensemble import fit_many, initial_weights
from faceloupe.training.fit import batch_orders
from faceloupe.training.language import parse_network
from faceloupe.training.preprocessing import fit_preprocessing
from faceloupe.training.specs import NetworkSpec, Training

SHUFFLED, PERMUTED, FROZEN = "shuffled labels", "permuted pixels", "frozen filters"


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep PyTorch to one thread: the tasks fill the cores, and sums in the same order give the same numbers."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def training_of(plan: StudyPlan, network: str | NetworkSpec) -> Training:
    """Return the training of a network: as its spec says, or for one of the study's as the plan says."""
    if isinstance(network, NetworkSpec):
        return network.training
    slower = 10 if network == "fcnn-slow" else 1
    return replace(
        parse_network(SENTENCES[network]).training,
        learning_rate=plan.learning_rate / slower,
        batch_size=plan.batch_size,
        epochs=plan.epochs,
    )


def held_out_split(
    plan: StudyPlan, labels: NDArray[np.intp], people: Sequence[int], seed: int, captures: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the training and held-out captures of one seed: the same for every network and baseline."""
    split = split_by_capture(labels, train=captures, seed=int(seeds_for(plan, people, seed)[0]))
    return split.train, split.held_out


def fit_group(
    plan: StudyPlan,
    images: Images,
    labels: NDArray[np.intp],
    people: Sequence[int],
    network: str | NetworkSpec,
    *,
    seeds: Sequence[int],
    captures: int | None,
    preprocess: Sequence[str] | None = None,
    control: str = "",
    also_shuffled: Sequence[str] = (),
    keep_moments: bool = False,
) -> FitGroup:
    """Train a network for every seed and preprocessing on some people.

    Parameters
    ----------
    plan : StudyPlan
    images, labels : arrays, (M, H, W) and (M,)
        The people's captures, labelled 0..K-1.
    people : sequence of int
        Their indices in the whole face set.
    network : str or NetworkSpec
        As :func:`build` takes it. A NetworkSpec says how it is trained, too.
    seeds : sequence of int
    captures : int or None
        Training captures per subject; None trains on all and holds none out.
    preprocess : sequence of str, optional
        Instead of the plan's.
    control : str
        ``"shuffled labels"`` trains each fit on labels in a random order of its own, for one order for all might agree
        with the true labels by chance; ``"permuted pixels"`` puts the pixels of all captures in one random order;
        ``"frozen filters"`` leaves the filters as they began.
    also_shuffled : sequence of str
        Preprocessings with which each seed is trained on shuffled labels too: beside the others that takes little time,
        for they share their captures.
    keep_moments : bool
        Keep the weights of every epoch of every fit.

    Returns
    -------
    FitGroup
    """
    started = perf_counter()
    settings = [(seed, kind, control) for kind in preprocess or plan.preprocess for seed in seeds]
    settings += [(seed, kind, SHUFFLED) for kind in also_shuffled for seed in seeds]
    own_seeds, kinds, controls = zip(*settings, strict=True)
    drawn = np.array([seeds_for(plan, people, seed) for seed in own_seeds])
    if captures is None:
        train = np.tile(np.arange(len(labels)), (len(settings), 1))
        held_out = np.empty((len(settings), 0), dtype=np.intp)
    else:
        splits = [held_out_split(plan, labels, people, seed, captures) for seed in own_seeds]
        train, held_out = (np.stack(side) for side in zip(*splits, strict=True))
    targets = np.tile(labels, (len(settings), 1))
    for place in np.flatnonzero(np.array(controls) == SHUFFLED):
        targets[place] = np.random.default_rng(drawn[place]).permutation(labels)
    if control == PERMUTED:
        images = permute_pixels(images, seed=plan.seed)
    prepared = prepare(network, images)
    shape = build(network, images.shape[1:], len(np.unique(labels)))
    preprocessing = [fit_preprocessing(kind, prepared[indices]) for kind, indices in zip(kinds, train, strict=True)]
    start, training = initial_weights(shape, drawn[:, 1]), training_of(plan, network)
    fits = fit_many(
        shape,
        prepared,
        targets,
        train,
        np.stack([batch_orders(train.shape[1], training.epochs, int(seed)) for seed in drawn[:, 2]]),
        start,
        preprocessing,
        training,
        seeds=drawn[:, 1],
        frozen_filters=control == FROZEN,
        keep_moments=keep_moments,
    )
    return FitGroup(
        plan, str(network), tuple(people), shape, own_seeds, tuple(preprocessing), controls, train,
        held_out, images, labels, targets, start, fits, perf_counter() - started,
    )  # fmt: skip
