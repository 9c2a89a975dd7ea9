"""Tables that scroll in a box of their own, with a caption and headers that say their scope."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from faceloupe.report.markup import element, identifier, inline, plain
from faceloupe.report.scales import format_number

Cell = str | float | None
RANGE = re.compile(r"\[[^\]]*\]|\([^)]{,12}\)")  # [52.4, 56.9] or (0 to 5)


def render_table(block: Mapping[str, Any]) -> str:
    """Return a table block as HTML; the first column heads its rows."""
    aligned = [column.get("align", "left") for column in block["columns"]]
    head = "".join(
        element("th", inline(column["label"]), scope="col", class_=side)
        for column, side in zip(block["columns"], aligned, strict=True)
    )
    body = "".join(_row(row, aligned) for row in block["rows"])
    table = (
        element("caption", element("span", inline(block["caption"])))
        + element("thead", element("tr", head))
        + element("tbody", body)
    )
    box = element(
        "div",
        element("table", table),
        class_="scroll",
        role="region",
        tabindex="0",
        aria_label=f"Table: {plain(block['caption'])}",
    )
    note = element("p", inline(block["note"]), class_="note") if block.get("note") else ""
    return element("div", box + note, class_="table wide", id=identifier("table", block["id"]))


def _row(cells: Sequence[Cell], aligned: Sequence[str]) -> str:
    written = [(inline(_unbroken(cell)) if isinstance(cell, str) else format_number(cell)) for cell in cells]
    first = element("th", written[0], scope="row", class_=aligned[0])
    rest = (element("td", cell, class_=side) for cell, side in zip(written[1:], aligned[1:], strict=True))
    return element("tr", first + "".join(rest))


def _unbroken(cell: str) -> str:
    """Let a narrow column break a line before an interval or a range, never within."""
    return RANGE.sub(lambda match: match[0].replace(" ", "\N{NO-BREAK SPACE}"), cell)
