"""The findings of a :class:`~faceloupe.inspection.measures.diagnosis.UnitReport` in sentences."""

from typing import TYPE_CHECKING

from faceloupe.inspection.measures.units import ALIKE
from faceloupe.numerals import listed

if TYPE_CHECKING:
    from faceloupe.inspection.measures.diagnosis import DeadUnit, Push, UnitReport

ROUNDING = 1e-6  # what is left of the mean of centred pixels


def sentences(report: "UnitReport") -> tuple[str, ...]:
    """Return the count, then one or a few sentences for each dead unit and one for each group of duplicates.

    In words units are counted from 1, as in the pictures of a page; the indices of the report begin at 0.
    """
    count = f"{len(report.dead)} of {report.units} units dead on {report.n} faces"
    rest = ", so the layer says nothing of any face" if len(report.dead) == report.units else ""
    return (
        f"{report.layer}: {count}{rest}.",
        *(_dead_words(unit, report) for unit in report.dead),
        *(_duplicate_words(group, report) for group in report.duplicates),
    )


def _dead_words(unit: "DeadUnit", report: "UnitReport") -> str:
    if unit.highest is None:
        text = f"unit {unit.unit + 1}: puts out 0 for each of the {report.n} faces."
    else:
        text = f"unit {unit.unit + 1}: its input is never above 0, at most {unit.highest:+.3g} over {report.n} faces."
    if unit.push:
        text += f" {_push_words(unit.push, report.n)}"
    return text if unit.silent_since is None else f"{text} {_death_words(unit.silent_since, report.epochs or 0)}"


def _push_words(push: "Push", n: int) -> str:
    what = "pixel" if push.of_pixels else "input"
    mean = push.mean_input if abs(push.mean_input) > ROUNDING else 0.0
    facts = (
        f"Bias {push.bias:+.3g}; the weights' sum {push.weight_sum:+.3g} times the mean {what} {mean:.3g} = "
        f"{push.weight_sum * mean:+.3g}"
    )
    left = f"{push.left:+.3g} ± {push.spread:.2g}"
    if push.alive_without_mean:
        return (
            f"{facts}: the mean of the {what}s pushes it down. Subtracting it would leave {left}, above 0 for "
            f"{push.alive_without_mean} of {n} faces."
        )
    if push.alive_without_bias:
        return (
            f"{facts}. The bias keeps it down: with 0 it would be above 0 for {push.alive_without_bias} of {n} faces."
        )
    return (
        f"{facts}. Neither alone is the cause: without the mean it would be {left}, above 0 for none of these faces. "
        "What they have in common keeps it down."
    )


def _death_words(since: int, epochs: int) -> str:
    if since > epochs:
        return "In the last epoch of training it was heard: it is dead for these faces only."
    return "Silent before training already." if since == 0 else f"Silent since epoch {since} of {epochs}."


def _duplicate_words(group: tuple[int, ...], report: "UnitReport") -> str:
    return (
        f"units {listed(unit + 1 for unit in group)} say the same: their outputs are correlated above {ALIKE} over "
        f"{report.n} faces ({report.values:,} values each)."
    )
