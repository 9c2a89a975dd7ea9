"""Recognisers compared with the first of them, on the same pairs: which is better, or that it cannot be told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from faceloupe.blocks import Block, table, text
from faceloupe.errors import InputError
from faceloupe.evaluation.verification import FARS
from faceloupe.scores.paired import PairedDifference, paired_differences
from faceloupe.scores.sets import ScoreSet

PEOPLE = 40  # of whom differences are given: of 20 who err very unlike, 80 % of intervals hold the truth, not 95 %


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two recognisers on the same comparisons.

    Attributes
    ----------
    first, second : str
        Names by which they were asked for.
    what : str
        Description of the comparisons, in words.
    differences : tuple of PairedDifference
        Empty where there were too few people.
    """

    first: str
    second: str
    what: str
    differences: tuple[PairedDifference, ...]

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        differences = [difference.to_document() for difference in self.differences]
        return {"first": self.first, "second": self.second, "what": self.what, "differences": differences}

    def words(self) -> str:
        """Return which is better by what, in a sentence."""
        if not self.differences:
            return f"{self.first} and {self.second} were not compared: that takes {PEOPLE} measured people or more."
        better = {
            name: [difference.what for difference in self.differences if difference.better == side]
            for side, name in (("first", self.first), ("second", self.second))
        }
        parts = [f"{name} is better by {', '.join(rates)}" for name, rates in better.items() if rates]
        equal = [difference.what for difference in self.differences if difference.better not in ("first", "second")]
        if equal:
            parts.append(f"by {', '.join(equal)} they cannot be told apart")
        return f"{self.first} and {self.second} on the same pairs: {'; '.join(parts)}."


def compare_with_first(what: str, scores: dict[str, ScoreSet], seed: int) -> Iterator[PairedComparison]:
    """Yield each recogniser beside the first.

    Parameters
    ----------
    what : str
        Description of the comparisons, in words.
    scores : dict of label to ScoreSet
        Scores of the same comparisons; the lowest score for those that could not be made.
    seed : int
        Seed of the subjects drawn.
    """
    labels = list(scores)
    for label in labels[1:]:
        first, second = scores[labels[0]], scores[label]
        try:
            enough = first.n_subjects >= PEOPLE
            yield PairedComparison(
                labels[0], label, what, paired_differences(first, second, FARS, seed=seed) if enough else ()
            )
        except InputError as problem:
            raise InputError(f"{labels[0]} beside {label}: {problem}") from problem


def paired_section(paired: Sequence[PairedComparison]) -> Iterator[Block]:
    """Yield the better recogniser, with intervals of the differences."""
    for number, pair in enumerate(paired):
        yield text(f"**{pair.second} against {pair.first}.** {pair.words()}")
        if pair.differences:
            yield table(
                f"paired-{number}" if number else "paired",
                f"{pair.second} against {pair.first}: {pair.what}.",
                {"rate": "left", pair.first: "right", pair.second: "right", "difference": "left", "better": "left"},
                [_row(pair, difference) for difference in pair.differences],
                "Differences are second minus first, in percentage points, each with its own 95 % interval: the same "
                "people are drawn again for both, and thresholds are found anew (the AUC's is DeLong's). FNMR is "
                "compared where both have the same FMR. “Cannot be told apart” where 0 is within, or fewer than six "
                "people make the difference. A comparison that could not be made counts as an error.",
            )


def _row(pair: PairedComparison, difference: PairedDifference) -> list[object]:
    better = {"first": pair.first, "second": pair.second}.get(difference.better, difference.better)
    low, high, change = (f"{100 * value:+.2f}" for value in (difference.low, difference.high, difference.difference))
    return [
        difference.what,
        f"{100 * difference.first:.2f} %",
        f"{100 * difference.second:.2f} %",
        f"{change} [{low}, {high}]",
        better,
    ]
