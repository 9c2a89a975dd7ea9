"""The loupe in a real browser, from disk and with the network cut: its numbers against NumPy, its keys, its links."""

import io
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceloupe import CNNClassifier, FCNNClassifier, load_faces
from faceloupe.arrays import encode_array
from faceloupe.loupe.data import tutorial_layers
from faceloupe.report.loupe_section import loupe_sources, loupe_style, render_loupe
from faceloupe.report.policy import content_policy
from helpers.loupe_data import (
    EPOCHS,
    FACES,
    FILTERS,
    HEIGHT,
    MAP,
    OPENING,
    WIDTH,
    convolution,
    logit,
    make_faces,
    make_study,
    pooled,
)

VIEWS = ("face", "layers", "convolution", "microscope", "pooling", "ledger", "time", "seeds", "laboratory")
HOSTILE = "</script><img src=x onerror=document.title='broken'><!--"


def page_of(study: dict[str, Any]) -> str:
    style = files("faceloupe.report").joinpath("static/style.css").read_text(encoding="utf-8") + loupe_style()
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Loupe</title>'
        f'<link rel="icon" href="data:,">'
        f'<meta http-equiv="Content-Security-Policy" content="{content_policy(loupe_sources())}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f"<body><main><h1>Loupe</h1>{render_loupe(study)}</main></body></html>"
    )


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("loupe") / "loupe.html"
    path.write_text(page_of(make_study()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def tab(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab: Any, address: str) -> Any:
    return open_at(tab, address)


def open_at(page: Any, address: str) -> Any:
    page.goto("about:blank")
    page.goto(address)
    page.locator("#loupe .tabs").wait_for()
    return page


def go(page: Any, view: str) -> None:
    page.locator("#loupe .tabs button").nth(VIEWS.index(view)).click()
    page.locator(f"#loupe .view-{view}").wait_for()


def drawn(page: Any) -> None:
    """Wait until what was done is seen."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def fact(page: Any, kind: str, name: str) -> str:
    drawn(page)
    return str(page.locator(f".answer.{kind} dl div", has_text=name).locator("dd").inner_text())


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("+", ""))


def said(page: Any) -> str:
    drawn(page)
    return str(page.locator("#loupe .said").inner_text())


@pytest.mark.parametrize("width", [360, 1280])
def test_every_view_opens_offline_silently_and_fits(browser: Any, address: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme="dark", offline=True)
    page = context.new_page()
    requests: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    open_at(page, address)
    for view in VIEWS:
        go(page, view)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
    assert {url for url in requests if not url.startswith("data:")} == {address}
    assert messages == []
    context.close()


@pytest.mark.parametrize("kind", ["fcnn", "cnn"])
def test_the_logits_are_those_of_numpy(page: Any, kind: str) -> None:
    for face in range(FACES):
        page.locator("#loupe .faces button").nth(face).click()
        assert number(fact(page, kind, "Logit")) == pytest.approx(logit(kind, OPENING, face), abs=6e-4)


def test_a_slider_changes_both_answers_and_reset_brings_them_back(page: Any) -> None:
    before = [fact(page, kind, "Logit") for kind in ("fcnn", "cnn")]
    page.get_by_label("Brightness").press("ArrowRight")
    after = [fact(page, kind, "Logit") for kind in ("fcnn", "cnn")]
    assert all(one != other for one, other in zip(before, after, strict=True))
    page.get_by_role("button", name="Reset all").click()
    assert [fact(page, kind, "Logit") for kind in ("fcnn", "cnn")] == before


def test_the_cover_and_the_brush_work_without_a_pointer(page: Any) -> None:
    plain = fact(page, "cnn", "Logit")
    page.get_by_label("Cover", exact=True).check(force=True)
    page.locator("#loupe .face").focus()
    page.keyboard.press("ArrowUp")
    assert fact(page, "cnn", "Logit") != plain
    page.get_by_role("button", name="Clear").click()
    assert fact(page, "cnn", "Logit") == plain
    page.get_by_label("Bright brush").check(force=True)
    page.locator("#loupe .face").focus()
    page.keyboard.press("Enter")
    assert fact(page, "cnn", "Logit") != plain


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


def marks(page: Any, face: int) -> str:
    return str(page.locator("#loupe .faces button").nth(face).get_attribute("aria-label"))


def test_each_face_says_per_seed_whether_it_was_held_out_and_whether_it_is_right(page: Any) -> None:
    for face in range(FACES):
        right = {kind: (logit(kind, OPENING, face) > 0) == (face >= 3) for kind in ("fcnn", "cnn")}
        seen = "trained on it" if face in (0, 1, 3, 4) else "held out"
        words = [f"{kind.upper()} {seen}, {'right' if good else 'wrong'}" for kind, good in right.items()]
        assert marks(page, face) == "; ".join([f"{'ann' if face < 3 else 'bob'}, capture {face % 3 + 1}", *words])
        glyphs = page.locator("#loupe .faces button").nth(face).locator(".glyph")
        assert glyphs.all_inner_texts() == ["✓" if good else "✗" for good in right.values()]
        assert ("boxed" in str(glyphs.first.get_attribute("class"))) == (seen == "held out")
    go(page, "seeds")
    page.locator('.strip.cnn .dot[aria-label^="CNN seed 1"]').click()
    drawn(page)
    assert "CNN held out" in marks(page, 1)
    assert "FCNN trained on it" in marks(page, 1)


def test_it_opens_on_networks_that_live_and_a_dead_one_is_a_click_away(page: Any) -> None:
    assert page.locator(".answer.dead").count() == 0
    page.locator(".answer.cnn").get_by_role("button", name="See a dead one").click()
    page.locator(".answer.cnn.dead", has_text="a whole layer never speaks").wait_for()
    page.locator(".answer.cnn").get_by_role("button", name="See one that lives").click()
    page.locator(f".answer.cnn:not(.dead) .from:has-text('seed {OPENING}')").wait_for()


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


def test_on_a_phone_the_face_and_the_first_slider_are_a_screen_apart_at_most(browser: Any, address: str) -> None:
    page = open_at(browser.new_page(viewport={"width": 390, "height": 844}), address)
    face, slider = (page.locator(part).first.bounding_box() for part in ("#loupe .face", "#loupe .sliders input"))
    assert slider["y"] + slider["height"] - face["y"] < 844
    page.close()


def test_several_people_have_a_probability_each(browser: Any, tmp_path: Path) -> None:
    study = make_study()
    study["people"] = ["ann", "bob", "cid"]
    study["labels"] = [0, 1, 2, 0, 1, 2]
    for entry in study["networks"].values():
        for fit in entry["fits"]:
            fit["weights"]["output.weight"] = encode_array(np.eye(3, 4, dtype=np.float32))
            fit["weights"]["output.bias"] = encode_array(np.array([0.1, 0.2, 0.3], dtype=np.float32))
        del entry["history"]
    path = tmp_path / "three.html"
    path.write_text(page_of(study), encoding="utf-8")
    page = open_at(browser.new_page(), path.as_uri())
    assert page.locator(".answer.cnn .likeliest li").count() == 3
    go(page, "ledger")
    assert "the logit of" in page.locator(".book.cnn h3").inner_text()
    rows = page.locator(".book.cnn table.addition td").all_inner_texts()
    assert number(rows[-4]) == pytest.approx(number(rows[-3]), abs=2e-5)
    page.close()


def test_a_view_is_a_link(page: Any) -> None:
    go(page, "microscope")
    page.locator("#loupe .faces button").nth(5).click()
    page.locator(".view-microscope .map.live").nth(2).focus()
    page.keyboard.press("End")
    page.wait_for_url(re.compile("face=5.*cell"))
    words, link = said(page), page.url
    again = open_at(page, link)
    assert said(again) == words
    assert again.locator("[role=tab][aria-selected=true]").inner_text() == "Microscope"


@pytest.mark.parametrize(
    "hash_",
    [
        "view=x&face=99&cell=9999.9999.9999",
        "on-fcnn=cnn/none.fit.77&on-cnn=none/such.epoch.3&layer=99&scope=x&network=conv",
        "pin=1.2&dx=NaN&zoom=1e9&ink=_",
    ],
)
def test_an_address_that_makes_no_sense_still_opens(page: Any, address: str, hash_: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_at(page, f"{address}#loupe?{hash_}")
    for view in VIEWS:
        go(page, view)
    assert errors == []


def test_a_picture_of_ones_own_is_read_in_the_page(page: Any) -> None:
    buffer = io.BytesIO()
    Image.fromarray(make_faces()[3]).resize((2 * WIDTH, 2 * HEIGHT), Image.Resampling.NEAREST).save(buffer, "PNG")
    picture = {"name": "me.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    page.get_by_label("Your own picture").set_input_files(picture)
    page.get_by_text("Your picture, me.png").wait_for()
    assert number(fact(page, "cnn", "Logit")) == pytest.approx(logit("cnn", OPENING, 3), abs=1e-3)
    page.get_by_label("Your own picture").set_input_files({**picture, "name": "bad.png", "buffer": b"no picture"})
    page.get_by_text("bad.png is not a picture").wait_for()


def test_hostile_names_are_shown_as_text(browser: Any, tmp_path: Path) -> None:
    study = make_study(people=(HOSTILE, HOSTILE))
    study["networks"]["cnn/none"]["label"] = HOSTILE
    path = tmp_path / "hostile.html"
    path.write_text(page_of(study), encoding="utf-8")
    page = open_at(browser.new_page(), path.as_uri())
    assert HOSTILE in page.locator(".answer.cnn").inner_text()
    assert page.locator("img").count() == 0
    assert page.title() == "Loupe"
    page.close()


def test_it_can_be_used_on_one_network_alone(browser: Any, tmp_path: Path) -> None:
    study = make_study()
    del study["networks"]["cnn/none"]
    path = tmp_path / "one.html"
    path.write_text(page_of(study), encoding="utf-8")
    page = open_at(browser.new_page(), path.as_uri())
    assert page.locator("[role=tab]").all_inner_texts() == [
        "Face",
        "Layers",
        "Convolution",
        "Ledger",
        "Time",
        "Seeds",
        "Laboratory",
    ]
    page.close()


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (1280, "light")])
def test_axe_finds_nothing(browser: Any, address: str, width: int, theme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, bypass_csp=True)
    page = open_at(context.new_page(), address)
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    for view in VIEWS:
        go(page, view)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        found = page.evaluate("axe.run('#section-loupe', { resultTypes: ['violations'] })")["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], view
    context.close()


def test_every_target_is_large_enough(page: Any) -> None:
    for view in VIEWS:
        go(page, view)
        small = page.evaluate(
            """[...document.querySelectorAll('#loupe :is(button, input, select, summary, .map.live)')]
                .filter(one => one.getClientRects().length)
                .map(one => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
                .filter(([, box]) => box.width < 23.9 || box.height < 23.9).map(([html]) => html)"""
        )
        assert small == [], view


ASK = """async ([layers, preprocessing, documents, faces]) => {
    const { readNetwork, forward } = await import("loupe/network")
    const { at, decode, pixels } = await import("loupe/arrays")
    const stack = decode(faces)
    const weights = Object.fromEntries(Object.entries(documents).map(([name, one]) => [name, decode(one)]))
    const network = readNetwork(layers, preprocessing, weights, stack.shape.slice(1))
    return Array.from({ length: stack.shape[0] }, (_, index) => forward(network, pixels(at(stack, index))).logits[0])
}"""


@pytest.mark.parametrize(
    ("kind", "classifier"), [("fcnn", FCNNClassifier(preprocess="centre")), ("cnn", CNNClassifier(seed=13))]
)
def test_the_logits_of_400_faces_are_those_of_pytorch(page: Any, kind: str, classifier: Any) -> None:
    everybody = load_faces("orl")
    faces = np.rint(255 * everybody.images).astype(np.uint8)
    seen = faces.astype(np.float32) / 255
    pair = everybody.subject < 2
    classifier.fit(seen[pair], everybody.subject[pair])
    assert classifier.score(seen[pair], everybody.subject[pair]) > 0.5, "a dead network proves nothing"
    scaling = {"mean": classifier.preprocessing_.mean, "scale": classifier.preprocessing_.scale}
    weights = {name: encode_array(one.numpy()) for name, one in classifier.network_.state_dict().items()}
    said = page.evaluate(ASK, [tutorial_layers(kind), scaling, weights, encode_array(faces)])
    np.testing.assert_allclose(said, classifier.decision_function(seen), atol=1e-4)
