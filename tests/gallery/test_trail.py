"""The trail shows when it was changed; whom nothing was enrolled of for long can be forgotten at once."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from faceloupe.gallery import open_gallery
from helpers.galleries import photograph


@pytest.fixture
def path(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as opened:
        for name in ("Ann", "Bob", "Cy"):
            opened.enrol(name, [photograph(f"{name}.jpg")])
    return tmp_path / "faces.db"


def trails(path, noted=None):
    with open_gallery(path) as gallery:
        return [finding.words for finding in gallery.check(noted).findings if finding.kind == "trail"]


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ("UPDATE audit SET who = 'nobody' WHERE id = 2", 2),
        ("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE id = 1", 1),
        ("UPDATE audit SET details = '{}' WHERE id = 3", 3),
        ("UPDATE audit SET subject_id = 3 WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("UPDATE audit SET id = 9 WHERE id = 2", 3),
        ("INSERT INTO audit (id, at, who, what, details) VALUES (7, '2026-01-01 00:00:00', 'me', 'export', '{}')", 7),
    ],
)
def test_a_line_that_was_changed_put_in_or_taken_out_shows(path, change, first):
    assert trails(path) == []
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    [words] = trails(path)
    assert f"the trail was changed: line {first} " in words


def test_lines_that_are_taken_off_the_end_show_to_whom_noted_the_last(path):
    with open_gallery(path) as gallery:
        head = gallery.trail_head()
        gallery.enrol("Di", [photograph("Di.jpg")])
    assert trails(path, head) == []
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM audit WHERE id >= 3")
    assert trails(path) == []
    [words] = trails(path, head)
    assert "lines were taken off, or it was written anew" in words


def test_a_gallery_made_before_lines_were_chained_is_chained_once(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE audit DROP COLUMN chain")
        connection.execute("DROP INDEX references_by_detector")
        connection.execute("ALTER TABLE face_references DROP COLUMN detector")
        connection.execute("UPDATE gallery_schema SET version_num = '0001'")
        connection.execute("DELETE FROM gallery_schema_versions")
    assert trails(path) == []
    with open_gallery(path) as gallery:
        assert len(gallery.trail_head()) == 64
        assert len(gallery.people()) == 3


def test_whom_nothing_was_enrolled_of_since_is_listed(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE subjects SET created = '2020-01-01 00:00:00.000000'")
        connection.execute("UPDATE face_references SET created = '2020-01-01 00:00:00.000000' WHERE id <> 2")
        connection.execute("UPDATE subjects SET created = 'damaged' WHERE id = 3")
    with open_gallery(path) as gallery:
        now = datetime.now(UTC)
        assert gallery.enrolled_before(now - timedelta(days=365)) == [(1, "Ann"), (3, "Cy")]
        assert [name for _, name in gallery.enrolled_before(now)] == ["Ann", "Bob", "Cy"]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="looks at the open files of Linux")  # noqa: PTH112
def test_what_an_erasing_copies_lies_beside_the_database(tmp_path):
    folder = tmp_path / "it's here"
    folder.mkdir()
    opened = set()

    def note(connection, _):
        connection.set_progress_handler(lambda: opened.update(_temporary_files()) or 0, 200)

    with open_gallery(folder / "faces.db", create=True) as gallery:
        event.listen(gallery._database.engine, "connect", note)
        gallery._database.close()  # connections are made anew
        gallery.enrol("Ann", [photograph("1.jpg")])
        with gallery.writing() as connection:
            connection.exec_driver_sql("CREATE TABLE large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                                       "FROM n WHERE i < 4000) SELECT i, zeroblob(4000) AS content FROM n")  # fmt: skip
        gallery.enrol("Bob", [photograph("2.jpg")])
        gallery.forget("Ann")
    assert opened, "SQLite wrote no temporary file"
    assert {os.path.dirname(name) for name in opened} == {str(folder)}  # noqa: PTH120


def _temporary_files():
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            name = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
        except OSError:
            continue
        if "etilqs" in name:
            yield name.removesuffix(" (deleted)")
