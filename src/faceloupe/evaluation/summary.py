"""The findings of an evaluation, in words made from its numbers."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from faceloupe.evaluation.identification import ClosedSet
from faceloupe.evaluation.paired import PEOPLE
from faceloupe.evaluation.rates_in_words import between, percent, rate_between
from faceloupe.evaluation.results import PointCheck, RecogniserResult
from faceloupe.evaluation.verification import FARS, SplitAccuracy, TarAtFar
from faceloupe.scores.folds import FoldAccuracy
from faceloupe.scores.points import one_in

if TYPE_CHECKING:
    from faceloupe.evaluation.evaluate import Evaluation


def lead(evaluation: "Evaluation") -> Iterator[str]:
    """Yield the data, the results and the failures."""
    people = f" of {len(evaluation.data.names):,} people" if evaluation.data.names else ""
    who = " · ".join(recogniser.label for recogniser in evaluation.recognisers)
    yield f"{evaluation.data.counted()}{people}, {evaluation.data.source}. Measured: {who}."
    first, *others = evaluation.recognisers
    yield f"**{first.label}** {_verification(first)}{_identification(first.closed) if first.closed else ''}."
    if others:
        yield _others_words(first, others)
        yield " ".join((*(pair.words() for pair in evaluation.paired), *_more_people(evaluation)))
    yield _failures(evaluation)


def _more_people(evaluation: "Evaluation") -> Iterator[str]:
    """Yield how to compare on more people, where the split left too few and nothing has to be fitted on the others."""
    too_few = not all(pair.differences for pair in evaluation.paired)
    has_split = evaluation.data.pairs is None and evaluation.parts.development is not None
    fits_none = all(recogniser.origin in ("as published", "as given") for recogniser in evaluation.recognisers)
    if too_few and has_split and fits_none and len(evaluation.data.names) >= PEOPLE:
        yield "Some of the people chose thresholds; with development=0 (--development 0) all are measured."


def summary(evaluation: "Evaluation") -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and a line for each recogniser."""
    accuracy, has_rank_1 = (
        any(getattr(recogniser, part) for recogniser in evaluation.recognisers) for part in ("accuracy", "closed")
    )
    columns = [
        "recogniser",
        *(["accuracy"] if accuracy else []),
        "EER",
        "AUC",
        *(f"TAR at FAR {100 * far:g} %" for far in FARS),
        *(["rank 1"] if has_rank_1 else []),
    ]
    rows = [
        [
            recogniser.label,
            *([accuracy_words(recogniser)] if accuracy else []),
            rate_between(recogniser.main.eer.rate, recogniser.main.eer_interval),
            f"{recogniser.main.auc:.4f}",
            *("–" if tar.tar is None else percent(tar.tar) for tar in recogniser.main.tars),
            *(
                [rate_between(recogniser.closed.mean(1), recogniser.closed.interval) if recogniser.closed else "–"]
                if has_rank_1
                else []
            ),
        ]
        for recogniser in evaluation.recognisers
    ]
    return columns, rows


def accuracy_words(recogniser: RecogniserResult) -> str:
    """Return the accuracy by the pairs' protocol: of folds with standard deviation and error."""
    match recogniser.accuracy:
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


def names_of(evaluation: "Evaluation", captures: Sequence[int]) -> str:
    """Return captures by the last two parts of their paths."""
    return " and ".join("/".join(evaluation.data.paths[capture].parts[-2:]) for capture in captures)


def _others_words(first: RecogniserResult, others: Sequence[RecogniserResult]) -> str:
    """Return the figure of the others that says most: accuracy where there is one, or else the EER."""
    name, figure = ("Accuracy", accuracy_words) if first.accuracy else ("EER", _eer)
    figures = ", ".join(f"{recogniser.label} **{figure(recogniser)}**" for recogniser in others)
    own = "" if first.accuracy else f"; that of {first.label} {figure(first)}"
    return f"{name} of the others on the same faces: {figures}{own}."


def _eer(recogniser: RecogniserResult) -> str:
    return rate_between(recogniser.main.eer.rate, recogniser.main.eer_interval)


def _identification(closed: ClosedSet) -> str:
    return (
        f"; in a gallery of {closed.n_subjects:,} people with one reference each, it names "
        f"{rate_between(closed.mean(1), closed.interval)} of {closed.cmcs[0].n_probes:,} probes rightly"
    )


def _verification(recogniser: RecogniserResult) -> str:
    n = recogniser.main.n_mated + recogniser.main.n_non_mated
    match recogniser.accuracy:
        case SplitAccuracy() as split:
            return (
                f"decides **{percent(split.test)}** {between(split.interval)} of {split.n_test:,} pairs rightly, at a "
                f"threshold that {split.n_train:,} others chose ({percent(split.train)} there)"
            )
        case FoldAccuracy() as folds:
            return f"decides **{accuracy_words(recogniser)}** of {n:,} pairs rightly, in {len(folds.folds)} folds"
    chosen = next((check for check in recogniser.point_checks if check.origin == "chosen"), None)
    return _chosen(chosen) if chosen else f"has an EER of **{_eer(recogniser)}** over {n:,} comparisons"


def _chosen(check: PointCheck) -> str:
    on_test = check.on_test
    return (
        f"misses **{percent(on_test.fnmr or 0.0)}** of mated comparisons and lets **{one_in(on_test.fmr)}** of the "
        f"others match, at the threshold that other people chose for an FMR of {one_in(check.point.target_fmr)}"
    )


def _failures(evaluation: "Evaluation") -> str:
    alone = {
        recogniser.label: recogniser.n_without_template
        for recogniser in evaluation.recognisers
        if recogniser.n_without_template
    }
    more = "".join(f" {label} alone made no template of {count:,} more." for label, count in alone.items())
    count = len(evaluation.failures)
    if not count:
        return f"No photograph failed to give a template.{more}"
    share = f"{count:,} of {evaluation.data.counted().rpartition('of ')[2]}"
    return f"**{share} gave no template** (failures to acquire) and count as errors; each is named below.{more}"
