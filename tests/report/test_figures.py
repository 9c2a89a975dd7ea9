"""Figures for slides and papers: a file for each figure of the page.

Also tests ``report/charts.py``, ``report/lines.py``, ``report/panels.py``, ``report/rows.py``, ``report/series.py``,
``report/svg.py``.
"""

import copy
from pathlib import Path
from typing import Any

import pytest
from matplotlib import pyplot as plt
from PIL import Image

from faceloupe.errors import InputError
from faceloupe.report import save_figures

NAMES = ["faces", "loss", "filters", "weights", "seeds", "shift", "differences", "probes"]


@pytest.mark.parametrize(("format", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_every_figure_is_saved(document: dict[str, Any], tmp_path: Path, format: str, start: bytes) -> None:  # noqa: A002
    before = plt.get_fignums()
    paths = save_figures(document, tmp_path / "new", format)  # type: ignore[arg-type]
    assert [path.name for path in paths] == [f"{name}.{format}" for name in NAMES]
    assert all(path.read_bytes().startswith(start) for path in paths)
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}  # it may show faces
    assert plt.get_fignums() == before, "a figure is left open in pyplot"
    for path in paths if format == "png" else ():
        with Image.open(path) as image:
            assert len(image.convert("RGB").getcolors(maxcolors=1_000_000) or []) > 20


def test_names_are_no_formulas_and_no_paths(document: dict[str, Any], tmp_path: Path) -> None:
    odd = copy.deepcopy(document)
    del odd["sections"][2:]
    chart = odd["sections"][1]["blocks"][1]
    chart.update(id="../up", title="$\\frac{", caption="")
    chart["series"][0]["name"] = "a $ b"
    assert tmp_path / "up.png" in save_figures(odd, tmp_path)


def test_numbers_that_are_missing_are_left_out(document: dict[str, Any], tmp_path: Path) -> None:
    holed = copy.deepcopy(document)
    for block in holed["sections"][1]["blocks"][1:]:
        for series in block["series"]:
            series["y"] = [None] * len(series["y"])
    assert len(save_figures(holed, tmp_path)) == len(NAMES)


def test_other_formats_are_refused(document: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="png, svg, pdf"):
        save_figures(document, tmp_path, "gif")  # type: ignore[arg-type]
