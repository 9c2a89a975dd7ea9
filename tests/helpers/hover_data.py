"""Pages with pictures to read, and how their readings are read."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from faceloupe.arrays import decode_array
from faceloupe.blocks import pictures, section
from faceloupe.report import render_page

NUMBER = r"−?[\d.]+(?:e−?\d+)?"
SAID = re.compile(rf"Row (\d+), column (\d+): (?:\D+ )?({NUMBER}) ± ({NUMBER})")
ROWS, COLUMNS = 9, 12


def waves(seed: int) -> np.ndarray:
    """Return smooth numbers in [-1, 1], (ROWS, COLUMNS)."""
    draw = np.random.default_rng(seed).uniform
    y, x = np.mgrid[0 : 1 : ROWS * 1j, 0 : 1 : COLUMNS * 1j]
    made = sum(np.sin(draw(2, 9) * x + draw(2, 9) * y + draw(0, 6)) for _ in range(4))
    return made / np.abs(made).max()


def maps(count: int, scale: float = 1.0) -> list[np.ndarray]:
    return [scale * waves(seed) for seed in range(count)]


def brightness(seed: int) -> np.ndarray:
    return np.clip(waves(seed) / 2 + 0.5, 0, 1)


def block(kind: str, name: str, arrays: list[np.ndarray], limit: float = 1.0, unit: str = "units") -> dict[str, Any]:
    panels = {f"picture {index}": (array, f"{name}, number {index}") for index, array in enumerate(arrays, 1)}
    return pictures(name, name, "Made up.", panels, scale={"kind": kind, "limit": limit, "unit": unit}, columns=4)


def document_of(*blocks: dict[str, Any]) -> dict[str, Any]:
    only = section("only", "Only", blocks)
    return {"schema": "faceloupe.page/1", "title": "Made up", "lead": [], "sections": [only]}


def make_pictures() -> dict[str, Any]:
    """Return a document with pictures on every kind of scale."""
    holed = waves(3)
    holed[2, 3] = np.nan
    return document_of(
        block("grey", "maps", maps(6)),
        block("diverging", "signed", maps(2)),
        block("photograph", "faces", [brightness(1), brightness(2)]),
        block(
            "photograph",
            "colours",
            [np.stack([brightness(seed) for seed in range(3)], axis=-1), np.zeros((ROWS, COLUMNS, 3))],
        ),
        block("grey", "holed", [holed]),
        block("diverging", "tiny", maps(2, 3e-7), 3e-7),
        block("grey", "huge", maps(2, 4e8), 4e8),
        block("grey", "dead", [np.zeros((ROWS, COLUMNS), np.float32)], 0.0),
        block("grey", "cut", [waves(1)], 0.5),
    )


def write_page(document: dict[str, Any], folder: Path) -> str:
    """Return the address of a document's page in a folder."""
    path = folder / "page.html"
    path.write_text(render_page(document), encoding="utf-8")
    return path.as_uri()


def said(page: Any, start: str = "Row ") -> str:
    """Wait for a reading that starts like this; the first one of a picture takes a moment."""
    reading = "document.querySelector('.reading').firstChild?.textContent"
    return str(page.wait_for_function(f"start => {reading}?.startsWith(start) && {reading}", arg=start).json_value())


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def arrays_of(block: dict[str, Any]) -> list[np.ndarray]:
    return [decode_array(panel["array"]) for panel in block["panels"]]
