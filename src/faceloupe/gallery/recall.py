"""Recall of an approximate search: the share of the exact search's first subjects that it finds."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.numerals import counted
from faceloupe.scores.confidence import Interval
from faceloupe.scores.intervals import complement, wilson

Floats = NDArray[np.float32]

MATED = 0.6
"""Cosine of a made-up probe with the reference that it was made of, as two photographs of a person may have."""

RANKS = 20
"""Candidates for which recall is measured, at most."""

MOST_CHANGED = 0.1
"""Share of the references that may come or go after the recall was measured, until it holds no more. As 8,000 random
vectors of 64 numbers became 8,800 it fell by 0.018 at most, by 0.08 as they became 12,000."""


@dataclass(frozen=True, slots=True)
class Recall:
    """The recall of an approximate search: of the `ranks` subjects most like a probe, the share that it finds.

    Attributes
    ----------
    ef : int
        Breadth of the search: how many near references it keeps in view (``hnsw.ef_search``).
    ranks : int
    value : float
        In [0, 1], measured.
    interval : Interval
        Of probes as independent; wide enough also where the misses of a probe come together.
    n_probes, n_references : int
        What it was measured with.
    n_changed : int
        References that have come or gone since.
    rebuilt : bool
        True if the index was built anew since, as it is where somebody's bytes are erased: to the same measure, but
        with other links.
    """

    ef: int
    ranks: int
    value: float
    interval: Interval
    n_probes: int
    n_references: int
    n_changed: int = 0
    rebuilt: bool = False

    def words(self) -> str:
        """Return in a sentence what was measured.

        >>> recall = RecallTable(1000, 20_000, 20_000, 7, 1, {40: (2, 5)}).recall(40, 2)
        >>> recall.words().partition(";")[0]
        'of the 2 subjects most like a probe it found 99.75 % (95 % interval 99.12 to 99.90 %'
        """
        whom = "the subject" if self.ranks == 1 else f"the {self.ranks} subjects"
        low, high = 100 * self.interval.low, 100 * self.interval.high
        return (
            f"of {whom} most like a probe it found {100 * self.value:.2f} % (95 % interval {low:.2f} to {high:.2f} %; "
            f"{self.n_probes:,} probes among {self.n_references:,} references)"
        )

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RecallTable:
    """The recall that was measured at each breadth of an approximate search.

    Attributes
    ----------
    n_probes, n_references : int
        Probes, and references that were searched.
    newest : int
        The greatest number of a reference then; those that came later have greater ones.
    line : int
        The last line of the trail then.
    build : int
        Number that the server gave to the index as it was built; another one once it is built anew.
    missed : dict of int to tuple of int
        For each breadth: how many of the subjects that the exact search ranks first the approximate one did not find,
        for all probes together; of the first one, of the first two ...
    """

    n_probes: int
    n_references: int
    newest: int
    line: int
    build: int
    missed: dict[int, tuple[int, ...]]

    @property
    def ranks(self) -> int:
        """The most candidates for which recall was measured."""
        return len(next(iter(self.missed.values())))

    def recall(self, ef: int, ranks: int) -> Recall:
        """Return the recall at a breadth."""
        missed = self.missed[ef][ranks - 1]
        # A probe's share of misses lies in [0, 1], and so varies no more than a miss of all that is as frequent.
        interval = complement(wilson(-(-missed // ranks), self.n_probes))
        return Recall(ef, ranks, 1 - missed / (self.n_probes * ranks), interval, self.n_probes, self.n_references)

    def choose(self, least: float, ranks: int) -> Recall:
        """Return the recall at the smallest breadth that is shown to reach it.

        It is shown where the interval lies above, at this breadth and at every greater one: looked at from the greatest
        on, so that the choice among several does not flatter (a fixed sequence of tests, Maurer, Hothorn & Lehmacher
        1995).

        Parameters
        ----------
        least : float
            Recall that is asked for, above 0 and below 1.
        ranks : int
            Number of candidates that it is asked for.

        Raises
        ------
        InputError
            If the recall cannot be one, was not measured for so many candidates, or is not shown at any breadth.
        """
        if not 0 < least < 1:
            raise InputError(f"recall: expected a share above 0 and below 1, got {least:g}; without it search is exact")
        if ranks > self.ranks:
            remeasure = ", measure it anew if more people are enrolled now (faceloupe hnsw measure)"
            raise InputError(
                f"recall was measured for up to {counted(self.ranks, 'candidate')}, and {ranks} are asked for: ask for "
                f"fewer (--ranks){remeasure if self.ranks < RANKS else ''}, or ask without a recall for the exact "
                "answer"
            )
        chosen = None
        for ef in sorted(self.missed, reverse=True):
            recall = self.recall(ef, ranks)
            if recall.interval.low < least:
                break
            chosen = recall
        if chosen is None:
            best = self.recall(max(self.missed), ranks)
            raise InputError(
                f"a recall of {least:g} is not shown: at the greatest breadth, {best.ef}, {best.words()}. Ask for less "
                "or the exact answer; measure with more probes (faceloupe hnsw measure --probes), which narrows the "
                "interval; or build with more links (faceloupe hnsw build --m, --ef-construction)"
            )
        return chosen

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return {"schema": "faceloupe.recall/1", **asdict(self)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return what :meth:`to_document` wrote; breadths have become texts in JSON.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is something else.
        """
        missed = {int(ef): tuple(map(int, counts)) for ef, counts in document["missed"].items()}
        if not missed or len({len(counts) for counts in missed.values()}) != 1 or not min(map(len, missed.values())):
            raise ValueError("missed: expected as many counts for each breadth")
        names = ("n_probes", "n_references", "newest", "line", "build")
        return cls(missed=missed, **{name: int(document[name]) for name in names})


def changes_in_words(n_changed: int, *, rebuilt: bool) -> str:
    """Return what has become of an index since its recall was measured, and what to do; empty if nothing has.

    >>> changes_in_words(1, rebuilt=False)
    'Since then 1 reference has come or gone: faceloupe hnsw measure measures the recall anew.'
    """
    come = f"{counted(n_changed, 'reference')} {'has' if n_changed == 1 else 'have'} come or gone"
    changes = [come] * bool(n_changed) + ["the index was built anew"] * rebuilt
    return f"Since then {' and '.join(changes)}: faceloupe hnsw measure measures the recall anew." if changes else ""


def turned(vectors: Floats, rng: np.random.Generator) -> Floats:
    """Return probes for references (P, D): each vector turned in a random direction until its cosine is ``MATED``."""
    references = vectors.astype(np.float64)
    away = rng.normal(size=references.shape)
    away -= np.sum(away * references, axis=1, keepdims=True) * references
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    probes: Floats = (MATED * references + np.sqrt(1 - MATED**2) * away).astype(np.float32)
    return probes


def misses(nearest: Iterable[list[int]], reached: Iterable[Iterable[int]]) -> tuple[int, ...]:
    """Return how many of the first, of the first two ... subjects of all probes were not reached."""
    missed = [
        [subject not in subjects for subject in best] for best, subjects in zip(nearest, map(set, reached), strict=True)
    ]
    return tuple(np.cumsum(np.sum(missed, axis=0)).tolist())
