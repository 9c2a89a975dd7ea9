"""Identification, a probe against a gallery: CMC, and FPIR with FNIR where strangers come too.

A gallery has one reference a subject, drawn at random; that is repeated, and every draw counts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.evaluation.comparisons import NEVER
from faceloupe.scores.confidence import Interval
from faceloupe.scores.identification import Cmc, OpenSet, ProbeErrors, cmc, open_set, rank_1_errors
from faceloupe.scores.intervals import complement

Floats = NDArray[np.float32]
Labels = NDArray[np.integer]
Flags = NDArray[np.bool_]

FPIRS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # of the trade-off


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """N captures of known subjects: unit vectors (N, D), subjects (N,), and which captures gave no vector (N,)."""

    vectors: Floats
    subjects: Labels
    failed: Flags


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClosedSet:
    """Identification of people who are all in the gallery.

    Attributes
    ----------
    cmcs : tuple of Cmc
        One a draw; a probe without a template, or of a subject whose reference gave none, is never identified.
    n_subjects : int
        In the gallery.
    interval : Interval
        95 %, of the mean rate at rank 1.
    """

    cmcs: tuple[Cmc, ...]
    n_subjects: int
    interval: Interval

    def __repr__(self) -> str:
        low, high = 100 * min(self.at(1)), 100 * max(self.at(1))
        return f"ClosedSet(rank 1: {100 * self.mean(1):.2f} %, {low:.2f} to {high:.2f} in {len(self.cmcs)} draws)"

    def at(self, rank: int) -> tuple[float, ...]:
        """Return the identification rate at a rank, one a draw; a gallery that lost subjects has fewer ranks."""
        return tuple(curve.at(min(rank, len(curve.rates))) for curve in self.cmcs)

    def mean(self, rank: int) -> float:
        """Return the mean identification rate at a rank."""
        return float(np.mean(self.at(rank)))

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary that JSON can hold."""
        return {
            "n_subjects": self.n_subjects,
            "n_probes": self.cmcs[0].n_probes,
            "rank_1": list(self.at(1)),
            "rank_1_interval": [self.interval.low, self.interval.high],
            "rates": [self.mean(rank) for rank in range(1, 1 + self.n_subjects)],
        }


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OpenSets:
    """Identification where half of the people are strangers.

    Attributes
    ----------
    at_threshold : tuple of OpenSet
        One a draw, at the threshold given; empty without one.
    fpir, fnir : array of float64, (T,)
        Means over the draws at thresholds set for each of some FPIRs: the trade-off.
    n_subjects : int
        In the gallery.
    """

    at_threshold: tuple[OpenSet, ...]
    fpir: NDArray[np.float64]
    fnir: NDArray[np.float64]
    n_subjects: int

    def __repr__(self) -> str:
        if not self.at_threshold:
            return f"OpenSets({self.n_subjects:,} subjects)"
        fpir, fnir = (100 * self.mean(rate) for rate in ("fpir", "fnir"))
        return f"OpenSets(FPIR {fpir:.2f} %, FNIR {fnir:.2f} %, {self.n_subjects:,} subjects)"

    def mean(self, rate: str) -> float:
        """Return the mean of "fpir" or "fnir" over the draws, at the threshold given."""
        return float(np.mean([getattr(open_set, rate) for open_set in self.at_threshold]))

    def interval(self, rate: str) -> Interval:
        """Return the 95 % interval of that mean; probes of a person, or won by one, hang together."""
        errors, probes = ("positives", "n_non_mated") if rate == "fpir" else ("negatives", "n_mated")
        joined = ProbeErrors.joined([getattr(open_set, errors) for open_set in self.at_threshold])
        return joined.interval(n=getattr(self.at_threshold[0], probes))

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary that JSON can hold."""
        return {
            "n_subjects": self.n_subjects,
            "at_threshold": [open_set.to_document() for open_set in self.at_threshold],
            "fpir": self.fpir.tolist(),
            "fnir": self.fnir.tolist(),
        }


def closed_set(templates: Templates, captures: Labels, *, draws: int = 10, seed: int = 0) -> ClosedSet:
    """Identify every other capture of some people in a gallery of one reference each.

    Parameters
    ----------
    templates : Templates
    captures : array of intp, (N,)
        Those of the people; subjects with a single capture are left out.
    draws : int
        Galleries.
    seed : int
        Seed of the first gallery; the others have the seeds after it.

    Raises
    ------
    InputError
        If fewer than two subjects have two captures, or no reference of a draw gave a template.
    """
    eligible, people = _with_several(templates.subjects, captures)
    results = [_closed(templates, eligible, np.random.default_rng(seed + draw)) for draw in range(draws)]
    errors = ProbeErrors.joined([errors for _, errors in results])
    interval = complement(errors.interval(n=len(results[0][1].errors)))
    return ClosedSet(tuple(curve for curve, _ in results), len(people), interval)


def open_sets(
    templates: Templates, captures: Labels, threshold: float | None, *, draws: int = 10, seed: int = 0
) -> OpenSets:
    """Identify captures of people of whom half are in the gallery, with one reference each.

    Parameters
    ----------
    templates : Templates
    captures : array of intp, (N,)
        Subjects with a single capture are always strangers.
    threshold : float, optional
        Below which the answer is nobody.
    draws, seed
        As for :func:`closed_set`; the people in the gallery are drawn too.

    Raises
    ------
    InputError
        If fewer than two subjects have two captures.
    """
    _, people = _with_several(templates.subjects, captures)
    results = [
        _open(templates, captures, people, threshold, np.random.default_rng(seed + draw)) for draw in range(draws)
    ]
    curves = [[(point.fpir, point.fnir) for point in curve] for _, curve in results]
    fpir, fnir = np.mean(curves, axis=0).T
    return OpenSets(tuple(point for point, _ in results if point), fpir, fnir, results[0][1][0].n_subjects)


def _with_several(subjects: Labels, captures: Labels) -> tuple[Labels, Labels]:
    """Return the captures of subjects with several, and those subjects, two at least."""
    eligible = captures[np.bincount(subjects[captures])[subjects[captures]] > 1]
    people = np.unique(subjects[eligible])
    if len(people) < 2:
        raise InputError(f"identification takes two subjects with two captures each, {len(people)} of those were found")
    return eligible, people


def _closed(templates: Templates, captures: Labels, rng: np.random.Generator) -> tuple[Cmc, ProbeErrors]:
    references = _references(templates.subjects, captures, rng)
    probes = np.setdiff1d(captures, references)
    usable_references = references[~templates.failed[references]]
    has_reference = np.isin(templates.subjects[probes], templates.subjects[usable_references])
    usable_probes = probes[has_reference & ~templates.failed[probes]]
    if not len(usable_probes):
        raise InputError("identification: no probe is left that gave a template and whose subject has a reference")
    similarities = templates.vectors[usable_probes] @ templates.vectors[usable_references].T
    probe_subjects, reference_subjects = templates.subjects[usable_probes], templates.subjects[usable_references]
    failed_subjects = templates.subjects[np.setdiff1d(probes, usable_probes)]
    return (
        cmc(similarities, probe_subjects, reference_subjects, n_failed=len(failed_subjects)),
        rank_1_errors(similarities, probe_subjects, reference_subjects, failed=failed_subjects),
    )


def _open(
    templates: Templates, captures: Labels, people: Labels, threshold: float | None, rng: np.random.Generator
) -> tuple[OpenSet | None, list[OpenSet]]:
    """Return the errors at the threshold, and at those thresholds that give each of ``FPIRS``."""
    enrolled = rng.permutation(people)[: len(people) // 2]
    own = captures[np.isin(templates.subjects[captures], enrolled)]
    references = _references(templates.subjects, own, rng)
    probes = np.setdiff1d(captures, references)
    similarities = templates.vectors[probes] @ templates.vectors[references].T
    similarities[templates.failed[probes]] = NEVER
    similarities[:, templates.failed[references]] = NEVER
    probe_subjects, reference_subjects = templates.subjects[probes], templates.subjects[references]
    highest = similarities[~np.isin(probe_subjects, enrolled)].max(axis=1).astype(np.float64)
    thresholds = [float(np.nextafter(np.quantile(highest, 1 - fpir, method="higher"), 2)) for fpir in FPIRS]
    curve = [open_set(similarities, probe_subjects, reference_subjects, value) for value in thresholds]
    return None if threshold is None else open_set(similarities, probe_subjects, reference_subjects, threshold), curve


def _references(subjects: Labels, captures: Labels, rng: np.random.Generator) -> Labels:
    """Return one capture of each subject."""
    shuffled = rng.permutation(captures)
    return shuffled[np.unique(subjects[shuffled], return_index=True)[1]]
