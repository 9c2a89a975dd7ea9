"""Labels that a good recogniser doubts: a photograph unlike all others of its person, two people as alike as one."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from faceloupe.evaluation.comparisons import ScoredComparisons
from faceloupe.scores.rates import det_curve

Labels = NDArray[np.integer]

GOOD = 0.05  # the highest EER of a recogniser whose doubts count
STRANGERS = 0.99  # the share of non-mated scores below which a mated one is no more alike than strangers are
USUAL = 0.25  # the share of mated scores past which two people are as alike as one person
MOST = 50  # doubts of either kind


@dataclass(frozen=True, slots=True)
class Doubt:
    """A label to look at.

    Attributes
    ----------
    kind : {"fits no other", "two names"}
        A photograph that is no more like any other of its person than strangers are; or two people who are more alike
        than a quarter of all photographs of one person.
    captures : tuple of int
        The photograph with the one it is most like; or the most alike photographs of the two people.
    score : float
        Score of the two.
    usual : float
        The score to compare with: the one that 1 in 100 non-mated comparisons reach, or that 3 in 4 mated ones do.
    n : int
        With how many others of its person it was compared, or how many comparisons of the two reach so high.
    """

    kind: Literal["fits no other", "two names"]
    captures: tuple[int, int]
    score: float
    usual: float
    n: int

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary."""
        return asdict(self)


def doubtful_labels(compared: ScoredComparisons) -> tuple[Doubt, ...]:
    """Return the labels to look at, the most doubtful first; nothing of a recogniser with an EER above 5 %.

    Relatives and people who truly look alike are among them: a doubt is a reason to look, not to change a label.

    Parameters
    ----------
    compared : ScoredComparisons
        Comparisons; without known subjects no label is doubted.
    """
    subjects = compared.comparisons.subjects
    if subjects is None or det_curve(compared.scores).eer.rate > GOOD:
        return ()
    strange = float(np.quantile(compared.scores.non_mated, STRANGERS))
    usual = float(np.quantile(compared.scores.mated, USUAL))
    return sort_doubts([*_misfits(compared, strange), *_two_names(compared, subjects, usual)])


def sort_doubts(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Return doubts by their kind, and of each kind the most doubtful first."""
    return tuple(sorted(doubts, key=lambda doubt: (doubt.kind, -abs(doubt.score - doubt.usual))))


def _misfits(part: ScoredComparisons, strange: float) -> Iterator[Doubt]:
    """Yield captures whose every mated score is that of strangers, once where two are most like each other."""
    pairs, scores = part.comparisons.pairs[part.mated], part.scores.mated
    order = np.argsort(scores)
    best: dict[int, tuple[float, int]] = {}
    counts: dict[int, int] = {}
    for (first, second), score in zip(pairs[order].tolist(), scores[order].tolist(), strict=True):
        for capture, partner in ((first, second), (second, first)):
            best[capture] = (score, partner)  # the last is the highest
            counts[capture] = counts.get(capture, 0) + 1
    misfits = sorted((score, capture, partner) for capture, (score, partner) in best.items() if score < strange)
    reported: set[frozenset[int]] = set()
    for score, capture, partner in misfits[:MOST]:
        if frozenset((capture, partner)) not in reported:
            reported.add(frozenset((capture, partner)))
            yield Doubt("fits no other", (capture, partner), score, strange, counts[capture])


def _two_names(part: ScoredComparisons, subjects: Labels, usual: float) -> Iterator[Doubt]:
    """Yield two people with a comparison above the lowest quarter of mated ones, once for both."""
    places = np.flatnonzero(part.scores.non_mated >= usual)
    places = places[np.argsort(-part.scores.non_mated[places])]
    pairs, scores = part.comparisons.pairs[part.non_mated[places]], part.scores.non_mated[places].tolist()
    highest: dict[tuple[int, int], int] = {}
    counts: dict[tuple[int, int], int] = {}
    for place, (first, second) in enumerate(np.sort(subjects[pairs], axis=1).tolist()):
        highest.setdefault((first, second), place)
        counts[first, second] = counts.get((first, second), 0) + 1
    for people, place in list(highest.items())[:MOST]:
        first, second = pairs[place].tolist()
        yield Doubt("two names", (first, second), scores[place], usual, counts[people])
