"""What is wrong in a gallery is found, each kind made on purpose; a sound one has no findings.

Also tests ``gallery/lookalikes.py``, ``gallery/soundness.py``, ``gallery/strangers.py``.
"""

import json
import shutil
import sqlite3
import warnings
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import DamageWarning, GalleryError
from faceloupe.gallery import EmbedderId, open_gallery
from faceloupe.gallery.index import index_of
from faceloupe.gallery.lookalikes import matching_pairs
from faceloupe.gallery.records import audit_document, people_document
from faceloupe.recognition.thresholds import find_point
from faceloupe.recognition.weights import SFACE
from faceloupe.scores import OperatingPoint
from faceloupe.scores.intervals import is_by_chance
from helpers.galleries import POINT, WEIGHTS, Toy, photograph, unit


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as opened:
        opened.enrol("Ann", [photograph("1.jpg"), photograph("2.jpg")])
        opened.enrol("Bob", [photograph("3.jpg")])
        yield opened


def found(gallery):
    return [(finding.kind, finding.subjects) for finding in gallery.check().findings]


def change(gallery, statement):
    with gallery.writing() as connection:
        connection.exec_driver_sql(statement)


def test_a_consent_that_has_ended_is_a_finding_until_it_is_renewed(gallery):
    today = datetime.now(UTC).date()
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    gallery.enrol("Cy", photograph("9.jpg"), consent="form 12", consent_until=yesterday)
    gallery.enrol("Di", photograph("8.jpg"), consent_until=today)
    assert gallery.person("Cy").person.consent == f"form 12\nuntil {yesterday}"
    [finding] = [each for each in gallery.check().faults if each.kind == "consent"]
    assert (finding.subjects, f"ended on {yesterday}" in finding.words) == (("Cy",), True)
    assert [name for _, name, _ in gallery.consent_ended()] == ["Cy"]
    assert [name for _, name, _ in gallery.consent_ended(tomorrow)] == ["Cy", "Di"]
    gallery.enrol("Cy", photograph("7.jpg"), consent_until=tomorrow)
    assert gallery.consent_ended() == []


def test_a_sound_gallery_has_no_findings(gallery):
    report = gallery.check()
    assert (report.subjects, report.references, report.findings) == (2, 3, ())
    assert "no threshold" in report.remarks[0]
    json.dumps(report.to_document())


@pytest.mark.parametrize(
    "value",
    [
        "zeroblob(64)",
        "substr(vector, 1, 60)",
        "substr(vector, 1, 63)",
        "X'' || vector || vector",
        "X'0000c07f' || substr(vector, 5)",  # NaN
    ],
)
def test_a_vector_that_is_none_is_damage(gallery, value):
    change(gallery, f"UPDATE face_references SET vector = CAST({value} AS BLOB) WHERE id = 2")  # noqa: S608
    assert found(gallery) == [("damage", ("Ann",))]


def test_remedies_name_the_subject_by_number(gallery):
    gallery.enrol("Cy", photograph("9.jpg"), external_id="E-1", consent_until=datetime(2020, 1, 31, tzinfo=UTC).date())
    gallery.enrol("Cy", photograph("8.jpg"), external_id="E-2")
    change(gallery, "DELETE FROM face_references WHERE subject_id = 4")
    change(gallery, "UPDATE subjects SET name = 'B' || char(27) WHERE id = 2")
    words = " ".join(finding.words for finding in gallery.check().findings)
    for remedy in (
        "enrol number:3 PHOTO --consent-until",
        "enrol number:4 PHOTO",
        "forget number:4",
        "rename number:2 ",
    ):
        assert f"faceloupe {remedy}" in words
    gallery.enrol("number:3", photograph("7.jpg"), consent_until=datetime(2999, 1, 31, tzinfo=UTC).date())
    gallery.forget("number:4")
    gallery.rename("number:2", "Bob")
    assert gallery.check().findings == ()


def test_a_reference_of_nobody_and_a_subject_without_reference_are_damage(gallery):
    with closing(sqlite3.connect(gallery.name)) as connection, connection:  # which does not look at foreign keys
        connection.execute("UPDATE face_references SET subject_id = 99 WHERE id = 3")
    assert found(gallery) == [("damage", ()), ("damage", ("Bob",))]


def test_whom_an_embedder_does_not_know_is_named(gallery):
    gallery.enrol("Ann", [photograph("1.jpg", embedder="other")])
    [finding] = gallery.check().findings
    assert (finding.kind, finding.subjects) == ("embedders", ("Bob",))
    assert "1 of 2 subjects have no reference made by other abababab" in finding.words


def test_one_photograph_of_two_subjects_is_found(gallery):
    first = "(SELECT source_sha256 FROM face_references WHERE id = 1)"
    change(gallery, f"UPDATE face_references SET source_sha256 = {first} WHERE id = 3")  # noqa: S608
    [finding] = gallery.check().findings
    assert (finding.kind, finding.subjects) == ("photograph", ("Ann", "Bob"))


def test_subjects_who_look_like_one_person_are_found_by_the_threshold_of_the_gallery(gallery):
    near = unit(0) + 0.1 * unit(1)
    gallery.enrol("Cy", [photograph("cy.jpg", vector=unit(0))])
    gallery.enrol("Di", [photograph("di.jpg", vector=(near / np.linalg.norm(near)).astype(np.float32))])
    assert found(gallery) == []
    gallery.save_point(OperatingPoint.from_document({**POINT.to_document(), "threshold": 0.9}))
    report = gallery.check()
    alike = [finding for finding in report.findings if finding.kind == "look-alikes"]
    assert [(finding.subjects, finding.by_chance) for finding in alike] == [(("Cy", "Di"), False)]
    assert "9 comparisons of different subjects at the threshold 0.900" in report.remarks[0]


def test_where_nobody_was_compared_nothing_is_said_of_look_alikes(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as gallery:
        gallery.enrol("Ann", [photograph("1.jpg"), photograph("2.jpg")])
        gallery.save_point(POINT)
        assert gallery.check().remarks == ()


def test_the_published_threshold_is_used_where_the_gallery_has_none(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as gallery:
        for name in ("Ann", "Anna"):
            made = {"vector": unit(7, 128), "embedder": "sface", "weights": SFACE.sha256}
            gallery.enrol(name, [photograph(f"{name}.jpg", **made)])
        assert found(gallery) == [("look-alikes", ("Ann", "Anna"))]
        assert len(gallery.templates(Toy("sface", SFACE.sha256))) == 2


def enrol_axis(gallery, number, axis):
    """Enrol a subject by SFace's name who matches those of the same axis, and no others."""
    vector = np.zeros(128, np.float32)
    vector[axis] = 1
    made = {"vector": vector, "embedder": "sface", "weights": SFACE.sha256}
    gallery.enrol(f"{number}", [photograph(f"{number}.jpg", **made)])


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """The folder of a gallery, faces.db, of 128 subjects none of whom match; only to be copied."""
    folder = tmp_path_factory.mktemp("crowd")
    with open_gallery(folder / "faces.db", create=True) as gallery:
        for number in range(128):
            enrol_axis(gallery, number, number)
    return folder


@pytest.fixture
def open_crowd(crowd, tmp_path):
    """Open a copy of it in which some subjects have the same vector: ``open_crowd(alike=(3, 4))``."""

    def opened(alike=()):
        folder = shutil.copytree(crowd, tmp_path / f"{len(alike)} alike")
        gallery = open_gallery(folder / "faces.db")
        for number in alike[1:]:
            gallery.forget(f"{number}")
            enrol_axis(gallery, number, alike[0])
        return gallery

    return opened


def test_what_chance_gives_is_said(open_crowd, tmp_path):
    with open_crowd() as gallery:
        expected = "8,128 comparisons of different subjects at the threshold 0.415. By chance alone about 0.81 of them"
        assert expected in gallery.check().remarks[0]
    with open_gallery(tmp_path / "two.db", create=True) as gallery:
        for number in range(2):
            enrol_axis(gallery, number, number)
        assert ": 1 comparison of different subjects" in gallery.check().remarks[0]


@pytest.mark.parametrize(("comparisons", "threshold"), [(1, 0.416), (9_999, 0.416), (10_001, 0.466), (10**9, 0.466)])
def test_the_published_point_follows_the_number_of_comparisons(comparisons, threshold):
    point = find_point(EmbedderId("sface", SFACE.sha256), comparisons=comparisons)
    assert point.threshold == pytest.approx(threshold, abs=1e-3)


def test_look_alikes_that_chance_explains_are_named_but_no_fault(open_crowd):
    with open_crowd(alike=(3, 4)) as gallery:
        report = gallery.check()
        assert [finding.subjects for finding in report.findings] == [("3", "4")]
        assert (report.findings[0].by_chance, report.faults) == (True, ())
    with open_crowd(alike=(3, 4, 5)) as gallery:
        report = gallery.check()
        assert len(report.findings) == len(report.faults) == 3


def test_so_many_are_by_chance_as_in_one_of_twenty_drawings():
    draws = np.random.default_rng(0).poisson(2.5, 200_000)
    for found in range(1, 9):
        assert is_by_chance(found, 2.5) == (np.mean(draws >= found) > 0.05)
    assert is_by_chance(0, 0.0)
    assert not is_by_chance(1, 0.0)


def test_a_reference_unlike_all_others_of_its_subject_is_found(gallery):
    gallery.save_point(POINT)
    alike = [photograph(f"cy{number}.jpg", vector=unit(5)) for number in range(2)]
    gallery.forget("Ann")
    gallery.enrol("Cy", [*alike, photograph("stranger.jpg", vector=unit(6))])
    [finding] = gallery.check().faults
    assert (finding.kind, finding.subjects) == ("stranger", ("Cy",))
    assert f"reference {gallery.person('Cy').references[-1].id} of 'Cy' looks like none of the others" in finding.words
    assert f"faceloupe forget number:3 --reference {gallery.person('Cy').references[-1].id} erases" in finding.words


@pytest.mark.parametrize("quality", ["good", "{}", "{", "7", '{"sharpness": NaN}'])
def test_a_quality_that_is_none_is_damage(gallery, quality, tmp_path):
    change(gallery, f"UPDATE face_references SET quality = '{quality}' WHERE id = 2")  # noqa: S608
    assert found(gallery) == [("damage", ("Ann",))]
    assert "reference 2 of 'Ann' has a quality that is not a table of numbers" in gallery.check().findings[0].words
    with pytest.warns(DamageWarning, match="damaged, and left out: reference 2"):
        assert gallery.export(tmp_path / "export.json") == 2


@pytest.mark.parametrize("value", ["substr(vector, 1, 60)", "substr(vector, 1, 63)", "'text'", "zeroblob(64)"])
def test_whoever_reads_damage_gets_the_rest_and_is_sent_to_the_check(gallery, value):
    change(gallery, f"UPDATE face_references SET vector = CAST({value} AS BLOB) WHERE id = 2")  # noqa: S608
    with pytest.warns(DamageWarning, match=r"left out: reference 2\. faceloupe check says"):
        assert gallery.templates(Toy()).references.tolist() == [1, 3]
    with pytest.warns(DamageWarning, match=r"left out: reference 2\. faceloupe check says"):
        assert index_of(gallery, EmbedderId("toy", WEIGHTS)).size() == (2, 2)


ALTERED = {
    "face_references": {
        "vector": ["NULL", "'text'", "7", "X'0000'", "zeroblob(8)", "zeroblob(64)"],
        "quality": ["NULL", "'[]'", "X'ff'", "7", "'{'"],
        "created": ["NULL", "'yesterday'", "12", "X'00'", "'0001-01-01'"],
        "dimensions": ["NULL", "'many'", "-1", "2"],
        "subject_id": ["NULL", "99", "'Ann'"],
        "embedder": ["NULL", "7", "X'ff'"],
        "source_sha256": ["NULL", "7", "X'ff'"],
        "face": ["'text'", "7", "X''", "X'ff'"],
    },
    "subjects": {
        "created": ["NULL", "'yesterday'", "'9999-99-99 00:00:00.000000'"],
        "name": [
            "''",
            "7",
            "X'ff'",
            "CAST(X'ff41' AS TEXT)",
            "'Ann' || char(27) || '[2J'",
            "char(8238) || 'b'",
            "printf('%.*c', 201, 'x')",
        ],
        "consent": ["NULL", "7", "X'ff'", "char(27) || '[2J'", "char(0)"],
    },
    "audit": {"details": ["NULL", "'{'", "'[]'", "X'ff'"], "at": ["NULL", "'then'"], "who": ["NULL", "X'ff'"]},
    "operating_points": {"document": ["NULL", "'{}'", "'[]'", "'{'"]},
}


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [(table, column, value) for table in ALTERED for column in ALTERED[table] for value in ALTERED[table][column]],
)
def test_whatever_another_program_has_written_is_named_and_the_rest_is_answered(tmp_path, table, column, value):
    path = tmp_path / "faces.db"
    with open_gallery(path, create=True) as gallery:
        for name in ("Ann", "Bob", "Cy"):
            gallery.enrol(name, [photograph(f"{name}1.jpg"), photograph(f"{name}2.jpg")], consent="form")
        gallery.save_point(POINT)
    with closing(sqlite3.connect(path)) as connection, connection:  # NOT NULL as an older schema may lack it
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '')")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = {value} WHERE id = 1")  # noqa: S608
    with open_gallery(path) as gallery, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamageWarning)
        assert gallery.check().faults, "nothing was found"
        assert len(gallery.people()) == 3
        assert gallery.person("Bob").references
        assert len(gallery.audit()) == 4
        if table == "operating_points":
            with pytest.raises(GalleryError, match=r"threshold .* is damaged. Calibrate again"):
                gallery.export(tmp_path / "export.json")
            return
        [answer] = gallery.identify(photograph("Bob1.jpg").templates)
        assert (answer.name, answer.nobody) == ("Bob", False)
        assert gallery.export(tmp_path / "export.json") == 3
        people_document(gallery.people())
        audit_document(gallery.audit())


@given(st.integers(0, 100), st.integers(2, 30), st.floats(-0.2, 0.9))
def test_matching_pairs_are_those_of_all_comparisons(seed, count, threshold):
    chance = np.random.default_rng(seed)
    vectors = np.stack([unit(chance.integers(1000), 4) for _ in range(count)])
    subjects = chance.integers(1, 6, count)
    expected = {}
    for one in range(count):
        for other in range(one):
            score = float(vectors[one] @ vectors[other])
            pair = tuple(sorted((int(subjects[one]), int(subjects[other]))))
            if pair[0] != pair[1] and score >= threshold:
                expected[pair] = max(score, expected.get(pair, -1.0))
    found = matching_pairs(vectors, subjects, threshold)
    assert found == pytest.approx(expected, abs=1e-6)
