"""Ticks are round, labels keep apart, piles hold every dot."""

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.report.charts import render_chart
from faceloupe.report.figures import draw_blocks
from faceloupe.report.scales import Scale, domain_of, format_interval, format_number, log_domain, log_ticks, nice_ticks
from faceloupe.report.series import drawable, stack_dots
from faceloupe.report.svg import spread

numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6))


@given(st.lists(numbers, min_size=2, unique=True), st.integers(2, 12))
def test_ticks_lie_within_and_are_evenly_spaced(values: list[float], count: int) -> None:
    low, high = domain_of(values)
    ticks = nice_ticks(low, high, count)
    slack = 1e-6 * (high - low)
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    assert len(ticks) <= count + 1
    steps = [after - before for before, after in pairwise(ticks)]
    assert all(math.isclose(step, steps[0], rel_tol=1e-6) for step in steps)


@given(st.lists(st.one_of(numbers, st.none(), st.just(math.nan))), st.sampled_from([None, 5]))
def test_a_domain_holds_every_number_and_has_length(values: list[float | None], round_to: int | None) -> None:
    low, high = domain_of(values, round_to=round_to)
    assert low < high
    slack = 1e-6 * (high - low)
    assert all(low - slack <= value <= high + slack for value in values if value is not None and not math.isnan(value))


def test_a_scale_joins_its_ends() -> None:
    scale = Scale(0.0, 10.0, 100.0, 50.0)
    assert (scale(0.0), scale(5.0), scale(10.0)) == (100.0, 75.0, 50.0)


def test_a_logarithmic_scale_joins_its_ends_and_halves_between_powers() -> None:
    scale = Scale(0.01, 1.0, 0.0, 100.0, log=True)
    assert [round(scale(value), 9) for value in (0.01, 0.1, 1.0)] == [0.0, 50.0, 100.0]


positive = st.floats(1e-9, 1e9, allow_nan=False)


@given(st.lists(st.one_of(positive, st.just(0.0), st.none(), st.just(math.nan))))
def test_a_logarithmic_domain_holds_every_positive_number_in_round_ends(values: list[float | None]) -> None:
    low, high = log_domain(values)
    assert 0 < low < high
    assert all(low * (1 - 1e-6) <= value <= high * (1 + 1e-6) for value in values if value and value > 0)
    assert {f"{end:.6e}"[0] for end in (low, high)} <= {"1", "2", "5"}


@given(positive, st.floats(1.5, 1e6))
def test_logarithmic_ticks_lie_within(low: float, factor: float) -> None:
    ticks = log_ticks(low, low * factor)
    assert all(low * (1 - 1e-6) <= tick <= low * factor * (1 + 1e-6) for tick in ticks)
    assert ticks == sorted(set(ticks))
    assert len(ticks) >= 3 or factor < 10


LOG_CHART = {
    "type": "chart", "id": "det", "title": "DET", "caption": "A curve.", "mark": "line",
    "x": {"label": "FMR", "scale": "log"}, "y": {"label": "FNMR", "scale": "log"},
    "series": [{"name": "one", "style": "blue", "x": [1e-4, 1e-3, 1e-2], "y": [0.1, 0.01, 0.0],
                "lo": [0.05, 0.0, 0.0], "hi": [0.2, 0.02, 0.004]}],
    "reference": [],
}  # fmt: skip


def test_on_a_logarithmic_axis_nothing_is_drawn_at_zero_but_the_numbers_keep_it() -> None:
    (series,) = drawable(LOG_CHART)
    assert series.y[:2] == (0.1, 0.01)
    assert math.isnan(series.y[2])
    assert series.lo == (0.05, 0.004, 0.004)  # the lowest limit that can be drawn
    page = render_chart(LOG_CHART, 3)
    assert ">0.001<" in page
    assert "0 [0,\N{NO-BREAK SPACE}0.004]" in page


def test_a_logarithmic_chart_is_exported_with_logarithmic_axes() -> None:
    (axes,) = draw_blocks([LOG_CHART]).axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlim() == pytest.approx((1e-4, 1e-2))


@pytest.mark.parametrize(
    ("value", "unit", "reads"),
    [(0.5, "%", "50 %"), (0.12345, "%", "12.3 %"), (1 / 3, None, "0.3333"), (16393, None, "16,393"),
     (-0.0001, "%", "0 %"), (834884.4, "px", "834,884"), (math.nan, "%", "–"), (None, None, "–"),
     (-2.5, None, "−2.5"), (0, None, "0")],
)  # fmt: skip
def test_how_numbers_read(value: float | None, unit: str | None, reads: str) -> None:
    assert format_number(value, unit).replace("\N{NO-BREAK SPACE}", " ") == reads


def test_an_interval_needs_both_ends() -> None:
    assert format_interval(0.5, None, 0.7) == format_interval(0.5, 0.3, math.nan) == "0.5"


@given(st.lists(st.floats(0, 300), min_size=1, max_size=8))
def test_labels_keep_their_order_and_do_not_overlap(wanted: list[float]) -> None:
    places = spread(wanted, [15.0] * len(wanted), 0, 300)
    ordered = sorted(range(len(wanted)), key=lambda index: wanted[index])
    for before, after in pairwise(ordered):
        assert places[after] - places[before] >= 15.0 - 1e-9
    assert min(places) >= -1e-9
    assert max(places) <= 285.0 + 1e-9


@given(st.lists(st.integers(0, 10), max_size=60), st.integers(1, 5))
def test_a_pile_holds_every_dot_on_its_value_once(tenths: list[int], columns: int) -> None:
    places = stack_dots([tenth / 10 for tenth in tenths], 0.05, columns)
    assert len(set(places)) == len(tenths)
    assert Counter(round(10 * centre) for centre, _, _ in places) == Counter(tenths)
