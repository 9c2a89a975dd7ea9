"""The findings of an evaluation, in words made from its numbers."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from faceloupe.evaluation.identification import ClosedSet
from faceloupe.evaluation.rates_in_words import between, percent, rate_between
from faceloupe.evaluation.results import Checked, Measured
from faceloupe.evaluation.verification import FARS, SplitAccuracy, TarAtFar
from faceloupe.scores.folds import FoldAccuracy
from faceloupe.scores.points import one_in

if TYPE_CHECKING:
    from faceloupe.evaluation.evaluate import Evaluation


def lead(evaluation: "Evaluation") -> Iterator[str]:
    """Yield the data, the results and the failures."""
    people = f" of {len(evaluation.data.names):,} people" if evaluation.data.names else ""
    who = " · ".join(one.label for one in evaluation.measured)
    yield f"{evaluation.data.counted()}{people}, {evaluation.data.source}. Measured: {who}."
    first, *others = evaluation.measured
    yield f"**{first.label}** {_verification(first)}{_identification(first.closed) if first.closed else ''}."
    if others:
        yield _beside(first, others)
        yield " ".join(pair.words() for pair in evaluation.paired)
    yield _failures(evaluation)


def summary(evaluation: "Evaluation") -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and a line for each recogniser."""
    accuracy, ranked = (any(getattr(one, part) for one in evaluation.measured) for part in ("accuracy", "closed"))
    columns = [
        "recogniser",
        *(["accuracy"] if accuracy else []),
        "EER",
        "AUC",
        *(f"TAR at FAR {100 * far:g} %" for far in FARS),
        *(["rank 1"] if ranked else []),
    ]
    rows = [
        [
            one.label,
            *([accuracy_words(one)] if accuracy else []),
            rate_between(one.main.eer.rate, one.main.eer_interval),
            f"{one.main.auc:.4f}",
            *("–" if tar.tar is None else percent(tar.tar) for tar in one.main.tars),
            *([rate_between(one.closed.mean(1), one.closed.interval) if one.closed else "–"] if ranked else []),
        ]
        for one in evaluation.measured
    ]
    return columns, rows


def accuracy_words(one: Measured) -> str:
    """Return the accuracy by the pairs' protocol: of folds with standard deviation and error."""
    match one.accuracy:
        case SplitAccuracy(test=test, interval=interval):
            return rate_between(test, interval)
        case FoldAccuracy() as folds:
            deviation, error = 100 * folds.standard_deviation, 100 * folds.standard_error
            return f"{100 * folds.mean:.2f} % ± {deviation:.2f} (standard error {error:.2f})"
    return "–"


def tar_words(tar: TarAtFar) -> str:
    """Return a TAR with its interval, or how many non-mated comparisons it would take."""
    if tar.tar is None:
        return f"takes {tar.needed:,}"
    return f"{percent(tar.tar)} {between(tar.interval)}" if tar.interval else percent(tar.tar)


def shown(evaluation: "Evaluation", captures: Sequence[int]) -> str:
    """Return captures by the last two parts of their paths."""
    return " and ".join("/".join(evaluation.data.paths[capture].parts[-2:]) for capture in captures)


def _beside(first: Measured, others: Sequence[Measured]) -> str:
    """Return the figure of the others that says most: accuracy where there is one, or else the EER."""
    name, tell = ("Accuracy", accuracy_words) if first.accuracy else ("EER", _eer)
    told = ", ".join(f"{one.label} **{tell(one)}**" for one in others)
    own = "" if first.accuracy else f"; that of {first.label} {tell(first)}"
    return f"{name} of the others on the same faces: {told}{own}."


def _eer(one: Measured) -> str:
    return rate_between(one.main.eer.rate, one.main.eer_interval)


def _identification(closed: ClosedSet) -> str:
    return (
        f"; in a gallery of {closed.n_subjects:,} people with one reference each, it names "
        f"{rate_between(closed.mean(1), closed.interval)} of {closed.cmcs[0].n_probes:,} probes rightly"
    )


def _verification(one: Measured) -> str:
    n = one.main.n_mated + one.main.n_non_mated
    match one.accuracy:
        case SplitAccuracy() as split:
            return (
                f"decides **{percent(split.test)}** {between(split.interval)} of {split.n_test:,} pairs rightly, at a "
                f"threshold that {split.n_train:,} others chose ({percent(split.train)} there)"
            )
        case FoldAccuracy() as folds:
            return f"decides **{accuracy_words(one)}** of {n:,} pairs rightly, in {len(folds.folds)} folds"
    chosen = next((checked for checked in one.checked if checked.origin == "chosen"), None)
    return _chosen(chosen) if chosen else f"has an EER of **{_eer(one)}** over {n:,} comparisons"


def _chosen(checked: Checked) -> str:
    here = checked.here
    return (
        f"misses **{percent(here.fnmr or 0.0)}** of mated comparisons and lets **{one_in(here.fmr)}** of the others "
        f"match, at the threshold that other people chose for an FMR of {one_in(checked.point.target_fmr)}"
    )


def _failures(evaluation: "Evaluation") -> str:
    alone = {one.label: one.n_without_template for one in evaluation.measured if one.n_without_template}
    more = "".join(f" {label} alone made no template of {count:,} more." for label, count in alone.items())
    count = len(evaluation.failures)
    if not count:
        return f"No photograph failed to give a template.{more}"
    share = f"{count:,} of {evaluation.data.counted().rpartition('of ')[2]}"
    return f"**{share} gave no template** (failures to acquire) and count as errors; each is named below.{more}"
