"""The fits that a study's page shows: kept in its folder, so that a page never trains again.

Of the tutorial's pair every fit with half of the captures held out, of one seed also the weights before training and
after each epoch; the captures of the pair; and the kernels of the network that learns its filters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.studies.groups import FitGroup
from faceloupe.studies.plan import StudyPlan

Arrays = Mapping[str, NDArray[Any]]
WORTHY = 0.75  # held-out accuracy from which a fit is worth looking at: half way between chance and perfect


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class KeptNetwork:
    """All fits of one network with one preprocessing.

    Attributes
    ----------
    weights : mapping of parameter name to array (S, ...)
        After training, in single precision.
    train : array of int, (S, n)
        The captures that each fit was trained on; the others of the pair were held out.
    mean, scale : arrays of float, (S,)
        The preprocessing, (pixel - mean) / scale.
    moments : mapping of parameter name to array (epochs + 1, ...)
        Weights of the seed that is shown: before training and after each epoch, in half precision.
    loss, accuracy : arrays of float, (epochs,)
        Loss and accuracy of the seed that is shown, as it trained.
    """

    weights: Arrays
    train: NDArray[np.int64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    moments: Arrays
    loss: NDArray[np.float32]
    accuracy: NDArray[np.float32]


class KeptFits:
    """The kept networks, by name.

    Parameters
    ----------
    plan : StudyPlan
    arrays : mapping of str to array
        As :func:`kept_fits` made them, and ``start`` and ``end`` of the network that learns its filters.

    Attributes
    ----------
    faces : array of uint8, (M, H, W)
        The captures of the tutorial's pair, 0 black and 255 white.
    labels : array of int, (M,)
        0 or 1: which of the two a capture shows.
    shown : int
        The seed whose fits the pictures show: the first of which both centred networks do well on the half held out.
    learned : (array, array)
        Kernels before and after training, (16, h, w), of the network that learns its filters.
    """

    def __init__(self, plan: StudyPlan, arrays: Arrays) -> None:
        self._plan, self._arrays = plan, arrays
        self.faces, self.labels = arrays["faces"], arrays["labels"]
        self.shown = int(arrays["shown"][0])
        self.learned = arrays["start"], arrays["end"]

    @property
    def pixels(self) -> NDArray[np.float32]:
        """The captures as networks take them before preprocessing, in [0, 1]."""
        return self.faces.astype(np.float32) / np.float32(255)

    def network(self, name: str, kind: str) -> KeptNetwork:
        """Return the fits of ``"fcnn"`` or ``"cnn"`` with one preprocessing."""
        place = self._plan.preprocess.index(kind)
        own = {
            key.removeprefix(f"{name}/"): value[place]
            for key, value in self._arrays.items()
            if key.startswith(f"{name}/")
        }
        weights, moments = (
            {key.removeprefix(part): value for key, value in own.items() if key.startswith(part)}
            for part in ("weights/", "moments/")
        )
        rest = {key: own[key] for key in ("train", "mean", "scale", "loss", "accuracy")}
        return KeptNetwork(weights=weights, moments=moments, **rest)

    def __repr__(self) -> str:
        return f"KeptFits({self._plan.seeds} seeds of both networks, seed {self.shown} shown)"


def kept_fits(images: NDArray[np.float32], labels: NDArray[np.intp], groups: Mapping[str, FitGroup]) -> dict[str, Any]:
    """Return what is kept of the groups of the tutorial's pair, by name, the preprocessings stacked."""
    shown = _shown(groups)
    arrays = {
        "faces": np.rint(255 * images).astype(np.uint8),
        "labels": labels.astype(np.int64),
        "shown": np.array([shown]),
    }
    for name, group in groups.items():
        kinds = list(dict.fromkeys(step.kind for step in group.preprocessing))

        def by_kind(values: Any, kinds: int = len(kinds)) -> NDArray[Any]:
            array = np.asarray(values)
            return np.ascontiguousarray(array.reshape(kinds, -1, *array.shape[1:]))

        seed = group.seeds.index(shown)
        arrays |= {f"{name}/weights/{part}": by_kind(value) for part, value in group.fits.weights.items()}
        arrays |= {
            f"{name}/moments/{part}": by_kind(value.half())[:, seed].copy()
            for part, value in (group.fits.moments or {}).items()
        }
        arrays |= {
            f"{name}/train": by_kind(group.train.astype(np.int64)),
            f"{name}/mean": by_kind([step.mean for step in group.preprocessing]),
            f"{name}/scale": by_kind([step.scale for step in group.preprocessing]),
            f"{name}/loss": by_kind(group.fits.loss)[:, seed].copy(),
            f"{name}/accuracy": by_kind(group.fits.accuracy)[:, seed].copy(),
        }
    return arrays


def _shown(groups: Mapping[str, FitGroup]) -> int:
    """Return the first seed whose centred fits are all worth looking at; the first of all if there is none."""
    reached = [
        [trial.accuracy for trial in group.trials("tutorial") if trial.preprocess == "centre"]
        for group in groups.values()
    ]
    worthy = [seed for seed, both in enumerate(zip(*reached, strict=True)) if min(both) >= WORTHY]
    return worthy[0] if worthy else 0
