"""Also tests ``explaining/article.py``, ``explaining/network.py``, ``explaining/summary.py``."""

import json
from base64 import b64encode
from dataclasses import replace

import numpy as np
import pytest

from faceloupe.arrays import decode_array
from faceloupe.errors import ImageError, InputError
from faceloupe.explaining import ExplainedFace, explain
from faceloupe.explaining.network import RedrawnSFace, network_of, sface_graph
from faceloupe.explaining.summary import PLACES, lead, place_words, short_name
from faceloupe.inspection.attribution.methods import window_of
from faceloupe.pages import page as page_of
from faceloupe.recognition import SFace, compare
from faceloupe.report import render_page


def blocks(document):
    return {block["id"]: block for section in document["sections"] for block in section["blocks"] if "id" in block}


@pytest.fixture
def explained(photographs, eyes, point_for):
    """A function that explains two photographs by their names, with the embedder that reads the eyes."""

    def explained(a, b, **options):
        return explain(
            photographs / a, photographs / b, **{"embedder": eyes, "point": point_for(eyes), "certify": False} | options
        )

    return explained


def reach(found, region):
    """Return which windows of a map touch a region of the chip."""
    half = (window_of((112, 112))[0] - 1) / 2
    touched = []
    for centres, part in zip((found.placement.rows, found.placement.columns), region, strict=True):
        touched.append((centres + half >= part.start) & (centres - half < part.stop))
    return touched[0][:, None] & touched[1]


def test_the_maps_show_what_the_embedder_reads_and_nothing_else(mated, eyes):
    for side in mated.sides:
        inside = reach(side.attribution, eyes.region)
        assert np.abs(side.attribution.map[~inside]).max() < 1e-12
        assert (side.attribution.map[inside] != 0).mean() > 0.9
        assert side.attribution.certificate.deletion.passed


def test_what_is_explained_is_the_score(mated):
    one, other = (side.template for side in mated.sides)
    assert mated.decision.score == compare(one, other)
    for side in mated.sides:
        assert side.attribution.value == pytest.approx(mated.decision.score, abs=1e-5)
        assert side.attribution.target == "cosine with the given template"


def test_a_number_of_the_map_is_what_covering_costs_the_score(mated, eyes):
    chip, template = mated.a.chip.image, mated.b.template.vector
    covered = chip.copy()
    covered[49:63, 49:63] = chip.mean((0, 1))  # the window that begins at (49, 49): row and column 7 of the map
    [vector] = eyes.embed(covered[None])
    score = vector @ template / np.linalg.norm(vector)
    assert mated.a.attribution.map[7, 7] == pytest.approx(mated.decision.score - score, abs=1e-4)


def test_what_differs_lies_below_zero(photographs, explained, tmp_path):
    """One photograph twice, the second with a bar over the right eye: there, and there alone, the two differ."""
    from PIL import Image

    pixels = np.asarray(Image.open(photographs / "s1.png")).copy()
    chip = explained("s1.png", "s1.png").a.chip
    x, y = chip.detection.landmarks.right_eye
    left, right = chip.detection.box.x, (chip.detection.landmarks.nose.x + x) / 2
    pixels[int(y) - 12 : int(y) + 12, int(left) : int(right)] = 255
    Image.fromarray(pixels).save(tmp_path / "barred.png")
    found = explained("s1.png", tmp_path / "barred.png")
    for side in found.sides:
        row, column = np.unravel_index(side.attribution.map.argmin(), side.attribution.map.shape)
        place = side.attribution.placement
        assert side.attribution.map.min() < -0.005
        assert np.hypot(place.columns[column] - 38, place.rows[row] - 52) < 20  # near the right eye
    assert "the right eye speaks most against it" in " ".join(lead(found))


@pytest.mark.parametrize("method", ["occlusion", "correlation"])
def test_progress_counts_every_face_that_runs(explained, eyes, method):
    told = []
    explained("s1.png", "s2.png", method=method, progress=lambda *numbers: told.append(numbers))
    templates, values, settling = 2, 2, 2 * 4
    assert told[-1] == (sum(eyes.batches) - templates - values - settling,) * 2
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_colours_are_full_at_a_tenth_and_never_stretched(mated):
    weak, strong = (
        replace(mated.a, attribution=replace(mated.a.attribution, map=np.full((15, 15), value, np.float32)))
        for value in (0.02, 0.3)
    )
    assert replace(mated, a=weak, b=weak).limit == 0.1
    assert replace(mated, a=weak, b=strong).limit == pytest.approx(0.3)
    shown = blocks(page_of(replace(mated, a=weak, b=strong)))["maps"]
    assert shown["scale"] == {"kind": "diverging", "limit": pytest.approx(0.3), "unit": weak.attribution.unit}
    assert decode_array(shown["panels"][0]["array"]) == pytest.approx(0.02)  # raw


def test_the_document_is_plain_shows_both_faces_and_holds_no_template(mated):
    document = page_of(mated)
    text = json.dumps(document, allow_nan=False)
    assert document["schema"] == "faceloupe.page/1"
    assert document["evidence"] == mated.to_document()
    assert document["evidence"]["schema"] == "faceloupe.explanation/2"
    assert document["evidence"]["decision"]["score"] == mated.decision.score
    assert document["evidence"]["faces"][0]["attribution"]["target"] == "cosine with the given template"
    assert '"vector"' not in text
    for side in mated.sides:
        assert b64encode(side.template.vector.tobytes()).decode()[:40] not in text
        assert str(float(side.template.vector[0])) not in text
    assert [len(blocks(document)[id_]["panels"]) for id_ in ("why", "maps", "alignment")] == [4, 2, 2]


def test_the_page_says_what_the_score_is_and_whose_faces_it_shows(mated):
    page = render_page(page_of(mated))
    assert "Why s1 and s1-again match" in page
    assert f"Score {mated.decision.score:.2f}, threshold 0.50: match" in page
    assert "Photographs of faces (6): A: s1.png; B: s1-again.png; A: checks passed" in page
    assert "Not checked against re-drawn weights" in page


def test_a_map_that_fails_is_shown_with_its_warning_first(mated):
    certificate = mated.b.attribution.certificate
    deletion = replace(certificate.deletion, area=9.0)
    failed = replace(certificate, deletion=deletion, passed=False, reasons=(str(deletion),))
    found = replace(mated, b=replace(mated.b, attribution=replace(mated.b.attribution, certificate=failed)))
    document = page_of(found)
    first = document["sections"][0]["blocks"][0]["text"]
    assert first.startswith("**Warning, B:** this map is not to be relied on: finds what counts no better than chance")
    assert "**The map of B failed its checks**: do not rely on it." in " ".join(document["lead"])
    assert "B: checks failed" in [panel["label"] for panel in blocks(document)["why"]["panels"]]


def test_other_answers_have_other_words(explained):
    found = explained("s1.png", "s2.png")
    document = page_of(found)
    assert not found.decision.match
    assert document["title"] == "Why s1 and s2 do not match"
    assert document["lead"][0].startswith("No match: score 0.")
    assert "The maps were not checked." in " ".join(document["lead"])
    assert repr(found).startswith("Explanation(s1.png and s2.png: no match, score 0.")
    assert "others" not in [section["id"] for section in document["sections"]]


def test_what_reads_nothing_of_a_face_is_told(mated):
    empty = replace(mated.a, attribution=replace(mated.a.attribution, map=np.zeros((15, 15), np.float32)))
    assert "Nothing of A moves the score." in " ".join(lead(replace(mated, a=empty)))


def test_shortcomings_are_told(mated):
    *_, faces = page_of(mated)["sections"]
    *_, a, b = (block["text"] for block in faces["blocks"] if block["type"] == "text")
    for name, words, side in (("A", a, mated.a), ("B", b, mated.b)):
        short = "; ".join(side.shortcomings)
        assert words == f"**{name}** " + (f"falls short: {short}." if short else "is fit for enrolment.")
    assert len(blocks(page_of(mated))["quality"]["rows"]) == 10
    assert 0 < mated.a.misalignment < 10
    assert isinstance(mated.a, ExplainedFace)


def test_it_shows_itself_in_a_notebook(mated):
    assert mated._repr_png_().startswith(b"\x89PNG")
    assert "Why s1 and" in mated._repr_html_()


def test_of_two_faces_the_central_one_may_be_taken(explained):
    with pytest.raises(ImageError, match=r"both\.png: several faces"):
        explained("s1.png", "both.png")
    found = explained("both.png", "s1.png", faces="central")
    assert len(found.decision.first.chips) == 1


@pytest.mark.parametrize(
    ("photo", "options", "error", "words"),
    [
        ("nobody.png", {}, ImageError, "nobody.png"),
        ("wall.png", {}, ImageError, r"wall\.png: no face"),
        ("s2.png", {"method": "gradient"}, InputError, "method: expected one of occlusion, correlation"),
        ("s2.png", {"faces": "all"}, InputError, 'faces: expected "one" or "central"'),
        ("s2.png", {"point": None}, InputError, "no operating point was published for eyes"),
    ],
)
def test_what_cannot_be_explained(explained, photo, options, error, words):
    with pytest.raises(error, match=words):
        explained("s1.png", photo, **options)


def test_a_threshold_holds_for_one_embedder(explained, mouth, point_for):
    with pytest.raises(InputError, match="the operating point is of mouth 00000000, the templates are of eyes"):
        explained("s1.png", "s2.png", point=point_for(mouth))


def test_every_place_of_a_face_has_a_name(mated):
    found = mated.a.attribution
    named = {place_words(found, place) for place in range(found.map.size)}
    assert named == set(PLACES)
    assert place_words(found, int(np.ravel_multi_index((6, 4), (15, 15)))) == "the right eye"  # left in the picture


def test_numbers_and_names_in_words():
    assert short_name("a.png") == "a.png"
    assert short_name("a-photograph-with-a-long-name_0013.jpg") == "a-photograph…me_0013.jpg"


def test_an_embedder_as_a_network_gets_its_faces_in_its_own_layout(eyes):
    faces = np.random.default_rng(0).random((3, 3, 112, 112), dtype=np.float32)
    assert np.array_equal(network_of(eyes).run(faces), eyes.embed(faces.transpose(0, 2, 3, 1)))
    assert not hasattr(network_of(eyes), "randomised")


@pytest.mark.usefixtures("published")
def test_the_weights_of_sface_can_be_redrawn():
    pytest.importorskip("onnx")
    faces = np.random.default_rng(0).random((2, 3, 112, 112), dtype=np.float32)
    embedder = SFace(flip=True)
    network = network_of(embedder)
    before = network.run(faces)
    redrawn = network.randomised(1).run(faces)
    assert np.isfinite(redrawn).all()
    assert not np.allclose(redrawn, before, atol=0.1)
    np.testing.assert_allclose(network.run(faces), before, atol=1e-5)  # its own weights are as they were
    np.testing.assert_allclose(RedrawnSFace(sface_graph(), flip=True).run(faces), before, atol=1e-3)
