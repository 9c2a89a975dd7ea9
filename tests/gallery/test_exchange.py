"""A gallery travels in one file: whole or not at all, and nothing that is there is overwritten.

Also tests ``gallery/exporting.py``, ``gallery/importing.py``, ``seals.py``.
"""

import base64
import json
import os
import pickle
import sqlite3
import stat
import zlib
from contextlib import closing
from hashlib import sha256

import numpy as np
import pytest

from faceloupe.arrays import encode_array
from faceloupe.errors import DamageWarning, GalleryError, InputError
from faceloupe.gallery import open_gallery
from faceloupe.gallery.opening import GalleryToBe
from faceloupe.scores import OperatingPoint
from helpers.galleries import POINT, Toy, photograph


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


def checked(lines):
    """The lines of a file with the checksum they should have."""
    body = "".join(f"{line}\n" for line in lines)
    return body + json.dumps({"subjects": len(lines) - 1, "sha256": sha256(body.encode()).hexdigest()}) + "\n"


def test_everything_arrives_bit_for_bit(there, here, file):
    result = here.import_(file, thresholds=True)
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
    assert [entry.what for entry in here.audit()] == ["import", "import", "import"]


def test_the_file_says_that_it_is_personal_and_is_for_its_owner_only(file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    head = json.loads(file.read_text().splitlines()[0])
    assert head["schema"] == "faceloupe.gallery/2"
    assert head["notice"].startswith("Personal data")


def test_an_export_overwrites_nothing(there, file):
    before = file.read_bytes()
    with pytest.raises(GalleryError, match="exists already"):
        there.export(file)
    with pytest.raises(GalleryError, match="cannot be written: No such file"):
        there.export(file.parent / "none" / "export.json")
    assert file.read_bytes() == before
    assert [entry.what for entry in there.audit()].count("export") == 1  # only what is on the disk is in the trail


def test_a_damaged_reference_is_left_out_of_an_export(there, here, tmp_path):
    with there.writing() as connection:
        connection.exec_driver_sql("UPDATE face_references SET vector = zeroblob(64) WHERE id IN (2, 3)")
    with pytest.warns(DamageWarning, match=r"damaged, and left out: reference 2, 3"):
        assert there.export(tmp_path / "export.json") == 1
    assert here.import_(tmp_path / "export.json").imported == ("Ann",)
    assert len(here.templates(Toy())) == 1


def test_a_threshold_never_comes_unasked(here, file):
    result = here.import_(file)
    assert (result.points, result.thresholds) == (0, ("toy: match from a score of 0.5000 on, for an FMR of 0.001",))
    assert here.point(Toy()) is None
    result = here.import_(file, thresholds=True)
    assert (result.points, result.thresholds) == (1, ())
    assert here.point(Toy()) == POINT


@pytest.mark.parametrize("change", [{"threshold": -1.0}, {"threshold": 0.03, "target_fmr": 0.99}, {"fmr": 0.2}])
def test_a_threshold_that_matches_strangers_never_comes(here, file, change):
    lines = file.read_text().splitlines()
    head = json.loads(lines[0])
    head["operating_points"] = [{**head["operating_points"][0], **change}]
    file.write_text(checked([json.dumps(head), *lines[1:-1]]))
    result = here.import_(file, thresholds=True)
    assert (result.points, here.point(Toy())) == (0, None)
    assert "more than 1 stranger in 100 would match" in result.conflicts[0].reason


def test_a_key_shows_that_nobody_changed_a_file(there, here, tmp_path):
    key, other = tmp_path / "key", tmp_path / "other"
    for path, secret in ((key, b"k" * 32), (other, b"o" * 32)):
        path.write_bytes(secret)
        path.chmod(0o600)
    there.export(tmp_path / "signed.json", key=key)
    there.export(tmp_path / "plain.json")
    lines = (tmp_path / "signed.json").read_text().splitlines()
    mac = json.loads(lines[-1])["hmac_sha256"]
    changed = json.loads(checked([lines[0], lines[1].replace("form 12", "form 13"), *lines[2:-1]]).splitlines()[-1])
    (tmp_path / "changed.json").write_text(
        "\n".join([lines[0], lines[1].replace("form 12", "form 13"), *lines[2:-1],
                   json.dumps({**changed, "hmac_sha256": mac})]) + "\n"
    )  # fmt: skip
    for name, signed_by, words in (
        ("changed.json", key, "its signature is wrong"),
        ("signed.json", other, "its signature is wrong"),
        ("plain.json", key, "it is not signed"),
    ):
        with pytest.raises(GalleryError, match=words):
            here.import_(tmp_path / name, key=signed_by)
    assert here.people() == ()
    assert here.import_(tmp_path / "signed.json", key=key).imported == ("Ann", "Zo\u00eb \u9673")


def test_a_key_that_could_be_guessed_or_read_is_refused(there, tmp_path):
    key = tmp_path / "key"
    for secret, mode, words in ((b"password", 0o600, "32 bytes or more"), (b"k" * 32, 0o644, "may be read by others")):
        key.write_bytes(secret)
        key.chmod(mode)
        with pytest.raises(InputError, match=words):
            there.export(tmp_path / "export.json", key=key)
    assert not (tmp_path / "export.json").exists()


def test_another_gallery_is_taken_in_as_it_is(there, here, tmp_path):
    assert here.import_(there.name).imported == ("Ann", "Zo\u00eb \u9673")
    assert here.templates(Toy()).vectors.tobytes() == there.templates(Toy()).vectors.tobytes()
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    with pytest.raises(GalleryError, match="not a gallery"):
        here.import_(tmp_path / "other.db")


class Trap:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_files_of_other_tools_are_not_loaded_and_the_guide_is_named(here, tmp_path):
    for content in (
        pickle.dumps({"names": ["ann"], "encodings": [Trap()]}),
        b"PK\x03\x04rest",
        b"\x93NUMPY\x01\x00",
    ):
        (tmp_path / "encodings").write_bytes(content)
        with pytest.raises(GalleryError, match=r"nothing of it is loaded.*docs/guides/moving\.md"):
            here.import_(tmp_path / "encodings")


def test_what_is_no_file_and_what_never_ends_is_refused(here, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(40 << 30)
    for path, words in ((tmp_path / "pipe", "not a regular file"), ("/dev/zero", "not a regular file"),
                        (tmp_path, "is a folder"), (tmp_path / "sparse", "at most 268,435,456")):  # fmt: skip
        with pytest.raises(GalleryError, match=words):
            here.import_(path)


def test_an_import_that_fails_makes_no_gallery_and_one_that_succeeds_does(file, tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_bytes(file.read_bytes()[:-10])
    before = set(tmp_path.iterdir())
    with GalleryToBe(tmp_path / "new.db") as gallery:
        for wrong in (broken, tmp_path / "none.json"):
            with pytest.raises(GalleryError):
                gallery.import_(wrong)
            assert set(tmp_path.iterdir()) == before
        assert gallery.import_(file).imported == ("Ann", "Zo\u00eb \u9673")
        assert [person.name for person in gallery.people()] == ["Ann", "Zo\u00eb \u9673"]
        assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600
        assert gallery.import_(file).already_here == ("Ann", "Zo\u00eb \u9673")


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
    result = here.import_(file, thresholds=True)
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
        {"created": "0001-01-01T00:00:00+14:00"},
        {"created": "9999-12-31T23:59:59-14:00"},
        {"created": "2026-01-01T00:00:00"},
        {"references": [{**subject["references"][0], "face": "AAAA"}]},
    ):
        yield checked([lines[0], json.dumps({**subject, **change}), *lines[2:-1]]), ""


def test_a_damaged_or_foreign_file_is_refused_whole(here, file):
    here.enrol("Cy", [photograph("cy.jpg")])
    before = here.people(), here.audit()
    for content, message in damaged(file.read_text()):
        file.write_text(content)
        with pytest.raises(GalleryError, match=r"is damaged or not an export.*Nothing was imported") as problem:
            here.import_(file)
        assert message in str(problem.value)
        assert (here.people(), here.audit()) == before
    with pytest.raises(GalleryError, match="cannot be read: No such file"):
        here.import_(file.parent / "none.json")


def test_a_vector_that_is_none_is_refused(here, there, file):
    lines = file.read_text().splitlines()
    subject = json.loads(lines[1])
    bomb = base64.b64encode(zlib.compress(bytes(1 << 28), 9)).decode()
    two = encode_array(np.float32([0.6, 0.8]))
    for encoded in (
        {"deflate": bomb},
        {"shape": [1 << 28], "deflate": bomb},
        two,
        {"dtype": "<f8"},
        {"shape": [4, 4]},
        {"base64": "AAAA" * 21 + "AA=="},
        {"base64": "!"},
    ):
        vector = {**subject["references"][0]["vector"], **encoded}
        changed = {**subject, "references": [{**subject["references"][0], "vector": vector}]}
        file.write_text(checked([lines[0], json.dumps(changed), *lines[2:-1]]))
        with pytest.raises(GalleryError, match="Nothing was imported"):
            here.import_(file)
    assert here.people() == ()
    assert len(there.people()) == 2


def test_a_vector_of_another_length_than_the_others_is_refused(here, file):
    """Two numbers, or any other count, would keep everybody else from being found."""
    lines = file.read_text().splitlines()
    subject = json.loads(lines[1])
    for length in (2, 15, 17, 9000):
        vector = np.zeros(length, np.float32)
        vector[0] = 1
        reference = {**subject["references"][0], "dimensions": length, "vector": encode_array(vector)}
        changed = [json.dumps({**subject, "references": [reference]}), *lines[2:-1]]
        file.write_text(checked([lines[0], *changed]))
        with pytest.raises(GalleryError, match=rf"a vector of ({length}|16) numbers"):
            here.import_(file)
    assert here.people() == ()
