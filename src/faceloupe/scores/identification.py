"""One probe against a gallery of many: CMC for people who are in it, FPIR and FNIR with people who are not."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError
from faceloupe.scores.confidence import Interval
from faceloupe.scores.intervals import error_interval
from faceloupe.scores.points import one_in
from faceloupe.scores.sets import BLOCK, Floats, blocks, checked_floats, plain

NOBODY = -1  # whom a probe shows that shows no subject of the gallery

Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cmc:
    """Cumulative match characteristic: how often the right subject is among the first r.

    Attributes
    ----------
    rates : array of float64, (S,)
        Identification rate at rank 1 ... S, S subjects in the gallery; it never falls and ends at 1 if no probe failed.
    n_probes : int
        Probes, failed ones included.
    n_failed : int
        Probes that gave no template and count as never identified.
    """

    rates: Floats
    n_probes: int
    n_failed: int

    def __repr__(self) -> str:
        shown = [rank for rank in (1, 5, 10) if rank <= len(self.rates)]
        ranks = ", ".join(f"rank {rank}: {100 * self.at(rank):.2f} %" for rank in shown)
        failed = f", {self.n_failed:,} failed" if self.n_failed else ""
        return f"Cmc({ranks}; {self.n_probes:,} probes{failed}, {len(self.rates):,} subjects)"

    def to_document(self) -> dict[str, Any]:
        """Return the curve as a plain dictionary."""
        return plain(self)

    def at(self, rank: int) -> float:
        """Return the identification rate at a rank.

        Raises
        ------
        InputError
            If there is no such rank.
        """
        if not 1 <= rank <= len(self.rates):
            raise InputError(f"rank: expected 1 to {len(self.rates)}, got {rank}")
        return float(self.rates[rank - 1])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OpenSet:
    """Errors of identification with a threshold, the candidate at rank 1 alone counting.

    Attributes
    ----------
    threshold : float
        The first candidate is returned when its score >= threshold; otherwise the answer is nobody.
    n_subjects : int
        In the gallery; FPIR grows with it.
    positives, negatives : ProbeErrors
        Errors on the probes of people who are not in the gallery, and on those of people who are.
    """

    threshold: float
    n_subjects: int
    positives: "ProbeErrors" = field(repr=False, compare=False)
    negatives: "ProbeErrors" = field(repr=False, compare=False)

    @property
    def fpir(self) -> float:
        """False positive identification rate: share of probes of people not in the gallery that were given a name."""
        return float(self.positives.errors.mean())

    @property
    def fpir_interval(self) -> Interval:
        """95 % interval of it, see :class:`ProbeErrors`; worked out when it is asked for."""
        return self.positives.interval()

    @property
    def fnir(self) -> float:
        """False negative identification rate: share of probes of people in it that were given another name, or none."""
        return float(self.negatives.errors.mean())

    @property
    def fnir_interval(self) -> Interval:
        """95 % interval of it, likewise."""
        return self.negatives.interval()

    @property
    def n_mated(self) -> int:
        """Number of probes of people who are in the gallery."""
        return len(self.negatives.errors)

    @property
    def n_non_mated(self) -> int:
        """Number of probes of people who are not."""
        return len(self.positives.errors)

    def __repr__(self) -> str:
        return (
            f"OpenSet(FPIR {100 * self.fpir:.2f} % of {self.n_non_mated:,}, FNIR {100 * self.fnir:.2f} % of "
            f"{self.n_mated:,} probes at {self.threshold:.4f}, {self.n_subjects:,} subjects)"
        )

    def to_document(self) -> dict[str, Any]:
        """Return the rates with their intervals as a plain dictionary."""
        return {
            "threshold": self.threshold,
            "n_subjects": self.n_subjects,
            "fpir": self.fpir,
            "fpir_interval": asdict(self.fpir_interval),
            "fnir": self.fnir,
            "fnir_interval": asdict(self.fnir_interval),
            "n_mated": self.n_mated,
            "n_non_mated": self.n_non_mated,
        }


@dataclass(frozen=True, slots=True, eq=False)
class ProbeErrors:
    """The errors on P probes.

    Attributes
    ----------
    errors : array of bool, (P,)
    severity : array of float64, (P,)
        Nearness of each probe to an error, the errors highest.
    subjects : array, (P, 2)
        Subject of the probe, and the one it was confused with; the same where there is none.
    """

    errors: NDArray[np.bool_]
    severity: Floats
    subjects: NDArray[np.generic]

    def interval(self, *, n: float = math.inf) -> Interval:
        """Return the 95 % interval of the share of errors; probes of a person, or won by one, hang together.

        Parameters
        ----------
        n : float
            Number of probes that these are worth at most, where the same were taken to several galleries.
        """
        names = np.unique(self.subjects, return_inverse=True)[1].reshape(self.subjects.shape)
        return error_interval(self.errors, self.severity, names, n=n)

    @classmethod
    def joined(cls, several: Sequence["ProbeErrors"]) -> "ProbeErrors":
        """Return the probes of several galleries of the same people as one."""
        return cls(*(np.concatenate([getattr(part, name) for part in several]) for name in cls.__slots__))


def rank_1_errors(
    similarities: ArrayLike, probe_subjects: ArrayLike, gallery_subjects: ArrayLike, *, failed: ArrayLike = ()
) -> ProbeErrors:
    """Return which probes did not find their own subject first; who ties with it wins.

    Parameters
    ----------
    similarities, probe_subjects, gallery_subjects
        As for :func:`cmc`.
    failed : array, (F,)
        Subjects of further probes that gave no template: errors all.

    Raises
    ------
    InputError
        If shapes disagree, a score is not finite, or a probe shows nobody in the gallery.
    """
    best, own = _best_of_each(similarities, probe_subjects, gallery_subjects)
    if (own == NOBODY).any():
        raise InputError(f"rank 1: {(own == NOBODY).sum()} of {len(own)} probes show nobody in the gallery")
    own_scores, rival_scores, rivals = _rivals(best, own)
    failed_subjects = np.asarray(failed, dtype=np.asarray(probe_subjects).dtype)
    severity = np.concatenate([rival_scores - own_scores, np.full(len(failed_subjects), np.inf)])
    probes, names = np.asarray(probe_subjects), np.unique(np.asarray(gallery_subjects))
    confused = np.where(rival_scores >= own_scores, names[rivals], probes)
    sides = np.stack([np.append(probes, failed_subjects), np.append(confused, failed_subjects)], axis=1)
    return ProbeErrors(severity >= 0, severity, sides)


def cmc(similarities: ArrayLike, probe_subjects: ArrayLike, gallery_subjects: ArrayLike, *, n_failed: int = 0) -> Cmc:
    """Rank the gallery's subjects for every probe; each subject's best reference counts.

    Where another subject scores as high as the right one it goes first: a recogniser that gives everybody the same
    score identifies nobody.

    Parameters
    ----------
    similarities : array, (P, G)
        Score of each probe with each reference, higher means more alike.
    probe_subjects : array, (P,)
        Subject of each probe, by any label; each is in the gallery.
    gallery_subjects : array, (G,)
        Subject of each reference, one or several of a subject.
    n_failed : int
        Further probes, which gave no template.

    Raises
    ------
    InputError
        If shapes disagree, a score is not finite, or a probe shows nobody in the gallery.

    >>> cmc([[0.9, 0.2], [0.6, 0.5]], ["ann", "bob"], ["ann", "bob"])
    Cmc(rank 1: 50.00 %; 2 probes, 2 subjects)
    """
    best, own = _best_of_each(similarities, probe_subjects, gallery_subjects)
    strangers = int((own == NOBODY).sum())
    if strangers:
        raise InputError(f"CMC: {strangers} of {len(own)} probes show nobody in the gallery; open_set takes them")
    if n_failed < 0:
        raise InputError(f"n_failed: expected a count, got {n_failed}")
    mated = best[np.arange(len(own)), own]
    ranks = (best >= mated[:, None]).sum(axis=1)  # the subject itself is one of them
    identified = np.cumsum(np.bincount(ranks, minlength=best.shape[1] + 1)[1:])
    n_probes = len(own) + n_failed
    return Cmc(identified / n_probes, n_probes, n_failed)


def open_set(
    similarities: ArrayLike, probe_subjects: ArrayLike, gallery_subjects: ArrayLike, threshold: float
) -> OpenSet:
    """Count names given to strangers (FPIR) and names not given to people who are in the gallery (FNIR).

    Parameters
    ----------
    similarities : array, (P, G)
        Score of each probe with each reference.
    probe_subjects : array, (P,)
        Subject of each probe; some are in the gallery and some are not.
    gallery_subjects : array, (G,)
        Subject of each reference, one or several of a subject.
    threshold : float
        As of :func:`~faceloupe.scores.fmr`.

    Raises
    ------
    InputError
        If shapes disagree, a number is not finite, or all probes are of one kind.
    """
    best, own = _best_of_each(similarities, probe_subjects, gallery_subjects)
    enrolled = own != NOBODY
    if not math.isfinite(threshold):
        raise InputError(f"threshold: expected a finite number, got {threshold}")
    if enrolled.all() or not enrolled.any():
        raise InputError("open set: expected probes of people in the gallery and of people who are not")
    probes, names = np.asarray(probe_subjects), np.unique(np.asarray(gallery_subjects))
    strangers, highest = probes[~enrolled], best[~enrolled].max(axis=1)
    winners = np.where(highest >= threshold, names[best[~enrolled].argmax(axis=1)], strangers)
    positives = ProbeErrors(highest >= threshold, highest - threshold, np.stack([strangers, winners], axis=1))
    own_scores, rival_scores, rivals = _rivals(best[enrolled], own[enrolled])
    severity = np.maximum(threshold - own_scores, rival_scores - own_scores)
    confused = np.where(rival_scores >= own_scores, names[rivals], probes[enrolled])
    missed = (own_scores < threshold) | (rival_scores >= own_scores)
    negatives = ProbeErrors(missed, severity, np.stack([probes[enrolled], confused], axis=1))
    return OpenSet(float(threshold), best.shape[1], positives, negatives)


def fpir_at_size(fmr: float, n_subjects: int) -> float:
    """Return the FPIR that an FMR implies at a gallery of so many subjects with one reference each: 1 - (1 - FMR)^n.

    As if the comparisons of one probe were independent (ISO/IEC 19795-1). They are not: people who look like many
    others make the true rate of a crowd of strangers lower than this, and of some strangers much higher.

    Raises
    ------
    InputError
        If the FMR is not in [0, 1] or there is no subject.

    >>> round(fpir_at_size(1e-3, 500), 3)
    0.394
    """
    if not 0 <= fmr <= 1 or n_subjects < 1:
        raise InputError(f"expected an FMR from 0 to 1 and a subject or more, got {fmr} and {n_subjects}")
    return 1.0 if fmr == 1 else -math.expm1(n_subjects * math.log1p(-fmr))


def fpir_in_words(fmr: float, n_subjects: int) -> str:
    """Return the meaning of an FMR for strangers in front of a gallery.

    Raises
    ------
    InputError
        If the FMR is not in [0, 1] or there is no subject.

    >>> fpir_in_words(1e-3, 500)
    'At an FMR of 1 in 1,000 and 500 people in the gallery, about 39.4 % of strangers would be given a name.'
    """
    people = "1 person" if n_subjects == 1 else f"{n_subjects:,} people"
    share = one_in(fpir_at_size(fmr, n_subjects))
    strangers = f"{share} of strangers" if "%" in share else f"{share} strangers"
    return f"At an FMR of {one_in(fmr)} and {people} in the gallery, about {strangers} would be given a name."


def _best_of_each(
    similarities: ArrayLike, probe_subjects: ArrayLike, gallery_subjects: ArrayLike
) -> tuple[Floats, Labels]:
    """Return each probe's best score with each subject, (P, S), and which of those it shows, (P,)."""
    scores, probes, references = map(np.asarray, (similarities, probe_subjects, gallery_subjects))
    if scores.ndim != 2 or not scores.size:
        checked_floats("similarities", scores, ndim=2)  # says what was expected
    if (*probes.shape, *references.shape) != scores.shape or probes.ndim != 1:
        raise InputError(
            f"expected similarities (P, G) with P probe and G gallery subjects, "
            f"got {scores.shape}, {probes.shape} and {references.shape}"
        )
    order = np.argsort(references, kind="stable")
    subjects, starts = np.unique(references[order], return_index=True)
    best = np.empty((len(scores), len(starts)))
    height = max(1, BLOCK // max(1, len(order)))
    for part in blocks(len(scores), height):
        checked = checked_floats("similarities", scores[part], ndim=2)
        np.maximum.reduceat(checked[:, order], starts, axis=1, out=best[part])
    place = np.minimum(np.searchsorted(subjects, probes), len(subjects) - 1)
    return best, np.where(subjects[place] == probes, place, NOBODY)


def _rivals(best: Floats, own: Labels) -> tuple[Floats, Floats, Labels]:
    """Return each probe's score with its own subject, its highest score with another, and that subject, (P,) each.

    Overwrites the scores with own subjects in `best`, for a copy would double the memory.
    """
    rows = np.arange(len(own))
    own_scores = best[rows, own]
    best[rows, own] = -np.inf
    rivals = best.argmax(axis=1)
    return own_scores, best[rows, rivals], rivals
