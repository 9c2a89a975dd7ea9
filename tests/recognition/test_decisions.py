"""Two photographs are compared, and the answer says what it rests on. Also tests ``recognition/remarks.py``."""

import json
import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from faceloupe.errors import ImageError, InputError
from faceloupe.recognition import compare, template_of
from faceloupe.recognition.decisions import verify
from faceloupe.recognition.thresholds import check_point, point_in_words, published_check, published_point
from faceloupe.recognition.weights import SFACE
from faceloupe.scores import ScoreSet, operating_point

pytestmark = pytest.mark.usefixtures("published")

NOBODYS = SimpleNamespace(name="sface", sha256=SFACE.sha256)  # an embedder that embeds nothing


@pytest.fixture(scope="module")
def folder(published, photographs, tmp_path_factory):  # noqa: ARG001 - a fixture that skips
    """Two photographs of one person, one of another, one of both, a wall, a blurred one and a text."""
    if find_spec("openvino") is None:  # importing it here would let its telemetry in
        pytest.skip("openvino is not installed")
    root = tmp_path_factory.mktemp("photographs")
    one, other, second = photographs[0], photographs[1], photographs[5]
    pictures = {
        "ann": np.kron(one, np.ones((2, 2))),
        "ann_later": np.kron(other, np.ones((2, 2))),
        "bob": np.kron(second, np.ones((2, 2))),
        "both": np.hstack([np.pad(one, ((0, 0), (100, 0)), constant_values=0.5), second]),
        "wall": np.full((120, 160), 0.5),
        "blurred": cv2.GaussianBlur(np.kron(one, np.ones((2, 2))), (0, 0), 7),
    }
    for name, picture in pictures.items():
        Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(root / f"{name}.png")
    (root / "paper.pdf").write_bytes(b"%PDF-1.4\n%%EOF")
    return root


@pytest.fixture(scope="module")
def mated(folder):
    return verify(folder / "ann.png", folder / "ann_later.png")


@pytest.fixture(scope="module")
def non_mated(folder):
    return verify(folder / "ann.png", folder / "bob.png")


def test_one_person_matches_and_two_do_not(mated, non_mated):
    assert mated.match
    assert not non_mated.match
    assert mated.score >= mated.point.threshold > non_mated.score


def test_the_score_is_that_of_the_templates(folder, mated):
    templates = [template_of(folder / name) for name in ("ann.png", "ann_later.png")]
    assert mated.score == pytest.approx(compare(*templates), abs=1e-6)


def test_the_point_is_the_published_one_unless_given(folder, mated):
    assert mated.point == published_point(NOBODYS)
    own = replace(mated.point, threshold=mated.score)
    assert verify(folder / "ann.png", folder / "ann_later.png", own).match  # a score that reaches it matches
    above = replace(own, threshold=float(np.nextafter(mated.score + 1e-6, 2)))
    assert not verify(folder / "ann.png", folder / "ann_later.png", above).match


@pytest.mark.parametrize("change", [{"embedder": "sface+flip"}, {"weights_sha256": "ab" * 32}])
def test_a_point_of_another_embedder_is_refused(folder, mated, change):
    with pytest.raises(InputError, match="threshold holds for the scores of one embedder"):
        verify(folder / "ann.png", folder / "bob.png", replace(mated.point, **change))


def test_an_embedder_without_a_point_is_told_to_calibrate():
    other = SimpleNamespace(name="cnn-01ab23cd", sha256="ab" * 32)
    with pytest.raises(InputError, match="no operating point was published for cnn-01ab23cd"):
        verify("a.png", "b.png", embedder=other)
    with pytest.raises(InputError, match="the operating point is of sface 0ba9fbfa, the templates are of cnn"):
        check_point(published_point(NOBODYS), other)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wall.png", r"no face found: it should show one, upright and in focus"),
        ("both.png", r'several faces.* take the one nearest the centre: faces="central" \(--central\)'),
        ("paper.pdf", r"paper\.pdf: no image that can be read"),
        ("gone.png", r"gone\.png: no such file"),
    ],
)
def test_what_cannot_be_compared_is_named(folder, name, words):
    for pair in ((name, "ann.png"), ("ann.png", name)):
        with pytest.raises(ImageError, match=words) as raised:
            verify(*(folder / one for one in pair))
        assert str(raised.value).count(name) == 1


def test_the_face_nearest_the_centre_can_be_meant(folder):
    """The first of the two is nearer the middle: a wall of 100 pixels lies on its left."""
    decision = verify(folder / "both.png", folder / "ann_later.png", faces="central")
    assert decision.match
    with pytest.raises(InputError, match='expected "one" or "central"'):
        verify(folder / "both.png", folder / "ann.png", faces="all")


def test_the_words_say_score_threshold_answer_and_what_the_threshold_means(mated, non_mated):
    answer, meaning, measured, checked = mated.words().split("\n")
    assert answer == f"Match: score {mated.score:.4f} reaches the threshold {mated.point.threshold:.4f}."
    assert meaning == mated.meaning()
    assert meaning.startswith(
        f"The published threshold {mated.point.threshold:.4f} was measured on all pairs of the 3,443 photographs of "
        "LFW View 1 train: about 1 in 10,000 comparisons of two people reach it by mistake (FMR), and 1.86 % "
    )
    assert measured == mated.point.words()
    assert "95 % interval" in measured
    assert "5,923,194 non-mated comparisons" in measured
    assert checked.startswith("Checked on all pairs of the 1,549 photographs of LFW View 1 test, other people: FMR 1 ")
    assert non_mated.words().startswith(f"No match: score {non_mated.score:.4f} is below the threshold")


def test_words_of_a_point_without_a_check_and_with_extreme_rates():
    scores = ScoreSet([0.5, 0.9], np.linspace(0, 1, 100))
    lax = operating_point(scores, 0.5, source="made-up scores", embedder="a coin")
    strict = replace(lax, fmr=0.0)
    assert point_in_words(lax)[0].startswith(
        f"The threshold {lax.threshold:.4f} was measured on made-up scores: about {100 * lax.fmr:.3g} % of comparisons"
    )
    assert f": at most {100 * strict.fmr_interval.high:.3g} % of comparisons of two" in point_in_words(strict)[0]
    missed = replace(lax, fnmr=0.0, fnmr_interval=replace(lax.fmr_interval, high=0.116))
    assert "at most 11.6 % of one person's stay below it" in point_in_words(missed)[0]
    assert len(point_in_words(lax)) == 2
    assert published_check(lax) is None


def test_it_warns_where_quality_falls_short(folder):
    decision = verify(folder / "ann.png", folder / "blurred.png")
    (words,) = (words for words in decision.warnings if "sharpness" in words)
    assert re.fullmatch(r".*/blurred\.png: sharpness [01]\.\d\d grey levels, expected at least 1\.8: .*", words)
    assert not any("ann.png" in words for words in decision.warnings)
    assert f"\nCaution: {words}." in decision.words()


def test_it_warns_that_a_file_matches_itself(folder):
    decision = verify(folder / "ann.png", folder / "ann.png")
    assert decision.score == pytest.approx(1)
    assert "both are the same file" in decision.warnings[-1]


def test_the_repr_is_short_and_keeps_the_vector_to_itself(mated):
    assert repr(mated) == (
        f"Decision(match: {mated.score:.4f} >= {mated.point.threshold:.4f}, ann.png and ann_later.png)"
    )


def test_the_document_is_plain_and_holds_no_vector(mated):
    text = json.dumps(mated.to_document(), allow_nan=False)
    document = json.loads(text)
    assert document["schema"] == "faceloupe.decision/1"
    assert (document["match"], document["score"]) == (True, mated.score)
    assert document["point"] == json.loads(json.dumps(mated.point.to_document()))
    assert document["check"]["source"].endswith("View 1 test")
    first, second = document["photographs"]
    assert Path(first["path"]).name == "ann.png"
    assert first["sha256"] != second["sha256"]
    assert first["face"]["template"]["dimensions"] == 128
    assert first["face"]["detection"]["score"] > 0.6
    for photograph in (mated.first, mated.second):
        values = photograph.templates[0].vector
        assert not any(f"{value:.5g}"[:6] in text for value in values[:20] if abs(value) > 0.01)
