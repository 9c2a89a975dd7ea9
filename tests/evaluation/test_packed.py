"""Files of many photographs, as InsightFace publishes protocols: made here from ORL, and made to do harm."""

import os
import pickle
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from faceloupe.errors import InputError
from faceloupe.evaluation import evaluate, open_data
from faceloupe.evaluation.embedding import embed_captures
from faceloupe.evaluation.packed import read_packed
from faceloupe.faces import read_image
from faceloupe.faces.sources import find_orl
from faceloupe.recognition import FaceSearch, find_faces

ORL = find_orl()


def png(pixels):
    file = BytesIO()
    Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def photographs(published):  # noqa: ARG001 - a fixture that skips
    """Two photographs each of ten people of ORL, as PNG files."""
    return [[png(read_image(ORL / f"s{who}" / f"{number}.pgm")) for number in (1, 2)] for who in range(1, 11)]


def listed(photographs):
    """Ten pairs of one person and ten of two, in turn."""
    bins, same = [], []
    for who in range(10):
        bins += [*photographs[who], photographs[who][0], photographs[(who + 1) % 10][0]]
        same += [True, False]
    return bins, same


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_pickle_protocol_is_read(protocol, photographs, tmp_path):
    bins, same = listed(photographs)
    path = tmp_path / "cfp_fp.bin"
    path.write_bytes(pickle.dumps((bins, same), protocol=protocol))
    packed, captures, truth = read_packed(path)
    assert [packed[place].content for place in captures.ravel()] == bins
    assert truth.tolist() == same
    assert len(packed) == 20
    assert packed[1].parts == ("cfp_fp.bin", "000001")


def test_strings_of_python_2_are_bytes(tmp_path):
    path = tmp_path / "old.bin"
    path.write_bytes(b"\x80\x02]q\x00(U\x01aq\x01U\x01\xffq\x02e]q\x03\x88a\x86q\x04.")
    packed, _, truth = read_packed(path)
    assert [each.content for each in packed] == [b"a", b"\xff"]
    assert truth.tolist() == [True]


def test_pairs_take_turns_in_ten_folds_and_are_evaluated(photographs, coarse, tmp_path):
    path = tmp_path / "agedb_30.bin"
    path.write_bytes(pickle.dumps(listed(photographs)))
    data = open_data(path)
    assert data.pairs.folds == tuple(str(1 + place // 2) for place in range(20))
    found = evaluate(path, [coarse], draws=1)
    assert len(found.recognisers[0].accuracy.folds) == 10
    assert found.recognisers[0].main.n_mated == 10


def test_chips_of_112_pixels_are_taken_as_they_are(photographs, coarse, tmp_path):
    """No face is looked for in an aligned chip: its template is that of the chip found in the photograph."""
    chips = [[png(find_faces(photograph)[0].image) for photograph in both] for both in photographs]
    for name, given in (("whole.bin", photographs), ("aligned.bin", chips)):
        (tmp_path / name).write_bytes(pickle.dumps(listed(given)))
    whole, aligned = (evaluate(tmp_path / name, [coarse], draws=1) for name in ("whole.bin", "aligned.bin"))
    assert aligned.failures == ()
    scores = [[pair[2] for pair in found.recognisers[0].worst.mated] for found in (whole, aligned)]
    np.testing.assert_allclose(*scores, atol=0.01)


def test_a_photograph_that_cannot_be_read_is_a_failure(photographs, coarse, tmp_path):
    bins, same = listed(photographs)
    path = tmp_path / "some.bin"
    path.write_bytes(pickle.dumps(([b"no picture", *bins[1:]], same)))
    captures = embed_captures(open_data(path).paths, [coarse], FaceSearch("central"))
    assert captures.problems[0].kind == "unreadable"
    assert captures.problems[1:] == (None,) * 20


class Harm:
    def __reduce__(self):
        return os.system, ("touch harm-done-by-a-pickle",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps(([Harm(), b""], [True])), r"is not opened: it would import (posix|nt)\.system"),
        (pickle.dumps(({"a": 1}, [True])), "opcode EMPTY_DICT makes more than plain lists"),
        (b"\x80\x02]r\xff\xff\xff\x7f.", "more memory than a list of photographs"),
        (pickle.dumps(([b"a"], [True])), "1 photographs for 1 pairs; expected two of each"),
        (pickle.dumps((["a", "b"], [True])), "expected photographs as bytes"),
        (pickle.dumps(([b"a", b"b"], [2])), "expected truth values"),
        (pickle.dumps([b"a"]), "expected two lists"),
        (pickle.dumps(([b"a", b"b"], [True]))[:-4], "not such a list of photographs, or is damaged"),
        (b"", "not such a list of photographs, or is damaged"),
        (pickle.dumps(([b"a", b"b"], [True])), "all pairs show one person; both kinds are needed"),
    ],
)
def test_what_does_harm_or_is_something_else_is_refused(content, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        open_data(path)
    assert [each.name for each in tmp_path.iterdir()] == ["bad.bin"]
