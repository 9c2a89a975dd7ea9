"""The loupe in a browser, from disk and with the network cut: the bench, its faces and links; every view at once."""

import io
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceloupe import CNNClassifier, FCNNClassifier, load_faces
from faceloupe.arrays import encode_array
from faceloupe.loupe.data import tutorial_layers
from helpers.loupe_data import (
    FACES,
    HEIGHT,
    OPENING,
    WIDTH,
    logit,
    make_faces,
    make_study,
)
from helpers.loupe_page import VIEWS, drawn, fact, go, number, open_at, page_of, said

HOSTILE = "</script><img src=x onerror=document.title='broken'><!--"


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


def answers_anew(page: Any, plain: str) -> bool:
    """Return whether the CNN's logit becomes another one; the page answers in its next frame."""
    for _ in range(600):
        if fact(page, "cnn", "Logit") != plain:
            return True
        page.wait_for_timeout(100)
    return False


def test_the_cover_and_the_brush_work_without_a_pointer(page: Any) -> None:
    plain = fact(page, "cnn", "Logit")
    page.get_by_label("Cover", exact=True).check(force=True)
    page.locator("#loupe .face").focus()
    page.keyboard.press("ArrowUp")
    assert answers_anew(page, plain)
    page.get_by_role("button", name="Clear").click()
    assert fact(page, "cnn", "Logit") == plain
    page.get_by_label("Bright brush").check(force=True)
    page.locator("#loupe .face").focus()
    page.keyboard.press("Enter")
    assert answers_anew(page, plain)


def test_it_opens_on_networks_that_live_and_a_dead_one_is_a_click_away(page: Any) -> None:
    assert page.locator(".answer.dead").count() == 0
    page.locator(".answer.cnn").get_by_role("button", name="See a dead one").click()
    page.locator(".answer.cnn.dead", has_text="a whole layer never speaks").wait_for()
    page.locator(".answer.cnn").get_by_role("button", name="See one that lives").click()
    page.locator(f".answer.cnn:not(.dead) .from:has-text('seed {OPENING}')").wait_for()


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
