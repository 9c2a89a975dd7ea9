"""Numbers as they read: rounded as Python rounds, with a true minus, and no sign for what rounds to zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.numerals import decimals, three_figures

FINITE = st.floats(-1e12, 1e12)


def _read(text):
    return float(text.replace("−", "-").replace(",", ""))


@given(FINITE, st.integers(0, 5), st.booleans())
def test_decimals_are_those_of_round(value, places, signed):
    text = decimals(value, places, signed=signed)
    assert _read(text) == round(value, places)
    assert (text[0] in "+−") == (_read(text) != 0 and (signed or value < 0))
    assert len(text.partition(".")[2]) == places


@given(FINITE)
def test_three_figures_are_within_half_a_unit_of_the_third(value):
    assert _read(three_figures(value)) == pytest.approx(value, rel=0.005)
    assert "-" not in three_figures(value)
