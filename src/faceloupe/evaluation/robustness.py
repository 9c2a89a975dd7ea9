"""Robustness: FNMR at one threshold as one of two photographs of a person is spoilt more and more."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.blocks import Block, chart, line, table, text
from faceloupe.errors import InputError
from faceloupe.evaluation.comparisons import NEVER, Comparisons
from faceloupe.evaluation.distortions import COVERED, DISTORTIONS, Distortion, Pixels
from faceloupe.evaluation.embedding import as_photo, photo_of_chip
from faceloupe.evaluation.packed import PackedPhoto
from faceloupe.evaluation.rates_in_words import percent, rate_between, rate_in, unbroken
from faceloupe.faces.images import decode, read_samples
from faceloupe.faces.pixels import as_floats
from faceloupe.progress import Progress
from faceloupe.recognition.chips import CHIP_SIDE
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.photographs import Photograph, search_photo
from faceloupe.recognition.recognise import recognise
from faceloupe.recognition.search import FaceSearch
from faceloupe.scores.confidence import Interval
from faceloupe.scores.intervals import error_interval

Labels = NDArray[np.integer]

STRANGERS = 200  # captures of other people that each is compared with
STOPS = 0.5  # an FNMR past which nobody can be recognised
STYLES = ("blue", "orange", "grey", "blue-alt", "orange-alt", "grey-alt")


@dataclass(frozen=True, slots=True)
class SpoiltRate:
    """Error rates where probes are spoilt in one way, to one level.

    Attributes
    ----------
    name : str
        The way; "as they are" for none.
    level : float
    words : str
        The level in words.
    n_mated : int
        Mated comparisons; those of a probe in which no face is found match nobody.
    n_failed, n_probes : int
        Probes that gave no template, of how many.
    fnmr : float
    interval : Interval
        95 %; it counts comparisons of one person as fewer.
    fmr : float or None
        FMR of the probes with other people; None where no probe gave a template.
    fmr_interval : Interval or None
        95 %, likewise.
    """

    name: str
    level: float
    words: str
    n_mated: int
    n_failed: int
    n_probes: int
    fnmr: float
    interval: Interval
    fmr: float | None
    fmr_interval: Interval | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Robustness:
    """The error rates of one recogniser on spoilt photographs.

    Attributes
    ----------
    label : str
    threshold, target_fmr : float
    plain : SpoiltRate
        As the photographs are.
    rates : tuple of SpoiltRate
    """

    label: str
    threshold: float
    target_fmr: float
    plain: SpoiltRate
    rates: tuple[SpoiltRate, ...]

    def __repr__(self) -> str:
        return f"Robustness({self.label} at {self.threshold:.4f}, {self.plain.n_probes} probes; {self.words()})"

    def words(self) -> str:
        """Return from which level on FNMR is a half or more, for each way; where it never is, that it is not."""
        limits = []
        for distortion in DISTORTIONS:
            rates = [rate for rate in self.rates if rate.name == distortion.name]
            first = next((rate for rate in rates if rate.fnmr >= STOPS), None)
            limits.append(f"{distortion.name}: {first.words if first else f'not to {rates[-1].words}'}")
        return f"FNMR is {percent(STOPS)} or more from: {'; '.join(limits)}"

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary that JSON can hold."""
        return {
            "label": self.label,
            "threshold": self.threshold,
            "target_fmr": self.target_fmr,
            "plain": asdict(self.plain),
            "rates": [asdict(rate) for rate in self.rates],
            "words": self.words(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Captures to be spoilt, with the others of the same person that each is compared with."""

    captures: Labels
    references: tuple[Labels, ...]
    subjects: Labels


def draw_probes(comparisons: Comparisons, failed: NDArray[np.bool_], count: int, seed: int) -> Probes:
    """Return captures of mated comparisons, of as many people as there are.

    Raises
    ------
    InputError
        If no mated comparison could be made, or the count is below 1.
    """
    if count < 1:
        raise InputError(f"probes: expected 1 or more, got {count}")
    pairs = comparisons.pairs[np.flatnonzero(comparisons.same)]
    pairs = pairs[~failed[pairs].any(axis=1)]
    if not len(pairs):
        raise InputError("robustness: there is no mated comparison")
    subjects = np.arange(len(failed)) if comparisons.subjects is None else comparisons.subjects
    shuffled = np.random.default_rng(seed).permutation(np.unique(pairs))
    turn = np.zeros(len(failed), dtype=np.intp)  # whether it is a person's first, second ...
    seen: dict[int, int] = {}
    for capture in shuffled.tolist():
        turn[capture] = seen[subjects[capture]] = seen.get(subjects[capture], -1) + 1
    chosen = np.sort(shuffled[np.argsort(turn[shuffled], kind="stable")][:count])
    references = tuple(
        np.unique(np.concatenate([pairs[pairs[:, 0] == probe, 1], pairs[pairs[:, 1] == probe, 0]])) for probe in chosen
    )
    return Probes(chosen, references, subjects)


def measure_robustness(
    label: str,
    embedder: Embedder,
    paths: Sequence[Path | PackedPhoto],
    probes: Probes,
    vectors: NDArray[np.float32],
    threshold: float,
    target_fmr: float,
    search: FaceSearch,
    *,
    strangers: Labels,
    seed: int = 0,
    progress: Progress | None = None,
) -> Robustness:
    """Spoil each probe in every way, and compare it with the others as they are.

    Parameters
    ----------
    label : str
    embedder : Embedder
    paths : sequence of Path or PackedPhoto, (N,)
    probes : Probes
    vectors : array of float32, (N, D)
        Templates of the photographs as they are.
    threshold, target_fmr : float
        Fixed before, and what for.
    search : FaceSearch
    strangers : array of intp
        Captures with a template; of those of other people each probe is compared with at most 200.
    seed : int
        Seed of the noise.
    progress : callable, optional
        Called with (done, whole) after each probe.
    """
    distortions = [(distortion, level) for distortion in (*DISTORTIONS, *COVERED) for level in distortion.levels]
    others = np.random.default_rng(seed).permutation(strangers)[:STRANGERS]
    spoilt_vectors = np.zeros((1 + len(distortions), len(probes.captures), vectors.shape[1]), dtype=np.float32)
    spoilt_vectors[0] = vectors[probes.captures]
    for place, capture in enumerate(probes.captures):
        photographs = recognise(_spoilt(paths[capture], distortions, search, seed + place), embedder, faces=search)
        for row, photograph in enumerate(photographs, start=1):
            if photograph.templates:
                spoilt_vectors[row, place] = photograph.templates[0].vector
        if progress:
            progress(place + 1, len(probes.captures))
    plain = ("as they are", 0.0, "as they are")
    descriptions = [
        plain,
        *((distortion.name, level, distortion.words.format(level)) for distortion, level in distortions),
    ]
    rates = [
        _rate(*words, probe_vectors, probes, vectors, others, threshold)
        for words, probe_vectors in zip(descriptions, spoilt_vectors, strict=True)
    ]
    return Robustness(label, threshold, target_fmr, rates[0], tuple(rates[1:]))


def robustness_section(robustness: Robustness) -> Iterator[Block]:
    """Yield the rise of FNMR, as a figure and a table."""
    plain = robustness.plain
    yield text(
        f"**{robustness.label}** at the threshold {robustness.threshold:.4f}, for an FMR of "
        f"{unbroken(robustness.target_fmr)}. One of two photographs of a person is spoilt, the other left as it is: "
        f"{plain.n_probes:,} probes, {plain.n_mated:,} mated comparisons. As they are, FNMR is "
        f"{rate_between(plain.fnmr, plain.interval)}. "
        f"{robustness.words()}."
    )
    steps = max(len(distortion.levels) for distortion in DISTORTIONS)
    yield chart(
        "robustness",
        "Where recognition stops",
        "FNMR against steps of each way to spoil a photograph, step 0 being as it is, with 95 % limits; the table says "
        f"what a step is. Past {percent(STOPS)} more people are missed than recognised.",
        "line",
        x={"label": "Step", "range": [0, steps]},
        y={"label": "FNMR", "unit": "%", "range": [0.0, 1.0]},
        series=[_curve(robustness, distortion, style) for distortion, style in zip(DISTORTIONS, STYLES, strict=True)],
        reference=[{"y": STOPS, "label": "half"}],
    )
    yield table(
        "robustness-rates",
        "FNMR of spoilt probes.",
        {"spoilt by": "left", "to": "left", "FNMR": "right", "no template": "right", "FMR": "right"},
        [
            [
                rate.name,
                "" if rate.words == rate.name else rate.words,
                rate_between(rate.fnmr, rate.interval),
                f"{rate.n_failed:,} of {rate.n_probes:,}",
                rate_in(rate.fmr, rate.fmr_interval) if rate.fmr is not None and rate.fmr_interval else "–",
            ]
            for rate in (plain, *robustness.rates)
        ],
        "With 95 % intervals that count comparisons of one person as fewer. A probe in which no face is found matches "
        "nobody. Distortions are computed, one at a time: real cameras and masks spoil otherwise, and together.",
    )


def _curve(robustness: Robustness, distortion: Distortion, style: str) -> Block:
    rates = [robustness.plain, *(rate for rate in robustness.rates if rate.name == distortion.name)]
    low, high = zip(*((rate.interval.low, rate.interval.high) for rate in rates), strict=True)
    return line(distortion.name, style, range(len(rates)), [rate.fnmr for rate in rates], low, high)


def _spoilt(
    path: Path | PackedPhoto, distortions: Sequence[tuple[Distortion, float]], search: FaceSearch, seed: int
) -> Iterator[Pixels | Photograph]:
    """Yield a photograph spoilt in every way; a chip that was cut out before stays one, no face is looked for in it."""
    photograph, searched = _pixels(path), search_photo(as_photo(path), search)
    if not searched.chips:
        raise InputError(f"{'/'.join(path.parts[-2:])} was changed while it was measured: no face is found in it now")
    chip = path if isinstance(path, PackedPhoto) and photograph.shape[:2] == (CHIP_SIDE, CHIP_SIDE) else None
    for place, (distortion, level) in enumerate(distortions):
        spoilt = distortion.spoil(photograph, searched.chips[0].detection, level, np.random.default_rng((seed, place)))
        yield photo_of_chip(chip, spoilt) if chip else spoilt


def _pixels(path: Path | PackedPhoto) -> Pixels:
    if isinstance(path, Path):
        samples = read_samples(path, colour=True)
    else:
        samples = decode(path.content, "/".join(path.parts), colour=True)
    return np.rint(255 * as_floats(samples)).astype(np.uint8)


def _rate(
    name: str,
    level: float,
    words: str,
    probe_vectors: NDArray[np.float32],
    probes: Probes,
    vectors: NDArray[np.float32],
    strangers: Labels,
    threshold: float,
) -> SpoiltRate:
    failed = np.asarray(~probe_vectors.any(axis=1))
    mated = [vectors[references] @ vector for references, vector in zip(probes.references, probe_vectors, strict=True)]
    counts = [len(references) for references in probes.references]
    failed_mated, mated_subjects = np.repeat(failed, counts), np.repeat(probes.subjects[probes.captures], counts)
    scores = np.where(failed_mated, NEVER, np.concatenate(mated)).astype(np.float64)
    errors = scores < threshold
    probe_subjects = probes.subjects[probes.captures]
    rows, columns = np.nonzero(~failed[:, np.newaxis] & (probe_subjects[:, np.newaxis] != probes.subjects[strangers]))
    non_mated = (probe_vectors @ vectors[strangers].T).astype(np.float64)[rows, columns]
    sides = np.stack([probe_subjects[rows], probes.subjects[strangers][columns]], axis=1)
    fmr_interval = error_interval(non_mated >= threshold, non_mated, sides) if len(non_mated) else None
    fmr = float((non_mated >= threshold).mean()) if len(non_mated) else None
    interval = error_interval(errors, -scores, mated_subjects)
    return SpoiltRate(
        name, float(level), words, len(errors), int(failed.sum()), len(probe_vectors), float(errors.mean()), interval,
        fmr, fmr_interval,
    )  # fmt: skip
