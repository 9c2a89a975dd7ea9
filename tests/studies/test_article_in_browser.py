"""The page of a study in a real browser: with scripts and without, trained in, printed, by key, mouse and touch.

Tests ``studies/article.py``, and the scripts of ``report/static/loupe`` that train at the page's top.
"""

import re
from importlib.resources import files

import numpy as np
import pytest

from faceloupe.pages import page as page_of
from faceloupe.report import render_page
from helpers.recount import blocks


def test_the_road_is_short_and_its_words_open_by_key_mouse_and_touch(browser, document, tmp_path):
    """At 1280 wide, all folded: the answers end within 1,400 pixels, the last verdict in 8,800, the page in 10,500."""
    path = tmp_path / "page.html"
    path.write_text(render_page(document))
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(path.as_uri())
    tab.locator("#live-training button.main").wait_for(timeout=60_000)
    tab.locator("#live-convolution .sliding").wait_for(timeout=60_000)
    last = "[...document.querySelectorAll('.statement')].at(-1).getBoundingClientRect().bottom + scrollY"
    assert tab.evaluate(last) <= 8800
    assert tab.evaluate(last.replace(".statement", ".answers-in-short li")) <= 1400
    assert tab.evaluate("document.documentElement.scrollHeight") <= 10_500
    term = tab.locator("button.term").first
    note = tab.locator(f"#{term.get_attribute('popovertarget')}")
    assert not note.is_visible()
    term.focus()
    tab.keyboard.press("Enter")
    assert note.is_visible()
    tab.keyboard.press("Escape")
    assert not note.is_visible()
    term.click()
    assert note.is_visible()
    tab.keyboard.press("Escape")
    shown = "[...document.querySelectorAll('.choice')].map(one => one.checkVisibility())"
    assert tab.evaluate(shown) == [True, False, False, False, False]
    tab.locator(".choices label").nth(2).click()
    assert tab.evaluate(shown) == [False, False, True, False, False]
    tab.close()


def test_on_a_phone_the_five_answers_end_within_two_screens(browser, address):
    """On one of 390 x 844, with both networks waiting to be trained above the answers."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    tab = context.new_page()
    tab.goto(address)
    tab.locator("#live-training button.main").wait_for(timeout=60_000)
    answers = tab.locator(".answers-in-short li").last
    assert answers.evaluate("item => item.getBoundingClientRect().bottom + scrollY") <= 2 * 844
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    parted = """[...document.querySelectorAll('.unbroken')].filter((part) => {
        const after = document.createRange();
        after.selectNodeContents(part);
        after.setStartAfter(part.querySelector('.term'));
        const [mark] = after.getClientRects(), term = part.querySelector('.term').getBoundingClientRect();
        return mark && (mark.top >= term.bottom || mark.bottom <= term.top);
    }).map((part) => part.textContent)"""
    assert tab.evaluate(parted) == []  # no comma or full stop begins a line
    context.close()


@pytest.fixture(scope="module")
def address(document, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(render_page(document))
    return path.as_uri()


def test_without_scripts_still_pictures_stand_where_something_would_move(browser, address):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address)
    for part in ("#figure-convolution-step img", "#table-still td", "#figure-fcnn-products img"):
        assert tab.locator(part).first.is_visible()
    assert not tab.locator("#section-loupe .moving").is_visible()  # what it invites to, cannot be done
    context.close()


def test_with_scripts_they_make_room(browser, address):
    tab = browser.new_page()
    tab.goto(address)
    tab.locator("#live-convolution .sliding").wait_for()
    assert not tab.locator("#figure-convolution-step").is_visible()
    assert tab.locator("#table-still").count() == 0
    tab.close()


def test_both_networks_are_trained_at_the_top_of_the_page(browser, address):
    context = browser.new_context(reduced_motion="reduce")
    tab = context.new_page()
    tab.goto(address)
    panel = tab.locator("#live-training")
    button = panel.locator("button.main")
    button.click()
    panel.locator("caption").wait_for(timeout=60_000)  # of the trainings that are done
    right = {"first": [], "second": []}
    for face in panel.locator(".seen li").all():
        if face.locator(".held").count() == 0:
            for network, marks in right.items():
                marks.append("✓" in face.locator(f".glyph.{network}").inner_text())
    cells = panel.locator("tbody td:nth-of-type(3)").all_inner_texts()
    assert cells == [f"{100 * np.mean(marks):.0f} %" for marks in right.values()]
    assert "Learning …" not in panel.inner_text()
    panel.locator("input[value=centre]").check()
    button.click()
    panel.locator("tbody tr:nth-child(4)").wait_for(timeout=60_000)
    assert panel.locator("tbody td:nth-of-type(1)").all_inner_texts() == ["1"] * 4
    context.close()


NO_WORKER = 'throw new DOMException("no threads here", "SecurityError")'
FIRST_FAILS = """
    const worker = new Real(address);
    if (!window.second) setTimeout(() => worker.onerror(new Event("error", { cancelable: true })), 0);
    return worker;
"""


def with_worker(browser, address, body):
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(f"const Real = window.Worker; window.Worker = function (address) {{ {body} }};")
    tab = context.new_page()
    tab.goto(address)
    panel = tab.locator("#live-training")
    panel.locator("button.main").click()
    panel.get_by_text("start no thread").wait_for(timeout=60_000)
    return tab, panel


def test_a_browser_without_threads_is_told_so(browser, address):
    tab, panel = with_worker(browser, address, NO_WORKER)
    assert panel.locator("button.main").is_enabled()
    tab.context.close()


def test_a_training_after_one_that_failed_is_whole(browser, address):
    tab, panel = with_worker(browser, address, FIRST_FAILS)
    tab.evaluate("window.second = true")
    panel.locator("button.main").click()
    panel.locator("caption").wait_for(timeout=60_000)
    assert "start no thread" not in panel.inner_text()
    assert panel.locator("tbody td:nth-of-type(1)").all_inner_texts() == ["1", "1"]
    tab.context.close()


def test_a_printed_page_shows_stills_and_speaks_of_nothing_that_is_not_there(browser, address):
    tab = browser.new_page()
    tab.goto(address)
    tab.locator("#live-convolution .sliding").wait_for()
    tab.emulate_media(media="print")
    assert tab.locator("#figure-convolution-step img").first.is_visible()
    for part in (".contents", "#section-loupe", "[id^=live-]", ".screen", ".choices fieldset", "figure > details"):
        assert not any(one.is_visible() for one in tab.locator(part).all()), part
    assert all(
        one.is_visible() for one in tab.locator(".choice, .glossary p, .fold .figures, .fold > .table table").all()
    )
    words = tab.locator("body").inner_text()
    assert not [word for word in ("The loupe", "slider", "click", "Below, every") if word in words]
    tab.close()


def test_the_loupe_and_the_pictures_show_one_seed(browser, document, address):
    tab = browser.new_page()
    tab.goto(address)
    tab.locator("#loupe .face").first.wait_for()
    told = re.search(
        r"[Ss]eed (\d+)", next(b for b in blocks(document, "pictures") if b["id"] == "filters-centre")["caption"]
    )
    assert f"seed {told[1]}" in tab.locator("#loupe").inner_text()
    tab.close()


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_axe_finds_nothing_in_what_stands_still_without_scripts(browser, finished, tmp_path, width, theme):
    html = re.sub(r"<script.*?</script>", "", render_page(page_of(finished, show_faces=True)), flags=re.DOTALL)
    (tmp_path / "still.html").write_text(html)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto((tmp_path / "still.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.add_style_tag(content=".live.lesson { display: none } .live.lesson + .still { display: block }")
    assert page.locator(".still figure").first.is_visible()
    assert page.locator("#loupe #table-still").is_visible()
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    context.close()
