"""Documents: JSON there and back, and what is refused of JSON that comes from outside."""

import json
import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.documents import json_text, parse_json, read_json, write_json
from faceloupe.errors import InputError

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_documents_are_read_as_the_standard_library_reads_them(document):
    text = json.dumps(document)
    assert parse_json(text) == parse_json(text.encode()) == parse_json(b"\xef\xbb\xbf" + text.encode()) == document


@given(st.binary() | st.text(alphabet='[]{}",:\\ue019.N -').map(str.encode))
def test_bytes_are_a_document_or_an_input_error(content):
    try:
        document = parse_json(content, max_depth=5, max_values=10)
    except InputError:
        return
    assert json.loads(content.decode("utf-8-sig")) == document


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[" * 65 + "]" * 65, "lie more than 64 deep"),
        ('{"a":' * 100_000, "lie more than 64 deep"),
        ("[" * 2_000_000, "more than 1,000,000 values"),
        ("[" + "0," * 1_000_000 + "0]", "more than 1,000,000 values"),
        ('"' + "x" * (64 << 20) + '"', "67,108,866 bytes; at most 67,108,864"),
        ("NaN", "NaN is not a number"),
        ('{"a": -Infinity}', "-Infinity is not a number"),
        ("[1e999]", "1e999 is too large"),
        ("1" * 5000, "an integer has too many digits"),
        ('{"a": 1, "b": 2, "a": 3}', "has the name 'a' twice"),
        (b'"\xff"', "not UTF-8: invalid start byte at byte 1"),
        ("\ud800", "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        ("", "not JSON: Expecting value"),
        ("{} {}", "not JSON: Extra data"),
    ],
)
def test_what_is_refused(content, complaint):
    with pytest.raises(InputError, match=complaint):
        parse_json(content)


def test_brackets_and_commas_inside_of_text_count_for_nothing():
    text = '\\",[{' * 500_000
    document = {"a\\": [text, {"b,[": '\\"]}'}]}
    assert parse_json(json.dumps(document), max_depth=3, max_values=8) == document
    with pytest.raises(InputError, match="more than 2 deep"):
        parse_json(json.dumps(document), max_depth=2)


def test_a_bomb_is_refused_before_it_is_built():
    bomb = b"{" + b",".join(b'"f%d":[]' % number for number in range(300_000)) + b"}"
    tracemalloc.start()
    with pytest.raises(InputError, match="more than 1,000 values"):
        parse_json(bomb, max_values=1000)
    assert tracemalloc.get_traced_memory()[1] < 8 * len(bomb)
    tracemalloc.stop()


@pytest.mark.parametrize("length", range(1, 12))
def test_a_structure_that_is_looked_at_in_parts_is_the_whole_one(monkeypatch, length):
    monkeypatch.setattr("faceloupe.documents.PART", length)
    document = {"a\\": ['\\",[{' * 5, [1, {"b,[": '\\"]}\\\\'}]]}
    assert parse_json(json.dumps(document), max_depth=4, max_values=8) == document
    for bounds in ({"max_depth": 3, "max_values": 8}, {"max_depth": 4, "max_values": 6}):
        with pytest.raises(InputError, match="more than"):
            parse_json(json.dumps(document), **bounds)


def test_looking_at_a_large_structure_takes_little_memory():
    content = b"[" + b'"' + b"x" * (16 << 20) + b'"' + b",1" * 2000 + b"]"
    tracemalloc.start()
    with pytest.raises(InputError, match="more than 1,000 values"):
        parse_json(content, max_values=1000)
    assert tracemalloc.get_traced_memory()[1] < len(content) / 2
    tracemalloc.stop()


def test_json_goes_there_and_back(tmp_path):
    write_json(tmp_path / "a.json", {"name": "Zoë", "n": [1, 2.5, None]})
    assert read_json(tmp_path / "a.json") == {"name": "Zoë", "n": [1, 2.5, None]}


def test_bytes_of_a_path_that_are_no_text_go_there_and_back(tmp_path):
    document = {"path": os.fsdecode(b"a\xff.jpg")}
    write_json(tmp_path / "a.json", document)
    assert read_json(tmp_path / "a.json") == document == json.loads(json_text(document).encode())


def test_nan_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_broken_file_is_named_and_what_is_no_file_not_read(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError, match=r"a\.json is not a JSON document that can be read: not JSON"):
        read_json(tmp_path / "a.json")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a regular file"):
        read_json(tmp_path / "pipe")
