"""Scores that another program made: their error rates and page, without any network or photograph."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from faceloupe.blocks import Block, section, table, text
from faceloupe.errors import InputError
from faceloupe.evaluation.likelihood import LikelihoodReport, likelihood_report, likelihood_section
from faceloupe.evaluation.rates_in_words import rate_between, rate_in
from faceloupe.evaluation.score_files import read_scores
from faceloupe.numerals import counted
from faceloupe.pages import Shown
from faceloupe.scores.choosing import operating_point, remeasure
from faceloupe.scores.confidence import Interval
from faceloupe.scores.intervals import auc_interval, eer_interval
from faceloupe.scores.likelihood import fit_likelihood_ratio, usual_range
from faceloupe.scores.points import OperatingPoint, one_in
from faceloupe.scores.rates import auc, det_curve
from faceloupe.scores.sets import ScoreSet

CHANCE = 0.5  # the AUC of scores that say nothing
REVERSED = (
    "Pairs of one person score lower than pairs of two: if these are distances, give them with the sign reversed, for "
    "higher has to mean more alike."
)
TARGETS = (1e-2, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoreEvaluation(Shown):
    """The error rates of scores from another program.

    Attributes
    ----------
    source : str
        Origin of the scores.
    scores : ScoreSet
    eer, auc : float
        In [0, 1].
    eer_interval, auc_interval : Interval
    points : tuple of (OperatingPoint, OperatingPoint)
        Thresholds chosen on one half of the people (or of the comparisons), and the same measured on the other.
    likelihood : LikelihoodReport or None
        Likelihood ratios, of the same halves.
    notes : tuple of str
        Measures that were not made, and why.
    """

    source: str
    scores: ScoreSet
    eer: float
    eer_interval: Interval
    auc: float
    auc_interval: Interval
    points: tuple[tuple[OperatingPoint, OperatingPoint], ...]
    likelihood: LikelihoodReport | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"ScoreEvaluation({self.source}: EER {100 * self.eer:.2f} %, {self.scores!r})"

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary, schema ``faceloupe.scores/1``."""
        return {
            "schema": "faceloupe.scores/1",
            "source": self.source,
            "n_mated": self.scores.n_mated,
            "n_non_mated": self.scores.n_non_mated,
            "n_subjects": self.scores.n_subjects,
            "eer": self.eer,
            "eer_interval": asdict(self.eer_interval),
            "auc": self.auc,
            "auc_interval": asdict(self.auc_interval),
            "points": [
                {"point": point.to_document(), "here": on_test.to_document(), "verdict": on_test.verdict}
                for point, on_test in self.points
            ],
            "likelihood": self.likelihood and self.likelihood.to_document(),
            "notes": list(self.notes),
        }


def evaluate_scores(
    scores: ScoreSet | str | PathLike[str], impostors: str | PathLike[str] | None = None, *, source: str = ""
) -> ScoreEvaluation:
    """Measure scores that another program made; higher means more alike.

    Parameters
    ----------
    scores : ScoreSet or path
        See :func:`read_scores`.
    impostors : path, optional
        Non-mated scores, where `scores` is a file of mated ones alone.
    source : str
        Description of the scores; by default the name of the file.

    Raises
    ------
    InputError
        If the files are not as described, or there are no scores of both kinds.
    """
    notes: list[str] = []
    if not isinstance(scores, ScoreSet):
        source = source or f"the scores of {Path(scores).name}"
        scores = read_scores(scores, impostors, on_note=notes.append)
    source = source or "scores"
    notes += _outlier_notes(scores)
    points, likelihood = [], None
    try:
        train, test, halves = _halves(scores)
    except InputError as problem:
        notes.append(f"No threshold or ratio was chosen, there are too few people or comparisons: {problem}.")
    else:
        try:
            ratio = fit_likelihood_ratio(train, source=f"one half of {halves}", embedder=source)
            likelihood = likelihood_report(ratio, test)
        except InputError as problem:
            notes.append(f"No likelihood ratios: {problem}.")
        for target in TARGETS:
            try:
                point = operating_point(train, target, source=f"one half of {halves}, {source}", embedder=source)
            except InputError as problem:
                notes.append(f"No threshold for {one_in(target)}: {problem}.")
                break
            points.append((point, remeasure(point, test, source=f"the other half of {halves}, {source}")))
    return ScoreEvaluation(
        source,
        scores,
        det_curve(scores).eer.rate,
        eer_interval(scores),
        auc(scores),
        auc_interval(scores),
        tuple(points),
        likelihood,
        tuple(notes),
    )


def _outlier_notes(scores: ScoreSet) -> Iterator[str]:
    low, high = usual_range(scores)
    all_scores = np.concatenate([scores.mated, scores.non_mated])
    outside = all_scores[(all_scores < low) | (all_scores > high)]
    if len(outside):
        yield (
            f"{counted(len(outside), 'score')} far outside the range of the others, such as {outside[0]:.6g}: "
            f"likelihood ratios are fitted as if such a score were {low:.4g} or {high:.4g}. If it stands for a "
            "comparison that could not be made, leave it out."
        )


def write_score_article(evaluation: ScoreEvaluation) -> dict[str, Any]:
    """Return the page of scores from elsewhere."""
    scores = evaluation.scores
    who = f" of {scores.n_subjects:,} people" if scores.n_subjects else ", of people that the file does not name"
    parts = [
        section("rates", "Are these two the same person?", _rates(evaluation)),
        section("points", "Do thresholds hold?", _points(evaluation)),
        section("likelihood", "What is a score worth as evidence?", _likelihood(evaluation)),
        section("method", "How this was measured", _method(evaluation)),
    ]
    return {
        "title": f"Scores measured: {evaluation.source}",
        "lead": [
            f"{scores.n_mated:,} mated and {scores.n_non_mated:,} non-mated comparisons{who}.",
            f"The EER is **{rate_between(evaluation.eer, evaluation.eer_interval)}**.",
            *[REVERSED] * (evaluation.auc < CHANCE),
        ],
        "sections": [part for part in parts if part["blocks"]],
        "plot": ["tippett"],
        "evidence": evaluation.to_document(),
        "provenance": {"made by": f"faceloupe {version('faceloupe')}", "scores": evaluation.source},
    }


def _rates(evaluation: ScoreEvaluation) -> Iterator[Block]:
    area = f"{evaluation.auc:.4f} [{evaluation.auc_interval.low:.4f}, {evaluation.auc_interval.high:.4f}]"
    yield table(
        "rates",
        "Error rates that take no threshold.",
        {"EER": "right", "AUC": "right"},
        [[rate_between(evaluation.eer, evaluation.eer_interval), area]],
        "With 95 % intervals. No comparison that could not be made is in them: the file names none.",
    )


def _points(evaluation: ScoreEvaluation) -> Iterator[Block]:
    if evaluation.points:
        yield table(
            "points",
            "Thresholds chosen on one half, measured on the other.",
            {"FMR asked for": "left", "score ≥": "right", "FMR": "left", "FNMR": "left", "its FMR": "left"},
            [
                [
                    one_in(point.target_fmr),
                    f"{point.threshold:.4g}",
                    rate_in(on_test.fmr, on_test.fmr_interval),
                    rate_between(on_test.fnmr, on_test.fnmr_interval),
                    on_test.verdict,
                ]
                for point, on_test in evaluation.points
            ],
            f"Measured on {evaluation.points[0][1].source}.",
        )
    yield from map(text, evaluation.notes)


def _likelihood(evaluation: ScoreEvaluation) -> Iterator[Block]:
    if evaluation.likelihood:
        others = "other people" if evaluation.scores.n_subjects else "the other comparisons"
        yield from likelihood_section("These scores", evaluation.likelihood, others=others)


def _method(evaluation: ScoreEvaluation) -> Iterator[Block]:
    known = evaluation.scores.n_subjects > 0
    yield text(
        "Comparisons that share a person count as fewer, and few people make intervals wide. Thresholds and ratios are "
        "chosen on the comparisons of one half of the people with each other, and measured on the other half."
        if known
        else "The file does not say whom the comparisons show. All are taken as independent, so that **intervals are "
        "too narrow** if one person is in several. Every other comparison chose, the others were measured."
    )


def _halves(scores: ScoreSet) -> tuple[ScoreSet, ScoreSet, str]:
    """Return the scores of one half of the people with each other, and those of the other half.

    Raises
    ------
    InputError
        If a half has no comparison of one of both kinds.
    """
    own, sides = scores.mated_subjects, scores.non_mated_subjects
    if own is None or sides is None:
        if min(scores.n_mated, scores.n_non_mated) < 2:
            raise InputError("there is one comparison of a kind, and each half needs one of both")
        first, second = (ScoreSet(scores.mated[at::2], scores.non_mated[at::2]) for at in (0, 1))
        return first, second, "the comparisons"
    chosen = np.random.default_rng(0).permutation(scores.n_subjects) % 2 == 0
    halves = []
    for half in (chosen, ~chosen):
        mated, non_mated = half[own], half[sides].all(axis=1)
        if not mated.any() or not non_mated.any():
            raise InputError(f"one half of the people has no {'non-' * bool(mated.any())}mated comparison")
        halves.append(ScoreSet(scores.mated[mated], scores.non_mated[non_mated], own[mated], sides[non_mated]))
    return halves[0], halves[1], "the people"
