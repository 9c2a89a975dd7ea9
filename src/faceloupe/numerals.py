"""Numbers and lists as they read in a sentence or a table: counted, rounded, with a true minus sign."""

import math
from collections.abc import Iterable


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    >>> counted(1, "subject"), counted(1200, "subject"), counted(2, "person", "people")
    ('1 subject', '1,200 subjects', '2 people')
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def decimals(value: float, places: int = 2, *, signed: bool = False) -> str:
    """Return a number with so many decimals, if `signed` with its plus too; what rounds to zero has no sign.

    >>> decimals(-0.4271), decimals(0.04, 1, signed=True), decimals(4.35, 1, signed=True)
    ('−0.43', '0.0', '+4.3')
    """
    text = f"{value:{'+' if signed else ''}.{places}f}"
    return with_minus(text) if float(text) else text.lstrip("+-")


def listed(things: Iterable[object]) -> str:
    """Return the things in a row, which is not empty.

    >>> listed([4]), listed(["conv", "pool"]), listed("abc")
    ('4', 'conv and pool', 'a, b and c')
    """
    *first, last = map(str, things)
    return f"{', '.join(first)} and {last}" if first else last


def three_figures(value: float) -> str:
    """Return a number in three figures, a large one in full.

    >>> three_figures(-0.02468), three_figures(12345), three_figures(float("nan"))
    ('−0.0247', '12,300', 'not a number')
    """
    if math.isnan(value):
        return "not a number"
    rounded = float(f"{value:.3g}")
    whole = rounded.is_integer() and abs(rounded) < 1e15
    return with_minus(f"{rounded:,.0f}" if whole else f"{rounded:.3g}")


def with_minus(text: str) -> str:
    """Return a text of numbers with a true minus sign for each hyphen."""
    return text.replace("-", "\N{MINUS SIGN}")
