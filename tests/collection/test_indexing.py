"""Photographs by content: once each, whatever happens to the files.

Also tests ``cli/find.py``, ``cli/group.py``, ``cli/index.py``, ``cli/name.py``, ``cli/undo.py``,
``collection/finding.py``.
"""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import update

from faceloupe.collection import find, group, index, indexing, open_collection
from faceloupe.collection.schema import places
from faceloupe.errors import GalleryError, InputError
from faceloupe.faces.sources import find_orl
from faceloupe.gallery.database import Database
from faceloupe.recognition import SFace, template_of
from helpers.commands import run

pytestmark = pytest.mark.usefixtures("published")


def test_what_was_done_is_not_done_again(collection, folder):
    first = index(collection, [folder])
    assert (first.new, first.known, first.moved, first.gone) == (9, 0, 0, 0)
    assert first.faces == collection.counts()["faces"] == 9
    again = index(collection, [folder])
    assert (again.new, again.known) == (0, 9)


def test_renamed_copied_changed_and_lost_files(collection, folder):
    index(collection, [folder])
    (folder / "11.pgm").rename(folder / "renamed.pgm")
    shutil.copy(folder / "12.pgm", folder / "copy.pgm")
    (folder / "13.pgm").unlink()
    os.utime(folder / "21.pgm", (1, 1))
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no photograph")
    later = index(collection, [folder])
    assert (later.new, later.moved, later.gone, later.others) == (0, 3, 1, 1)
    assert [skipped.path.endswith("broken.jpg") for skipped in later.skipped] == [True]
    assert "not usable" in later.words()
    assert collection.drop_gone() == 1
    assert collection.counts()["faces"] == 8
    once_more = index(collection, [folder])  # the broken file is known by its content too
    assert (once_more.new, once_more.unusable, once_more.skipped) == (0, 1, [])
    assert "1 of them not usable" in once_more.words()


def test_what_lies_in_real_folders_stops_nothing(collection, folder):
    """A pipe, a folder, a lost link and a name that is no UTF-8: passed over or named with the reason."""
    os.mkfifo(folder / "pipe.jpg")
    (folder / "album.jpg").mkdir()
    (folder / "lost.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "again").symlink_to(folder)
    shutil.copy(folder / "11.pgm", os.fsencode(folder) + b"/zo\xeb.pgm")
    report = index(collection, [folder])
    assert report.new == 9
    reasons = {skipped.path.rpartition("/")[2]: skipped.reason for skipped in report.skipped}
    assert set(reasons) == {"pipe.jpg", "lost.jpg", "zo\\xeb.pgm"}
    assert "not UTF-8" in reasons["zo\\xeb.pgm"]


def test_a_face_of_the_person_is_compared_with_the_others(collection, folder):
    index(collection, [folder])
    group(collection)
    scores = [item.score for item in find(collection, collection.templates(1)).sightings]
    assert len(scores) == 3
    assert max(scores) < 0.999


def test_the_order_of_the_files_changes_no_group(folder, tmp_path):
    groups = []
    for order in (sorted, lambda files: sorted(files, reverse=True)):
        with open_collection(tmp_path / f"{len(groups)}.db", create=True) as collection:
            for path in order(folder.iterdir()):
                index(collection, [path])
            people = group(collection)
        groups.append({frozenset(face.path for face in item.faces) for item in people.groups})
    assert groups[0] == groups[1]
    assert groups[0] == {frozenset(str(folder / f"{who}{n}.pgm") for n in (1, 2, 3)) for who in (1, 2, 3)}


def _cut_off(_source, target):
    target.write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_person_is_found_by_a_photograph(collection, folder, tmp_path, monkeypatch):
    index(collection, [folder])
    sightings = find(collection, [template_of(folder / "11.pgm")])
    assert {item.face.path for item in sightings.sightings} == {str(folder / f"1{n}.pgm") for n in (1, 2, 3)}
    assert sightings.sightings[0].score == pytest.approx(1, abs=1e-5)
    assert sightings.expected_wrong == pytest.approx(9 * 1e-4, rel=0.2)
    assert sightings.to_csv().splitlines()[0] == "path,face,score,margin,group"
    with monkeypatch.context() as full:
        full.setattr("shutil.copy2", _cut_off)
        with pytest.raises(OSError, match="No space left"):
            sightings.gather(tmp_path / "copies", "copy")
    assert not list((tmp_path / "copies").iterdir())
    made, lost = sightings.gather(tmp_path / "copies", "copy")
    assert (len(made), lost) == (3, [])
    assert (tmp_path / "copies" / "1-11.pgm").read_bytes() == (folder / "11.pgm").read_bytes()
    with pytest.raises(InputError, match="empty folder"):
        sightings.gather(tmp_path / "copies", "link")
    (folder / "12.pgm").unlink()
    made, [lost] = sightings.gather(tmp_path / "links", "link")
    assert sorted(made) == sorted((tmp_path / "links").iterdir())
    assert (len(made), lost.path, "gone" in lost.reason) == (2, str(folder / "12.pgm"), True)


@pytest.mark.parametrize("how", ["copy", "link"])
def test_a_file_that_another_program_makes_meanwhile_stays(collection, folder, tmp_path, monkeypatch, how):
    index(collection, [folder])
    sightings = find(collection, [template_of(folder / "11.pgm")])
    name = f"2-{Path(sightings.sightings[1].face.path).name}"
    for deed in (Path.symlink_to, Path.touch):

        def beside(target, *args, deed=deed, **kwargs):
            if target.name == name:
                target.write_bytes(b"another's")
            deed(target, *args, **kwargs)

        monkeypatch.setattr(Path, deed.__name__, beside)
    with pytest.raises(FileExistsError):
        sightings.gather(tmp_path / "out", how)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]
    assert (tmp_path / "out" / name).read_bytes() == b"another's"


def test_two_indexings_at_once_share_the_work(collection, folder):
    def meanwhile(done, _whole):
        if done == 1:
            index(collection, sorted(folder.iterdir())[:5])

    index(collection, [folder], progress=meanwhile)
    assert index(collection, [folder]).known == 9
    counts = collection.counts()
    assert (counts["photographs"], counts["files"], counts["faces"]) == (9, 9, 9)


def test_another_embedder_is_refused(collection, folder):
    index(collection, [folder / "11.pgm"])
    with pytest.raises(InputError, match="another collection"):
        index(collection, [folder], SFace(flip=True))
    with pytest.raises(InputError, match="not there"):
        index(collection, [folder / "nothing"])


def test_a_killed_indexing_loses_and_doubles_nothing(folder, tmp_path):
    """Killed while it works, then it goes on, and every content is there once with its faces."""
    place = tmp_path / "killed.db"
    code = """
import sys, threading
from faceloupe.collection import index, indexing, open_collection
indexing.SECONDS = -1.0  # each photograph is written at once
def reached(done, whole):
    if done >= int(sys.argv[3]):
        print("reached", flush=True)
        threading.Event().wait()
with open_collection(sys.argv[2], create=True) as collection:
    index(collection, [sys.argv[1]], progress=reached)
"""
    for first in ("1", "5"):
        command = [sys.executable, "-c", code, folder, place, first]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout.readline() == "reached\n"
            finally:
                process.kill()
    with open_collection(place, create=True) as collection:
        before = collection.counts()["photographs"]
        report = index(collection, [folder])
        counts = collection.counts()
    assert 0 < before < 9
    assert report.new == 9 - before
    assert (counts["photographs"], counts["files"], counts["faces"]) == (9, 9, 9)


def test_what_is_no_collection_is_refused(tmp_path):
    with pytest.raises(GalleryError, match="faceloupe index"):
        open_collection(tmp_path / "none.db")
    from faceloupe.gallery import open_gallery

    open_gallery(tmp_path / "gallery.db", create=True).close()
    with pytest.raises(GalleryError, match="something else"):
        open_collection(tmp_path / "gallery.db")


def test_the_commands(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "9 photographs indexed, with 9 faces" in run("index", folder)[1]
    status, groups, talk = run("group", "--out", "people.html", "--faces")
    assert status == 0, talk
    assert len(groups.strip().splitlines()) == 4
    assert "data:image/png" in (tmp_path / "people.html").read_text()
    assert (tmp_path / "people.html").stat().st_mode & 0o077 == 0
    assert run("find", folder / "21.pgm", "--csv", "ann.csv", "--link-to", "ann")[0] == 0
    assert len((tmp_path / "ann.csv").read_text().splitlines()) == 4
    assert len(list((tmp_path / "ann").iterdir())) == 3
    assert "is called Ann" in run("name", "1", "Ann", "--gallery", "gallery.db")[1]
    assert len(run("find", "Ann")[1].splitlines()) == 4
    assert run("find", folder / "31.pgm", "--in", folder)[0] == 0
    assert "Taken back: name" in run("undo")[1]
    status, _, talk = run("find", "Bob")
    assert status == 2
    assert "no photograph Bob" in talk


def test_the_report_is_told_though_bytes_cannot_be_erased(folder, tmp_path, monkeypatch):
    place = ("--collection", tmp_path / "collection.db")
    assert run("index", folder, *place)[0] == 0
    (folder / "11.pgm").unlink()

    def refused(*_):
        raise GalleryError("another program reads it")

    monkeypatch.setattr(Database, "erase", refused)
    status, report, talk = run("index", folder, "--drop-gone", *place)
    assert (status, "8 files known already" in report, "another program" in talk) == (2, True, True)


def test_an_indexing_without_changes_leaves_the_state(collection, folder):
    index(collection, [folder])
    state = collection.state()
    assert index(collection, [folder]).known == 9
    assert collection.state() == state


@pytest.mark.parametrize("noted", ['{"a', '["sface"]'])
def test_faces_whose_embedder_is_no_longer_noted_get_no_company(collection, folder, noted):
    index(collection, [folder / "11.pgm"])
    with sqlite3.connect(collection.location) as file:
        file.execute("UPDATE collection_settings SET value = ? WHERE name = 'embedder'", [noted])
    file.close()
    with pytest.raises(GalleryError, match="which embedder"):
        index(collection, [folder])
    assert collection.counts()["faces"] == 1


def test_a_folder_that_cannot_be_looked_into_is_not_gone(collection, folder, monkeypatch):
    (folder / "album").mkdir()
    (folder / "11.pgm").rename(folder / "album" / "11.pgm")
    index(collection, [folder])
    look = os.scandir

    def refused(path):
        if Path(path) == folder / "album":
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(os, "scandir", refused)
    report = index(collection, [folder])
    assert (report.gone, report.known) == (0, 8)
    assert [skipped.reason for skipped in report.skipped] == ["Permission denied"]
    assert collection.drop_gone() == 0


def test_a_folder_has_one_name_from_wherever_it_is_named(collection, folder, monkeypatch):
    index(collection, [folder])
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert index(collection, [".."]).known == 9
    assert collection.counts()["files"] == 9


def test_files_that_were_only_renamed_are_kept_in_time(collection, folder, monkeypatch):
    index(collection, [folder])
    for path in sorted(folder.iterdir()):
        path.rename(folder / f"a{path.name}")
    shutil.copy(find_orl() / "s4" / "1.pgm", folder / "new.pgm")
    monkeypatch.setattr(indexing, "SECONDS", -1.0)
    kept = []

    def stopped(_done, _whole):
        kept.append(collection.counts()["files"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index(collection, [folder], progress=stopped)
    assert kept[0] >= 18  # the former names, and those that it had come to


def test_a_photograph_that_was_removed_meanwhile_stops_nothing(collection, folder, monkeypatch):
    index(collection, [folder])
    (folder / "11.pgm").rename(folder / "renamed.pgm")
    shutil.copy(find_orl() / "s4" / "1.pgm", folder / "0.pgm")
    real = indexing.recognise_numbered

    def meanwhile(photos, *given, **named):
        yield from real(photos, *given, **named)
        with collection.writing() as connection:
            connection.execute(update(places).where(places.c.path == str(folder / "11.pgm")).values(gone=True))
        collection.drop_gone()

    monkeypatch.setattr(indexing, "BATCH", 100)
    monkeypatch.setattr(indexing, "SECONDS", 1000.0)
    monkeypatch.setattr(indexing, "recognise_numbered", meanwhile)
    report = index(collection, [folder])
    assert [(Path(skipped.path).name, "removed meanwhile" in skipped.reason) for skipped in report.skipped] == [
        ("renamed.pgm", True)
    ]
    monkeypatch.undo()
    assert index(collection, [folder]).new == 1


def test_several_programs_may_make_one_collection(tmp_path):
    ready = threading.Barrier(6)

    def made(_):
        ready.wait()
        with open_collection(tmp_path / "shared.db", create=True) as collection:
            return collection.counts()["faces"]

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(made, range(6))) == [0] * 6
