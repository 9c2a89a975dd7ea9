"""A pair's score beside those of the people in a gallery."""

from dataclasses import dataclass

import numpy as np
import pytest

from faceloupe.errors import GalleryError
from faceloupe.explaining import Neighbour, Others, explain
from faceloupe.explaining.others import compare_with_others
from faceloupe.explaining.summary import others_words
from faceloupe.pages import page as page_of
from faceloupe.recognition import Pose, Quality, Template, recognise

QUALITY = Quality(60, 20, 0.5, 0.0, Pose(0, 0, 0), 0.9)


@dataclass
class Held:
    vectors: np.ndarray
    subjects: np.ndarray

    def __len__(self):
        return len(self.vectors)


class MadeUp:
    """A gallery as it is read here, of people with angles in degrees as references."""

    def __init__(self, **angles):
        self.angles = angles

    def templates(self, _embedder):
        numbered = [(number, angle) for number, held in enumerate(self.angles.values()) for angle in held]
        return Held(
            np.array([unit(angle) for _, angle in numbered], dtype=np.float32).reshape(-1, 2),
            np.array([7 - number for number, _ in numbered], dtype=np.int64),
        )

    def names(self):
        return [(name, 7 - number) for number, name in enumerate(self.angles)]


def unit(degrees):
    return np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], dtype=np.float32)


def cosine(degrees):
    return pytest.approx(np.cos(np.deg2rad(degrees)), abs=1e-6)


def compared(eyes, gallery, a=0, b=60, threshold=0.8):
    pair = tuple(Template(unit(angle), eyes.name, eyes.sha256, QUALITY) for angle in (a, b))
    return compare_with_others(gallery, eyes, pair, float(np.cos(np.deg2rad(b - a))), threshold)


def test_the_nearest_who_match_neither_are_named(eyes):
    gallery = MadeUp(Ann=[200, 10], Bob=[100, 150], Cleo=[-70], Dan=[180])
    found = compared(eyes, gallery)
    assert found.matching == ("Ann",)  # 10 degrees from A
    assert found.compared == 3
    assert found.nearest == (Neighbour("Cleo", cosine(70), 0), Neighbour("Bob", cosine(40), 1))
    assert others_words(found, 0.5) == (
        "Beside the 3 subjects of the gallery who match neither face: most like A is Cleo (0.34), most like B Bob "
        "(0.77). The pair has 0.50; 1 subject comes up to that with one of its faces. Left out: Ann, who matches "
        "one of the two faces."
    )


def test_a_score_that_nobody_comes_up_to(eyes):
    found = compared(eyes, MadeUp(Bob=[130], Dan=[180]))
    assert found.matching == ()
    assert [near.as_alike for near in found.nearest] == [0, 0]
    assert others_words(found, 0.5).endswith("The pair has 0.50; nobody comes up to that with either face.")


def test_one_subject_matches_in_the_singular(eyes):
    words = others_words(compared(eyes, MadeUp(Bob=[130])), 0.5)
    assert words.startswith("Beside the 1 subject of the gallery who matches neither face: most like A is Bob")


def test_who_was_forgotten_meanwhile_is_passed_over(eyes):
    class Forgetful(MadeUp):
        def names(self):
            return super().names()[1:]

    found = compared(eyes, Forgetful(Ann=[130, 140], Bob=[130]))
    assert (found.compared, found.nearest[0].name) == (1, "Bob")
    assert compared(eyes, Forgetful(Ann=[130])) == Others(0, (), None)


def test_nobody_is_left(eyes):
    found = compared(eyes, MadeUp(Ann=[0], Bob=[60]))
    assert found == Others(0, ("Ann", "Bob"), None)
    assert others_words(found, 0.5) == (
        "Nobody of the gallery is left to compare with. Left out: Ann, Bob, who match one of the two faces."
    )
    assert found.to_document() == {"compared": 0, "matching": ("Ann", "Bob"), "nearest": None}


def test_a_gallery_without_such_references(eyes):
    with pytest.raises(GalleryError, match="no reference made by eyes 00000000"):
        compared(eyes, MadeUp())


def test_with_a_gallery_of_ones_own(photographs, eyes, point_for, tmp_path):
    """Its threshold holds, the two people are left out by their scores, and the page names who is near."""
    pytest.importorskip("sqlalchemy")
    from faceloupe.gallery import open_gallery

    with open_gallery(tmp_path / "faces.db", create=True) as gallery:
        for name in ("s1", "s2"):
            gallery.enrol(name, list(recognise([photographs / f"{name}.png"], eyes)), force=True)
        gallery.save_point(point_for(eyes, 0.55))
        found = explain(
            photographs / "s1.png", photographs / "s1-again.png", embedder=eyes, gallery=gallery, certify=False
        )
    assert found.decision.point.threshold == 0.55
    assert found.others.matching == ("s1",)
    assert [near.name for near in found.others.nearest] == ["s2", "s2"]
    document = page_of(found)
    assert "others" in [section["id"] for section in document["sections"]]
    assert document["evidence"]["others"]["nearest"][0]["name"] == "s2"
    assert "most like A is s2" in " ".join(document["lead"])
    assert repr(found).endswith("by occlusion, beside 1 others)")
