"""A whole gallery in one file while others write, and a gallery of it again; encrypted, if there is a key.

Also tests ``cli/backup.py``, ``cli/restore.py``, ``gallery/encryption.py``.
"""

import sqlite3
import stat
from contextlib import closing

import pytest

from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import open_gallery, restore
from helpers.galleries import Toy, photograph

SECRETS = b"form of 3 May", b"Ann Lee"


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as opened:
        opened.enrol("Ann Lee", [photograph("1.jpg"), photograph("2.jpg")], consent="form of 3 May")
        yield opened


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "key", b"k")


def make_key(path, letter):
    path.write_bytes(letter * 32)
    path.chmod(0o600)
    return path


def bytes_beside(path):
    """All bytes of a database and of the files beside it that belong to it."""
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_a_backup_of_a_gallery_in_use_is_whole_and_restored_as_it_was(gallery, tmp_path):
    gallery.backup(tmp_path / "backup.db")
    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600
    gallery.enrol("Bob", [photograph("3.jpg")])
    restore(tmp_path / "backup.db", tmp_path / "again.db")
    assert stat.S_IMODE((tmp_path / "again.db").stat().st_mode) == 0o600
    with open_gallery(tmp_path / "again.db") as again:
        assert [person.name for person in again.people()] == ["Ann Lee"]
        assert again.templates(Toy()).vectors.tobytes() == gallery.templates(Toy()).vectors[:2].tobytes()
        assert [entry.what for entry in again.audit()] == ["enrol", "backup"]
        assert again.check().faults == ()
    assert not list(tmp_path.glob(".*"))


def test_nothing_is_overwritten_and_nothing_damaged_is_restored(gallery, tmp_path):
    gallery.backup(tmp_path / "backup.db")
    for path in (tmp_path / "backup.db", tmp_path / "faces.db"):
        with pytest.raises(GalleryError, match="exists already"):
            gallery.backup(path)
        with pytest.raises(GalleryError, match="exists already"):
            restore(tmp_path / "backup.db", path)
    with pytest.raises(GalleryError, match="cannot be made"):
        gallery.backup(tmp_path / "none" / "backup.db")
    damaged = bytearray((tmp_path / "backup.db").read_bytes())
    damaged[4096:8192] = bytes(4096)
    (tmp_path / "damaged.db").write_bytes(damaged)
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    for name in ("damaged.db", "other.db", "none.db"):
        with pytest.raises(GalleryError, match=r"damaged|not a file"):
            restore(tmp_path / name, tmp_path / "again.db")
    assert not (tmp_path / "again.db").exists()


def test_with_a_key_nothing_in_the_files_can_be_read(gallery, tmp_path, key, monkeypatch):
    pytest.importorskip("sqlcipher3")
    gallery.backup(tmp_path / "backup.db")
    vector = gallery.templates(Toy()).vectors[0].tobytes()
    assert all(secret in bytes_beside(tmp_path / "faces.db") for secret in (*SECRETS, vector))
    restore(tmp_path / "backup.db", tmp_path / "safe.db", key)
    with pytest.raises(GalleryError, match="encrypted with another key"):
        open_gallery(tmp_path / "safe.db")
    monkeypatch.setenv("FACELOUPE_KEY", str(key))
    with open_gallery(tmp_path / "safe.db") as safe:
        safe.enrol("Bob Ray", [photograph("3.jpg")], consent="form of 4 May")
        [answer] = safe.identify(photograph("1.jpg").templates, point=point())
        assert answer.name == "Ann Lee"
        content = bytes_beside(tmp_path / "safe.db")
        assert not any(
            secret in content for secret in (*SECRETS, b"Bob Ray", b"form of 4 May", vector, b"SQLite format")
        )
        safe.forget("Bob Ray")
        safe.backup(tmp_path / "safe-backup.db")
        assert safe.check().faults == ()
    assert not any(secret in (tmp_path / "safe-backup.db").read_bytes() for secret in (*SECRETS, vector))


def point():
    from helpers.galleries import POINT

    return POINT


def test_a_key_is_changed_by_restoring_with_another(gallery, tmp_path, key, monkeypatch):
    pytest.importorskip("sqlcipher3")
    gallery.backup(tmp_path / "backup.db")
    restore(tmp_path / "backup.db", tmp_path / "old.db", key)
    monkeypatch.setenv("FACELOUPE_KEY", str(key))
    with open_gallery(tmp_path / "old.db") as old:
        old.backup(tmp_path / "old-backup.db")
    new = make_key(tmp_path / "new", b"n")
    restore(tmp_path / "old-backup.db", tmp_path / "new.db", new)
    with pytest.raises(GalleryError, match="encrypted with another key"):
        open_gallery(tmp_path / "new.db")
    monkeypatch.setenv("FACELOUPE_KEY", str(new))
    with open_gallery(tmp_path / "new.db") as changed:
        assert [person.name for person in changed.people()] == ["Ann Lee"]


def test_a_new_gallery_is_encrypted_where_there_is_a_key_and_a_plain_one_refused(gallery, tmp_path, key, monkeypatch):
    pytest.importorskip("sqlcipher3")
    monkeypatch.setenv("FACELOUPE_KEY", str(key))
    with pytest.raises(GalleryError, match=r"is not encrypted.*faceloupe restore FILE --key KEY"):
        open_gallery(gallery.name)
    with open_gallery(tmp_path / "new.db", create=True) as new:
        new.enrol("Ann Lee", [photograph("1.jpg")])
    assert b"Ann Lee" not in bytes_beside(tmp_path / "new.db")
    assert key.read_bytes().hex() not in repr(new)


def test_a_key_that_could_be_guessed_or_read_by_others_is_refused(tmp_path, monkeypatch):
    path = make_key(tmp_path / "key", b"k")
    monkeypatch.setenv("FACELOUPE_KEY", str(path))
    path.chmod(0o640)
    with pytest.raises(InputError, match="may be read by others"):
        open_gallery(tmp_path / "new.db", create=True)
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(InputError, match="32 bytes or more"):
        open_gallery(tmp_path / "new.db", create=True)
    assert not (tmp_path / "new.db").exists()
