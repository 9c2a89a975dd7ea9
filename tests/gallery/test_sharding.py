"""Several databases that are searched as one."""

import pytest

from faceloupe.errors import InputError
from faceloupe.gallery import open_gallery
from faceloupe.gallery.sharding import identify_across
from faceloupe.recognition import Template
from faceloupe.scores import Interval, OperatingPoint
from helpers.galleries import GOOD, WEIGHTS, Toy, photograph, unit

AROUND = Interval(5e-4, 2e-3, 0.95, 9000.0, "made up")
POINT = OperatingPoint(0.2, 1e-3, 9e-4, AROUND, 0.01, AROUND, 900, 9000, 0, "toys", "toy", WEIGHTS)


def probe(seed):
    return Template(unit(seed), "toy", WEIGHTS, GOOD)


@pytest.fixture
def shards(postgres, tmp_path):
    """A gallery in a file, one on a server, and one with everybody of both."""
    with (
        open_gallery(tmp_path / "one.db", create=True, embedder=Toy()) as one,
        open_gallery(postgres, create=True, embedder=Toy()) as other,
        open_gallery(tmp_path / "all.db", create=True, embedder=Toy()) as everybody,
    ):
        for gallery in (one, other, everybody):
            gallery.save_point(POINT)
        for who in range(20):
            photographs = [photograph(f"{who}/{turn}.jpg", vector=unit(100 * turn + who)) for turn in range(2)]
            for gallery in (everybody, one if who % 2 else other):
                gallery.enrol(f"Somebody {who}", photographs)
        yield one, other, everybody


def test_the_answer_is_that_of_one_gallery_with_everybody(shards):
    one, other, everybody = shards
    probes = [probe(seed) for seed in (0, 1, 7, 107, 500, 501)]
    for ranks in (1, 3, 30):
        together = identify_across([one, other], probes, ranks=ranks)
        for answer, alone in zip(together, everybody.identify(probes, ranks=ranks), strict=True):
            assert [candidate.name for candidate in answer.candidates] == [each.name for each in alone.candidates]
            assert [candidate.rank for candidate in answer.candidates] == [each.rank for each in alone.candidates]
            assert [each.score for each in answer.candidates] == pytest.approx(
                [each.score for each in alone.candidates], abs=1e-6
            )
            assert (answer.name, answer.n_subjects, answer.n_references) == (alone.name, 20, 40)
            assert answer.fpir == pytest.approx(alone.fpir)


def test_the_strictest_threshold_holds_and_somebody_in_several_is_one_candidate(shards):
    one, other, _ = shards
    strict = OperatingPoint(0.9999999, 1e-3, 9e-4, AROUND, 0.01, AROUND, 900, 9000, 0, "toys", "toy", WEIGHTS)
    other.save_point(strict)
    other.enrol("Somebody 1", [photograph("else.jpg", vector=unit(999))])
    [answer] = identify_across([one, other], [probe(999)], ranks=50)
    assert answer.point == strict
    names = [candidate.name for candidate in answer.candidates]
    assert names[0] == "Somebody 1"
    assert len(names) == len(set(names)) == 20


def test_without_a_gallery_there_is_no_answer():
    with pytest.raises(InputError, match="one or more that are open"):
        identify_across([], [probe(0)])
