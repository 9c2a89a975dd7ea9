"""A chart block as a figure: drawn once for wide pages and once for phones, said in words, its numbers in a table."""

from collections.abc import Mapping
from typing import Any

from faceloupe.report.lines import draw_lines
from faceloupe.report.markup import element, escape, identifier, inline, paragraphs
from faceloupe.report.readings import describe, tabulate
from faceloupe.report.rows import draw_dots, draw_intervals
from faceloupe.report.svg import picture
from faceloupe.report.tables import render_table

WIDE, NARROW = 760.0, 340.0  # pixels; the style sheet shows one of the two
DRAW = {"line": draw_lines, "points": draw_lines, "dots": draw_dots, "interval": draw_intervals}


def render_chart(block: Mapping[str, Any], level: int) -> str:
    """Return a chart block as a figure whose title is a heading of the given level."""
    id_ = identifier("figure", block["id"])
    draw = DRAW[block["mark"]]
    drawings = (
        picture(id_, "for-wide", WIDE, *draw(block, WIDE, narrow=False)),
        picture(id_, "for-narrow", NARROW, *draw(block, NARROW, narrow=True)),
    )
    content = (
        element(f"h{level}", inline(block["title"]), id=f"{id_}-title", class_="figure-title")
        + "".join(drawings)
        + element("p", escape(describe(block)), id=f"{id_}-words", hidden="")
        + element("figcaption", paragraphs(block["caption"]))
        + element("details", element("summary", "The numbers") + render_table(tabulate(block)))
    )
    return element("figure", content, id=id_, class_="wide", aria_labelledby=f"{id_}-title")
