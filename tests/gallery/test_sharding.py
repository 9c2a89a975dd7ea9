"""Several databases that are searched as one."""

from threading import Barrier

import pytest

from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import Gallery, open_gallery
from faceloupe.gallery.candidates import one_name_a_face
from faceloupe.gallery.sharding import Galleries, open_galleries
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
        together = Galleries([one, other]).identify(probes, ranks=ranks)
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
    [answer] = Galleries([one, other]).identify([probe(999)], ranks=50)
    assert answer.point == strict
    names = [candidate.name for candidate in answer.candidates]
    assert names[0] == "Somebody 1"
    assert len(names) == len(set(names)) == 20
    assert answer.candidates[0].gallery == other.name


def test_who_is_in_several_is_counted_once_and_who_is_like_named_is_somebody_else(tmp_path):
    with (
        open_gallery(tmp_path / "one.db", create=True, embedder=Toy()) as one,
        open_gallery(tmp_path / "other.db", create=True, embedder=Toy()) as other,
    ):
        one.enrol("Ann", [photograph("1.jpg", vector=unit(1))])
        other.enrol("Ann", [photograph("2.jpg", vector=unit(2))])
        one.enrol("Bob (E-17)", [photograph("3.jpg", vector=unit(3))])
        other.enrol("Bob", [photograph("4.jpg", vector=unit(4))], external_id="E-17")
        both = Galleries([one, other])
        [answer] = both.identify([probe(1)], point=POINT)
        assert [candidate.label for candidate in answer.candidates].count("Bob (E-17)") == 2
        assert (answer.n_subjects, answer.n_references, len(answer.candidates)) == (3, 4, 3)
        other.enrol("Eve", [photograph("5.jpg")])
        assert both.identify([probe(1)], point=POINT)[0].n_subjects == 4
        one.backup(tmp_path / "copy.db")
        with (
            open_gallery(tmp_path / "copy.db") as copy,
            pytest.raises(InputError, match=r"copy\.db is the same gallery as .*one\.db, or a copy"),
        ):
            Galleries([one, other, copy])


def test_equal_numbers_in_two_galleries_are_two_people(shards):
    one, other, _ = shards
    names = [gallery.people([1])[0].name for gallery in (one, other)]
    faces = [probe(int(name.removeprefix("Somebody "))) for name in names]
    answers = one_name_a_face(Galleries([one, other]).identify(faces))
    assert [answer.name for answer in answers] == names
    [first, second] = one_name_a_face(Galleries([one, other]).identify([faces[0], faces[0]]))
    assert (first.name, second.taken) == (names[0], (names[0],))


def test_the_galleries_are_searched_at_the_same_time(shards, monkeypatch):
    one, other, _ = shards
    both, identify = Barrier(2, timeout=60), Gallery.identify

    def waiting(gallery, *arguments, **choices):
        both.wait()  # breaks where one gallery is done before the other begins
        return identify(gallery, *arguments, **choices)

    monkeypatch.setattr(Gallery, "identify", waiting)
    assert Galleries([one, other]).identify([probe(1)])[0].name == "Somebody 1"


def test_who_has_not_the_templates_of_the_others_is_refused(shards, tmp_path):
    one, _, _ = shards
    with open_gallery(tmp_path / "else.db", create=True) as unlike:
        unlike.enrol("Ann", [photograph("ann.jpg", embedder="other")])
        with pytest.raises(InputError, match="cannot be compared"):
            Galleries([one, unlike]).identify([probe(1)], point=POINT)
    with pytest.raises(InputError, match="searched exactly"):
        Galleries([one]).identify([probe(1)], recall=0.9)


def test_they_are_opened_together_or_not_at_all(shards, tmp_path):
    one, _, _ = shards
    with open_galleries([one.name, tmp_path / "all.db"], embedder=Toy()) as both:
        assert both.identify([probe(2)])[0].name == "Somebody 2"
        assert both.identify([probe(2)])[0].n_subjects == 20
    with pytest.raises(GalleryError, match=r"no gallery at .*nowhere\.db"):
        open_galleries([one.name, tmp_path / "nowhere.db"], embedder=Toy())


def test_without_a_gallery_there_is_no_answer():
    with pytest.raises(InputError, match="one or more that are open"):
        Galleries([])
