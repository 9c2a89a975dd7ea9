"""Does a photograph show one subject of a gallery: by the score and the threshold that hold everywhere."""

import json

import pytest

from faceloupe.errors import AmbiguousNameError, ImageError, InputError, SubjectError
from faceloupe.faces.sources import find_orl
from faceloupe.gallery import EmbedderId, PersonDecision, open_gallery
from faceloupe.recognition import SFace
from faceloupe.recognition.thresholds import published_point
from helpers.galleries import BLURRED, POINT, WEIGHTS, Toy, photograph, unit, unusable


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True, embedder=Toy()) as opened:
        for number in (1, 2):
            photos = [photograph(f"{number}/{each}.jpg", vector=unit(10 * number + each)) for each in range(3)]
            opened.enrol("Ann", photos, external_id=f"E-{number}")
        yield opened


def test_the_score_is_that_of_the_reference_most_like_it_as_in_an_identification(gallery):
    probe = photograph("probe.jpg", vector=unit(99))
    everybody = gallery.identify(probe.templates, point=POINT)[0].candidates
    for candidate in everybody:
        decision = gallery.verify_person(probe, candidate.subject_id, point=POINT)
        kept = gallery.templates(EmbedderId("toy", WEIGHTS))
        own = kept.vectors[kept.subjects == candidate.subject_id]
        assert decision.score == pytest.approx((own @ unit(99)).max(), abs=1e-6)
        assert decision.score == pytest.approx(candidate.score, abs=1e-6)


def test_the_false_match_rate_is_that_of_the_best_of_several_references(gallery):
    decision = gallery.verify_person(photograph("probe.jpg"), "E-1", point=POINT)
    of_one = max(POINT.fmr, POINT.target_fmr)
    assert decision.fmr == pytest.approx(1 - (1 - of_one) ** 3)
    assert "The score is the best of 3 references: of other people up to about 1 in 334 would" in decision.words()
    assert (decision.to_document()["references"], decision.to_document()["fmr"]) == (3, decision.fmr)
    gallery.enrol("Bob", [photograph("bob.jpg")])
    single = gallery.verify_person(photograph("probe.jpg"), "Bob", point=POINT)
    assert single.fmr == pytest.approx(of_one)
    assert "best of" not in single.words()


def test_the_one_rule_of_thresholds_holds(gallery):
    probe = photograph("probe.jpg", vector=unit(11))
    with pytest.raises(InputError, match="no operating point was published for toy"):
        gallery.verify_person(probe, "E-1")
    gallery.save_point(POINT)
    decision = gallery.verify_person(probe, "E-1")
    assert isinstance(decision, PersonDecision)
    assert (decision.match, decision.point, decision.person.external_id) == (True, POINT, "E-1")
    assert not gallery.verify_person(probe, "E-2").match
    with pytest.raises(InputError, match="the operating point is of sface"):
        gallery.verify_person(probe, "E-1", point=published_point(SFace()))


@pytest.mark.parametrize("subject", ["id:E-2", "number:2", "E-2", 2])
def test_a_subject_is_told_as_everywhere(gallery, subject):
    decision = gallery.verify_person(photograph("probe.jpg", vector=unit(21)), subject, point=POINT)
    assert (decision.person.id, decision.match) == (2, True)


def test_who_is_not_told_apart_or_not_there_is_refused_before_a_photograph_is_opened(gallery):
    with pytest.raises(AmbiguousNameError, match="'Ann', number:1 or id:E-1; 'Ann', number:2 or id:E-2"):
        gallery.verify_person("none.jpg", "Ann", point=POINT)
    with pytest.raises(SubjectError, match="There is no 'Bob'"):
        gallery.verify_person("none.jpg", "Bob", point=POINT)


def test_what_cannot_be_compared_is_refused(gallery):
    with pytest.raises(ImageError, match="no face found"):
        gallery.verify_person(unusable("wall.jpg"), "E-1", point=POINT)
    gallery.enrol("Bob", [photograph("bob.jpg", embedder="other")])
    with pytest.raises(SubjectError, match="'Bob' has no reference that toy abababab made"):
        gallery.verify_person(photograph("probe.jpg"), "Bob", point=POINT)


def test_cautions_and_the_document_tell_what_it_rests_on_and_no_vector(gallery):
    enrolled = photograph("1/1.jpg", vector=unit(11), quality=BLURRED)
    decision = gallery.verify_person(enrolled, "E-1", point=POINT)
    assert decision.warnings[-1] == "the photograph is one of the references, which matches itself whomever it shows"
    assert decision.words().startswith("Match: score 1.0000 reaches the threshold 0.5000.\n")
    assert "Caution: 1/1.jpg: eyes 4.0 pixels apart" in decision.words()
    document = json.loads(json.dumps(decision.to_document()))
    assert (document["schema"], document["person"]["external_id"]) == ("faceloupe.person_decision/1", "E-1")
    assert "vector" not in json.dumps(document)
    assert repr(decision) == "PersonDecision(match: 1.0000 >= 0.5000, 1.jpg and 1)"


@pytest.mark.usefixtures("published")
def test_real_photographs(tmp_path):
    root = find_orl()
    with open_gallery(tmp_path / "real.db", create=True) as real:
        real.enrol("Ann", [root / "s1" / f"{number}.pgm" for number in (1, 2)], force=True)
        assert real.verify_person(root / "s1" / "3.pgm", "Ann").match
        assert not real.verify_person(root / "s2" / "3.pgm", "Ann").match
