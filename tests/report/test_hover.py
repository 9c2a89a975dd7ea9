"""Reading the pictures of a page by mouse, keys and touch, in a real browser with the network cut."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from faceloupe.report import render_frame, render_page
from faceloupe.report.rendering import blocks_of
from helpers.hover_data import (
    COLUMNS,
    NUMBER,
    ROWS,
    SAID,
    arrays_of,
    block,
    document_of,
    make_pictures,
    maps,
    number,
    said,
    write_page,
)
from helpers.loupe_data import make_study


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return make_pictures()


@pytest.fixture(scope="module")
def address(made: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_page(made, tmp_path_factory.mktemp("hover"))


@pytest.fixture(scope="module")
def context(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    yield context
    context.close()


@pytest.fixture
def page(context: Any, address: str) -> Iterator[Any]:
    page = context.new_page()
    page.goto(address)
    yield page
    page.close()


def enter(page: Any, figure: str) -> None:
    """Go to a figure as the keyboard does."""
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.closest('figure')?.id") != f"figure-{figure}":
        page.keyboard.press("Tab")


def test_the_mouse_reads_the_cell_that_it_is_on(page: Any) -> None:
    picture = page.locator("#figure-maps .picture").nth(1)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    cell = box["width"] / COLUMNS, box["height"] / ROWS
    assert cell[0] > 8, "cells are drawn enlarged"
    page.mouse.move(box["x"] + 7.9 * cell[0], box["y"] + 3.1 * cell[1])
    said(page, "Row 4, column 8: ")
    mark = page.locator(".cell").bounding_box()
    assert mark == pytest.approx(
        {"x": box["x"] + 7 * cell[0], "y": box["y"] + 3 * cell[1], "width": cell[0], "height": cell[1]}, abs=0.6
    )
    page.mouse.move(box["x"], box["y"] - 60)
    assert page.locator(".cell").count() == 0
    assert page.locator(".reading").inner_text() == ""


def test_a_click_keeps_the_reading_until_escape(page: Any) -> None:
    picture = page.locator("#figure-maps .picture").nth(1)
    picture.click(position={"x": 3, "y": 3})
    said(page, "Row 1, column 1: ")
    box = picture.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 3)
    said(page, f"Row 1, column {COLUMNS}: ")
    page.mouse.move(5, 5)
    said(page, "Row 1, column 1: ")
    page.keyboard.press("Escape")
    assert page.locator(".reading").inner_text() == ""
    assert page.evaluate("document.activeElement === document.body")


def test_escape_takes_away_what_a_hovering_mouse_shows(page: Any) -> None:
    page.locator("#figure-maps .picture").first.hover()
    said(page)
    page.keyboard.press("Escape")
    assert page.locator(".reading").inner_text() == ""


def test_the_keyboard_walks_over_cells_and_from_picture_to_picture(page: Any, made: dict[str, Any]) -> None:
    enter(page, "maps")
    said(page, "Row 5, column 7: ")
    assert "Escape leaves" in page.locator(".reading [aria-hidden=true]").inner_text()
    walk = [
        ("ArrowRight", 5, 8), ("ArrowUp", 4, 8), ("End", 4, COLUMNS), ("ArrowRight", 4, COLUMNS),
        ("PageUp", 1, COLUMNS), ("Shift+ArrowLeft", 1, COLUMNS - 8), ("Home", 1, 1), ("Shift+ArrowDown", ROWS, 1),
        ("ArrowUp", ROWS - 1, 1), ("PageDown", ROWS, 1), ("ArrowDown", ROWS, 1),
    ]  # fmt: skip
    for key, row, column in walk:
        page.keyboard.press(key)
        said(page, f"Row {row}, column {column}: ")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    told = SAID.match(said(page, f"Row {ROWS}, column 2: "))
    second = arrays_of(next(one for one in blocks_of(made) if one["id"] == "maps"))[1]
    assert told
    assert number(told[3]) == pytest.approx(second[ROWS - 1, 1], abs=0.01)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "maps, number 2"
    page.keyboard.press("Control+Home")
    said(page, f"Row {ROWS}, column 2: ")
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "maps, number 6"


def test_a_figure_is_one_stop_of_the_keyboard(page: Any) -> None:
    stops = []
    for _ in range(9 + 1):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.closest('figure')?.id"))
    figures = page.locator("figure").evaluate_all("all => all.map(one => one.id)")
    assert [stop for stop in stops if stop] == figures[: len([stop for stop in stops if stop])]
    assert len(set(stops)) >= 8
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.closest('figure').id") in figures


def test_the_reading_is_a_polite_sentence(page: Any) -> None:
    reading = page.locator(".reading")
    assert (reading.get_attribute("role"), reading.get_attribute("aria-live")) == ("status", "polite")
    picture = page.locator("#figure-maps .picture").first
    assert picture.get_attribute("role") == "application"
    assert picture.get_attribute("aria-label") == picture.locator("img").get_attribute("alt")
    enter(page, "maps")
    assert re.fullmatch(rf"Row 5, column 7: {NUMBER} ± {NUMBER} units", said(page))


@pytest.mark.parametrize("width", [320, 1280])
def test_the_reading_stays_in_the_window_and_hides_nothing_of_its_picture(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 640})
    for figure in ("maps", "faces", "colours", "tiny", "huge"):
        pictures = page.locator(f"#figure-{figure} .picture")
        for index in range(pictures.count()):
            picture = pictures.nth(index)
            page.mouse.move(0, 0)
            picture.hover(position={"x": 2, "y": 2})
            said(page)
            reading, box = page.locator(".reading").bounding_box(), picture.bounding_box()
            assert reading["x"] >= 0
            assert reading["x"] + reading["width"] <= width
            assert reading["y"] >= 0
            assert reading["y"] + reading["height"] <= box["y"] or reading["y"] >= box["y"] + box["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_touch_reads_and_a_touch_elsewhere_ends_it(browser: Any, address: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800}, has_touch=True, is_mobile=True, offline=True)
    page = context.new_page()
    page.goto(address)
    picture = page.locator("#figure-maps .picture").nth(2)
    picture.tap(position={"x": 2, "y": 2})
    said(page, "Row 1, column 1: ")
    assert picture.evaluate("one => getComputedStyle(one).touchAction") == "pan-y"
    page.wait_for_timeout(100)
    assert page.locator(".cell").is_visible()
    page.locator("h1").tap()
    page.locator(".cell").wait_for(state="detached")
    assert page.locator(".reading").inner_text() == ""
    context.close()


def test_it_is_silent_offline_still_and_not_printed(context: Any, address: str) -> None:
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url))
    page.goto(address)
    for picture in page.locator(".panel:first-child .picture").all():
        picture.hover()
        said(page)
    assert [one for one in told if not one.startswith("data:")] == [address]
    assert page.evaluate("document.getAnimations().length") == 0
    page.emulate_media(media="print")
    assert not page.locator(".reading").is_visible()
    assert not page.locator(".cell").is_visible()
    page.close()


def test_no_canvas_is_asked_for_pixels(context: Any, address: str) -> None:
    """Browsers that guard against fingerprinting answer with noise."""
    page = context.new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => { throw new Error('asked') }")
    page.goto(address)
    page.locator("#figure-maps .picture").first.hover()
    assert SAID.match(said(page))
    page.close()


def test_beside_the_loupe_both_work(context: Any, tmp_path: Path) -> None:
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.goto(write_page({**document_of(block("grey", "maps", maps(2))), "loupe": make_study()}, tmp_path))
    page.locator("#loupe .tabs").wait_for()
    page.locator("#figure-maps .picture").first.hover()
    assert SAID.match(said(page))
    assert told == []
    page.close()


def test_in_a_notebooks_frame_it_works_too(context: Any) -> None:
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.set_content(render_frame("Made up", render_page(document_of(block("grey", "maps", maps(2))))))
    frame = page.frame_locator("iframe")
    frame.locator(".picture").last.hover()
    frame.locator(".reading", has_text="units").wait_for()
    assert told == []
    page.close()


def test_a_hostile_unit_is_read_as_text(context: Any, tmp_path: Path) -> None:
    hostile = "</script><img src=x onerror=document.title='broken'>\"'&"
    page = context.new_page()
    page.goto(write_page(document_of(block("grey", "maps", maps(1), unit=hostile)), tmp_path))
    page.locator(".picture").hover()
    assert said(page).endswith(hostile)
    assert page.title() == "Made up"
    page.close()


def test_without_scripts_the_page_reads_as_it_is(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    picture = page.locator("#figure-maps .picture").first
    assert picture.get_attribute("tabindex") is None
    assert picture.get_by_role("img", name="maps, number 1").count() == 1
    assert page.locator(".reading").count() == 0
    context.close()


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (1280, "light")])
def test_axe_finds_nothing_while_a_value_is_read(browser: Any, address: str, width: int, theme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    enter(page, "maps")
    said(page)
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    context.close()
