"""The loupe in a real browser, from disk and with the network cut: its numbers against NumPy, its keys, its links."""

import io
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loupe_data import EPOCHS, FACES, FILTERS, HEIGHT, MAP, WIDTH, convolution, logit, make_faces, make_study, pooled
from PIL import Image

from faceloupe import CNNClassifier, FCNNClassifier, load_faces
from faceloupe.arrays import encode_array
from faceloupe.report.loupe import loupe_sources, loupe_style, render_loupe
from faceloupe.report.policy import content_policy

VIEWS = ("face", "microscope", "pooling", "ledger", "time", "seeds", "train")
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
        assert number(fact(page, kind, "Logit")) == pytest.approx(logit(kind, 0, face), abs=6e-4)


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
    value = convolution(0, 0)[1, 1, 2]
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
    page.locator(".lens h3", has_text="Pinned: filter 1, row 4, column 3, face 1").wait_for()
    there = convolution(0, 0)[0, 3, 2]
    here = convolution(0, 4)[0, 3, 2]
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
    window = np.maximum(convolution(0, 0)[2, :3, :3], 0).ravel()
    np.testing.assert_allclose(shown, window, atol=6e-3)
    assert number(page.locator(".view-pooling .sum b").inner_text()) == pytest.approx(pooled(0, 0)[2, 0, 0], abs=6e-4)
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
    assert number(total) == pytest.approx(logit(kind, 0, 0), abs=1e-5)
    assert float(probability.split()[0]) == pytest.approx(100 / (1 + np.exp(-logit(kind, 0, 0))), abs=0.006)


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


def test_training_here_ends_in_a_verdict_and_on_the_bench(page: Any) -> None:
    go(page, "train")
    page.locator(".switch label", has_text="FCNN").locator("input").check(force=True)
    page.get_by_label("Epochs").fill("4")
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator(".answer.fcnn", has_text="trained here").wait_for()
    assert "loss" in page.locator(".verdict-line").inner_text()
    page.wait_for_url(re.compile("own"))
    linked = open_at(page, page.url)
    linked.locator(".answer.fcnn select", has_text="trained here").wait_for()
    assert "own%2Ffcnn" in page.url or "own/fcnn" in page.url


def test_what_was_trained_here_fits_the_narrowest_window(browser: Any, address: str) -> None:
    page = open_at(browser.new_page(viewport={"width": 320, "height": 640}), address)
    go(page, "train")
    page.get_by_label("Epochs").fill("1")
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator(".answer", has_text="trained here").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    page.close()


def test_a_training_can_be_stopped(page: Any) -> None:
    go(page, "train")
    page.get_by_label("Epochs").fill("200")
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("Training: epoch").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator("button.main:not([disabled])").wait_for()


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
        "fcnn=cnn/none.fit.77&cnn=none/such.epoch.3",
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
    assert number(fact(page, "cnn", "Logit")) == pytest.approx(logit("cnn", 0, 3), abs=1e-3)
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
    assert page.locator("[role=tab]").all_inner_texts() == ["Face", "Ledger", "Time", "Seeds", "Train here"]
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


ASK = """async ([entry, documents, faces]) => {
    const { readNetwork, forward } = await import("loupe/network")
    const { at, decode, pixels } = await import("loupe/arrays")
    const stack = decode(faces)
    const weights = Object.fromEntries(Object.entries(documents).map(([name, one]) => [name, decode(one)]))
    const network = readNetwork(entry, weights, stack.shape.slice(1))
    return Array.from({ length: stack.shape[0] }, (_, index) => forward(network, pixels(at(stack, index))).logit)
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
    said = page.evaluate(ASK, [{"kind": kind, "preprocessing": scaling}, weights, encode_array(faces)])
    np.testing.assert_allclose(said, classifier.decision_function(seen), atol=1e-4)
