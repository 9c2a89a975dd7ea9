"""The loupe's laboratory in a browser: networks trained in the page."""

import re
from typing import Any

from helpers.loupe_data import (
    HEIGHT,
    WIDTH,
)
from helpers.loupe_page import VIEWS, go, open_at


def train(page: Any, sentence: str, seeds: int = 1) -> None:
    go(page, "laboratory")
    page.get_by_label("Network; how to train it").fill(sentence)
    page.get_by_label("Seeds", exact=True).fill(str(seeds))
    page.get_by_role("button", name="Train", exact=True).click()


def test_a_run_trains_in_threads_and_ends_on_the_bench_as_a_link_and_as_python(page: Any) -> None:
    train(page, "dense 5 relu; epochs 4, preprocess centre", seeds=3)
    page.locator(".verdict-line", has_text="Run 1 is done").wait_for()
    assert "a gap of" in page.locator(".verdict-line").inner_text()
    assert "means of 3 seeds" in page.locator(".run .gap").inner_text()
    assert "846 parameters" not in page.locator(".run").inner_text()
    assert f"{HEIGHT * WIDTH * 5 + 5 + 6:,} parameters" in page.locator(".run").inner_text()
    assert "Run 1" in page.locator(".answer.fcnn select").inner_text()
    page.get_by_text("As Python", exact=True).click()
    program = page.locator(".run pre").inner_text()
    compile(program, "run", "exec")
    assert 'NetworkClassifier("dense 5 relu; epochs 4, preprocess centre", seed=seed)' in program
    assert "range(0, 3)" in program
    page.wait_for_url(re.compile("own"))
    linked = open_at(page, page.url)
    linked.locator(".verdict-line", has_text="Run 1 is done").wait_for()
    assert "Run 1" in linked.locator(".answer.fcnn select").inner_text()


def test_runs_stand_side_by_side_and_every_view_opens_them(page: Any) -> None:
    train(page, "conv 3 3x3 stride 2 padding 1 leaky, batchnorm, conv 9 2x2 tanh, global average pool; epochs 2")
    page.locator(".verdict-line", has_text="Run 1 is done").wait_for()
    train(page, "conv 2 3x3 relu, average pool 2, dense 3 relu, dropout 0.5; epochs 2, optimiser adam")
    page.locator(".verdict-line", has_text="Run 2 is done").wait_for()
    assert page.locator(".run").count() == 2
    page.locator(".run").last.get_by_role("button", name="On the bench for Run 2").click()
    page.locator(".answer.cnn select", has_text="Run 1").wait_for()
    for view in VIEWS:
        go(page, view)
    go(page, "layers")
    cards = page.locator(".layer-card .card-name").all_inner_texts()
    assert cards == ["conv1", "conv1_leaky", "norm", "conv2", "conv2_tanh", "pool", "flatten", "output"]
    page.locator(".layer-card").nth(3).click()
    page.get_by_role("button", name="See the products that made it").click()
    page.locator(".view-microscope").wait_for()
    assert "Of 3 input channels" in page.locator(".lens").first.inner_text()
    page.get_by_role("tab", name="Laboratory").click()
    page.locator(".run").first.get_by_role("button", name="Remove").click()
    page.locator(".run").nth(1).wait_for(state="detached")


def test_a_sentence_that_cannot_be_read_is_marked_and_does_not_train(page: Any) -> None:
    go(page, "laboratory")
    page.get_by_label("Network; how to train it").fill("conv 4 8x8 relo, pool 4")
    page.locator(".fault mark").wait_for()
    assert page.get_by_role("button", name="Train", exact=True).is_disabled()
    page.get_by_label("Network; how to train it").press("Enter")
    assert page.locator(".fault mark").inner_text() == "relo"
    assert "Did you mean relu?" in page.locator(".fault").inner_text()
    assert page.locator(".run").count() == 0
    page.get_by_label("Network; how to train it").fill("conv 4 13x13 relu")
    page.locator(".fault", has_text="larger than what reaches it").wait_for()


def test_what_was_trained_here_fits_the_narrowest_window(browser: Any, address: str) -> None:
    page = open_at(browser.new_page(viewport={"width": 320, "height": 640}), address)
    train(page, "conv 12 3x3 relu, pool 2, dense 4 relu; epochs 1", seeds=2)
    page.locator(".verdict-line", has_text="Run 1 is done").wait_for()
    for view in VIEWS:
        go(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, view
    page.close()


def test_a_training_can_be_stopped(page: Any) -> None:
    train(page, "conv 8 3x3 relu, pool 2, dense 4 relu; epochs 500", seeds=4)
    page.locator(".verdict-line", has_text="trained").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator("button.main:not([disabled])").wait_for()
