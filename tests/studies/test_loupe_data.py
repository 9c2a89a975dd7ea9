"""What the loupe computes with: the captures and the fits of the tutorial's pair."""

import json

import numpy as np
import pytest
import torch

from faceloupe import load_faces
from faceloupe.arrays import decode_array
from faceloupe.pages import page as page_of
from faceloupe.report import render_page
from faceloupe.report.hover import render_hover
from faceloupe.report.page import SCHEMA, write_page
from faceloupe.studies.experiments import run_task
from faceloupe.studies.kept import KeptFits
from faceloupe.studies.loupe_data import loupe_document
from faceloupe.studies.networks import build
from faceloupe.studies.plan import Task, make_plan
from faceloupe.studies.run import Study
from faceloupe.studies.trials import Trials


@pytest.fixture(scope="module")
def loupe(finished):
    return loupe_document(finished)


def test_the_faces_are_the_pairs_to_8_bits(loupe, faces):
    pair = faces.select([0, 1])
    np.testing.assert_allclose(decode_array(loupe["faces"]) / 255, pair.images, atol=0.5 / 255 + 1e-6)
    assert loupe["labels"] == pair.subject.tolist()
    assert loupe["people"] == ["subject 1", "subject 2"]


@pytest.mark.parametrize("network", ["fcnn", "cnn"])
@pytest.mark.parametrize("kind", ["none", "centre"])
def test_the_fits_are_those_of_the_trials(loupe, finished, network, kind):
    trials = finished.trials.where(experiment="tutorial", network=network, preprocess=kind, condition="", captures=5)
    fits = sorted(loupe["networks"][f"{network}/{kind}"]["fits"], key=lambda fit: fit["seed"])
    assert [fit["seed"] for fit in fits] == list(trials.column("seed"))
    assert [fit["accuracy"] for fit in fits] == pytest.approx(list(trials.column("accuracy")))
    assert [fit["dead"]["hidden"] for fit in fits] == list(trials.column("dead_hidden"))


@pytest.mark.parametrize("key", ["fcnn/none", "cnn/none", "fcnn/centre", "cnn/centre"])
def test_the_weights_give_the_accuracy_that_stands_beside_them(loupe, key):
    kept = loupe["networks"][key]
    faces = decode_array(loupe["faces"]).astype(np.float32) / 255
    for fit in kept["fits"]:
        held_out = [index for index in range(len(faces)) if index not in fit["trained_on"]]  # each seed has its own
        assert len(held_out) == 10
        assert accuracy(kept["kind"], fit, faces, loupe["labels"], held_out) == pytest.approx(fit["accuracy"])


def accuracy(kind, fit, faces, labels, held_out):
    network = build(kind, faces.shape[1:])
    network.load_state_dict({name: torch.tensor(decode_array(one)).float() for name, one in fit["weights"].items()})
    seen = (faces[held_out] - fit["preprocessing"]["mean"]) / fit["preprocessing"]["scale"]
    with torch.no_grad():
        said = (network(torch.tensor(seen, dtype=torch.float32)[:, None])[:, 0] > 0).numpy()
    return np.mean(said == np.array(labels)[held_out])


def test_the_history_ends_with_the_first_fit(loupe, finished):
    for kept in loupe["networks"].values():
        for name, one in kept["fits"][0]["weights"].items():
            moments = decode_array(kept["history"]["weights"][name])
            assert len(moments) == finished.plan.epochs + 1
            np.testing.assert_array_equal(moments[-1], decode_array(one))
        assert len(kept["history"]["loss"]) == finished.plan.epochs


def test_a_page_with_faces_holds_it_and_a_page_without_holds_only_what_reads_pictures(finished, document):
    without = page_of(finished, show_faces=False)
    assert 'id="loupe-data"' in render_page(document)
    assert "loupe" not in without
    page = render_page(without)
    assert page.count("<script") == 1
    assert page.endswith(f"{render_hover()[0]}</body></html>\n")
    assert "importmap" not in page
    assert json.dumps(document["loupe"]).count("deflate") > 50


@pytest.fixture(scope="module")
def tutorials_pair(tmp_path_factory):
    """The page of ORL's first two people with two seeds, as an address, and its loupe's data."""
    faces = load_faces("orl")
    plan = make_plan(faces, pairs=1, seeds=2)
    outcome = run_task(plan, faces, Task("tutorial", plan.people))
    folder = tmp_path_factory.mktemp("pair")
    fits = KeptFits(plan, outcome.arrays | {"start": np.zeros(1), "end": np.zeros(1)})
    data = loupe_document(Study(plan, Trials(outcome.trials), fits, folder, {}))
    document = {"schema": SCHEMA, "title": "A pair", "lead": ["One."], "loupe": data, "sections": []}
    write_page(folder / "page.html", document)
    return (folder / "page.html").as_uri(), data


def test_the_guides_first_exercise_works_on_the_face_that_opens(browser, tutorials_pair):
    """Moved sideways by the slider, the face makes one network change its mind before the other."""
    address, data = tutorials_pair
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(address)
    who, capture = divmod(data["opening_face"], 10)
    page.locator("#loupe").get_by_text(f"subject {who + 1}, capture {capture + 1}", exact=True).wait_for()
    slider = page.get_by_label("Shift right")
    first = {}
    for key in ("ArrowRight", "ArrowLeft"):
        slider.fill("0")
        rest = decisions(page)
        assert rest == [f"subject {who + 1} right"] * 2
        for step in range(1, 17):
            slider.press(key)
            for place, (now, before) in enumerate(zip(decisions(page), rest, strict=True)):
                if now != before:
                    first[place] = min(step, first.get(place, step))
    assert first
    assert len(set(first.values())) == len(first)
    page.close()


def decisions(page):
    """Return what both networks say once they are drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    answers = [page.locator(f".answer.{kind} dl div", has_text="Decision") for kind in ("fcnn", "cnn")]
    return [answer.locator("dd").inner_text() for answer in answers]
