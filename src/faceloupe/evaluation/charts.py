"""The charts of an evaluation; each recogniser keeps its line style in all of them."""

import math
from collections.abc import Iterator, Sequence

from faceloupe.blocks import Block, chart, line
from faceloupe.evaluation.evaluate import Evaluation
from faceloupe.evaluation.results import SHARES, RecogniserResult
from faceloupe.evaluation.verification import Verification

STYLES = ("blue", "orange", "grey-alt", "grey", "blue-alt", "orange-alt")
RANKS = 10  # of a CMC


def det_chart(
    identifier: str, title: str, evaluation: Evaluation, curves: Sequence[tuple[RecogniserResult, Verification]]
) -> Block:
    """Return FNMR against FMR on logarithmic axes, with bootstrap bands over subjects."""
    first = next(verification for _, verification in curves if verification.band)
    return chart(
        identifier,
        title,
        f"{first.n_mated:,} mated and {first.n_non_mated:,} non-mated comparisons: {first.what}. Nearer the lower left "
        "is better. Bands: 95 % limits at each FMR when the subjects are drawn again. The curve begins at the lowest "
        "FMR that the rule of 3 supports; where no error was seen there is nothing to draw.",
        "line",
        x={"label": "FMR", "scale": "log"},
        y={"label": "FNMR", "scale": "log"},
        series=[
            line(recogniser.label, style, band.fmr, band.fnmr, band.low, band.high)
            for (recogniser, verification), style in zip(curves, _styles(evaluation, curves), strict=True)
            if (band := verification.band)
        ],
    )


def cmc_chart(evaluation: Evaluation) -> Block:
    """Return the identification rate by rank, with the lowest and highest draw."""
    curves = [(recogniser, recogniser.closed) for recogniser in evaluation.recognisers if recogniser.closed]
    ranks = range(1, 1 + min(RANKS, curves[0][1].n_subjects))
    lowest = min(min(closed.at(1)) for _, closed in curves)
    return chart(
        "cmc",
        "How often the right person is among the first",
        f"CMC: {curves[0][1].n_subjects:,} subjects with one reference each, {curves[0][1].cmcs[0].n_probes:,} probes, "
        f"mean of {evaluation.plan.draws} draws of the references; bands: the lowest and the highest draw.",
        "line",
        x={"label": "Rank"},
        y={"label": "Identification rate", "unit": "%", "range": [min(0.9, math.floor(10 * lowest) / 10), 1.0]},
        series=[
            line(
                recogniser.label,
                style,
                ranks,
                [closed.mean(rank) for rank in ranks],
                [min(closed.at(rank)) for rank in ranks],
                [max(closed.at(rank)) for rank in ranks],
            )
            for (recogniser, closed), style in zip(curves, _styles(evaluation, curves), strict=True)
        ],
    )


def fpir_chart(evaluation: Evaluation) -> Block:
    """Return FNIR against FPIR on logarithmic axes."""
    curves = [(recogniser, recogniser.open) for recogniser in evaluation.recognisers if recogniser.open]
    return chart(
        "fpir",
        "People missed against strangers named",
        f"{curves[0][1].n_subjects:,} subjects in the gallery, mean of {evaluation.plan.draws} draws. FPIR: strangers "
        "who were given a name; FNIR: people in the gallery who were given another name or none.",
        "line",
        x={"label": "FPIR", "scale": "log"},
        y={"label": "FNIR", "scale": "log"},
        series=[
            line(recogniser.label, style, open_set.fpir, open_set.fnir)
            for (recogniser, open_set), style in zip(curves, _styles(evaluation, curves), strict=True)
        ],
    )


def reject_chart(recogniser: RecogniserResult) -> Block:
    """Return FNMR when the mated comparisons of the lowest quality are refused, for each measure of quality."""
    threshold = next(iter(recogniser.rejection.values())).threshold
    return chart(
        "reject",
        f"What each measure of quality foresees, {recogniser.label}",
        f"FNMR at the threshold {threshold:.4f} when the comparisons whose worse capture is worst are refused. A "
        "measure that foresees errors falls at once; one that knows nothing stays level.",
        "line",
        x={"label": "Mated comparisons refused", "unit": "%"},
        y={"label": "FNMR of the others"},
        series=[
            line(name, style, SHARES, map(curve.at, SHARES.tolist()))
            for (name, curve), style in zip(recogniser.rejection.items(), STYLES, strict=False)
        ],
    )


def _styles(evaluation: Evaluation, curves: Sequence[tuple[RecogniserResult, object]]) -> Iterator[str]:
    """Yield the style of each recogniser, the same in every chart."""
    places = {recogniser.label: place for place, recogniser in enumerate(evaluation.recognisers)}
    return (STYLES[places[recogniser.label] % len(STYLES)] for recogniser, _ in curves)
