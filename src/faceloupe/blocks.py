"""Blocks of a document that several pages have: what :mod:`faceloupe.report` draws, as plain values."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from faceloupe.arrays import encode_array

Block = dict[str, Any]


def section(id: str, heading: str, blocks: Iterable[Block]) -> Block:  # noqa: A002 - the document's own word
    """Return a section with its blocks."""
    return {"id": id, "heading": heading, "blocks": list(blocks)}


def text(words: str) -> Block:
    """Return a block of text."""
    return {"type": "text", "text": words}


def fold(summary: str, blocks: Iterable[Block]) -> Block:
    """Return blocks that are folded away below a summary until somebody wants them."""
    return {"type": "fold", "summary": summary, "blocks": list(blocks)}


def switch(id: str, label: str, choices: Mapping[str, Iterable[Block]]) -> Block:  # noqa: A002
    """Return blocks of which one choice is shown at a time; `label` says what is chosen."""
    made = [{"label": name, "blocks": list(blocks)} for name, blocks in choices.items()]
    return {"type": "switch", "id": id, "label": label, "choices": made}


def live(id: str, still: Iterable[Block]) -> Block:  # noqa: A002
    """Return the place of something that moves: a script finds it by its id.

    The still blocks stand there without scripts, and on paper.
    """
    return {"type": "live", "id": id, "blocks": list(still)}


def table(
    id: str,  # noqa: A002
    caption: str,
    columns: Mapping[str, str],
    rows: Iterable[list[Any]],
    note: str = "",
) -> Block:
    """Return a table; `columns` are labels with "left" or "right"."""
    return {
        "type": "table",
        "id": id,
        "caption": caption,
        "columns": [{"label": label, "align": align} for label, align in columns.items()],
        "rows": list(rows),
        "note": note,
    }


def pictures(
    id: str,  # noqa: A002
    title: str,
    caption: str,
    panels: Mapping[str, tuple[np.ndarray[Any, Any], str]],
    *,
    scale: Mapping[str, Any],
    columns: int,
) -> Block:
    """Return pictures of arrays on one scale; each panel is an array (H, W) or (H, W, 3) with its description."""
    return {
        "type": "pictures",
        "id": id,
        "title": title,
        "caption": caption,
        "scale": dict(scale),
        "columns": columns,
        "panels": [
            {"label": label, "alt": alt, "array": encode_array(array.astype(np.float32))}
            for label, (array, alt) in panels.items()
        ],
    }


def chart(
    id: str,  # noqa: A002
    title: str,
    caption: str,
    mark: str,
    *,
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    series: Iterable[Block],
    reference: Iterable[Mapping[str, Any]] = (),
) -> Block:
    """Return a chart; `mark` is "line", "points", "dots" or "interval", an axis has a ``label`` and a ``unit``."""
    return {
        "type": "chart",
        "id": id,
        "title": title,
        "caption": caption,
        "mark": mark,
        "x": dict(x),
        "y": dict(y),
        "series": list(series),
        "reference": [dict(line) for line in reference],
    }


def line(
    name: str,
    style: str,
    x: Iterable[float],
    y: Iterable[float],
    low: Iterable[float] = (),
    high: Iterable[float] = (),
) -> Block:
    """Return a line of a chart, with a band from `low` to `high` if they are given."""
    columns = {"x": x, "y": y, "lo": low, "hi": high}
    return {"name": name, "style": style} | {key: list(map(float, values)) for key, values in columns.items()}
