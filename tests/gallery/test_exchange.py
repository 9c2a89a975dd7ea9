"""A gallery travels in one file: whole or not at all, and nothing that is there is overwritten."""

import json
import stat
from hashlib import sha256

import pytest
from galleries import Toy, photograph
from test_gallery import POINT

from faceloupe.errors import GalleryError
from faceloupe.gallery import open_gallery
from faceloupe.scores import OperatingPoint


@pytest.fixture
def there(tmp_path):
    """A gallery to export."""
    with open_gallery(tmp_path / "there.db", create=True) as gallery:
        gallery.enrol("Ann", [photograph("1.jpg"), photograph("2.jpg")], consent="form 12", keep_faces=True)
        gallery.enrol("Zo\u00eb \u9673", [photograph("3.jpg")])
        gallery.save_point(POINT)
        yield gallery


@pytest.fixture
def here(tmp_path):
    """A gallery to import into."""
    with open_gallery(tmp_path / "here.db", create=True) as gallery:
        yield gallery


@pytest.fixture
def file(there, tmp_path):
    there.export(tmp_path / "export.json")
    return tmp_path / "export.json"


def signed(lines):
    """The lines of a file with the checksum they should have."""
    body = "".join(f"{line}\n" for line in lines)
    return body + json.dumps({"subjects": len(lines) - 1, "sha256": sha256(body.encode()).hexdigest()}) + "\n"


def test_everything_arrives_bit_for_bit(there, here, file):
    result = here.import_(file)
    assert (result.imported, result.already_here, result.conflicts, result.points) == (
        ("Ann", "Zo\u00eb \u9673"),
        (),
        (),
        1,
    )
    assert here.templates(Toy()).vectors.tobytes() == there.templates(Toy()).vectors.tobytes()
    for name in ("Ann", "Zo\u00eb \u9673"):
        ours, theirs = here.person(name), there.person(name)
        assert (ours.person.consent, ours.person.created) == (theirs.person.consent, theirs.person.created)
        for one, other in zip(ours.references, theirs.references, strict=True):
            assert (one.quality, one.source_sha256, one.created) == (other.quality, other.source_sha256, other.created)
            assert here.face(one.id) == there.face(other.id)
    assert here.point(Toy()) == POINT
    assert [entry.what for entry in there.audit()][-1] == "export"
    assert [entry.what for entry in here.audit()] == ["import", "import", "calibrate"]


def test_the_file_says_that_it_is_personal_and_is_for_its_owner_only(file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    head = json.loads(file.read_text().splitlines()[0])
    assert head["schema"] == "faceloupe.gallery/1"
    assert head["notice"].startswith("Personal data")


def test_an_export_overwrites_nothing(there, file):
    before = file.read_bytes()
    with pytest.raises(GalleryError, match="exists already"):
        there.export(file)
    with pytest.raises(GalleryError, match="cannot be written: No such file"):
        there.export(file.parent / "none" / "export.json")
    assert file.read_bytes() == before
    assert [entry.what for entry in there.audit()].count("export") == 1  # only what is on the disk is in the trail


def test_a_damaged_reference_is_not_exported(there, tmp_path):
    with there.writing() as connection:
        connection.exec_driver_sql("UPDATE face_references SET vector = zeroblob(64) WHERE id = 3")
    with pytest.raises(GalleryError, match="Nothing was exported: reference 3 of 'Zo\u00eb \u9673' is no unit vector"):
        there.export(tmp_path / "export.json")
    assert not (tmp_path / "export.json").exists()
    assert "export" not in [entry.what for entry in there.audit()]


def test_a_second_import_finds_everybody_there(here, file):
    here.import_(file)
    again = here.import_(file)
    assert (again.imported, again.already_here, again.conflicts, again.points) == (
        (),
        ("Ann", "Zo\u00eb \u9673"),
        (),
        0,
    )


def test_conflicts_are_told_and_nothing_here_is_changed(here, file):
    here.enrol("Ann", [photograph("another.jpg")])
    here.enrol("Bob", [photograph("3.jpg")])
    point = OperatingPoint.from_document({**POINT.to_document(), "threshold": 0.7})
    here.save_point(point)
    before = here.people()
    result = here.import_(file)
    assert [(conflict.path, conflict.reason[:40]) for conflict in result.conflicts] == [
        ("Ann", "somebody of this name is here already, w"),
        ("Zo\u00eb \u9673", "a photograph is enrolled already, as 'Bo"),
        ("threshold for toy", "this gallery has another one, and keeps "),
    ]
    assert here.people() == before
    assert here.point(Toy()) == point


def damaged(text):
    """What may have happened to a file, and what is said of it."""
    lines = text.splitlines()
    subject = json.loads(lines[1])
    yield text.replace("form 12", "form 13"), "checksum is wrong"
    yield "\n".join(lines[:-1]) + "\n", "it has no 'sha256'"
    yield "\n".join([lines[0], lines[-1]]) + "\n", "checksum is wrong"
    yield text[: len(text) // 2], "not JSON"
    yield "", "not JSON"
    yield "P6 2 2 255\n" + "\xff" * 12, "not JSON"
    yield '{"schema": "faceloupe.gallery/9"}\n' + text.partition("\n")[2], "schema is 'faceloupe.gallery/9'"
    yield '{"name": "something else"}\n{}\n', "schema is None"
    yield "[]\n[]\n", "no object"
    for change in (
        {"references": [{**subject["references"][0], "dimensions": 3}]},
        {"references": [{**subject["references"][0], "quality": "good"}]},
        {"references": [{**subject["references"][0], "source_sha256": None}]},
        {"references": [subject["references"][0]] * 2},
        {"references": []},
        {"name": "An\nn"},
        {"references": [{**subject["references"][0], "quality": {}}]},
        {"consent": "\x1b[2J"},
        {"name": 7},
        {"consent": None},
        {"created": "yesterday"},
    ):
        yield signed([lines[0], json.dumps({**subject, **change}), *lines[2:-1]]), ""


def test_a_damaged_or_foreign_file_is_refused_whole(here, file):
    here.enrol("Cy", [photograph("cy.jpg")])
    before = here.people(), here.audit()
    for content, message in damaged(file.read_text()):
        file.write_text(content)
        with pytest.raises(GalleryError, match=r"is damaged or no export.*Nothing was imported") as problem:
            here.import_(file)
        assert message in str(problem.value)
        assert (here.people(), here.audit()) == before
    with pytest.raises(GalleryError, match="cannot be read: No such file"):
        here.import_(file.parent / "none.json")


def test_a_vector_that_is_none_is_refused(here, there, file):
    lines = file.read_text().splitlines()
    subject = json.loads(lines[1])
    for encoded in ({"dtype": "<f8"}, {"shape": [4, 4]}, {"base64": "AAAA" * 21 + "AA=="}, {"base64": "!"}):
        vector = {**subject["references"][0]["vector"], **encoded}
        changed = {**subject, "references": [{**subject["references"][0], "vector": vector}]}
        file.write_text(signed([lines[0], json.dumps(changed), *lines[2:-1]]))
        with pytest.raises(GalleryError, match="Nothing was imported"):
            here.import_(file)
    assert here.people() == ()
    assert len(there.people()) == 2
