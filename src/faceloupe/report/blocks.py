"""The blocks of a section: text, tables, charts, pictures, and statements with their verdicts."""

from collections.abc import Iterator, Mapping
from typing import Any

from faceloupe.report.charts import render_chart
from faceloupe.report.markup import element, identifier, inline, paragraphs
from faceloupe.report.pictures import render_pictures
from faceloupe.report.tables import render_table

__all__ = ["SIGNS", "badge", "blocks_of", "render_block"]

Block = Mapping[str, Any]
LONG = 14  # letters; a value that brings its arithmetic is set smaller
SIGNS = {"supported": "✓", "not shown": "?", "contradicted": "✕"}


def blocks_of(document: Block) -> Iterator[Block]:
    """Yield every block of a document in reading order, those within statements after them."""
    for section in document["sections"]:
        for block in section["blocks"]:
            yield block
            if block.get("block"):
                yield block["block"]


def render_block(block: Block, level: int = 3) -> str:
    """Return a block as HTML; headings in it begin at the given level."""
    match block["type"]:
        case "text":
            return paragraphs(block["text"])
        case "table":
            return render_table(block)
        case "chart":
            return render_chart(block, level)
        case "pictures":
            return render_pictures(block, level)
        case _:
            return _statement(block, level)


def badge(verdict: str) -> str:
    """Return a verdict as a sign and a word; the look only repeats them."""
    sign = element("span", SIGNS[verdict], aria_hidden="true")
    return element("span", f"{sign} {verdict}", class_=f"badge {identifier(verdict)}")


def _statement(block: Block, level: int) -> str:
    id_ = identifier("statement", block["id"])
    settle = element("p", f"<b>What would settle it:</b> {inline(block['settle'])}", class_="settle")
    content = (
        element("p", badge(block["verdict"]), class_="verdict")
        + element(f"h{level}", inline(block["claim"]), id=f"{id_}-claim")
        + paragraphs(block["because"])
        + (_figures(block) if block["figures"] else "")
        + (settle if block.get("settle") else "")
        + (render_block(block["block"], level + 1) if block.get("block") else "")
    )
    return element("article", content, id=id_, class_="statement", aria_labelledby=f"{id_}-claim")


def _figures(block: Block) -> str:
    terms = "".join(
        element("div", element("dt", inline(one["label"])) + element("dd", _figure(one))) for one in block["figures"]
    )
    return element("dl", terms, class_="figures")


def _figure(one: Block) -> str:
    notes = [inline(one[key]) for key in ("interval", "n") if one.get(key)]
    small = element("span", ", ".join(notes), class_="interval") if notes else ""
    long = "long" if len(one["value"]) > LONG else None
    return element("b", inline(one["value"]), class_=long) + small
