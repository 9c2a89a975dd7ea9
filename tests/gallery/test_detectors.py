"""A gallery knows the detector that found the faces of its references, and keeps to it.

Also tests ``gallery/networks.py``.
"""

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial

import numpy as np
import pytest

from faceloupe.collection.collection import open_collection
from faceloupe.collection.unknown import UnknownFaces
from faceloupe.errors import InputError
from faceloupe.evaluation import calibrate_gallery
from faceloupe.faces.sources import find_orl
from faceloupe.gallery import EmbedderId, open_gallery
from faceloupe.gallery.answers import IdentifiedPhotograph
from faceloupe.gallery.detectors import other_detector
from faceloupe.gallery.opening import GalleryToBe
from faceloupe.gallery.reembedding import reembed
from faceloupe.recognition import FaceSearch, SFace
from faceloupe.recognition.yunet import YuNet
from faceloupe.seals import seals_of
from helpers.galleries import POINT, WEIGHTS, Toy, photograph, unit

FINDER = "finder cdcdcdcd"


class Finder(YuNet):
    """YuNet under another name."""

    name, sha256 = "finder", "cd" * 32


class Constant(Toy):
    """An embedder that makes one vector of every face."""

    def embed(self, faces):
        return np.tile(unit(3), (len(faces), 1))


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as opened:
        yield opened


def by_finder(name, **more):
    return photograph(name, detector=FINDER, **more)


def test_it_is_noted_with_the_first_reference_and_another_is_refused(gallery):
    assert (gallery.detector_noted(), gallery.detector.name) == (None, "yunet")
    gallery.enrol("Ann", [by_finder("1.jpg")])
    assert gallery.detector_noted() == FINDER
    assert [each.to_document()["detector"] for each in gallery.person("Ann").references] == [FINDER]
    with pytest.raises(InputError, match=rf"found by {FINDER}, not by yunet.*reembed NEW.db.*--detector yunet"):
        gallery.enrol("Bob", [by_finder("2.jpg"), photograph("3.jpg")])
    assert [person.name for person in gallery.people()] == ["Ann"]
    gallery.enrol("Bob", [by_finder("2.jpg")])
    for name in ("Ann", "Bob"):
        gallery.forget(name)
    assert gallery.enrol("Cy", [photograph("3.jpg")]).new


def test_faces_are_looked_for_with_the_gallery_s_own(gallery, tmp_path):
    gallery.enrol("Ann", [by_finder("1.jpg")])
    with pytest.raises(InputError, match=f"found by {FINDER}, which is not on this machine.*faceloupe detector add"):
        gallery.face_search("one")
    with open_gallery(tmp_path / "faces.db", detector=Finder()) as own:
        assert own.face_search("central") == FaceSearch("central", detector=own.detector)
        assert own.face_search(FaceSearch("one", min_size=30, detector=Finder())).min_size == 30
        with pytest.raises(InputError) as refusal:
            own.face_search(FaceSearch("one", detector=YuNet()))
    assert str(refusal.value) == other_detector(FINDER, "yunet")
    with open_gallery(tmp_path / "faces.db", detector="yunet") as other, pytest.raises(InputError) as refusal:
        other.face_search("all")
    assert str(refusal.value) == other_detector(FINDER, "yunet")


def test_an_empty_gallery_takes_whatever_detector_a_search_names(gallery):
    assert isinstance(gallery.face_search(FaceSearch("one", detector=Finder())).detector, Finder)


def test_an_export_carries_it_and_one_from_before_says_nothing(gallery, tmp_path):
    gallery.enrol("Ann", [by_finder("1.jpg")])
    gallery.export(tmp_path / "new.jsonl")
    head, ann, _ = (json.loads(line) for line in (tmp_path / "new.jsonl").read_text().splitlines())
    assert ann["references"][0].pop("detector") == FINDER
    lines = "".join(json.dumps(line) + "\n" for line in (head, ann)).encode()
    (tmp_path / "old.jsonl").write_bytes(lines + json.dumps({"subjects": 1, **seals_of(lines, None)}).encode() + b"\n")
    for file, detector in (("new.jsonl", FINDER), ("old.jsonl", None)):
        with open_gallery(tmp_path / f"{file}.db", create=True) as other:
            assert other.import_(tmp_path / file).imported == ("Ann",)
            assert other.detector_noted() == detector
            other.enrol("Bob", [photograph("2.jpg", detector=detector or "yunet")])
            assert other.import_(tmp_path / file).already_here == ("Ann",)
    with open_gallery(tmp_path / "third.db", create=True) as other:
        other.enrol("Bob", [photograph("2.jpg")])
        [conflict] = other.import_(tmp_path / "new.jsonl").conflicts
        assert conflict.reason == other_detector("yunet", FINDER)
        assert other.detector_noted() == "yunet"


def test_a_mix_that_another_program_made_is_found(gallery):
    gallery.enrol("Ann", [photograph("1.jpg", vector=unit(1)), photograph("2.jpg", vector=unit(1))])
    assert gallery.check().findings == ()
    with gallery.writing() as connection:
        connection.exec_driver_sql("UPDATE face_references SET detector = 'finder' WHERE id = 2")
    [finding] = gallery.check().findings
    assert finding.kind == "detectors"
    assert "found by finder and yunet" in finding.words


def test_faces_found_by_several_are_not_put_into_an_empty_gallery(gallery, tmp_path):
    with pytest.raises(InputError, match=f"these faces were found by {FINDER} and yunet"):
        gallery.enrol("Ann", [by_finder("1.jpg"), photograph("2.jpg")])
    assert gallery.people() == ()
    gallery.enrol("Ann", [photograph("1.jpg"), photograph("2.jpg")])
    with gallery.writing() as connection:
        connection.exec_driver_sql("UPDATE face_references SET detector = 'finder' WHERE id = 2")
    gallery.export(tmp_path / "mixed.jsonl")
    with open_gallery(tmp_path / "other.db", create=True) as other:
        [conflict] = other.import_(tmp_path / "mixed.jsonl").conflicts
    assert conflict.reason.startswith("these faces were found by finder and yunet")


def test_templates_and_photographs_by_another_are_not_compared_and_by_its_own_need_no_detector_here(gallery):
    gallery.enrol("Ann", [by_finder("1.jpg", vector=unit(1))])
    probe, other = by_finder("2.jpg", vector=unit(1)), photograph("2.jpg", vector=unit(1))
    gallery.save_point(replace(POINT, detector=FINDER))
    with open_gallery(gallery.name, embedder=Toy()) as own:
        assert own.identify(probe)[0].name == own.identify(probe.templates)[0].name == "Ann"
        assert own.verify_person(probe, "Ann").match
        assert own.verify(probe, by_finder("3.jpg", vector=unit(1))).match
        for refused in (
            own.identify,
            lambda photo: own.identify(photo.templates),
            partial(own.verify_person, subject=1),
        ):
            with pytest.raises(InputError, match=f"found by {FINDER}, not by yunet"):
                refused(other)


def test_a_threshold_measured_with_another_is_not_saved(gallery, tmp_path):
    gallery.enrol("Ann", [by_finder("1.jpg")])
    with pytest.raises(InputError, match=f"found by {FINDER}, not by yunet"):
        gallery.save_point(replace(POINT, detector="yunet"))
    assert gallery.calibrations(EmbedderId("toy", WEIGHTS)) == ()
    with open_gallery(tmp_path / "other.db", create=True) as other:
        other.save_point(replace(POINT, detector="yunet"))
        other.export(tmp_path / "other.jsonl")
    [conflict] = gallery.import_(tmp_path / "other.jsonl", thresholds=True).conflicts
    assert "found by" in conflict.reason
    # Where a gallery may be made, the detector is that of the gallery that is there, and YuNet where there is none.
    with pytest.raises(InputError, match="not on this machine"), GalleryToBe(tmp_path / "faces.db") as people:
        assert people.detector
    with GalleryToBe(tmp_path / "none.db") as people:
        assert people.detector.name == "yunet"
    assert not (tmp_path / "none.db").exists()


def test_faces_kept_by_it_are_embedded_anew_without_it_and_others_left_out(tmp_path):
    with (
        open_gallery(tmp_path / "old.db", create=True, embedder=Toy()) as old,
        open_gallery(tmp_path / "new.db", create=True, embedder=Constant()) as new,
        open_gallery(tmp_path / "third.db", create=True, embedder=Constant()) as third,
    ):
        old.enrol("Ann", [by_finder("1.jpg"), by_finder("2.jpg")], keep_faces=True)
        assert reembed(old, new, Constant()).references == 2
        assert new.detector_noted() == FINDER
        with old.writing() as connection:
            connection.exec_driver_sql("UPDATE face_references SET detector = 'yunet' WHERE id = 2")
        result = reembed(old, third, Constant(), detector=Finder())
        assert (result.references, len(result.left_out)) == (1, 1)
        assert [each.detector for each in third.person("Ann").references] == [FINDER]


def test_a_threshold_of_its_references_names_it(gallery):
    for who in range(25):
        gallery.enrol(f"{who}", [by_finder(f"{who}.jpg", vector=unit(who))])
    assert calibrate_gallery(gallery, 0.2, EmbedderId("toy", WEIGHTS)).detector == FINDER


@pytest.mark.usefixtures("published")
def test_a_gallery_is_made_anew_with_another_detector_from_photographs(tmp_path):
    photos, sface = [find_orl() / "s1" / f"{number}.pgm" for number in (1, 2)], SFace()
    with open_gallery(tmp_path / "old.db", create=True, embedder=sface) as old:
        old.enrol("Ann", photos, keep_faces=True, force=True)
        assert old.verify(*photos).first.templates[0].detector == "yunet"
        with open_gallery(tmp_path / "new.db", create=True, embedder=sface) as new:
            result = reembed(old, new, sface, detector=Finder(), photographs=photos[:1])
            assert new.detector_noted() == FINDER
            np.testing.assert_allclose(new.templates(sface).vectors, old.templates(sface).vectors[:1], atol=1e-5)
        [left_out] = result.left_out
        assert left_out.reason.startswith("its face was not kept by this detector")


def test_unknown_faces_are_kept_by_one_detector(tmp_path):
    probe = by_finder("stranger.jpg", vector=unit(5))
    with (
        open_gallery(tmp_path / "faces.db", create=True, embedder=Toy(), detector=Finder()) as gallery,
        open_collection(tmp_path / "unknown.db", create=True) as collection,
    ):
        kept = UnknownFaces(collection, gallery, timedelta(days=1))
        assert kept.keep(IdentifiedPhotograph(probe, gallery.identify(probe.templates, point=POINT))) == 1
        with open_gallery(tmp_path / "other.db", create=True, embedder=Toy()) as other:
            with pytest.raises(InputError, match=f"were found by {FINDER}, not by yunet: serve with that detector"):
                UnknownFaces(collection, other, timedelta(days=1))
            with collection.writing() as connection:
                connection.exec_driver_sql("INSERT INTO collection_groups (id) VALUES (1)")
                connection.exec_driver_sql("UPDATE collection_faces SET group_id = 1")
            other.enrol("Ann", [photograph("1.jpg")])
            with pytest.raises(InputError, match=f"found by yunet, not by {FINDER}"):
                collection.enrol(1, other, name="Bob")
