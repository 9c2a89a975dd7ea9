"""The curves of an evaluation, a look for each recogniser."""

import math
from collections.abc import Iterable, Iterator, Sequence

from faceloupe.blocks import Block, chart
from faceloupe.evaluation.evaluate import Evaluation
from faceloupe.evaluation.results import SHARES, Measured
from faceloupe.evaluation.verification import Verification

STYLES = ("blue", "orange", "grey-alt", "grey", "blue-alt", "orange-alt")
RANKS = 10  # of a CMC


def det_chart(id: str, title: str, evaluation: Evaluation, curves: Sequence[tuple[Measured, Verification]]) -> Block:  # noqa: A002
    """Return FNMR against FMR on logarithmic axes, with the bands of subjects drawn again."""
    first = next(verification for _, verification in curves if verification.band)
    return chart(
        id,
        title,
        f"{first.n_mated:,} mated and {first.n_non_mated:,} non-mated comparisons: {first.what}. Nearer the lower left "
        "is better. Bands: 95 % limits at each FMR when the subjects are drawn again. The curve begins at the lowest "
        "FMR that the rule of 3 supports; where no error was seen there is nothing to draw.",
        "line",
        x={"label": "FMR", "scale": "log"},
        y={"label": "FNMR", "scale": "log"},
        series=[
            _series(one.label, style, band.fmr, band.fnmr, band.low, band.high)
            for (one, verification), style in zip(curves, _styles(evaluation, curves), strict=True)
            if (band := verification.band)
        ],
    )


def cmc_chart(evaluation: Evaluation) -> Block:
    """Return the identification rate by rank, with the lowest and highest draw."""
    shown = [(one, one.closed) for one in evaluation.measured if one.closed]
    ranks = range(1, 1 + min(RANKS, shown[0][1].n_subjects))
    lowest = min(min(closed.at(1)) for _, closed in shown)
    return chart(
        "cmc",
        "How often the right person is among the first",
        f"CMC: {shown[0][1].n_subjects:,} subjects with one reference each, {shown[0][1].cmcs[0].n_probes:,} probes, "
        f"mean of {evaluation.plan.draws} draws of the references; bands: the lowest and the highest draw.",
        "line",
        x={"label": "Rank"},
        y={"label": "Identification rate", "unit": "%", "range": [min(0.9, math.floor(10 * lowest) / 10), 1.0]},
        series=[
            _series(
                one.label,
                style,
                ranks,
                [closed.mean(rank) for rank in ranks],
                [min(closed.at(rank)) for rank in ranks],
                [max(closed.at(rank)) for rank in ranks],
            )
            for (one, closed), style in zip(shown, _styles(evaluation, shown), strict=True)
        ],
    )


def fpir_chart(evaluation: Evaluation) -> Block:
    """Return FNIR against FPIR on logarithmic axes."""
    shown = [(one, one.open) for one in evaluation.measured if one.open]
    return chart(
        "fpir",
        "People missed against strangers named",
        f"{shown[0][1].n_subjects:,} subjects in the gallery, mean of {evaluation.plan.draws} draws. FPIR: strangers "
        "who were given a name; FNIR: people in the gallery who were given another name or none.",
        "line",
        x={"label": "FPIR", "scale": "log"},
        y={"label": "FNIR", "scale": "log"},
        series=[
            _series(one.label, style, opened.fpir, opened.fnir)
            for (one, opened), style in zip(shown, _styles(evaluation, shown), strict=True)
        ],
    )


def reject_chart(one: Measured) -> Block:
    """Return FNMR when the mated comparisons of the lowest quality are refused, for each measure of quality."""
    threshold = next(iter(one.rejection.values())).threshold
    return chart(
        "reject",
        f"What each measure of quality foresees, {one.label}",
        f"FNMR at the threshold {threshold:.4f} when the comparisons whose worse capture is worst are refused. A "
        "measure that foresees errors falls at once; one that knows nothing stays level.",
        "line",
        x={"label": "Mated comparisons refused", "unit": "%"},
        y={"label": "FNMR of the others"},
        series=[
            _series(name, style, SHARES, map(curve.at, SHARES.tolist()))
            for (name, curve), style in zip(one.rejection.items(), STYLES, strict=False)
        ],
    )


def _series(
    name: str,
    style: str,
    x: Iterable[float],
    y: Iterable[float],
    low: Iterable[float] = (),
    high: Iterable[float] = (),
) -> Block:
    columns = {"x": x, "y": y, "lo": low, "hi": high}
    return {"name": name, "style": style} | {key: list(map(float, values)) for key, values in columns.items()}


def _styles(evaluation: Evaluation, shown: Sequence[tuple[Measured, object]]) -> Iterator[str]:
    """Yield the style of each recogniser shown, which it has in every chart."""
    places = {one.label: place for place, one in enumerate(evaluation.measured)}
    return (STYLES[places[one.label] % len(STYLES)] for one, _ in shown)
