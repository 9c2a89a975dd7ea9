"""Whom a face shows: the most alike of the gallery by score, or nobody.

Also tests ``gallery/answers.py``.
"""

import json

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.gallery import open_gallery
from faceloupe.gallery.identify import identify
from faceloupe.recognition import Template, compare
from faceloupe.recognition.thresholds import all_points
from faceloupe.scores import Interval, OperatingPoint, fpir_at_size, fpir_in_words
from helpers.galleries import GOOD, WEIGHTS, photograph, unit


def point_at(threshold, *, fmr=9e-4, embedder="toy", weights=WEIGHTS):
    around = Interval(5e-4, 2e-3, 0.95, 9000.0, "made up")
    return OperatingPoint(threshold, 1e-3, fmr, around, 0.01, around, 900, 9000, 0, "toys", embedder, weights)


def template(vector, embedder="toy", weights=WEIGHTS):
    return Template(vector, embedder, weights, GOOD)


def near(vector, cosine, seed=99):
    """A unit vector at a given cosine of another."""
    away = unit(seed) - (unit(seed) @ vector) * vector
    return (cosine * vector + np.sqrt(1 - cosine**2) * away / np.linalg.norm(away)).astype(np.float32)


@pytest.fixture
def gallery(tmp_path):
    """Ann with two references, Bob and Cem with one."""
    with open_gallery(tmp_path / "faces.db", create=True) as opened:
        opened.enrol("Ann", [photograph(f"ann/{i}.jpg", vector=unit(i)) for i in (1, 2)])
        for name, seed in (("Bob", 3), ("Cem", 4)):
            opened.enrol(name, [photograph(f"{name}.jpg", vector=unit(seed))])
        yield opened


def test_candidates_come_by_score_with_margin_and_rank(gallery):
    probes = [template(near(unit(2), 0.9)), template(near(unit(3), 0.8))]
    found = identify(gallery, probes, point_at(0.7))
    assert [candidates.name for candidates in found] == ["Ann", "Bob"]
    kept = {"Ann": (unit(1), unit(2)), "Bob": (unit(3),), "Cem": (unit(4),)}
    for probe, candidates in zip(probes, found, strict=True):
        best = {name: max(compare(probe, template(one)) for one in vectors) for name, vectors in kept.items()}
        names = sorted(best, key=lambda name: -best[name])
        assert [candidate.name for candidate in candidates.candidates] == names
        assert [candidate.rank for candidate in candidates.candidates] == [1, 2, 3]
        for candidate in candidates.candidates:
            assert candidate.score == pytest.approx(best[candidate.name], abs=1e-12)
            assert candidate.margin == candidate.score - 0.7
            assert gallery.person(candidate.name).person.id == candidate.subject_id
        assert (candidates.n_subjects, candidates.n_references) == (3, 4)


def test_so_many_candidates_as_were_asked_for(gallery):
    [found] = identify(gallery, [template(unit(1))], point_at(0.7), ranks=2)
    assert len(found.candidates) == 2
    with pytest.raises(InputError, match="ranks: expected 1 or more"):
        identify(gallery, [template(unit(1))], point_at(0.7), ranks=0)
    assert identify(gallery, [], point_at(0.7)) == ()


def test_a_stranger_is_nobody(gallery):
    stranger = template(near(unit(1), 0.5))
    score = identify(gallery, [stranger], point_at(0.7))[0].candidates[0].score
    [found] = identify(gallery, [stranger], point_at(score + 1e-9))
    assert found.nobody
    assert found.name is None
    assert found.candidates[0].margin < 0
    [found] = identify(gallery, [stranger], point_at(score))  # a score that equals the threshold reaches it
    assert not found.nobody


def test_the_answer_is_in_words(gallery):
    [ann] = identify(gallery, [template(near(unit(2), 0.9))], point_at(0.7))
    answer, stranger, *measured = ann.words().split("\n")
    assert answer == "Ann: score 0.9000, 0.2000 above the threshold 0.7000."
    assert stranger.startswith(fpir_in_words(1e-3, 3))
    assert stranger.endswith("With 4 references between them it may be up to 1 in 250.")
    assert point_at(0.7).words() in measured
    assert repr(ann) == "Candidates(Ann: 0.9000 >= 0.7000, 3 subjects)"
    [nobody] = identify(gallery, [template(near(unit(2), 0.6, seed=7))], point_at(0.7))
    assert nobody.answer() == "Nobody: Ann is most like it, with score 0.6000, 0.1000 below the threshold 0.7000."
    assert repr(nobody) == "Candidates(nobody, at best Ann: 0.6000 < 0.7000, 3 subjects)"
    [several] = identify(gallery, [template(unit(3))], point_at(-1.0))
    assert several.answer().startswith("Bob: score 1.0000, 2.0000 above the threshold -1.0000. Above it, too: ")


@pytest.mark.parametrize(("measured", "reckoned_with"), [(9e-4, 1e-3), (4e-3, 4e-3), (0.0, 1e-3)])
def test_strangers_are_reckoned_with_the_worse_of_measured_and_asked_for(gallery, measured, reckoned_with):
    [found] = identify(gallery, [template(unit(1))], point_at(0.7, fmr=measured))
    assert found.fpir == fpir_at_size(reckoned_with, 3)
    assert fpir_in_words(reckoned_with, 3) in found.words()


def test_the_document_holds_the_answer_and_no_vector(gallery):
    probe = template(near(unit(2), 0.9))
    [found] = identify(gallery, [probe], point_at(0.7))
    document = found.to_document()
    assert document["name"] == document["candidates"][0]["name"] == "Ann"
    assert document["nobody"] is False
    assert document["subjects"] == 3
    assert OperatingPoint.from_document(document["point"]) == point_at(0.7)
    shown = json.dumps(document, allow_nan=False) + repr(found) + repr(found.candidates)
    assert not any(f"{abs(number):.6f}"[2:] in shown for number in (*probe.vector, *unit(2)))


def test_the_threshold_is_the_one_saved_with_the_gallery(gallery):
    gallery.save_point(point_at(0.7))
    gallery.save_point(point_at(0.99))
    assert identify(gallery, [template(near(unit(1), 0.9))])[0].nobody
    assert identify(gallery, [template(near(unit(1), 0.9))], point_at(0.5))[0].name == "Ann"


def test_otherwise_it_is_the_published_one(gallery):
    with pytest.raises(InputError, match=r"no operating point was published for toy.*calibrate"):
        identify(gallery, [template(unit(1))])
    sface = next(point for point in all_points() if point.embedder == "sface")
    gallery.enrol("Ann", [photograph("5.jpg", vector=unit(5), embedder="sface", weights=sface.weights_sha256)])
    [found] = identify(gallery, [template(unit(5), "sface", sface.weights_sha256)])
    assert found.name == "Ann"
    assert (found.point.embedder, found.point.target_fmr) == ("sface", 1e-4)


def test_a_threshold_of_another_embedder_is_refused(gallery):
    with pytest.raises(InputError, match="the operating point is of other abababab, the templates are of toy abababab"):
        identify(gallery, [template(unit(1))], point_at(0.7, embedder="other"))


def test_an_empty_gallery_knows_nobody(tmp_path):
    with open_gallery(tmp_path / "empty.db", create=True) as gallery:
        [found] = identify(gallery, [template(unit(1))], point_at(0.7))
    assert found.nobody
    assert (found.candidates, found.n_subjects, found.fpir) == ((), 0, 0.0)
    assert found.words().startswith("Nobody: the gallery is empty.")
    assert repr(found) == "Candidates(nobody: the gallery is empty)"
    json.dumps(found.to_document())


def test_a_probe_by_another_embedder_is_refused(gallery):
    gallery.enrol("Ann", [photograph("5.jpg", embedder="more", vector=unit(1, 32))])
    probe = template(unit(1), "other")
    with pytest.raises(InputError, match="made by more abababab and toy abababab, the face's template by other"):
        identify(gallery, [probe], point_at(0.7, embedder="other"))
    with pytest.raises(InputError, match="by one embedder, got other abababab and toy abababab"):
        identify(gallery, [template(unit(1)), probe])


def test_it_answers_for_the_gallery_as_it_is_now(gallery):
    probe = template(near(unit(2), 0.9))
    assert identify(gallery, [probe], point_at(0.7))[0].name == "Ann"
    gallery.rename("Ann", "Anna")
    assert identify(gallery, [probe], point_at(0.7))[0].name == "Anna"
    gallery.merge("Anna", "Bob")
    assert identify(gallery, [probe], point_at(0.7))[0].name == "Bob"
    gallery.forget("Bob")
    assert identify(gallery, [probe], point_at(0.7))[0].nobody


def test_who_is_forgotten_while_searching_is_no_candidate(gallery, monkeypatch):
    import faceloupe.gallery.identify as module

    index = module.index_of(gallery, module.EmbedderId("toy", WEIGHTS))
    search = type(index).search
    monkeypatch.setattr(type(index), "search", lambda self, *probe: (search(self, *probe), gallery.forget("Ann"))[0])
    [found] = identify(gallery, [template(unit(1))], point_at(0.7))
    assert {candidate.name for candidate in found.candidates} == {"Bob", "Cem"}
    assert found.candidates[0].rank == 1
