"""Results in a notebook: a frame with a page of their own, a picture, and a figure that belongs to the caller.

Also tests ``inspection/views/anatomy.py``, ``inspection/views/attribution.py``,
``inspection/views/representations.py``, ``inspection/views/shifts.py``, ``inspection/views/trace.py``,
``inspection/views/units.py``, ``report/drawing.py``.
"""

import base64
import json
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image
from torch import nn

from faceloupe.inspection import (
    Trace,
    anatomy,
    attribute,
    cka,
    compare_layers,
    diagnose_units,
    probe,
    project,
    shift_sensitivity,
    top_patches,
    trace,
)

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
VOID = {"base", "img", "meta", "link", "br", "input"}


@pytest.fixture(scope="module")
def faces():
    return np.random.default_rng(0).normal(size=(6, 1, 16, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    """A convolution with one dead unit, a pooling, and one logit."""
    torch.manual_seed(0)
    layers = {
        "conv": nn.Conv2d(1, 3, 3), "relu": nn.ReLU(), "pool": nn.MaxPool2d(2), "flat": nn.Flatten(),
        "out": nn.Linear(3 * 7 * 7, 1),
    }  # fmt: skip
    made = nn.Sequential()
    for name, layer in layers.items():
        made.add_module(name, layer)
    with torch.no_grad():
        made.conv.bias[1] = -50
    return made


@pytest.fixture(scope="module")
def results(network, faces):
    """One of each, by the name of its class and what is special."""
    traced = trace(network, faces)
    return {
        "Anatomy": anatomy(network, (1, 16, 16)),
        "Trace": traced,
        "Attribution": attribute(network, faces[0]),
        "Attribution, not checked": attribute(network, faces[0], certify=False),
        "Separability": probe(traced["pool"], [0, 1] * 3, seed=0),
        "UnitReport": diagnose_units(network, faces)[0],
        "UnitReport, all well": diagnose_units(nn.Sequential(nn.ReLU()), faces)[0],
        "Patches": top_patches(network, faces, "conv", 0),
        "Patches, none": top_patches(network, faces, "relu", 1),
        "ShiftSensitivity": shift_sensitivity(network, faces, pixels=(-2, 1, 4)),
        "Similarity": cka(traced["conv"], traced["pool"]),
        "Similarity, undefined": cka(np.zeros((5, 3)), np.ones((5, 2))),
        "LayerSimilarity": compare_layers(traced, traced),
        "Projection": project(traced["pool"]),
        "Projection, one component": project(traced["pool"], n=1),
    }


KINDS = [
    "Anatomy", "Trace", "Attribution", "Attribution, not checked", "Separability", "UnitReport", "UnitReport, all well",
    "Patches", "Patches, none", "ShiftSensitivity", "Similarity", "Similarity, undefined", "LayerSimilarity",
    "Projection", "Projection, one component",
]  # fmt: skip


class _Page(HTMLParser):
    """Counts the elements, keeps the text that is read, and checks that every element is closed in turn."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.open, self.words = Counter(), [], [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def _page(result):
    frame = _Page(result._repr_html_())
    assert frame.tags == {"iframe": 1}
    return _Page(frame.attributes[0]["srcdoc"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_result_shows_itself_as_a_page_in_a_frame(results, kind):
    page = _page(results[kind])
    assert page.tags["html"] == page.tags["h1"] == 1
    assert not page.tags["script"]
    assert [one["content"] for one in page.attributes if one.get("http-equiv")] == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    ]
    ids = [one["id"] for one in page.attributes if "id" in one]
    assert len(ids) == len(set(ids))
    assert all(one["src"].startswith("data:image/png") for one in page.attributes if "src" in one)


@pytest.mark.parametrize("kind", KINDS)
def test_every_result_is_a_picture_and_a_figure_that_pyplot_does_not_know(results, kind):
    before = plt.get_fignums()
    figure, picture = results[kind].plot(), results[kind]._repr_png_()
    assert isinstance(figure, Figure)
    assert picture.startswith(b"\x89PNG\r\n")
    with Image.open(BytesIO(picture)) as image:
        assert len(image.convert("RGB").getcolors(maxcolors=1_000_000)) > 10
    assert plt.get_fignums() == before


@pytest.mark.parametrize("kind", KINDS)
def test_every_result_is_a_document_that_json_holds(results, kind):
    document = results[kind].to_document()
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize("kind", KINDS)
def test_the_repr_holds_no_arrays(results, kind):
    assert len(repr(results[kind])) < 700
    assert "array(" not in repr(results[kind])


def test_an_anatomy_shows_its_arithmetic_and_where_the_work_is(results):
    text = _page(results["Anatomy"]).text
    assert "178 parameters in 5 layers" in text
    assert "(3·3·1 + 1)·3 = 30" in text
    assert "14·14·3·9 = 5,292" in text
    # 30 of 178 parameters and 5,292 of 5,439 multiply-adds are the convolution's.
    assert "conv, parameters: 16.9 %." in text
    assert "conv, multiply-adds: 97.3 %." in text


def test_a_network_without_parameters_has_no_shares():
    found = anatomy(nn.Flatten(), (4, 4))
    assert "0 parameters in 1 layer" in _page(found).text
    assert isinstance(found.plot(), Figure)


def test_a_trace_says_what_it_shows_and_what_there_is(results):
    text = _page(results["Trace"]).text
    assert "5 layers, 6 captures" in text
    assert "conv, before the ReLU: 6×3×14×14" in text
    assert "Capture 1, all 3 channels of 14×14 places" in text
    assert "6 of 6 captures, 147 numbers, 16 in a row" in text


def test_the_pictures_of_a_trace_are_its_numbers(results):
    """Channels are in their own order and counted from 1: black at -limit, 128 at 0, white at +limit."""
    output = results["Trace"]["conv"]
    panels = [one for one in _page(results["Trace"]).attributes if one.get("alt", "").startswith("conv, ")]
    assert [one["alt"].split(":")[0] for one in panels] == [f"conv, channel {number}" for number in (1, 2, 3)]
    with Image.open(BytesIO(base64.b64decode(panels[0]["src"].split(",")[1]))) as image:
        pixels = np.asarray(image)
    limit = np.abs(output[0]).max()
    levels = np.interp(output[0, 0], [-limit, 0, limit], [0, 128, 255])
    np.testing.assert_allclose(pixels, levels, atol=0.51)


def test_a_deep_trace_is_bounded():
    outputs = {f"layer {place}": np.ones((9, 20, 200, 130), np.float32) for place in range(30)}
    page = _page(Trace(outputs))
    assert page.tags["figure"] == 8
    assert "30 layers, 9 captures. Shown are 8 of the layers" in page.text
    assert "Capture 1, 8 of 20 channels of 200×130 places" in page.text
    assert "Each pixel is the mean of 4×4 places" in page.text
    panels = [one for one in page.attributes if one.get("alt", "").startswith("layer")]
    assert len(panels) == 64
    assert {(one["width"], one["height"]) for one in panels} == {("33", "50")}


def test_a_diverged_trace_is_drawn():
    outputs = {"conv": np.full((2, 1, 4, 4), np.nan, np.float32), "out": np.array([[np.inf], [1]], np.float32)}
    text = _page(Trace(outputs)).text
    assert "conv: 2×1×4×4" in text
    assert Trace(outputs)._repr_png_().startswith(b"\x89PNG")


def test_an_attribution_shows_its_certificate_in_words(results):
    found, text = results["Attribution"], _page(results["Attribution"]).text
    for reason in found.certificate.reasons:
        assert f"{reason[0].upper()}{reason[1:]}." in text
    unchecked = _page(results["Attribution, not checked"]).text
    assert "Certificate: not checked." in unchecked
    assert "Warning" not in unchecked
    assert "logit lost when a window of 2×2 pixels is covered" in unchecked


def test_a_map_that_fails_is_preceded_by_its_warning(faces):
    blind = nn.Sequential(nn.Flatten(), nn.Linear(256, 1))
    nn.init.zeros_(blind[1].weight)
    found = attribute(blind, faces[0])
    text = _page(found).text
    assert "the map is 0 everywhere" in found.warning
    assert text.index(f"Warning: {found.warning}") < text.index(found.unit)
    assert "Certificate: failed." in text
    [[label]] = [axes.texts for axes in found.plot().axes if axes.texts]
    assert label.get_text() == "certificate: failed"


def test_a_probe_stands_beside_its_control(results):
    found, text = results["Separability"], _page(results["Separability"]).text
    assert f"{found.correct} of 6 captures right when held out, {100 * found.accuracy:.1f} %" in text
    assert "as it would with any labels, since they differ in 5 dimensions" in text
    assert "shuffled labels: 20 values from" in text


def test_dead_units_are_told_and_drawn(results):
    report, text = results["UnitReport"], _page(results["UnitReport"]).text
    [dead] = report.dead
    assert report.words[1][1:] in text
    assert f"unit {dead.unit + 1}, largest as it is: {dead.highest:.4g}".replace("-", "−") in text
    assert "0 of 1 units dead" in results["UnitReport, all well"].plot().texts[0].get_text()


def test_a_layer_with_many_dead_units_is_bounded(faces):
    wide = nn.Sequential(nn.Flatten(), nn.Linear(256, 40), nn.ReLU())
    with torch.no_grad():
        wide[1].bias.fill_(-1000)
    text = _page(diagnose_units(wide, faces)[0]).text
    assert "40 of 40 units dead" in text
    assert "And 28 more findings of this layer." in text
    assert "The first 12 of 40 dead units" in text


def test_shifts_have_units_and_every_number(results):
    found, page = results["ShiftSensitivity"], _page(results["ShiftSensitivity"])
    assert "−2 px" in page.text
    assert f"{found['conv'].change[0]:.2f} (0)" in page.text
    assert found.words[0] in page.text
    assert "shift (pixels)" in page.text


def test_similarities_stand_beside_their_control(results):
    one, many = results["Similarity"], results["LayerSimilarity"]
    assert str(one) in _page(one).text
    assert "CKA undefined" in results["Similarity, undefined"].plot().texts[0].get_text()
    assert f"{many['conv', 'pool'].unbiased:.2f}" in _page(many).text
    assert "5 layers by 5 layers, 6 captures." in _page(many).text


def test_a_projection_is_drawn_capture_by_capture(results):
    found = results["Projection"]
    page = _page(found)
    assert f"component 1: {100 * found.shares[0]:.0f} %" in page.text
    assert "captures: 6 points: component 1" in page.text
    [axes] = found.plot().axes
    np.testing.assert_allclose(axes.lines[0].get_xydata(), found.points)
    assert axes.lines[0].get_linestyle() == "None"


def test_hostile_names_stay_words(faces):
    names = [HOSTILE, f"`{HOSTILE}`", f"$\\frac{{{HOSTILE}$", f"**{HOSTILE}**"]
    outputs = dict.fromkeys(names, faces)
    network = nn.Sequential(nn.Flatten(), nn.Linear(256, 2), nn.ReLU())
    network._modules = dict(zip([HOSTILE.replace(".", ""), "`$", HOSTILE.replace(".", "") + "$"], network, strict=True))
    moved = shift_sensitivity(network, faces, pixels=(1, 2))
    everything = [Trace(outputs), compare_layers(outputs, outputs), anatomy(network, (16, 16)), moved]
    for result in [*everything, *diagnose_units(network, faces)]:
        page = _page(result)
        assert not page.tags["script"]
        assert not any("onerror" in one for one in page.attributes)
        assert "<script>alert(1)</script>" in page.text
        assert result._repr_png_().startswith(b"\x89PNG")


def test_nothing_is_loaded_before_a_result_is_shown():
    code = "import faceloupe.inspection, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert not {name for name in loaded if name.startswith(("matplotlib", "PIL", "faceloupe.report"))}
    assert "faceloupe.pages" in loaded


def test_in_a_browser_the_frame_is_as_high_as_its_page_and_silent(browser, results):
    """Put into a page as notebooks do it: by script, into an element that is already there."""
    papers, said = {}, []
    for theme, kind in (("light", "Trace"), ("dark", "ShiftSensitivity")):
        page = browser.new_page(viewport={"width": 900, "height": 700}, color_scheme=theme)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.set_content('<meta name="color-scheme" content="light dark"><div id="output"></div>')
        page.evaluate("html => document.getElementById('output').innerHTML = html", results[kind]._repr_html_())
        page.wait_for_function("document.querySelector('iframe').style.height.endsWith('px')")
        frame = "document.querySelector('iframe')"
        root = f"{frame}.contentDocument.documentElement"
        assert page.evaluate(f"{root}.scrollHeight <= {frame}.clientHeight")
        assert page.evaluate(f"{root}.scrollWidth <= {frame}.clientWidth")
        papers[theme] = page.evaluate(f"getComputedStyle({root}.querySelector('body')).backgroundColor")
        page.close()
    assert said == []
    assert papers == {"light": "rgb(252, 251, 248)", "dark": "rgb(22, 23, 26)"}
