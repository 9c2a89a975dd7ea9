"""Spoilt photographs: the deeds by hand, and a recogniser that stops where its eyes do.

Also tests ``evaluation/distortions.py``.
"""

import pickle
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from faceloupe.errors import InputError
from faceloupe.evaluation import evaluate
from faceloupe.evaluation.comparisons import Comparisons
from faceloupe.evaluation.distortions import COVERED, DISTORTIONS
from faceloupe.evaluation.robustness import draw_probes
from faceloupe.faces.sources import find_orl
from faceloupe.pages import page
from faceloupe.recognition import find_faces

PHOTOGRAPH = find_orl() / "s1" / "1.pgm"


@pytest.fixture(scope="module")
def face(published):  # noqa: ARG001 - a fixture that skips
    return find_faces(PHOTOGRAPH)[0].detection


@pytest.fixture
def photograph():
    return np.random.default_rng(0).integers(0, 256, (112, 92, 3), dtype=np.uint8)


@pytest.mark.parametrize("way", [*DISTORTIONS, *COVERED], ids=lambda way: way.name)
def test_a_photograph_is_spoilt_more_and_more_and_itself_untouched(way, photograph, face):
    before = photograph.copy()
    changes = []
    for level in way.levels:
        spoilt = way.spoil(photograph, face, level, np.random.default_rng(0))
        assert (spoilt.shape, spoilt.dtype) == (photograph.shape, np.uint8)
        changes.append(np.abs(spoilt.astype(float) - photograph).mean())
    np.testing.assert_array_equal(photograph, before)
    assert changes[0] > 0
    if way.name not in ("rotation", "blur"):  # noise that is turned, or is a mean already, changes no further
        assert changes == sorted(changes)


def test_a_mask_covers_the_mouth_and_leaves_the_eyes(photograph, face):
    mask = next(way for way in COVERED if "mask" in way.name)
    spoilt = mask.spoil(photograph, face, mask.levels[0], np.random.default_rng(0))
    for point, covered in ((face.landmarks.right_mouth, True), (face.landmarks.right_eye, False)):
        assert (spoilt[round(point.y), round(point.x)] == 128).all() == covered


def test_probes_are_of_as_many_people_as_there_are():
    subjects = np.array([0, 0, 0, 1, 1, 2, 2, 3])
    pairs = np.array([[a, b] for a in range(8) for b in range(a)])
    failed = np.zeros(8, dtype=bool)
    failed[5] = True  # so that the third person has no mated comparison that can be made
    drawn = draw_probes(Comparisons("", pairs, subjects[pairs[:, 0]] == subjects[pairs[:, 1]], subjects), failed, 2, 0)
    assert sorted(subjects[drawn.captures]) == [0, 1]
    for probe, references in zip(drawn.captures, drawn.references, strict=True):
        assert set(references) == set(np.flatnonzero(subjects == subjects[probe])) - {probe}


def test_the_page_says_where_it_stops(people):
    found = evaluate(people, ["sface"], development=0, draws=1, robustness=3)
    robustness = found.robustness
    assert robustness.threshold == pytest.approx(0.3585, abs=1e-3)  # published for an FMR of 1 in 1,000
    assert (robustness.plain.n_probes, robustness.plain.n_mated, robustness.plain.n_failed) == (3, 9, 0)
    assert len(robustness.rates) == 34
    assert max(rate.fnmr for rate in robustness.rates if rate.name == "size") > robustness.plain.fnmr
    assert all(rate.fnmr in rate.interval for rate in robustness.rates)
    assert all(rate.fmr is None if rate.n_failed == 3 else rate.fmr in rate.fmr_interval for rate in robustness.rates)
    assert robustness.plain.fmr_interval.high > 0.01  # three probes with strangers say little
    blocks = {block.get("id"): block for section in page(found)["sections"] for block in section["blocks"]}
    assert [series["name"] for series in blocks["robustness"]["series"]] == [way.name for way in DISTORTIONS]
    assert "FNMR is 50.00 % or more from: blur:" in found.to_document()["robustness"]["words"]


def test_it_takes_a_threshold(people, coarse):
    with pytest.raises(InputError, match="robustness: it takes a threshold fixed before"):
        evaluate(people, [coarse], development=0, draws=1, robustness=1)


def test_chips_of_a_packed_file_stay_chips(people, tmp_path):
    """No face is looked for in what was cut out before, spoilt or not: it would seem as if spoiling lost it."""
    chips = [find_faces(people / f"s{who}" / f"{n}.pgm")[0].image for who in (1, 2) for n in (1, 2)]
    files = [BytesIO() for _ in chips]
    for file, chip in zip(files, chips, strict=True):
        Image.fromarray(np.rint(255 * chip).astype(np.uint8)).save(file, "PNG")
    a, b, c, d = (file.getvalue() for file in files)
    (tmp_path / "pairs.bin").write_bytes(pickle.dumps(([a, b, a, c, c, d, b, d], [True, False, True, False])))
    found = evaluate(tmp_path / "pairs.bin", ["sface"], draws=1, robustness=4).robustness
    assert [rate.n_failed for rate in (found.plain, *found.rates)] == [0] * 35
