"""The section of an evaluation's page that says for whom a recogniser errs."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from faceloupe.blocks import Block, chart, table, text
from faceloupe.evaluation.groups import GroupRate, GroupRates
from faceloupe.evaluation.rates_in_words import rate_between, rate_in
from faceloupe.scores.points import one_in

if TYPE_CHECKING:
    from faceloupe.evaluation.results import RecogniserResult
    from faceloupe.scores.confidence import Interval


def group_section(recognisers: "Sequence[RecogniserResult]") -> Iterator[Block]:
    """Yield charts and tables of each recogniser's error rates by group."""
    for number, recogniser in enumerate(recognisers):
        if recogniser.groups is not None:
            yield from _recogniser_blocks(recogniser.label, recogniser.groups, f"-{number}" if number else "")


def _recogniser_blocks(label: str, rates: GroupRates, suffix: str) -> Iterator[Block]:
    yield text(
        f"**{label}** at the threshold {rates.threshold:.4f}, for an FMR of {one_in(rates.target_fmr)}. "
        + " ".join(_ratios(rates))
    )
    if sum(rate.rate is not None for rate in rates.within) > 1:
        yield _chart(f"group-fmr{suffix}", "Strangers of one group taken for one another", "FMR", rates.within, 1e5)
    if sum(rate.rate is not None for rate in rates.fnmr) > 1:
        yield _chart(f"group-fnmr{suffix}", "One person's photographs not recognised", "FNMR", rates.fnmr, 100)
    yield table(
        f"groups{suffix}",
        f"Error rates by group, {label}.",
        {"comparisons": "left", "people": "right", "number": "right", "rate": "left"},
        [
            *(_row("FMR within ", rate, rate_in) for rate in rates.within),
            *(_row("FMR ", rate, rate_in) for rate in rates.fmr if len(rate.groups) > 1),
            *(_row("FNMR of ", rate, rate_between) for rate in rates.fnmr),
        ],
        "Intervals are 95 % and count comparisons that share a person as fewer. Intervals that overlap widely show no "
        "difference. Groups are as the file says; none is guessed from a face."
        + (f" {rates.n_unknown:,} people of no known group are in no rate." if rates.n_unknown else ""),
    )


def _ratios(rates: GroupRates) -> Iterator[str]:
    for name, ratio in (("FMR", rates.fmr_ratio), ("FNMR", rates.fnmr_ratio)):
        if ratio is None:
            yield f"No ratio of the groups' {name}s can be given: too few people, or a group without error."
        else:
            yield f"The worst group's {name} is **{ratio:.2f} times** the geometric mean of all (NIST IR 8429)."


def _chart(id: str, title: str, name: str, rates: Sequence[GroupRate], times: float) -> Block:  # noqa: A002
    known = [rate for rate in rates if rate.rate is not None and rate.interval is not None]
    return chart(
        id,
        title,
        f"{name} of each group with its 95 % interval: errors in {times:,.0f} comparisons.",
        "interval",
        x={"label": f"{name}, in {times:,.0f} comparisons"},
        y={"label": "Group", "categories": [rate.groups[0] for rate in known]},
        series=[
            {
                "name": name,
                "style": "blue",
                "y": [rate.groups[0] for rate in known],
                "x": [times * rate.rate for rate in known if rate.rate is not None],
                "lo": [times * rate.interval.low for rate in known if rate.interval],
                "hi": [times * rate.interval.high for rate in known if rate.interval],
            }
        ],
    )


def _row(kind: str, rate: GroupRate, words: "Callable[[float, Interval], str]") -> list[object]:
    what = f"{kind}{' with '.join(rate.groups)}"
    result = rate.why if rate.rate is None or rate.interval is None else words(rate.rate, rate.interval)
    return [what, f"{rate.n_people:,}", f"{rate.n:,}", result]
