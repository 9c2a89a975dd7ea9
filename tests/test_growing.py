"""Tables that a stop at any byte leaves usable."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.growing import GrowingCsv, GrowingLines

ROWS = {
    "a.jpg": [[1, "Ann"], [2, 'x "y", z']],
    "new\nline\u2028,.jpg": [[1, ""]],
    "none.jpg": [],
    "last.jpg": [[1, "B"]],
}


def _write(path):
    with GrowingCsv(path, ["face", "name"]) as table:
        for name, rows in ROWS.items():
            if name not in table.known:
                table.add(name, rows, "" if rows else "no face found")
    return path.read_bytes()


def test_it_is_csv_for_its_owner_alone(tmp_path):
    content = _write(tmp_path / "out.csv")
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="\n")))
    assert [row["path"] for row in rows] == ["a.jpg", "a.jpg", "new\nline\u2028,.jpg", "none.jpg", "last.jpg"]
    assert [row["faces"] for row in rows] == ["2", "2", "1", "0", "1"]
    assert rows[3]["problem"] == "no face found"
    assert (tmp_path / "out.csv").stat().st_mode & 0o077 == 0


@given(share=st.floats(0, 1))
def test_a_csv_cut_off_anywhere_becomes_whole_again(tmp_path_factory, share):
    path = tmp_path_factory.mktemp("cut") / "out.csv"
    whole = _write(path)
    path.write_bytes(whole[: int(share * len(whole))])
    assert _write(path) == whole


@given(share=st.floats(0, 1))
def test_json_lines_cut_off_anywhere_become_whole_again(tmp_path_factory, share):
    path = tmp_path_factory.mktemp("cut") / "out.jsonl"

    def write():
        with GrowingLines(path) as lines:
            for name in ROWS:
                if name not in lines.known:
                    lines.add(name, {"faces": [name]})
        return path.read_bytes()

    whole = write()
    assert [json.loads(line)["path"] for line in whole.decode().split("\n")[:-1]] == list(ROWS)
    path.write_bytes(whole[: int(share * len(whole))])
    assert write() == whole


@pytest.mark.parametrize("content", [b"name,age\nAnn,3\n", b"\xff\xd8\xff\xe0", b"pa,th", b"[1]\n[2]\n"])
def test_another_file_is_left_alone(tmp_path, content):
    path = tmp_path / "mine"
    path.write_bytes(content)
    with pytest.raises(InputError, match="something else"):
        GrowingCsv(path, ["face"])
    with pytest.raises(InputError, match="something else"):
        GrowingLines(path)
    assert path.read_bytes() == content


def test_lines_nested_too_deep_are_something_else(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text('{"path": "' + 'a.jpg", "more": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    with pytest.raises(InputError, match="holds something else"):
        GrowingLines(path)
