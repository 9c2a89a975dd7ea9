"""What a face set and a split show of themselves: no private face unless asked for."""

import numpy as np
import pytest

from faceloupe import page
from faceloupe.errors import InputError
from faceloupe.faces import FaceSet, load_faces, split_by_capture


@pytest.fixture
def own():
    images = np.random.default_rng(0).random((6, 12, 10))
    captures = [f"{name}/{number}.jpg" for name in ("ann", "bo") for number in (1, 2, 3)]
    return FaceSet(images, [0, 0, 0, 1, 1, 1], ["ann", "bo"], captures, "a folder", "not known")


def _blocks(faces, **choices):
    return page(faces, **choices)["sections"][0]["blocks"]


def test_a_notebook_shows_published_faces_and_no_others(own):
    orl = load_faces("orl", subjects=[0, 1])
    assert [block["type"] for block in _blocks(orl)] == ["text", "pictures", "table"]
    assert "pictures" not in [block["type"] for block in _blocks(own)]
    assert len(own._repr_png_()) < len(orl._repr_png_())
    assert "No face is shown unless asked for" in own._repr_html_()


def test_who_asks_for_a_plot_sees_faces(own):
    [drawn] = [block for block in _blocks(own, show_faces=True, captures=2, limit=3) if block["type"] == "pictures"]
    assert [panel["label"] for panel in drawn["panels"]] == ["ann/1.jpg", "ann/2.jpg", "bo/1.jpg"]
    assert "3 of 4 are shown" in drawn["caption"]
    assert own.plot(captures=3).axes
    with pytest.raises(InputError, match="captures must be"):
        own.plot(captures=0)


def test_documents_hold_numbers_and_no_face(own):
    document = own.to_document()
    assert document["subjects"] == {"ann": 3, "bo": 3}
    assert set(document) == {"schema", "source", "licence", "shape", "subjects", "captures", "digest", "skipped",
                             "duplicates"}  # fmt: skip
    split = split_by_capture(own.subject, train=2, seed=0)
    assert sorted(split.to_document()["train"] + split.to_document()["held_out"]) == list(range(6))
    assert "2 held out" in split._repr_html_()
