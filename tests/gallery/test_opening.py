"""A gallery opens, is made or brought up to date; what stands in the way is said in words that help.

Also tests ``gallery/database.py``, ``gallery/problems.py``, ``gallery/revisions.py``, ``gallery/schema.py``.
"""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import open_gallery, revisions
from faceloupe.gallery.schema import REVISION, metadata
from helpers.galleries import Toy, photograph


@pytest.fixture
def path(tmp_path):
    """A gallery with one subject."""
    with open_gallery(tmp_path / "faces.db", create=True) as gallery:
        gallery.enrol("Ann", [photograph("1.jpg")])
    return tmp_path / "faces.db"


def test_a_gallery_is_made_for_its_owner_only(path):
    with open_gallery(path) as gallery, gallery.reading():
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert "faces.db" in modes
    assert set(modes.values()) == {0o600}
    assert [file.name for file in path.parent.iterdir()] == ["faces.db"]  # closed, it is one file


def test_what_is_written_is_durable_and_what_is_deleted_is_overwritten(path):
    with open_gallery(path) as gallery, gallery.reading() as connection:
        pragmas = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "busy_timeout")
        values = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in pragmas]
    assert values == ["wal", 2, 1, 1, 10_000]


def test_migrations_make_the_schema(path):
    with open_gallery(path) as gallery, gallery.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "gallery_schema"})
        assert compare_metadata(context, metadata) == []


def test_opening_needs_no_alembic(path):
    code = "import sys; from faceloupe.gallery import open_gallery; open_gallery(sys.argv[1]); print(*sys.modules)"
    command = [sys.executable, "-c", code, str(path)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not {"alembic", "torch", "cv2", "openvino", "PIL", "pgvector"} & set(loaded)


def test_an_older_schema_is_brought_to_the_newest_with_all_that_is_in_it(path, tmp_path, monkeypatch):
    migrations = shutil.copytree(revisions._MIGRATIONS, tmp_path / "migrations")
    (migrations / "versions" / "v9999_more.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision, down_revision = '9999', '{REVISION}'\n"
        "def upgrade():\n    op.add_column('subjects', sa.Column('note', sa.Text))\n"
    )
    monkeypatch.setattr(revisions, "_MIGRATIONS", migrations)
    monkeypatch.setattr(revisions, "REVISION", "9999")
    with open_gallery(path) as gallery, gallery.reading() as connection:
        assert connection.exec_driver_sql("SELECT name, note FROM subjects").all() == [("Ann", None)]
        made = connection.exec_driver_sql("SELECT revision FROM gallery_schema_versions ORDER BY 1").scalars().all()
    assert made == [REVISION, "9999"]


def test_a_migration_that_fails_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(revisions, "version", lambda _: None)  # the last row of all cannot be written
    with pytest.raises(GalleryError, match="NOT NULL"):
        open_gallery(tmp_path / "faces.db", create=True)
    with closing(sqlite3.connect(tmp_path / "faces.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_a_newer_schema_names_the_version_that_knows_it(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE gallery_schema SET version_num = '0007'")
        connection.execute("INSERT INTO gallery_schema_versions VALUES ('0007', '9.1.0', '2031-01-01 00:00:00')")
    with pytest.raises(GalleryError, match=rf"schema 0007.*knows schemas up to {REVISION}.*faceloupe 9\.1\.0 or later"):
        open_gallery(path)


@pytest.mark.parametrize("noted", ["0000", "", "abc", "\x00"])
def test_a_schema_that_nobody_made_is_no_gallery_to_work_with(path, noted):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE gallery_schema SET version_num = ?", (noted,))
    with pytest.raises(GalleryError, match=r"schema"):
        open_gallery(path)


def test_a_schema_that_is_noted_twice_or_never_is_damaged(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO gallery_schema VALUES ('0000')")
    with pytest.raises(GalleryError, match=r"its table gallery_schema is damaged\. Restore a backup"):
        open_gallery(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM gallery_schema")
    with pytest.raises(GalleryError, match="its table gallery_schema is damaged"):
        open_gallery(path)


def test_a_missing_gallery_says_how_to_make_one(tmp_path):
    with pytest.raises(GalleryError, match=r"There is no gallery at .*faceloupe enrol NAME PHOTO makes one"):
        open_gallery(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    with pytest.raises(GalleryError, match="There is no gallery at"):
        open_gallery(tmp_path / "empty.db")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(GalleryError, match="cannot be made: No such file"):
        open_gallery(tmp_path / "none" / "faces.db", create=True)


@pytest.mark.parametrize("create", [False, True])
def test_other_files_are_left_alone(tmp_path, create):
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("no database at all, but long enough to look at" * 20)
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    before = text.read_bytes(), other.read_bytes()
    with pytest.raises(GalleryError, match="is not an SQLite database"):
        open_gallery(text, create=create)
    with pytest.raises(GalleryError, match="something else, not a gallery"):
        open_gallery(other, create=create)
    with pytest.raises(GalleryError, match="cannot be opened: is it a file"):
        open_gallery(tmp_path, create=create)
    assert (text.read_bytes(), other.read_bytes()) == before


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://host/FILE", "sqlite://user:secret@/FILE", "sqlite+other:///FILE", "sqlite:///FILE?timeout=long",
        "sqlite:///FILE?timeout=nan", "sqlite:///FILE?timeout=1&timeout=2", "sqlite:///FILE?mode=ro",
        "sqlite:///file:FILE?mode=memory&uri=true", "sqlite:///FILE?other=1", "FILE\0", "sqlite:///%00", "a" * 300,
        "~no such user\n/FILE", "/dev/zero", "postgresql://host/name?password=secret",
        "postgresql://host/name?sslkey=k&sslpassword=secret",
    ],
)  # fmt: skip
@pytest.mark.parametrize("create", [False, True])
def test_what_names_no_gallery_is_told_and_makes_nothing(path, monkeypatch, url, create):
    monkeypatch.chdir(path.parent)
    with pytest.raises(InputError, match=r"^gallery: ") as refused:
        open_gallery(url.replace("FILE", str(path)), create=create)
    assert "secret" not in str(refused.value)
    assert list(path.parent.iterdir()) == [path]


def test_the_driver_of_a_file_may_be_named(path):
    with open_gallery(path) as plain, open_gallery(f"sqlite+pysqlite:///{path}") as named:
        assert plain.people() == named.people()


def test_a_pipe_is_no_gallery(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="a pipe"):
        open_gallery(tmp_path / "pipe")


def test_a_damaged_file_is_said_to_be(path):
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * 4096 + content[8192:])
    with pytest.raises(GalleryError, match="is damaged"), open_gallery(path) as gallery:
        gallery.audit()


def test_a_locked_gallery_can_be_read_but_not_written(path):
    with closing(sqlite3.connect(path)) as other, open_gallery(f"sqlite:///{path}?timeout=0.1") as gallery:
        other.execute("BEGIN IMMEDIATE")
        assert len(gallery.people()) == 1
        with pytest.raises(GalleryError, match="is locked: another program"):
            gallery.rename("Ann", "Anna")


def test_a_read_only_gallery_can_be_read_but_not_written(path):
    with open_gallery(f"sqlite:///file:{path}?mode=ro&uri=true") as gallery:
        assert len(gallery.templates(Toy())) == 1
        with pytest.raises(GalleryError, match="is read-only: nothing was written"):
            gallery.enrol("Ann", [photograph("2.jpg")])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any file")
def test_a_write_protected_file_can_be_read_but_not_written(path):
    path.chmod(0o400)
    with open_gallery(path) as gallery:
        assert len(gallery.people()) == 1
        with pytest.raises(GalleryError, match="is read-only: nothing was written"):
            gallery.enrol("Ann", [photograph("2.jpg")])


def test_a_folder_that_is_read_only_says_how_to_read_nevertheless():
    with TemporaryDirectory() as folder:  # not in one of pytest's, which only their owner may enter
        path = Path(folder) / "faces.db"
        with open_gallery(path, create=True) as gallery:
            gallery.enrol("Ann", [photograph("1.jpg")])
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        code = (
            "import os, sys\nfrom faceloupe.errors import GalleryError\nfrom faceloupe.gallery import open_gallery\n"
            "if os.geteuid() == 0:\n    os.setuid(65534)\n"
            "try:\n    open_gallery(sys.argv[1])\nexcept GalleryError as problem:\n    print(problem)\n"
            "with open_gallery(f'sqlite:///file:{sys.argv[1]}?immutable=1&uri=true') as gallery:\n"
            "    print(len(gallery.people()))\n"
            "    try:\n        gallery.export('all.json')\n"
            "    except GalleryError as problem:\n        print(problem)\n"
        )
        command = [sys.executable, "-c", code, str(path)]
        refused, count, exported = subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        Path(folder).chmod(0o700)
    assert "it can be read as sqlite:///file:FILE?immutable=1&uri=true" in refused
    assert "nothing was written" not in refused
    assert count == "1"
    assert "nor exported (the trail would note it)" in exported


def test_a_full_disk_costs_only_what_was_being_written(path):
    with open_gallery(path) as gallery:
        with gallery.writing() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(GalleryError, match=r"the disk or quota is full\. Nothing of this step was written"):
            gallery.enrol("Bob", [photograph(f"bob{number}.jpg") for number in range(100)])
        assert [(person.name, person.references) for person in gallery.people()] == [("Ann", 1)]
        assert gallery.enrol("Ann", [photograph("2.jpg")]).enrolled == ("2.jpg",)
        assert gallery.check().findings == ()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://host/db",
        "sqlite://",
        "sqlite:///:memory:",
        "nonsense://x",
        "post gres://",
        "",
        " ",
        ":memory:",
        "postgresql+foo://u@h/x",
    ],
)
def test_a_url_of_something_else_is_refused(url):
    with pytest.raises(InputError, match="gallery:"):
        open_gallery(url)


def test_no_message_holds_a_password():
    pytest.importorskip("psycopg")
    with pytest.raises(GalleryError, match="cannot be reached") as problem:
        open_gallery("postgresql://ann:secret@localhost:1/faces")
    assert "secret" not in str(problem.value)
    assert "***" in str(problem.value)


def test_no_message_holds_a_vector(path):
    with open_gallery(path) as gallery:
        with gallery.writing() as connection:
            connection.exec_driver_sql("DROP INDEX references_by_source")
            connection.exec_driver_sql("ALTER TABLE face_references RENAME COLUMN face TO chip")
        with pytest.raises(GalleryError) as problem:
            gallery.enrol("Ann", [photograph("2.jpg")])
    chain = str(problem.value) + str(problem.value.__cause__)
    assert "hidden due to hide_parameters" in chain
    assert photograph("2.jpg").sha256 not in chain


def test_a_schema_that_is_no_text_is_damage(path):
    content = path.read_bytes()
    assert content.count(b"VARCHAR(64)") > 1
    path.write_bytes(content.replace(b"VARCHAR(64)", b"VARCHAR(\x804)"))
    for left in path.parent.glob(f"{path.name}-*"):
        left.unlink()
    with pytest.raises(GalleryError, match="damaged"):
        open_gallery(path)


def test_a_password_that_makes_a_url_unreadable_is_not_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="%40") as refused:
        open_gallery("postgresql://ann:se@h:cret/faces")
    assert "cret" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("change", ["DROP TABLE audit", "ALTER TABLE face_references DROP COLUMN face"])
def test_a_table_that_another_program_has_changed_is_damage_with_the_way_out(path, change):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    with open_gallery(path) as gallery, pytest.raises(GalleryError, match=r"is damaged: .*faceloupe restore"):
        gallery.check()
