"""The page: the tutorial's steps in order, made from what was kept and nothing else, and whom it shows.

Also tests ``studies/answers.py``, ``studies/charts.py``, ``studies/glossary.py``, ``studies/labels.py``,
``studies/lead.py``, ``studies/lesson.py``, ``studies/pictures.py``, ``studies/tables.py``.
"""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from faceloupe.arrays import decode_array
from faceloupe.pages import page as page_of
from faceloupe.report import render_page
from faceloupe.report.markup import plain
from faceloupe.studies import Trials
from faceloupe.studies.glossary import explained
from faceloupe.studies.networks import build
from faceloupe.studies.statements import CONFIDENCE
from helpers.recount import KINDS, blocks, fits, grid, interval, number, pick


def questions(document):
    (found,) = [block for block in document["opening"] if block["type"] == "answers"]
    return found["items"]


def statement(document, id_):
    (found,) = [block for block in blocks(document, "statement") if block["id"] == id_]
    return found


def test_the_tutorials_steps_are_its_spine_in_order(document):
    headings = [section["heading"] for section in document["sections"]]
    steps = [int(step) for heading in headings for step in re.findall(r"\d+", heading)]
    assert steps == [0, 5, 6, 7, 8, 8, 9, 10, 11]
    for section in document["sections"]:
        assert section["blocks"][0]["type"] == "text", section["id"]  # what is asked, and the answer, come first


def test_statistics_and_arithmetic_are_folded_away(document):
    html = render_page(document)
    opened, before = html, ""
    while opened != before:  # the innermost first
        opened, before = re.sub(r"<details[^>]*>(?:(?!<details).)*?</details>", "", opened, flags=re.DOTALL), opened
    assert "One weight for every pixel" in html
    assert "One weight for every pixel" not in opened
    assert "The statistics" in html
    assert 'class="figures"' not in opened


def test_every_word_that_is_marked_is_explained_and_every_word_explained_is_marked(document):
    html = render_page(document)
    opened = set(re.findall(r'popovertarget="([^"]+)"', html))
    assert opened == set(re.findall(r'<p id="([^"]+)" popover="auto">', html))
    assert len(opened) == len(document["glossary"])


def test_sizes_are_those_of_the_networks_that_were_trained(document, finished):
    """Faces of 32 x 32 leave other maps than the tutorial's; every size is written in one way."""
    layers = {layer.name: layer.output_shape for layer in finished.findings.anatomy("cnn").layers}
    conv, pool = (" × ".join(map(str, layers[name])) for name in ("conv", "pool"))
    assert (conv, pool) == ("25 × 25 × 4", "6 × 6 × 4")
    applied, done = (item["answer"] for item in questions(document)[3:])
    assert "8 × 8 weights" in applied
    assert "the 64 products" in applied
    assert "25 × 25 sums; 4 filters make 4 maps" in applied
    assert f"{conv} sums, each of 8 × 8 of the face’s 32 × 32 pixels. ReLU" in done
    assert f"each 4 × 4: {pool} numbers. Flattening writes them into one row of 144. The hidden layer makes 4 " in done
    deeds = next(block for block in blocks(document, "table") if block["id"] == "deeds")
    assert [row[0] for row in deeds["rows"]].count("ReLU") == 2
    words = [text for block in blocks(document) for text in map(block.get, ("text", "caption", "because")) if text]
    assert not [text for text in words if re.search(r"\d ?x ?\d", text)]


def test_robustness_is_one_chart_with_a_switch(document):
    (switch,) = blocks(document, "switch")
    assert [choice["label"] for choice in switch["choices"]] == [
        "sideways", "up and down", "turned", "covered", "brightness",
    ]  # fmt: skip
    html = render_page(document)
    assert html.count('type="radio"') == 5
    assert html.count(" checked>") == 1


def test_nothing_stands_in_quotation_marks(document):
    words = json.dumps([block for block in blocks(document) if block["type"] != "pictures"], ensure_ascii=False)
    assert not set("“”«»") & set(words.replace("“Sees”", ""))
    css = render_page(document).split("<style>")[1].split("</style>")[0]
    assert "201C" not in css


class TestItsNumbers:
    def test_the_lead_says_what_the_verdict_says(self, document, table):
        told = plain(" ".join(document["lead"]))
        fcnn = grid(fits(table, "fcnn", "centre", True), "accuracy")
        assert re.search(r"3 pairs of people from [^,]+, with 2 seeds each", told)
        assert f"{number(100 * fcnn.mean())} % of captures that it was not trained on" in told
        _, gap = statement(document, "better")["judged"][1]["quantity"].split(": ")
        assert f"CNN minus FCNN: {gap};" in told

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_verdict_rests_on_the_trials(self, document, table, kind):
        found = statement(document, "better")["judged"][list(KINDS).index(kind)]
        cnn, fcnn = (grid(fits(table, name, kind, True), "accuracy") for name in ("cnn", "fcnn"))
        expected = interval(cnn - fcnn, CONFIDENCE)
        shown = found["interval"]
        assert (shown["estimate"], shown["low"], shown["high"]) == pytest.approx(expected)
        assert shown["confidence"] == pytest.approx(CONFIDENCE)

    def test_freezing_the_filters(self, document, table):
        shown = statement(document, "learned-filters")["judged"][1]["interval"]
        free = grid(fits(table, "cnn", "centre", True), "accuracy")
        frozen = grid(fits(table, "cnn", "centre", True, "controls", "frozen filters"), "accuracy")
        assert shown["estimate"] == pytest.approx((free - frozen).mean())

    def test_a_shift(self, document, table):
        rows = [
            row for row in pick(table, experiment="robustness", network="cnn") if row["condition"].startswith("shift")
        ]
        moved = [row for row in rows if float(row["amount"]) in (-8.0, 8.0)]
        lost = grid([row for row in rows if float(row["amount"]) == 0], "accuracy") - grid(moved, "accuracy")
        assert statement(document, "location")["judged"][1]["interval"]["estimate"] == pytest.approx(lost.mean())

    def test_the_repairs(self, document, table):
        (chart,) = [block for block in blocks(document, "chart") if block["id"] == "number-of-parameters-chart"]
        raw = grid(fits(table, "fcnn", "none", True), "train_accuracy")
        for place, network in enumerate(("fcnn-equal", "fcnn-wide", "fcnn-slow", "fcnn-leaky", "fcnn-he")):
            changed = grid(fits(table, network, "none", True, "controls"), "train_accuracy")
            assert chart["series"][0]["x"][place] == pytest.approx((changed - raw).mean())

    def test_every_row_of_the_controls(self, document, table):
        (shown,) = [block for block in blocks(document, "table") if block["id"] == "controls-table"]
        assert len(shown["rows"]) == 2 * 2 + 5 + 2 + 2 + 2 + 2
        means = {tuple(row[:3]): row[4] for row in shown["rows"]}
        wide = grid(fits(table, "fcnn-wide", "none", True, "controls"), "accuracy")
        key = ("FCNN, 16 times as many parameters", "pixels as they are", "–")
        assert means[key].startswith(number(100 * wide.mean()))

    def test_other_trials_give_another_page(self, finished, document):
        rows = [
            replace(row, accuracy=0.5) if row.experiment == "pairs" and row.n_held_out else row
            for row in finished.trials
        ]
        assert page_of(replace(finished, trials=Trials(rows)))["lead"] != document["lead"]


@pytest.fixture(scope="module")
def drawn(document):
    return {
        block["id"]: {panel["label"]: decode_array(panel["array"]) for panel in block["panels"]}
        for block in blocks(document, "pictures")
    }


class TestItsPictures:
    def test_the_faces_are_the_pairs(self, drawn, faces):
        shown = np.stack(list(drawn["people"].values()))
        np.testing.assert_allclose(shown, faces.images[[0, 10]], atol=0.5 / 255 + 1e-6)

    @pytest.mark.parametrize("kind", KINDS)
    def test_filters_before_and_after_are_those_of_the_fit_that_the_loupe_opens(self, drawn, document, kind):
        entry = document["loupe"]["networks"][f"cnn/{kind}"]
        after = decode_array(entry["fits"][0]["weights"]["conv.weight"])[:, 0]
        before = decode_array(entry["history"]["weights"]["conv.weight"])[0, :, 0]
        labels = list(drawn[f"filters-{kind}"])
        shown = np.stack(list(drawn[f"filters-{kind}"].values()))
        np.testing.assert_allclose(shown, np.stack([before, after], axis=1).reshape(shown.shape), atol=1e-3)
        assert labels[:2] == ["1, before", "1, after"]
        caption = next(b for b in blocks(document, "pictures") if b["id"] == f"filters-{kind}")["caption"]
        alike = f"{np.corrcoef(before[0].ravel(), after[0].ravel())[0, 1]:.2f}"
        assert caption.split("of the two: ")[1].startswith(alike)

    @pytest.mark.parametrize("kind", KINDS)
    def test_maps_stand_before_and_after_the_relu_and_pooled_in_one_order(self, drawn, finished, kind):
        kept, shown = finished.fits.network("cnn", kind), finished.fits.shown
        network = build("cnn", (32, 32))
        network.load_state_dict({name: torch.tensor(value[shown]) for name, value in kept.weights.items()})
        face = (finished.fits.pixels[:1] - kept.mean[shown]) / kept.scale[shown]
        with torch.no_grad():
            before = network.conv(torch.tensor(face, dtype=torch.float32)[:, None])
            expected = {
                "before ReLU": before[0],
                "after ReLU": before[0].relu(),
                "pooled": network.pool(before.relu())[0],
            }
        for what, maps in expected.items():
            for place in range(4):
                assert np.allclose(drawn[f"maps-{kind}"][f"{place + 1}, {what}"], maps[place], atol=1e-5)


class TestWhomItShows:
    def test_without_faces_it_holds_none_and_no_weights_of_faces(self, finished):
        document = page_of(finished, show_faces=False)
        assert "loupe" not in document
        assert {block["id"] for block in blocks(document, "pictures")} == {
            "filters-centre",
            "filters-learned",
            "filters-none",
        }
        assert "loupe_still" not in document
        assert "No photographs;" in render_page(document)

    def test_by_default_only_those_that_were_published_for_it(self, finished):
        private = {**finished.manifest, "data": {**finished.manifest["data"], "source": "my holiday"}}
        assert "loupe" in page_of(finished)
        assert "loupe" not in page_of(replace(finished, manifest=private))


def test_the_loupe_opens_on_a_network_worth_moving_with_the_raw_ones_a_click_away(document):
    assert list(document["loupe"]["networks"]) == ["fcnn/centre", "cnn/centre", "fcnn/none", "cnn/none"]


def test_it_opens_with_a_picture_of_every_fit(finished, document):
    chart = document["opening"][-1]
    fits = [(network, kind) for kind in ("none", "centre") for network in ("fcnn", "cnn")]
    assert len(chart["series"]) == len(fits)
    for series, (network, kind) in zip(chart["series"], fits, strict=True):
        trained = finished.findings.fits(network, kind, held_out=False)
        assert series["y"] == trained.column("train_accuracy").tolist()
    page = render_page(document)
    assert page.index('id="figure-training-accuracy-dots"') < page.index("<main")


def test_it_is_json_and_the_same_twice(finished, document):
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert page_of(finished) == document
    assert document["evidence"] == finished.to_document()


def test_words_in_the_name_of_the_data_are_not_marked():
    marked = explained(["**12 faces from seeds-and-points**, 2 seeds each"], {"seeds": "seed", "points": "point"})
    assert marked == ["**12 faces from seeds-and-points**, 2 [[seeds|seed]] each"]


def test_what_was_measured_on_pixels_as_they_are_is_said_to_be(document):
    assert "pixels as they are" in document["lead"][1]
    assert "pixels as they are" in questions(document)[1]["answer"]
    assert "mean pixel subtracted" in questions(document)[0]["answer"]
    assert "mean pixel subtracted" in questions(document)[2]["answer"]


@pytest.mark.parametrize(("hidden", "expected"), [(0.95, "makes them more separable"), (0.6, "do not **make**")])
def test_step_9_and_its_answer_follow_the_measurement(finished, hidden, expected):
    rows = [
        replace(row, accuracy=hidden if row.condition == "hidden_relu" else 0.8) if row.experiment == "probe" else row
        for row in finished.trials
    ]
    page = page_of(replace(finished, trials=Trials(rows)))
    (step,) = [section for section in page["sections"] if section["id"] == "separating"]
    assert expected in step["blocks"][0]["text"]
    assert ("do not make that easier" in questions(page)[2]["answer"]) == (hidden < 0.8)


@pytest.mark.parametrize("frozen", [0.8, 0.6])
def test_what_a_cnn_learns_follows_what_it_does_with_its_filters_frozen(finished, frozen):
    """Whatever the verdict on its filters: what it reaches without training them, and with."""
    trained = 0.92
    rows = [
        replace(row, accuracy=frozen if row.control == "frozen filters" else trained)
        if row.network == "cnn" and row.experiment in ("pairs", "controls")
        else row
        for row in finished.trials
    ]
    page = page_of(replace(finished, trials=Trials(rows)))
    answer = questions(page)[2]["answer"]
    assert answer.startswith("To weigh what its filters show") == (frozen > 0.75)
    assert f"it recognises {100 * frozen:.1f} % of held-out captures" in answer
    assert "they bring it to 92.0 %" in answer
    assert f"cost {100 * (trained - frozen):.1f} points" in statement(page, "learned-filters")["because"]


def test_five_questions_are_answered_where_their_sections_say_why(document):
    items = questions(document)
    assert [item["section"] for item in items] == ["strengths", "failing", "separating", "filters", "layers"]
    page = render_page(document)
    for item in items:
        assert f'<a href="#section-{item["section"]}">{item["question"]}</a>' in page
    dead = next(block for block in blocks(document, "statement") if block["id"] == "overfitting")
    assert "all hidden units dead" in items[1]["answer"]
    assert dead["judged"][0]["quantity"].split(": ")[1].split(" [")[0] in items[1]["answer"]


def test_the_still_answers_are_those_of_the_fits_that_the_loupe_opens(document, finished):
    block = document["loupe_still"][0]
    kept, shown = finished.fits.network("fcnn", "centre"), finished.fits.shown
    face = (finished.fits.pixels[0].ravel() - kept.mean[shown]) / kept.scale[shown]
    weights = {name: value[shown] for name, value in kept.weights.items()}
    hidden = weights["hidden.weight"] @ face + weights["hidden.bias"]
    logit = float(weights["output.weight"][0] @ hidden.clip(0) + weights["output.bias"][0])
    row = next(row for row in block["rows"] if row[0] == "FCNN, centred")
    read = [float(number.replace("−", "-")) for number in row[1].split(", ")]
    assert read == pytest.approx(hidden, abs=0.006)
    assert float(row[3].replace("−", "-")) == pytest.approx(logit, abs=0.006)
    assert row[4] == f"subject {finished.plan.people[int(logit > 0)] + 1}"


def test_the_step_that_stands_still_adds_up(drawn, document):
    step = next(block for block in blocks(document, "pictures") if block["id"] == "convolution-step")
    pictures = list(drawn["convolution-step"].items())
    largest = [float(label.rpartition("±")[2]) for label, _ in pictures]
    patch, kernel, products = (array * most for (_, array), most in zip(pictures[1:4], largest[1:4], strict=True))
    np.testing.assert_allclose(patch * kernel, products, atol=2e-3)
    said = float(re.search(r"add up to ([+−][\d.]+)", step["caption"])[1].replace("−", "-"))
    assert products.sum() == pytest.approx(said, abs=0.02)


def test_what_is_asked_is_answered_by_yes_or_no(document):
    html = render_page(document).partition('id="statement-overfitting"')[2].partition("</article>")[0]
    assert "> contradicted<" not in html
    assert "> supported<" not in html
