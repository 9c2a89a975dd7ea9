"""A manifest says how a network is to be read; what it does not say is asked for, and what nobody knows is refused."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.recognition.manifests import Manifest, read_manifest

FIELDS = {
    "name": "mine",
    "size": 112,
    "licence": "CC0",
    "training_data": "not documented",
    "source": "these tests",
    "sha256": "0" * 64,
}


def test_a_file_and_a_dictionary_say_the_same(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in FIELDS.items()))
    manifest = read_manifest(path)
    assert manifest == read_manifest(FIELDS) == read_manifest(manifest)
    assert (manifest.size, manifest.channels, manifest.scale, manifest.points) == ((112, 112), "RGB", 255.0, "arcface")


@given(
    st.builds(
        dict,
        source=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip),
        mean=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3),
        size=st.tuples(st.integers(1, 4096), st.integers(1, 4096)),
        points=st.sampled_from(["none", [[30.5, 51.0], [65, 51], [48, 71], [33, 92], [62, 92]]]),
    )
)
def test_what_is_written_is_read_again(more):
    manifest = Manifest(**{**FIELDS, **more})
    assert read_manifest(tomllib.loads(manifest.to_toml())) == manifest


@pytest.mark.parametrize(
    "other", [{"channels": "BGR"}, {"mean": 127.5}, {"points": "none"}, {"flip": True}, {"sha256": "1" * 64}]
)
def test_another_reading_has_another_hash(other):
    assert Manifest(**{**FIELDS, **other}).reading != Manifest(**FIELDS).reading
    assert Manifest(**{**FIELDS, "name": "other", "licence": "MIT"}).reading == Manifest(**FIELDS).reading


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"sise": 112}, "no field is called sise; there are name, size"),
        ({"name": "../mine"}, "name: expected small letters"),
        ({"size": [112, 96, 3]}, "size: expected height and width"),
        ({"size": 0}, "size"),
        ({"size": True}, "size"),
        ({"channels": "rgb"}, "channels: expected 'RGB', 'BGR', 'grey', got 'rgb'"),
        ({"scale": 0}, "other than 0"),
        ({"std": [1, 0, 1]}, "other than 0"),
        ({"mean": [1, 2]}, "mean: expected one number or 3"),
        ({"mean": "127.5"}, "mean"),
        ({"channels": "grey", "mean": [1, 2, 3]}, "mean: expected one number, got"),
        ({"scale": float("nan")}, "scale: expected a number"),
        ({"scale": 10**400}, "scale: expected a number of at most 1e"),
        ({"mean": [0, 0, 1e39]}, "mean: expected a number of at most"),
        ({"points": [[1, 2]]}, "five"),
        ({"points": [[1, 2]] * 5}, "five places that differ"),
        ({"sha256": "abc"}, "sha256sum"),
        ({"licence": ""}, "licence: expected words"),
        ({"flip": 1}, "flip: expected true or false"),
        ({"output": ""}, "output: expected the name of an output"),
        ({"kind": "detector"}, "decoder: expected"),
        ({"decoder": "scrfd"}, "decoder: expected"),
    ],
)
def test_what_is_no_manifest_is_refused_by_its_field(wrong, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        read_manifest({**FIELDS, **wrong})


@pytest.mark.parametrize("field", FIELDS)
def test_what_must_be_said_is_asked_for(field):
    with pytest.raises(InputError, match=f"{field} missing"):
        read_manifest({name: value for name, value in FIELDS.items() if name != field})


@pytest.mark.parametrize("content", [b"name = ", b"\xff", b"size = " + b"[" * 50_000, b"size = " + b"1" * 5_000])
def test_a_file_that_is_no_toml_is_named(tmp_path, content):
    (tmp_path / "m.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"m\.toml is not TOML: "):
        read_manifest(tmp_path / "m.toml")
    with pytest.raises(InputError, match="there is no such manifest"):
        read_manifest(tmp_path / "nowhere.toml")
