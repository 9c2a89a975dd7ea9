"""The bundle of how faces are looked for."""

import pytest

from faceloupe.errors import InputError
from faceloupe.recognition import FaceSearch


def test_a_word_is_short_for_a_search():
    assert FaceSearch.of("central") == FaceSearch("central")
    own = FaceSearch("one", min_size=40)
    assert FaceSearch.of(own) is FaceSearch.of_one_face(own) is own


def test_sides_are_looked_at_from_the_smallest():
    assert FaceSearch(max_side=(1600, 640)).sides == (640, 1600)
    assert FaceSearch("one", max_side=1200).sides == (1200,)
    assert FaceSearch().sides[0] == FaceSearch("central").sides[0] == 640


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"which": "best"}, 'faces: expected "all", "one", "central" or a FaceSearch, got \'best\''),
        ({"which": None}, "got None"),
        ({"min_score": 0.05}, "min_score: expected a number from 0.1 to 1"),
        ({"min_score": 1.1}, "min_score: expected"),
        ({"min_score": float("nan")}, "min_score: expected"),
        ({"min_size": -1}, "min_size: expected 0 or more pixels"),
        ({"max_side": 8}, "max_side: expected at least 32 pixels"),
        ({"max_side": ()}, "max_side: expected at least 32 pixels"),
    ],
)
def test_values_out_of_range_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        FaceSearch(**options)


@pytest.mark.parametrize("faces", ["all", FaceSearch()])
def test_one_face_cannot_be_all(faces):
    with pytest.raises(InputError, match='expected "one" or "central" where one face is meant'):
        FaceSearch.of_one_face(faces)
