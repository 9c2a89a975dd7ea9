"""Does a manifest read its network as it was trained? Every likely slip is tried on labelled faces, and measured.

Red and blue swapped, grey levels up to 1 instead of 255, landmarks in other places: none of these is an error that
anybody sees, and each costs recognition silently. So each reading of the network is judged by how far apart it keeps
mated and non-mated comparisons, in the units of their spread: d' (Daugman 2000, "Biometric decision landscapes").
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.evaluation.audit import people_of_pairs
from faceloupe.evaluation.datasets import Data, LabelledPhotographs, open_data
from faceloupe.evaluation.embedding import as_photo
from faceloupe.numerals import counted
from faceloupe.progress import Progress
from faceloupe.recognition.manifests import Manifest
from faceloupe.recognition.onnx_embedder import OnnxEmbedder, landmark_places
from faceloupe.recognition.photographs import search_photo

Floats = NDArray[np.float64]

DRAWS = 4000  # bootstrap samples of subjects
LEVEL = 0.95
LEAST_SUBJECTS = 5
MOST_READINGS = 12  # that are tried, about
GREY = 0.02  # of white: a channel of a grey photograph, saved as JPEG, may differ by so much
SCALINGS: dict[str, dict[str, Any]] = {
    "pixels from 0 to 255": {"scale": 255.0, "mean": 0.0, "std": 1.0},
    "pixels from 0 to 1": {"scale": 1.0, "mean": 0.0, "std": 1.0},
    "pixels from -1 to 1": {"scale": 255.0, "mean": 127.5, "std": 127.5},
    "pixels with ImageNet's mean and standard deviation": {
        "scale": 1.0, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225),
    },
}  # fmt: skip
ZOOMS = {"a tighter crop of the face": 1.15, "a looser crop of the face": 0.87}


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a network, and how well it separates people.

    Attributes
    ----------
    words : str
        Difference from the manifest, in words.
    fields : dict
        The fields of the manifest that are other.
    d_prime : float
        Difference of the mean scores of mated and non-mated comparisons, in units of the root mean square of their
        standard deviations.
    interval : (float, float)
        95 % interval of `d_prime`, by drawing subjects again.
    gain : float
        By how much `d_prime` is more than the manifest's.
    gain_interval : (float, float)
        Interval of the gain, over the same draws, so wide that all readings tried hold together at 95 %.
    """

    words: str
    fields: dict[str, Any]
    d_prime: float
    interval: tuple[float, float]
    gain: float
    gain_interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class EmbedderCheck:
    """The separation of people by each reading of a network.

    Attributes
    ----------
    name : str
        Name of the network.
    source : str
        Description of the photographs.
    captures, subjects : int
        Faces compared, and people they show.
    coloured : bool
        Whether the photographs show colour; grey ones cannot tell the order of channels.
    readings : tuple of Reading
        The manifest's own first, then the others in the order in which they were tried.
    """

    name: str
    source: str
    captures: int
    subjects: int
    coloured: bool
    readings: tuple[Reading, ...]

    @property
    def better(self) -> Reading | None:
        """The best of the readings that separate people better than the manifest's; None if none surely does.

        Adding the mirrored face helps many networks and is not a slip: it is left out here.
        """
        slips = [reading for reading in self.readings[1:] if "flip" not in reading.fields]
        sure = [reading for reading in slips if reading.gain_interval[0] > 0]
        return max(sure, key=lambda reading: reading.gain, default=None)

    def words(self) -> str:
        """Return the answer, and what it rests on."""
        base, better = self.readings[0], self.better
        if better is None:
            answer = (
                f"No reading that was tried separates these people better than the manifest's (d' {base.d_prime:.2f}, "
                f"{_range(base.interval)})."
            )
        else:
            answer = (
                f"It looks as if this network wants {better.words}: d' {better.d_prime:.2f} ("
                f"{_range(better.interval)}) instead of {base.d_prime:.2f} ({_range(base.interval)}), "
                f"{better.gain:.2f} more ({_range(better.gain_interval)}). "
                f"In the manifest: {_in_manifest(better.fields)}."
            )
        basis = (
            f"Measured on {counted(self.captures, 'face')} of {counted(self.subjects, 'subject')}, {self.source}; "
            "intervals at 95 % over subjects, gains at 95 % for all readings together."
        )
        mirrored = "".join(
            f" With the mirrored face added d' is {reading.d_prime:.2f}, for twice the time."
            for reading in self.readings
            if "flip" in reading.fields
        )
        grey = "" if self.coloured else " The photographs are grey: they cannot show the order of channels."
        return f"{answer}{mirrored}\n{basis}{grey}"

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        better = self.better
        return {
            "schema": "faceloupe.embedder_check/1",
            **asdict(self),
            "better": better and better.words,
            "words": self.words(),
        }


def check_embedder(
    embedder: OnnxEmbedder, data: Data, *, photographs: int = 200, seed: int = 0, progress: Progress | None = None
) -> EmbedderCheck:
    """Measure which reading of a network separates labelled people best: its manifest's, or one that is a likely slip.

    Orders of the channels and scalings of the pixels are tried together, then alignments, then the mirrored face, each
    with the best of what came before.

    Parameters
    ----------
    embedder : OnnxEmbedder
    data : "lfw", "orl", path or LabelledPhotographs
        As :func:`faceloupe.evaluation.evaluate` takes them. Where only pairs are labelled, photographs that pairs join
        are taken as one subject, and all others as others.
    photographs : int
        Most photographs to look at: whole subjects, drawn.
    seed : int
        Seed of the subjects drawn and of the intervals.
    progress : callable, optional
        Called with (done, whole).

    Raises
    ------
    InputError
        If fewer than 5 subjects have two faces that can be used.
    UnavailableError
        If weights, packages or data are missing.
    """
    show = progress or (lambda _done, _whole: None)
    source, chips, subjects = _faces(data, photographs, seed, show)
    bench = _Bench(embedder, chips, subjects, seed)
    for stage in (_pixels, _alignments, _mirrored):
        base = bench.best()
        for words, fields in stage(replace(embedder.manifest, **base.fields)):
            bench.measure((*base.words, words), {**base.fields, **fields})
            show(len(chips) + len(bench.readings), len(chips) + MOST_READINGS)
    coloured = bool(np.abs(chips - chips.mean(axis=3, keepdims=True)).max() > GREY)
    return EmbedderCheck(embedder.name, source, len(chips), len(np.unique(subjects)), coloured, bench.compared())


Faces = tuple[str, NDArray[np.float32], NDArray[np.intp]]


def _faces(data: Data, photographs: int, seed: int, show: Progress) -> Faces:
    """Return a description of the photographs, a chip of each (N, 112, 112, 3), and its subject (N,)."""
    labelled = open_data(data)
    subject_of = _subjects(labelled)
    chosen = _draw_captures(subject_of, photographs, seed)
    faces: dict[bytes, tuple[NDArray[np.float32], int]] = {}  # of copies, which look alike by any reading, one counts
    for done, place in enumerate(chosen):
        for chip in search_photo(as_photo(labelled.paths[place]), "central").chips:
            faces.setdefault(sha256(chip.image.tobytes()).digest(), (chip.image, int(subject_of[place])))
        show(done, len(chosen) + MOST_READINGS)
    chips, subjects = [chip for chip, _ in faces.values()], [subject for _, subject in faces.values()]
    several = int((np.bincount(subjects or [0]) >= 2).sum())
    if several < LEAST_SUBJECTS:
        raise InputError(
            f"{labelled.source}: {counted(several, 'subject')} with two usable faces; it takes {LEAST_SUBJECTS} or more"
        )
    return labelled.source, np.stack(chips), np.array(subjects)


def _subjects(data: LabelledPhotographs) -> NDArray[np.intp]:
    """Return the subject of each photograph, (N,): of its template, where several photographs make one."""
    labels = data.subjects
    if labels is None:
        if data.pairs is None:
            raise InputError(f"{data.source}: it labels neither subjects nor pairs")
        labels = people_of_pairs(data, data.pairs)
    if data.templates is None:
        return labels
    subjects = np.zeros(len(data.paths), dtype=np.intp)
    for label, photographs in zip(labels, data.templates, strict=True):
        subjects[list(photographs)] = label
    return subjects


def _draw_captures(subjects: NDArray[np.intp], photographs: int, seed: int) -> list[int]:
    """Return the places of photographs of subjects with two or more, drawn; not too many of one subject."""
    chosen: list[int] = []
    several = np.flatnonzero(np.bincount(subjects) >= 2)
    for subject in np.random.default_rng(seed).permutation(several):
        chosen += np.flatnonzero(subjects == subject)[: max(2, photographs // 20)].tolist()
        if len(chosen) >= photographs:
            break
    return chosen[:photographs]


Changes = Iterator[tuple[str, dict[str, Any]]]


def _pixels(base: Manifest) -> Changes:
    """Yield other orders of the channels and scalings of the pixels, alone and together."""
    swapped = {"RGB": "BGR", "BGR": "RGB"}.get(base.channels)
    scalings = [(words, fields) for words, fields in SCALINGS.items() if not _alike(base, replace(base, **fields))]
    if swapped:
        yield swapped, {"channels": swapped}
    for words, fields in scalings if base.n_channels == 3 else scalings[:2]:
        yield words, fields
        if swapped:
            yield f"{swapped} with {words}", {"channels": swapped, **fields}


def _alike(first: Manifest, second: Manifest) -> bool:
    """Return whether two manifests make about the same of black and of white."""
    ends = [np.stack([-np.array(m.mean), m.scale - np.array(m.mean)]) / np.array(m.std) for m in (first, second)]
    return bool(np.abs(np.subtract(*ends)).max() <= 0.02 * np.abs(ends[0]).max())


def _alignments(base: Manifest) -> Changes:
    """Yield other places for the landmarks."""
    places, middle = landmark_places(base), (np.array(base.size[::-1]) - 1) / 2
    for words, zoom in ZOOMS.items():
        yield words, {"points": tuple(map(tuple, (middle + (places - middle) * zoom).tolist()))}
    if np.abs(landmark_places(replace(base, points="arcface")) - places).max() > 1:
        yield "ArcFace's places of the landmarks", {"points": "arcface"}
    if not isinstance(base.points, str):
        right_for_left = places[[1, 0, 2, 4, 3]].tolist()
        yield "right and left landmarks exchanged", {"points": tuple(map(tuple, right_for_left))}


def _mirrored(base: Manifest) -> Changes:
    if not base.flip:
        yield "the vector of the mirrored face added", {"flip": True}


class _Trial(NamedTuple):
    """A reading that was tried: how it differs, and d' as measured, then over draws of the subjects, (1 + B,)."""

    words: tuple[str, ...]
    fields: dict[str, Any]
    d_primes: Floats


class _Bench:
    """A bench on which readings of one network are measured, on the same faces and draws of subjects."""

    def __init__(
        self, embedder: OnnxEmbedder, chips: NDArray[np.float32], subjects: NDArray[np.intp], seed: int
    ) -> None:
        self._embedder, self._chips = embedder, chips
        _, numbers = np.unique(subjects, return_inverse=True)
        self._member = np.eye(numbers.max() + 1)[numbers]  # (N, S)
        n_subjects = self._member.shape[1]
        drawn = np.random.default_rng(seed).multinomial(n_subjects, np.full(n_subjects, 1 / n_subjects), DRAWS)
        self._draws = np.concatenate([np.ones((1, n_subjects)), drawn])
        self.readings: list[_Trial] = []
        self.measure((), {})

    def measure(self, words: tuple[str, ...], fields: dict[str, Any]) -> None:
        """Embed all faces by a reading, and keep how far it separates people."""
        vectors = self._embedder.read_as(replace(self._embedder.manifest, **fields)).embed(self._chips).astype(float)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        usable = np.isfinite(norms).all() and (norms > 0).all()
        d_primes = self._d_primes(vectors / norms) if usable else np.full(len(self._draws), -np.inf)
        self.readings.append(_Trial(words, fields, d_primes))

    def _d_primes(self, vectors: Floats) -> Floats:
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, 0.0)
        pairs = self._member.T @ (1 - np.eye(len(scores))) @ self._member  # (S, S): comparisons of two subjects
        powers = [pairs, self._member.T @ scores @ self._member, self._member.T @ scores**2 @ self._member]
        mated = [self._draws @ np.diag(power) for power in powers]
        non_mated = [
            np.einsum("bi,ij,bj->b", self._draws, power - np.diag(np.diag(power)), self._draws, optimize=True)
            for power in powers
        ]
        (mated_mean, mated_variance), (other_mean, other_variance) = map(_moments, (mated, non_mated))
        separation: Floats = (mated_mean - other_mean) / np.sqrt((mated_variance + other_variance) / 2)
        return separation

    def best(self) -> _Trial:
        """Return the best of the readings that surely separate better than the manifest's, or else that."""
        compared = self.compared()
        sure = [place for place, reading in enumerate(compared) if place and reading.gain_interval[0] > 0]
        return self.readings[max(sure, key=lambda place: compared[place].gain, default=0)]

    def compared(self) -> tuple[Reading, ...]:
        """Return all readings beside the manifest's, in the order in which they were tried."""
        base, level = self.readings[0].d_primes, 1 - (1 - LEVEL) / max(1, len(self.readings) - 1)
        return tuple(
            Reading(
                " and ".join(trial.words) or "as the manifest says",
                trial.fields,
                float(trial.d_primes[0]),
                _interval(trial.d_primes[1:], LEVEL),
                float(trial.d_primes[0] - base[0]),
                _interval(trial.d_primes[1:] - base[1:], level),
            )
            for trial in self.readings
        )


def _moments(powers: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return mean and variance of counts, sums and sums of squares; a draw without comparisons has none."""
    count, total, squares = powers
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        return mean, squares / count - mean**2


def _interval(values: Floats, level: float) -> tuple[float, float]:
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _range(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.2f} to {interval[1]:.2f}"


def _in_manifest(fields: dict[str, Any]) -> str:
    return ", ".join(f"{field} = {json.dumps(value)}" for field, value in fields.items())
