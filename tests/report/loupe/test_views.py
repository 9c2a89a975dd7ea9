"""The views of the loupe in a browser: their numbers against NumPy, and their keys."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.loupe_data import (
    EPOCHS,
    FILTERS,
    MAP,
    OPENING,
    convolution,
    logit,
    make_faces,
    make_study,
    pooled,
)
from helpers.loupe_page import drawn, fact, go, number, open_at, page_of, said


def test_the_microscope_walks_by_keys_and_says_what_numpy_says(page: Any) -> None:
    go(page, "microscope")
    page.locator(".view-microscope .map.live").nth(1).focus()
    for key in ("PageUp", "Home", "ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    value = convolution(OPENING, 0)[1, 1, 2]
    words = said(page)
    assert words.startswith("Filter 2, row 2, column 3:")
    told = re.search(r"value ([+−]?\d+\.\d+); after the ReLU (\d+\.\d+)", words)
    assert told
    assert number(told[1]) == pytest.approx(value, abs=6e-4)
    assert number(told[2]) == pytest.approx(max(value, 0), abs=6e-4)
    page.keyboard.press("End")
    page.keyboard.press("PageDown")
    assert f"row {MAP[0]}, column {MAP[1]}:" in said(page)


def test_a_pinned_cell_stands_beside_another_face(page: Any) -> None:
    go(page, "microscope")
    page.locator(".view-microscope .map.live").nth(0).focus()
    page.keyboard.press("Enter")
    page.locator("#loupe .faces button").nth(4).click()
    page.locator(".lens h3", has_text="Pinned: filter 1, row 4, column 3, ann, capture 1").wait_for()
    there = convolution(OPENING, 0)[0, 3, 2]
    here = convolution(OPENING, 4)[0, 3, 2]
    assert number(page.locator(".view-microscope .row > .sum b").inner_text()) == pytest.approx(here - there, abs=1e-3)
    page.locator(".view-microscope .map.live").nth(0).focus()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")


def test_pooling_shows_the_window_and_what_is_never_seen(page: Any) -> None:
    go(page, "pooling")
    page.locator(".view-pooling .map.live").nth(2).focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("Home")
    drawn(page)
    shown = [number(text.split("\n")[0]) for text in page.locator("table.window td").all_inner_texts()]
    window = np.maximum(convolution(OPENING, 0)[2, :3, :3], 0).ravel()
    np.testing.assert_allclose(shown, window, atol=6e-3)
    assert number(page.locator(".view-pooling .sum b").inner_text()) == pytest.approx(
        pooled(OPENING, 0)[2, 0, 0], abs=6e-4
    )
    assert "the last 2 rows and the last column" in page.locator(".view-pooling").inner_text()
    assert page.locator(".unseen-edge").count() == 2


@pytest.mark.parametrize("kind", ["fcnn", "cnn"])
def test_the_ledger_adds_up_to_the_logit(page: Any, kind: str) -> None:
    go(page, "ledger")
    rows = page.locator(f".book.{kind} table.addition td").all_inner_texts()
    *parts, total, said_logit, probability, _ = rows
    assert len(parts) == (FILTERS + 1 if kind == "cnn" else 2)
    assert sum(map(number, parts)) == pytest.approx(number(total), abs=5e-6)
    assert number(total) == pytest.approx(number(said_logit), abs=2e-5)
    assert number(total) == pytest.approx(logit(kind, OPENING, 0), abs=1e-5)
    assert float(probability.split()[0]) == pytest.approx(100 / (1 + np.exp(-logit(kind, OPENING, 0))), abs=0.006)


def test_time_runs_forwards_and_backwards(page: Any) -> None:
    go(page, "time")
    page.get_by_role("slider", name="Epoch").press("Home")
    page.locator(".answer.cnn .from", has_text="seed 0, before training").wait_for()
    assert number(fact(page, "cnn", "Logit")) == pytest.approx(logit("cnn", 10, 0), abs=0.02)  # half precision
    page.get_by_role("button", name="One epoch on").click()
    page.locator(".answer.fcnn .from", has_text="after epoch 1").wait_for()
    assert number(fact(page, "fcnn", "Logit")) == pytest.approx(logit("fcnn", 11, 0), abs=0.02)
    page.get_by_role("button", name="Play").click()
    page.get_by_text(f"after epoch {EPOCHS} of {EPOCHS}").first.wait_for()
    page.get_by_role("button", name="Play").wait_for()


def test_the_keys_of_the_seeds_bring_worst_and_median(page: Any) -> None:
    go(page, "seeds")
    page.locator(".strip.cnn .dot").first.focus()
    page.keyboard.press("w")
    page.locator(".answer.cnn", has_text="seed 4 · held-out 25 %").wait_for()
    assert page.locator(".answer.cnn.dead").count() == 1
    assert "All 4 hidden units are silent for every face here" in page.locator(".chosen-fit").last.inner_text()
    page.keyboard.press("m")
    page.locator(".answer.cnn", has_text="seed 2 · held-out 50 %").wait_for()
    page.locator(".strip.cnn .dot[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".answer.cnn", has_text="seed 1 · held-out 50 %").wait_for()


def test_a_kernel_slides_by_step_by_row_and_by_hand(page: Any) -> None:
    go(page, "convolution")
    expected = convolution(OPENING, 0)[0]
    status = page.locator(".sliding .said")
    for name, (row, column) in {"One step on": (0, 1), "Next row": (1, MAP[1] - 1)}.items():
        page.get_by_role("button", name=name).click()
        status.get_by_text(f"Row {row + 1}, column {column + 1}:").wait_for()
        assert number(status.inner_text().split("sum to ")[1].rstrip(".")) == pytest.approx(
            expected[row, column], abs=6e-4
        )
    page.locator(".panes .map.live").last.focus()
    page.keyboard.press("PageDown")
    status.get_by_text(f"Row {MAP[0]}, column {MAP[1]}:").wait_for()
    page.get_by_role("button", name="To the start").click()
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.locator(".transport output", has_text=re.compile(r"^([4-9]|\d\d)")).wait_for()
    page.get_by_role("button", name="Pause").click()


def test_a_kernel_of_ones_own_is_typed_and_pooled(page: Any) -> None:
    go(page, "convolution")
    page.get_by_role("combobox", name="Kernel").select_option("level")
    page.get_by_role("combobox", name="Kernel").select_option("own")
    for place in range(9):
        page.locator(".typed input").nth(place).fill("1" if place == 4 else "0")
    page.get_by_role("button", name="One step on").click()
    pixel = make_faces()[0][1, 2] / 255
    page.locator(".sliding .said", has_text="Row 1, column 2").wait_for()
    assert number(page.locator(".sliding .said").inner_text().split("sum to ")[1].rstrip(".")) == pytest.approx(
        pixel, abs=6e-4
    )
    page.get_by_label("Pooling over its map").check(force=True)
    largest = make_faces()[0][1:5, 1:5].max() / 255
    page.locator(".sliding .said", has_text="the largest of 16").wait_for()
    assert number(page.locator(".sliding .said").inner_text().split("is ")[1].rstrip(".")) == pytest.approx(
        largest, abs=6e-4
    )


def test_nothing_plays_where_motion_is_not_wanted(browser: Any, address: str) -> None:
    page = browser.new_page(reduced_motion="reduce")
    open_at(page, address)
    go(page, "convolution")
    assert page.get_by_role("button", name="Play").count() == 0
    page.get_by_role("button", name="All").click()
    page.locator(".transport output", has_text=f"{MAP[0] * MAP[1]} of").wait_for()
    page.close()


def test_a_page_may_hold_the_moving_convolution_elsewhere(browser: Any, tmp_path: Path) -> None:
    still = '<div class="live" id="live-convolution"></div><div class="still"><p>A still picture.</p></div><section'
    path = tmp_path / "lesson.html"
    path.write_text(page_of(make_study()).replace("<section", still, 1), encoding="utf-8")
    page = open_at(browser.new_page(), path.as_uri())
    page.locator("#live-convolution .sliding").wait_for()
    assert page.get_by_text("A still picture.").is_hidden()
    page.locator("#live-convolution").get_by_role("combobox", name="Face").select_option("4")
    page.locator("#live-convolution").get_by_role("button", name="One step on").click()
    page.locator("#live-convolution .said", has_text="Row 1, column 2").wait_for()
    page.close()
