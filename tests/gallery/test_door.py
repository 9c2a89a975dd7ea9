"""The gallery as an integrator meets it: photographs in, names out, and nobody passes an embedder by hand.

Also tests ``gallery/holders.py``.
"""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import faceloupe
from faceloupe.errors import ImageError, InputError
from faceloupe.faces import read_image
from faceloupe.faces.sources import find_orl
from faceloupe.gallery import open_gallery
from faceloupe.recognition import SFace, published_point, recognise
from helpers.galleries import Toy, photograph, unit


def face(who, number):
    return np.rint(np.kron(read_image(find_orl() / f"s{who}" / f"{number}.pgm"), np.ones((2, 2))) * 255).astype(
        np.uint8
    )


@pytest.fixture
def files(published, tmp_path):  # noqa: ARG001 - a fixture that skips
    for name, picture in {
        "ann": face(1, 1),
        "ann_later": face(1, 2),
        "bob": face(2, 1),
        "wall": face(1, 1) * 0,
    }.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    Image.fromarray(np.hstack([face(2, 2), face(1, 3), face(5, 1)])).save(tmp_path / "party.png")
    return tmp_path


@pytest.fixture
def people(files):
    with open_gallery(files / "faces.db", create=True) as gallery:
        gallery.enrol("Ann", files / "ann.png")
        yield gallery


def test_a_photograph_is_enrolled_in_every_form(people, files):
    content = (files / "ann_later.png").read_bytes()
    forms = [files / "wall.png", content, io.BytesIO(content), Image.open(files / "ann_later.png"), face(1, 3)]
    result = people.enrol("Ann", forms)
    assert [skipped.path for skipped in result.refused] == [str(files / "wall.png")]
    assert result.enrolled == ("photo 2", str(files / "ann_later.png"), "photo 5")
    assert result.already_enrolled == ("photo 3",)  # the same bytes
    assert people.enrol("Ann", str(files / "ann.png")).already_enrolled == (str(files / "ann.png"),)


def test_faces_of_a_photograph_are_named_from_left_to_right(people, files):
    people.enrol("Bob", [files / "bob.png"])
    party = people.identify(files / "party.png")
    assert [candidates.name for candidates in party] == ["Bob", "Ann", None]
    assert [round(candidates.detection.landmarks.nose.x) // 184 for candidates in party] == [0, 1, 2]
    for form in ((files / "party.png").read_bytes(), next(recognise([files / "party.png"]))):
        assert [candidates.name for candidates in people.identify(form)] == ["Bob", "Ann", None]
    assert [candidates.name for candidates in people.identify(files / "party.png", faces="central")] == ["Ann"]
    assert party[0].to_document()["detection"]["score"] == party[0].detection.score


def test_templates_are_identified_as_before(people, files):
    (photograph,) = recognise([files / "ann_later.png"])
    (candidates,) = people.identify(photograph.templates)
    assert (candidates.name, candidates.detection) == ("Ann", None)
    assert people.identify([]) == ()


@pytest.mark.parametrize(
    ("photo", "words"),
    [(None, "expected a path, the bytes"), (["a.png"], "one photo, or the templates of its faces; got a list of str")],
)
def test_what_is_no_photograph_is_refused(people, photo, words):
    with pytest.raises(InputError, match=words):
        people.identify(photo)


def test_what_shows_nobody_or_cannot_be_read(people, files):
    assert people.identify(files / "wall.png") == ()
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        people.identify(files / "gone.png")
    with pytest.raises(ImageError, match=r"wall\.png: no face found"):
        people.identify(files / "wall.png", faces="one")


def test_the_gallerys_threshold_holds_unless_another_is_asked_for(people, files):
    published = published_point(SFace())
    people.save_point(own := replace(published, threshold=0.99))
    pair = files / "ann.png", files / "ann_later.png"
    assert people.verify(*pair).point == faceloupe.verify(*pair, gallery=people).point == own
    assert people.verify(*pair, point=published).match
    assert faceloupe.verify(*pair).match  # without the gallery the published one holds
    assert people.identify(pair[1])[0].nobody
    assert people.identify(pair[1], point=published)[0].name == "Ann"


def test_the_embedder_is_what_the_gallery_was_made_with(files):
    place = files / "flipped.db"
    with open_gallery(place, create=True) as empty:
        assert empty.embedder.name == "sface"
    with open_gallery(place, embedder="sface+flip") as flipped:
        flipped.enrol("Ann", files / "ann.png")
    with open_gallery(place) as again:
        assert again.embedder.name == "sface+flip"
        assert again.identify(files / "ann_later.png")[0].name == "Ann"
        assert again.verify(files / "ann.png", files / "ann_later.png").point.embedder == "sface+flip"


def test_an_embedder_of_ones_own(files):
    class Means:
        name, sha256 = "means", "0" * 64

        def embed(self, faces):
            return faces.mean(axis=(1, 2)) - np.float32(0.5)

    with open_gallery(files / "own.db", create=True, embedder=Means()) as gallery:
        gallery.enrol("Ann", files / "ann.png")
        point = replace(published_point(SFace()), embedder="means", weights_sha256="0" * 64)
        assert gallery.identify(files / "ann.png", point=point)[0].name == "Ann"
    with open_gallery(files / "own.db") as gallery, pytest.raises(InputError, match=r"by means 00000000, which is not"):
        gallery.identify(files / "ann.png")


def test_of_several_embedders_one_must_be_named(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as gallery:
        gallery.enrol(
            "Ann", [photograph("1.jpg", embedder="sface"), photograph("2.jpg", vector=unit(1), embedder="toy")]
        )
        with pytest.raises(InputError, match=r"references by sface abababab and toy abababab: name the one to use"):
            _ = gallery.embedder
    with open_gallery(tmp_path / "faces.db", embedder=Toy()) as gallery:
        assert gallery.embedder.name == "toy"


def test_weights_of_another_version_are_not_taken_for_the_same(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as gallery:
        gallery.enrol("Ann", photograph("1.jpg", embedder="sface"))
        with pytest.raises(InputError, match="which is not on this machine"):
            _ = gallery.embedder


def test_a_photograph_on_its_head_is_recognised_and_told(people, files):
    Image.open(files / "ann_later.png").rotate(180).save(files / "head.png")
    (face,) = people.identify(files / "head.png")
    assert face.name == "Ann"
    assert abs(face.detection.turn - 180) <= 5
    decision = people.verify(files / "head.png", files / "ann.png")
    assert decision.match
    assert decision.notes == (
        f"{files / 'head.png'}: the face is turned by 180 degrees; it was turned upright before it was compared",
    )
    assert f"\nNote: {decision.notes[0]}." in decision.words()
    pose = decision.first.templates[0].quality.pose
    assert abs(pose.yaw) < 45
    assert abs(abs(pose.roll) - 180) < 15


def test_two_faces_of_one_photograph_are_two_people(people, files):
    Image.fromarray(np.hstack([face(1, 3), face(1, 1)])).save(files / "mirror.png")
    left, right = people.identify(files / "mirror.png")
    assert (left.name, right.name) == (None, "Ann")
    assert (left.taken, right.taken) == (("Ann",), ())
    assert left.answer().startswith("Nobody. It looks like Ann too, but so does another face")
    assert "Ann taken by another face" in repr(left)
    people.enrol("Twin", files / "ann_later.png")
    left, right = people.identify(files / "mirror.png")
    assert (left.name, right.name) == ("Twin", "Ann")  # each gets the next that reaches the threshold


def test_somebody_who_is_known_under_another_name_is_told(people, files):
    Image.open(files / "ann.png").save(files / "again.jpg", quality=60)
    result = people.enrol("A. Lee", files / "again.jpg")
    assert result.enrolled == (str(files / "again.jpg"),)
    (doubtful,) = result.doubtful
    assert doubtful.reason.startswith("looks like 'Ann' (score 0.9")
    assert doubtful.reason.endswith("is it one person under two names?")
    assert people.enrol("Bob", files / "bob.png").doubtful == ()
