"""Fit a group of networks that share their people, and turn what they do into trials."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from faceloupe.faces.perturbations import permute_pixels
from faceloupe.faces.splits import split_by_capture
from faceloupe.studies.networks import SENTENCES, build, equal_side
from faceloupe.studies.plan import StudyPlan, seeds_for
from faceloupe.studies.trials import NAN, Trial
from faceloupe.training.ensemble import ManyFits, fit_many, initial_weights, predict_many
from faceloupe.training.fit import batch_orders
from faceloupe.training.fronts import Weights
from faceloupe.training.language import parse_network
from faceloupe.training.networks import FCNN, SmallNetwork
from faceloupe.training.preprocessing import Preprocessing, fit_preprocessing
from faceloupe.training.specs import NetworkSpec, Training

__all__ = [
    "FROZEN",
    "PERMUTED",
    "SHUFFLED",
    "FitGroup",
    "fit_group",
    "freeze_filters",
    "held_out_split",
    "one_thread",
    "people_name",
]

Images = NDArray[np.float32]
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


def people_name(people: Sequence[int]) -> str:
    """Return the name of these people in trials."""
    return "-".join(map(str, people)) if len(people) == 2 else "all"


@dataclass(frozen=True, slots=True, eq=False)
class FitGroup:
    """Networks of one shape, trained on the same people.

    Attributes
    ----------
    plan : StudyPlan
    network : str
    people : tuple of int
    shape : SmallNetwork
    seeds, preprocessing : sequences, one item a fit
    train, held_out : ndarray of int, (S, n)
        Captures of each fit.
    images, labels : arrays, (M, ...)
        All captures of these people; who they show.
    targets : ndarray of int, (S, M)
        Class that each network was told.
    start : dict of str to Tensor
        The weights before training, each (S, ...).
    fits : ManyFits
    control : str
    seconds : float
        For all fits together.
    """

    plan: StudyPlan
    network: str
    people: tuple[int, ...]
    shape: SmallNetwork
    seeds: tuple[int, ...]
    preprocessing: tuple[Preprocessing, ...]
    train: NDArray[np.intp]
    held_out: NDArray[np.intp]
    images: Images
    labels: NDArray[np.intp]
    targets: NDArray[np.intp]
    start: Weights
    fits: ManyFits
    control: str
    seconds: float

    def of_kind(self, kind: str) -> list[int]:
        """Return which fits have a preprocessing, by their places."""
        return [place for place, step in enumerate(self.preprocessing) if step.kind == kind]

    def only(self, kind: str) -> "FitGroup":
        """Return the fits of one preprocessing."""
        places = self.of_kind(kind)
        fits = replace(
            self.fits,
            weights={name: value[places] for name, value in self.fits.weights.items()},
            loss=self.fits.loss[places],
            accuracy=self.fits.accuracy[places],
            silent={name: value[places] for name, value in self.fits.silent.items()},
            moments=self.fits.moments and {name: value[places] for name, value in self.fits.moments.items()},
        )
        return replace(
            self,
            seeds=tuple(self.seeds[place] for place in places),
            preprocessing=tuple(self.preprocessing[place] for place in places),
            train=self.train[places],
            held_out=self.held_out[places],
            targets=self.targets[places],
            start={name: value[places] for name, value in self.start.items()},
            fits=fits,
        )

    def layers(self, fit: int, images: Images) -> dict[str, Images]:
        """Return the output of each hidden layer of one fit for some faces, by the layer's name."""
        self.shape.load_state_dict({name: stacked[fit] for name, stacked in self.fits.weights.items()})
        output, found = torch.from_numpy(self.preprocessing[fit].apply(images)[:, None]), {}
        with torch.no_grad():
            for name, layer in self.shape.named_children():
                output = layer(output)
                if name not in ("flatten", "output"):
                    found[name] = output.numpy()
        return found

    def logits(self, images: Images) -> NDArray[np.float32]:
        """Return the answers of every network of the group for some faces, (S, N, C)."""
        return predict_many(self.shape, self.fits.weights, prepare(self.network, images), self.preprocessing)[0]

    def trials(self, experiment: str, **details: Any) -> list[Trial]:
        """Return one trial a fit: accuracy, loss and dead units after training."""
        logits, active = predict_many(
            self.shape, self.fits.weights, prepare(self.network, self.images), self.preprocessing
        )
        right, loss = score(logits, self.labels)
        train_right, train_loss = score(logits, self.targets)
        return [
            Trial(
                experiment=experiment,
                preprocess=self.preprocessing[fit].kind,
                **self._identity(fit),
                n_train=self.train.shape[1],
                n_held_out=self.held_out.shape[1],
                train_accuracy=float(train_right[fit, self.train[fit]].mean()),
                train_loss=float(train_loss[fit, self.train[fit]].mean()),
                accuracy=_mean(right[fit, self.held_out[fit]]),
                loss=_mean(loss[fit, self.held_out[fit]]),
                fitted_at=_first(self.fits.accuracy[fit] == 1),
                filter_correlation=self._filter_correlation(fit),
                seconds=self.seconds / len(self.seeds),
                **self._dead(fit, {name: part[fit, self.train[fit]].any(axis=0) for name, part in active.items()}),
                **details,
            )
            for fit in range(len(self.seeds))
        ]

    def conditions(
        self, experiment: str, condition: str, amount: float, changed: Images, before: NDArray[np.intp]
    ) -> list[Trial]:
        """Return one trial a fit: accuracy on held-out captures that were changed, and consistency with before."""
        logits = self.logits(changed)
        now, (right, _) = answers(logits), score(logits, self.labels)
        return [
            Trial(
                experiment=experiment,
                preprocess=self.preprocessing[fit].kind,
                **self._identity(fit),
                condition=condition,
                amount=amount,
                n_train=self.train.shape[1],
                n_held_out=len(held_out),
                accuracy=_mean(right[fit, held_out]),
                consistency=_mean(now[fit, held_out] == before[fit, held_out]),
            )
            for fit, held_out in enumerate(self.held_out)
        ]

    def epochs(self, experiment: str) -> list[Trial]:
        """Return one trial a fit and epoch: running loss and accuracy on the training captures."""
        return [
            Trial(
                experiment=experiment,
                preprocess=self.preprocessing[fit].kind,
                **self._identity(fit),
                condition="epoch",
                amount=float(epoch + 1),
                n_train=self.train.shape[1],
                train_accuracy=float(self.fits.accuracy[fit, epoch]),
                train_loss=float(self.fits.loss[fit, epoch]),
            )
            for fit in range(len(self.seeds))
            for epoch in range(self.plan.epochs)
        ]

    def _identity(self, fit: int) -> dict[str, Any]:
        return {
            "network": self.network,
            "people": people_name(self.people),
            "seed": self.seeds[fit],
            "captures": self.train.shape[1] // len(self.people),
            "control": self.control,
        }

    def _filter_correlation(self, fit: int) -> float:
        if "conv.weight" not in self.start:
            return NAN
        kernels = [weights["conv.weight"][fit].flatten(1).numpy() for weights in (self.start, self.fits.weights)]
        return float(np.mean([np.corrcoef(before, after)[0, 1] for before, after in zip(*kernels, strict=True)]))

    def _dead(self, fit: int, alive: dict[str, NDArray[np.bool_]]) -> dict[str, Any]:
        """Count the dead units of a fit before and after training, and say when each fell silent for good."""
        found: dict[str, Any] = {}
        died = []
        for layer, silent in self.fits.silent.items():
            name = "conv" if layer.startswith("conv") else "hidden"
            for column, dead in ((f"dead_{name}_start", silent[fit, 0]), (f"dead_{name}", ~alive[layer])):
                found[column] = found.get(column, 0.0) + float(dead.sum())
            when = [_silent_from(silent[fit, :, unit]) for unit in np.flatnonzero(~alive[layer])]
            if when:
                died.append(" ".join([name, *map(str, sorted(when))]))
        return {**found, "died": "; ".join(died)}


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
        with the true labels by chance; ``"permuted pixels"`` puts the pixels of all captures in one random order.
    keep_moments : bool
        Keep the weights of every epoch of every fit.

    Returns
    -------
    FitGroup
    """
    started = perf_counter()
    settings = [(seed, kind) for kind in preprocess or plan.preprocess for seed in seeds]
    drawn = np.array([seeds_for(plan, people, seed) for seed, _ in settings])
    if captures is None:
        train = np.tile(np.arange(len(labels)), (len(settings), 1))
        held_out = np.empty((len(settings), 0), dtype=np.intp)
    else:
        splits = [held_out_split(plan, labels, people, seed, captures) for seed, _ in settings]
        train, held_out = (np.stack(side) for side in zip(*splits, strict=True))
    targets = np.tile(labels, (len(settings), 1))
    if control == SHUFFLED:
        targets = np.stack([np.random.default_rng(seeds).permutation(labels) for seeds in drawn])
    if control == PERMUTED:
        images = permute_pixels(images, seed=plan.seed)
    seen = prepare(network, images)
    shape = build(network, images.shape[1:], len(np.unique(labels)))
    preprocessing = [fit_preprocessing(kind, seen[indices]) for (_, kind), indices in zip(settings, train, strict=True)]
    start, training = initial_weights(shape, drawn[:, 1]), training_of(plan, network)
    fits = fit_many(
        shape,
        seen,
        targets,
        train,
        np.stack([batch_orders(train.shape[1], training.epochs, int(seed)) for seed in drawn[:, 2]]),
        start,
        preprocessing,
        training,
        seeds=drawn[:, 1],
        keep_moments=keep_moments,
    )
    return FitGroup(
        plan, str(network), tuple(people), shape, tuple(seed for seed, _ in settings), tuple(preprocessing), train,
        held_out, images, labels, targets, start, fits, control, perf_counter() - started,
    )  # fmt: skip


def freeze_filters(group: FitGroup) -> FitGroup:
    """Train the CNNs of a group again from the same start, batches and splits, but leave their filters as they began.

    What a filter that stays puts out for a face stays too, so that the layers after the pooling are trained alone, on
    the pooled maps of each fit's own filters.
    """
    started = perf_counter()
    plan, captures = group.plan, len(group.images)
    maps = _pooled(group)  # (S, M, D)
    own = captures * np.arange(len(group.seeds))[:, None]  # where the faces of each fit begin among those of all
    shape = FCNN((maps.shape[-1], 1))
    start = {name: value for name, value in group.start.items() if not name.startswith("conv")}
    orders = [seeds_for(plan, group.people, seed)[2] for seed in group.seeds]
    fits = fit_many(
        shape,
        maps.reshape(-1, maps.shape[-1], 1),
        np.tile(group.labels, len(group.seeds)),
        group.train + own,
        np.stack([batch_orders(group.train.shape[1], plan.epochs, int(seed)) for seed in orders]),
        start,
        [Preprocessing("none")] * len(group.seeds),
        training_of(plan, "fcnn"),
    )
    weights = {name: group.start[name] for name in ("conv.weight", "conv.bias")} | fits.weights
    silent = {"conv_relu": group.fits.silent["conv_relu"][:, :1].repeat(plan.epochs + 1, axis=1)}
    silent["hidden_relu"] = next(iter(fits.silent.values()))
    frozen = ManyFits(weights, fits.loss, fits.accuracy, silent)
    return replace(group, fits=frozen, control=FROZEN, seconds=perf_counter() - started)


def _pooled(group: FitGroup) -> NDArray[np.float32]:
    """Return the output of the pooling for all captures with the filters that each fit of CNNs began with."""
    network = build(group.network, group.images.shape[1:])
    front = nn.Sequential(*(dict(network.named_children())[name] for name in ("conv", "conv_relu", "pool", "flatten")))
    maps = []
    with torch.no_grad():
        for fit, step in enumerate(group.preprocessing):
            network.load_state_dict({name: stacked[fit] for name, stacked in group.start.items()})
            maps.append(front(torch.from_numpy(step.apply(group.images)[:, None])).numpy())
    return np.stack(maps)


def prepare(network: str | NetworkSpec, images: Images) -> Images:
    """Return the faces in the size that a network takes."""
    if network != "fcnn-equal":
        return images
    side = equal_side(images.shape[1:])
    return functional.adaptive_avg_pool2d(torch.tensor(images)[:, None], side)[:, 0].numpy()


def answers(logits: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the class that each logit vector (..., C) stands for; one logit says class 1 above 0."""
    return (logits[..., 0] > 0).astype(np.intp) if logits.shape[-1] == 1 else logits.argmax(axis=-1)


def score(logits: NDArray[np.float32], labels: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return whether each answer is right and its cross-entropy in nats, both (S, N)."""
    if logits.shape[-1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    peak = logits.max(axis=-1, keepdims=True)
    log_sum = peak[..., 0] + np.log(np.exp(logits - peak).sum(axis=-1))
    own = np.take_along_axis(logits, np.broadcast_to(labels, logits.shape[:2])[..., None], axis=-1)[..., 0]
    return answers(logits) == labels, log_sum - own


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else NAN


def _first(flags: NDArray[np.bool_]) -> float:
    """Return the first epoch, counted from 1, in which a flag is set; NaN if none."""
    return float(np.argmax(flags)) + 1 if flags.any() else NAN


def _silent_from(silent: NDArray[np.bool_]) -> int:
    """Return the first index from which a unit stays silent to the end."""
    heard = np.flatnonzero(~silent)
    return int(heard[-1]) + 1 if heard.size else 0
