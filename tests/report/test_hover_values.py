"""What the pictures of a page say under the cursor: each number is the array's own, as far as it is said."""

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from faceloupe.looking import look, open_model
from faceloupe.pages import page as page_of
from faceloupe.report.pictures import array_to_pixels, png_uri
from faceloupe.report.rendering import blocks_of
from helpers.hover_data import NUMBER, SAID, arrays_of, make_pictures, number, write_page

# A pointer over the middle of every cell of every picture of a figure; what is said at each.
READ_ALL = """async (figure) => {
    const said = document.querySelector(".reading")
    const all = []
    for (const picture of figure.querySelectorAll(".picture")) {
        const { naturalHeight: rows, naturalWidth: columns } = picture.querySelector("img")
        const box = picture.getBoundingClientRect()
        for (let cell = 0; cell < rows * columns; cell++) {
            const clientX = box.left + (cell % columns + 0.5) * box.width / columns
            const clientY = box.top + (Math.floor(cell / columns) + 0.5) * box.height / rows
            said.textContent = ""
            picture.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY, bubbles: true }))
            while (!said.textContent) await new Promise(done => cell ? queueMicrotask(done) : setTimeout(done))
            all.push(said.textContent)
        }
    }
    return all
}"""


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return make_pictures()


@pytest.fixture(scope="module")
def looked() -> dict[str, Any]:
    """A look at a small network, in colour, with maps, a vector and attributions."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 5, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(5 * 25, 20), nn.Linear(20, 3)]
    faces = np.random.default_rng(0).random((2, 12, 12, 3), dtype=np.float32)
    return page_of(look(open_model(nn.Sequential(*layers), size=12), list(faces), certify=False))


@pytest.fixture(scope="module")
def tab(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def page(tab: Any, made: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    tab.goto(write_page(made, tmp_path_factory.mktemp("hover")))
    return tab


def block_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in blocks_of(document) if one["id"] == name)


def step_of(scale: dict[str, Any]) -> float:
    """Return what the values of neighbouring colours differ by."""
    return 1 / 255 if scale["kind"] == "photograph" else (scale["limit"] or 1.0) / 127


def check(page: Any, block: dict[str, Any]) -> int:
    """Compare every value of a figure with the array's; return how many there were."""
    told = page.locator(f"[id='figure-{block['id']}']").evaluate(READ_ALL)
    cells = [(cell, value) for array in arrays_of(block) for cell, value in np.ndenumerate(array)]
    step = step_of(block["scale"])
    for text, ((row, column), value) in zip(told, cells, strict=True):
        if np.isnan(value):
            assert text == f"Row {row + 1}, column {column + 1}: no number"
            continue
        found = SAID.match(text)
        assert found, text
        assert (int(found[1]), int(found[2])) == (row + 1, column + 1)
        margin = number(found[4])
        assert abs(number(found[3]) - value) <= margin + 1e-4 * step, (block["id"], text, value)
        assert margin <= step, (block["id"], text)
    return len(told)


@pytest.mark.parametrize("name", ["maps", "signed", "faces", "holed", "tiny", "huge", "dead"])
def test_every_value_of_every_scale_is_the_arrays_own(page: Any, made: dict[str, Any], name: str) -> None:
    assert check(page, block_of(made, name))


def test_every_value_of_a_look_is_the_layers_own(browser: Any, looked: dict[str, Any], tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(write_page(looked, tmp_path))
    shown = [one for one in blocks_of(looked) if one["type"] == "pictures" and arrays_of(one)[0].ndim == 2]
    assert len(shown) == 6
    assert sum(check(page, one) for one in shown) > 1500
    page.close()


def test_of_a_photograph_in_colour_red_green_and_blue_are_said(page: Any, made: dict[str, Any]) -> None:
    told = page.locator("#figure-colours").evaluate(READ_ALL)
    one = block_of(made, "colours")
    cells = np.concatenate([array.reshape(-1, 3) for array in arrays_of(one)])
    for text, rgb in zip(told, cells, strict=True):
        found = re.search(r": red ([\d.]+), green ([\d.]+), blue ([\d.]+), each ± 0\.003$", text)
        assert found
        np.testing.assert_allclose([float(level) for level in found.groups()], rgb, atol=0.003)


def test_the_pictures_make_use_of_every_filter_of_a_png(made: dict[str, Any]) -> None:
    """What the test above would miss: a filter that the reader undoes wrongly, and no picture has."""
    used = {
        row
        for one in blocks_of(made)
        for array in arrays_of(one)
        for pixels in [array_to_pixels(array, one["scale"])]
        for row in _filters(png_uri(pixels), pixels.size // len(pixels))
    }
    assert used == {0, 1, 2, 3, 4}


def _filters(uri: str, width: int) -> set[int]:
    png = base64.b64decode(uri.split(",")[1])
    at = png.index(b"IDAT")
    packed = zlib.decompress(png[at + 4 : at + 4 + int.from_bytes(png[at - 4 : at])])
    return set(packed[:: width + 1])


def test_zero_is_read_as_zero_and_a_dead_map_too(page: Any) -> None:
    told = page.locator("#figure-dead").evaluate(READ_ALL)
    assert {text.split(": ")[1] for text in told} == {"0.000 ± 0.004 units"}


def test_what_lies_beyond_the_scale_is_not_said_to_be_its_end(page: Any, made: dict[str, Any]) -> None:
    told = page.locator("#figure-cut").evaluate(READ_ALL)
    one = block_of(made, "cut")
    for text, value in zip(told, arrays_of(one)[0].ravel(), strict=True):
        if abs(value) > 0.5:
            found = re.search(rf": ({NUMBER}) or (more|less) units$", text)
            assert found
            assert found[2] == ("more" if value > 0 else "less")
            assert 0.49 < abs(number(found[1])) < 0.5
