"""The page in a real browser, with the network cut."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from faceloupe.blocks import section, table
from faceloupe.report import render_page
from faceloupe.report.page import SCHEMA, write_page


@pytest.fixture(scope="module")
def address(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_page(document), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_opens_offline_silently_and_fits(browser: Any, address: str, width: int, theme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, offline=True)
    page = context.new_page()
    requests: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert [url for url in requests if not url.startswith("data:")] == [address]
    assert messages == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    drawn = page.evaluate("[...document.querySelectorAll('svg')].filter(one => one.getClientRects().length).length")
    assert drawn == page.locator("figure:has(svg)").count()
    assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_no_label_of_a_chart_lies_on_another_or_leaves_the_page(browser: Any, address: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(address)
    overlaps = page.evaluate(
        """() => [...document.querySelectorAll('svg')].flatMap(svg => {
            const boxes = [...svg.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()])
                .filter(([, box]) => box.width)
            const out = boxes.filter(([, box]) => box.left < 0 || box.right > innerWidth).map(([words]) => words)
            return out.concat(boxes.flatMap(([words, a], index) => boxes.slice(index + 1)
                .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1
                    && a.top < b.bottom - 4 && b.top < a.bottom - 4)
                .map(([other]) => words + ' / ' + other)))
        })"""
    )
    assert overlaps == []
    page.close()


def test_a_table_scrolls_in_its_box_while_its_caption_stays(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto(address)
    box = page.locator("#table-anatomy .scroll")
    assert box.evaluate("one => one.scrollWidth > one.clientWidth && (one.scrollLeft = 60)") == 60
    assert box.bounding_box()["width"] <= 328
    assert page.locator("#table-anatomy caption span").bounding_box()["x"] >= 0
    page.close()


def test_a_table_of_a_text_is_shown_to_its_last_row(browser: Any, tmp_path: Path) -> None:
    rows = [[f"a condition with a long name, number {row}", row] for row in range(20)]
    block = table("long", "Twenty rows", {"condition": "left", "value": "right"}, rows)
    document = {"schema": SCHEMA, "title": "A table", "lead": ["One."], "sections": [section("one", "One", [block])]}
    write_page(tmp_path / "page.html", document)
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator("#table-long .scroll").evaluate("box => box.scrollHeight <= box.clientHeight")
    page.close()


def test_the_contents_stand_beside_the_text_only_where_there_is_room(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    assert page.locator("nav").bounding_box()["x"] < page.locator("h1").bounding_box()["x"] - 100
    page.set_viewport_size({"width": 800, "height": 800})
    assert page.locator("nav").bounding_box()["y"] > page.locator("h1").bounding_box()["y"]
    page.close()


def test_the_skip_link_is_the_first_stop_of_the_keyboard(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the article"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.close()


def test_it_prints_light_and_without_what_only_a_screen_can_use(browser: Any, address: str) -> None:
    context = browser.new_context(viewport={"width": 690, "height": 900}, color_scheme="dark")
    page = context.new_page()
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(address)
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 28, 26)"
    assert not page.locator("nav").is_visible()
    assert not page.locator("figure > details > summary").first.is_visible()
    assert page.locator("svg.for-wide").first.is_visible()
    assert not page.locator("svg.for-narrow").first.is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
    context.close()


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (1280, "light")])
def test_axe_finds_nothing(browser: Any, address: str, width: int, theme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    context.close()
