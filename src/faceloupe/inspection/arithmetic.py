"""Numbers written out as products and sums, the way a reader would check them."""

import math
from collections.abc import Sequence
from typing import TypeVar

TERMS_SHOWN = 12  # of a sum: more than that nobody adds up, and each is in the table

Shape = tuple[int, ...]
T = TypeVar("T")


def product_text(*factors: int) -> str:
    """Return a product with its value: "57·57·4·64 = 831,744"; a single factor stands alone."""
    value = f"{math.prod(factors):,}"
    return f"{'·'.join(map(str, factors))} = {value}" if len(factors) > 1 else value


def products_text(products: Sequence[Shape]) -> str:
    """Return a sum of products with its value: "57·57·4·64 = 831,744", "16·32·32 + 16·16·32 = 24,576", "0"."""
    if len(products) < 2:
        return product_text(*products[0]) if products else "0"
    terms = ["·".join(map(str, factors)) for factors in products]
    return f"{' + '.join(terms)} = {sum(map(math.prod, products)):,}"


def bytes_text(numbers: Sequence[int], held: int) -> str:
    """Return bytes as "260·4 = 1,040", where each number takes the same whole number of them."""
    bytes_of_number, left = divmod(held, math.prod(numbers) or 1)
    return f"{held:,}" if left or not held else product_text(*numbers, bytes_of_number)


def sum_text(terms: Sequence[int]) -> str:
    """Return a sum with its value, zeros left out: "260 + 3,140 + 5 = 3,405"."""
    held = [f"{term:,}" for term in terms if term]
    if len(held) < 2:
        return f"{sum(terms):,}"
    shown = held if len(held) <= TERMS_SHOWN else [*held[: TERMS_SHOWN - 2], "…", held[-1]]
    count = f" ({len(held)} terms)" if len(held) > TERMS_SHOWN else ""
    return f"{' + '.join(shown)}{count} = {sum(terms):,}"


def shape_text(shape: Shape | None) -> str:
    """Return "57×57×4", or "-" for no shape."""
    return "×".join(map(str, shape)) if shape else "-"


def batch_axis(shape: Sequence[int]) -> int:
    """Return the axis of a batch of one capture: the first of length 1, for recurrent layers may have steps first."""
    return list(shape).index(1) if 1 in shape else 0


def channels_last(shape: Sequence[int]) -> Shape:
    """Return the shape of one capture, (height, width, channels) or as it is, from that of a batch of one."""
    axis = batch_axis(shape)
    size = (*shape[:axis], *shape[axis + 1 :])
    return (*size[1:], size[0]) if len(size) == 3 and axis == 0 else size


def evenly(things: Sequence[T], most: int) -> list[T]:
    """Return the things, thinned out evenly to `most` where there are more; the first and the last stay."""
    if len(things) <= most:
        return list(things)
    return [things[round(place * (len(things) - 1) / (most - 1))] for place in range(most)]


def parameters_text(weights: tuple[Shape, int] | None, bias: bool, held: int) -> str:
    """Return the number of parameters of a layer, as "(8·8·1 + 1)·4 = 260" where that product is what it holds.

    `weights` are the factors of the number of weights that make one output, and the number of outputs.
    """
    if weights is None or held != (math.prod(weights[0]) + bias) * weights[1]:
        return f"{held:,}"
    factors, outputs = "·".join(map(str, weights[0])), weights[1]
    return f"({factors} + 1)·{outputs} = {held:,}" if bias else f"{factors}·{outputs} = {held:,}"
