"""Networks of one shape that were trained on the same people, and the trials made of what they do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from faceloupe.studies.networks import equal_side
from faceloupe.studies.plan import StudyPlan
from faceloupe.studies.trials import NAN, Trial
from faceloupe.training.ensemble import ManyFits, predict_many
from faceloupe.training.fronts import Weights
from faceloupe.training.networks import SmallNetwork
from faceloupe.training.preprocessing import Preprocessing
from faceloupe.training.specs import NetworkSpec

Images = NDArray[np.float32]


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
    seeds, preprocessing, controls : sequences, one item a fit
    train, held_out : ndarray of int, (S, n)
        Captures of each fit.
    images, labels : arrays, (M, ...)
        All captures of these people; who they show.
    targets : ndarray of int, (S, M)
        Class that each network was told.
    start : dict of str to Tensor
        The weights before training, each (S, ...).
    fits : ManyFits
    seconds : float
        For all fits together.
    """

    plan: StudyPlan
    network: str
    people: tuple[int, ...]
    shape: SmallNetwork
    seeds: tuple[int, ...]
    preprocessing: tuple[Preprocessing, ...]
    controls: tuple[str, ...]
    train: NDArray[np.intp]
    held_out: NDArray[np.intp]
    images: Images
    labels: NDArray[np.intp]
    targets: NDArray[np.intp]
    start: Weights
    fits: ManyFits
    seconds: float

    def only(self, *kinds: str, control: str = "") -> "FitGroup":
        """Return the fits of some kinds of preprocessing, all if none is named, and of one control."""
        places = [
            place
            for place, (step, own) in enumerate(zip(self.preprocessing, self.controls, strict=True))
            if own == control and (step.kind in kinds or not kinds)
        ]
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
            controls=tuple(self.controls[place] for place in places),
            train=self.train[places],
            held_out=self.held_out[places],
            targets=self.targets[places],
            start={name: value[places] for name, value in self.start.items()},
            fits=fits,
            seconds=self.seconds * len(places) / len(self.seeds),
        )

    def layers(self, fit: int, images: Images) -> dict[str, Images]:
        """Return the output of each hidden layer of one fit for some faces, by the layer's name."""
        self.shape.load_state_dict({name: stacked[fit] for name, stacked in self.fits.weights.items()})
        output, outputs = torch.from_numpy(self.preprocessing[fit].apply(images)[:, None]), {}
        with torch.no_grad():
            for name, layer in self.shape.named_children():
                output = layer(output)
                if name not in ("flatten", "output"):
                    outputs[name] = output.numpy()
        return outputs

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
        self, experiment: str, condition: str, amount: float, logits: NDArray[np.float32], before: NDArray[np.intp]
    ) -> list[Trial]:
        """Return one trial a fit, by the logits (S, M, C) of changed captures and the answers (S, M) before.

        It holds the accuracy on those held out, and how many of them get the same answer as before.
        """
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
            "control": self.controls[fit],
        }

    def _filter_correlation(self, fit: int) -> float:
        if "conv.weight" not in self.start:
            return NAN
        kernels = [weights["conv.weight"][fit].flatten(1).numpy() for weights in (self.start, self.fits.weights)]
        return float(np.mean([np.corrcoef(before, after)[0, 1] for before, after in zip(*kernels, strict=True)]))

    def _dead(self, fit: int, alive: dict[str, NDArray[np.bool_]]) -> dict[str, Any]:
        """Count the dead units of a fit before and after training, and say when each fell silent for good."""
        counts: dict[str, Any] = {}
        died = []
        for layer, silent in self.fits.silent.items():
            name = "conv" if layer.startswith("conv") else "hidden"
            for column, dead in ((f"dead_{name}_start", silent[fit, 0]), (f"dead_{name}", ~alive[layer])):
                counts[column] = counts.get(column, 0.0) + float(dead.sum())
            when = [_silent_from(silent[fit, :, unit]) for unit in np.flatnonzero(~alive[layer])]
            if when:
                died.append(" ".join([name, *map(str, sorted(when))]))
        return {**counts, "died": "; ".join(died)}


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
