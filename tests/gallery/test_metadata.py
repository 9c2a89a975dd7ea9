"""What else is noted of a subject: objects of JSON, measured alike wherever they go."""

import json

import pytest

from faceloupe.errors import InputError
from faceloupe.gallery import open_gallery
from faceloupe.gallery.identity import checked_metadata
from faceloupe.gallery.opening import GalleryToBe
from helpers.galleries import photograph


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as opened:
        yield opened


def test_what_is_noted_is_changed_and_told_in_the_trail(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")], metadata={"floor": 3})
    gallery.enrol("Ann", [photograph("2.jpg")])
    assert gallery.people()[0].metadata == {"floor": 3}
    gallery.enrol("Ann", [photograph("2.jpg")], metadata={"room": 5})  # nothing new but that
    assert gallery.people()[0].metadata == {"room": 5}
    gallery.describe("Ann", external_id="E-1", metadata={"room": None})
    assert [(person.external_id, person.metadata) for person in gallery.people()] == [("E-1", {})]
    gallery.describe("Ann", name="Anna", metadata={"room": None})  # which she has not
    described = [entry.details.get("changed") for entry in gallery.audit() if entry.what in ("describe", "rename")]
    assert described == [["metadata"], ["external_id", "metadata"], None]
    assert gallery.check().findings == ()


def test_a_change_is_a_merge_patch(gallery):
    """The examples of RFC 7396, appendix A, that are objects."""
    examples = [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {}}}, {"a": {"bb": {}}}),
        ({"n": 2**53 + 1, "f": 1.0}, {"g": 2**70}, {"n": 2**53 + 1, "f": 1.0, "g": 2**70}),
    ]
    for before, patch, after in examples:
        gallery.enrol("Ann", [photograph("1.jpg")], metadata=before)
        assert json.dumps(gallery.describe("Ann", metadata=patch).metadata) == json.dumps(after)


DEEP = {"a": {"b": {"c": {}}}}


@pytest.mark.parametrize(
    "metadata",
    [{"a": "x" * 4096}, DEEP, {"a": float("nan")}, {"a": object()}, {"a": "\ud800"}, {"a\x00": 1}, {"a": b"x"}, [1]],
)
def test_metadata_that_cannot_be_kept_are_refused(gallery, metadata):
    with pytest.raises(InputError, match="metadata"):
        gallery.enrol("Ann", [photograph("1.jpg")], metadata=metadata)
    assert gallery.people() == ()


@pytest.mark.parametrize(
    "document", [{"note": "ü" * 2042 + "u"}, {f"k{number}": 1000 + number for number in range(350)}]
)
def test_metadata_are_measured_alike_wherever_they_go(gallery, tmp_path, document):
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    assert 4080 < len(text.encode()) <= 4096 < len(json.dumps(document))
    gallery.enrol("Ann", [photograph("1.jpg")], metadata=document)
    gallery.describe("Ann", metadata=checked_metadata(text))
    assert checked_metadata(json.dumps(document, indent=4)) == document
    assert gallery.check().findings == ()
    gallery.export(tmp_path / "people.jsonl")
    with GalleryToBe(tmp_path / "other.db") as other:
        assert other.import_(tmp_path / "people.jsonl").imported == ("Ann",)
        assert other.people()[0].metadata == document
    gallery.enrol("Anna", [photograph("2.jpg")])
    assert gallery.merge("Ann", "Anna").metadata == document
    assert gallery.check().findings == ()


def test_metadata_that_are_too_large_are_refused_with_their_size(gallery):
    for metadata in ({"note": "ü" * 2050}, '{"note": "' + "\\u00fc" * 2050 + '"}'):
        with pytest.raises(InputError, match="expected 4,096 bytes of JSON without spaces at most, got 4,111"):
            checked_metadata(metadata)
    gallery.enrol("Ann", [photograph("1.jpg")], metadata={"a": "x" * 3000})
    gallery.enrol("Bob", [photograph("2.jpg")], metadata={"b": "x" * 3000})
    with pytest.raises(InputError, match="at most, got 6,015"):
        gallery.merge("Ann", "Bob")
    assert len(gallery.people()) == 2
