"""A whole gallery in one file while others write, and a gallery of it again; encrypted, if there is a key.

Also tests ``cli/backup.py``, ``cli/restore.py``, ``gallery/encryption.py``, ``seals.py``.
"""

import sqlite3
import stat
from contextlib import closing

import pytest
from typer.testing import CliRunner

from faceloupe.cli.app import app
from faceloupe.errors import GalleryError, InputError, UnavailableError
from faceloupe.gallery import open_gallery, restore
from faceloupe.gallery.backups import copy
from faceloupe.gallery.opening import GalleryToBe
from helpers.galleries import POINT, Toy, photograph

SECRETS = b"form of 3 May", b"Ann Lee", b"register 4711", b"fourth floor"


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as opened:
        opened.enrol(
            "Ann Lee", [photograph("1.jpg"), photograph("2.jpg")], consent="form of 3 May",
            external_id="register 4711", metadata={"where": "fourth floor"},
        )  # fmt: skip
        yield opened


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "key", b"k")


def make_key(path, letter):
    path.write_bytes(letter * 32)
    path.chmod(0o600)
    return path


@pytest.fixture
def passwords(monkeypatch):
    """The passwords of the user's keyring, by service and name."""
    keyring = pytest.importorskip("keyring")
    held = {}

    class InMemory(keyring.backend.KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            if service == "locked":
                raise keyring.errors.KeyringLocked("nobody typed the password")
            return held.get((service, username))

        def set_password(self, service, username, password):
            held[service, username] = password

    monkeypatch.setattr(keyring.core, "_keyring_backend", InMemory())
    return held


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
        assert [entry.what for entry in again.audit()] == ["enrol"]  # the gallery, not its copy, tells of the copy
        assert again.check().faults == ()
    assert [entry.what for entry in gallery.audit()] == ["enrol", "backup", "enrol"]
    assert not list(tmp_path.glob(".*"))


def test_nothing_is_overwritten_and_nothing_damaged_is_restored(gallery, tmp_path):
    gallery.backup(tmp_path / "backup.db")
    for path in (tmp_path / "backup.db", tmp_path / "faces.db"):
        with pytest.raises(GalleryError, match="exists already"):
            gallery.backup(path)
        with pytest.raises(GalleryError, match="exists already"):
            restore(tmp_path / "backup.db", path)
    assert [entry.what for entry in gallery.audit()] == ["enrol", "backup"]
    with pytest.raises(GalleryError, match="cannot be made"):
        gallery.backup(tmp_path / "none" / "backup.db")
    for write in (lambda: gallery.backup("-"), lambda: open_gallery("-", create=True)):
        with pytest.raises(InputError, match="- names no file"):
            write()
    assert [entry.what for entry in gallery.audit()] == ["enrol", "backup"], "there is no other backup"
    damaged = bytearray((tmp_path / "backup.db").read_bytes())
    damaged[4096:8192] = bytes(4096)
    (tmp_path / "damaged.db").write_bytes(damaged)
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    for name in ("damaged.db", "other.db", "none.db"):
        with pytest.raises(GalleryError, match=r"damaged|not a file"):
            restore(tmp_path / name, tmp_path / "again.db")
    assert not (tmp_path / "again.db").exists()


def test_a_backup_that_the_trail_cannot_tell_of_is_none(gallery, tmp_path, monkeypatch):
    def refuse(*_):
        raise GalleryError("nothing can be written")

    monkeypatch.setattr("faceloupe.gallery.backups.trail.note", refuse)
    with pytest.raises(GalleryError, match="nothing can be written"):
        gallery.backup(tmp_path / "backup.db")
    assert not (tmp_path / "backup.db").exists()


def test_a_damaged_gallery_is_named_where_its_backup_fails(gallery, tmp_path):
    path = tmp_path / "faces.db"
    gallery.close()
    with path.open("r+b") as file:
        file.seek(-3 * 4096, 2)
        file.write(b"\xff" * 3 * 4096)
    with open_gallery(path) as damaged, pytest.raises(GalleryError, match=r"faces\.db is damaged"):
        copy(damaged._database, tmp_path / "new.db", None)


def test_where_a_backup_finds_no_room_it_is_named_and_nothing_is_left(gallery, tmp_path):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    there = sorted(tmp_path.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        with pytest.raises(GalleryError, match=r"new\.db (cannot grow|cannot be read or written)"):
            copy(gallery._database, tmp_path / "new.db", None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(tmp_path.iterdir()) == there


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
        [answer] = safe.identify(photograph("1.jpg").templates, point=POINT)
        assert answer.name == "Ann Lee"
        content = bytes_beside(tmp_path / "safe.db")
        assert not any(
            secret in content for secret in (*SECRETS, b"Bob Ray", b"form of 4 May", vector, b"SQLite format")
        )
        safe.forget("Bob Ray")
        safe.backup(tmp_path / "safe-backup.db")
        assert safe.check().faults == ()
    assert not any(secret in (tmp_path / "safe-backup.db").read_bytes() for secret in (*SECRETS, vector))


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


def test_a_key_at_home_is_named_by_where_it_lies(gallery, tmp_path, key, monkeypatch):
    pytest.importorskip("sqlcipher3")
    monkeypatch.setenv("HOME", str(tmp_path))
    gallery.backup(tmp_path / "backup.db")
    arguments = ["restore", str(tmp_path / "backup.db"), "--gallery", str(tmp_path / "safe.db"), f"--key=~/{key.name}"]
    assert CliRunner().invoke(app, arguments).stdout.endswith(f"Set FACELOUPE_KEY={key} to use it.\n")


def test_keys_come_from_the_keyring_and_are_changed_there(gallery, tmp_path, passwords, monkeypatch):
    pytest.importorskip("sqlcipher3")
    passwords["faceloupe", "old"], passwords["a/b", "new"] = "o" * 44, "n" * 44
    gallery.backup(tmp_path / "backup.db")
    restored = CliRunner().invoke(
        app, ["restore", str(tmp_path / "backup.db"), "--gallery", str(tmp_path / "old.db"), "--key",
              "keyring:faceloupe/old"],
    )  # fmt: skip
    assert restored.stdout.endswith("Set FACELOUPE_KEY=keyring:faceloupe/old to use it.\n")
    monkeypatch.setenv("FACELOUPE_KEY", "keyring:faceloupe/old")
    with open_gallery(tmp_path / "old.db") as old:
        assert [person.name for person in old.people()] == ["Ann Lee"]
        old.backup(tmp_path / "old-backup.db")
    restore(tmp_path / "old-backup.db", tmp_path / "new.db", "keyring:a/b/new")
    assert not any(secret in bytes_beside(tmp_path / "new.db") for secret in SECRETS)
    with pytest.raises(GalleryError, match="encrypted with another key"):
        open_gallery(tmp_path / "new.db")
    monkeypatch.setenv("FACELOUPE_KEY", "keyring:a/b/new")
    with open_gallery(tmp_path / "new.db") as new:
        assert [person.name for person in new.people()] == ["Ann Lee"]


def test_an_export_is_signed_with_a_key_of_the_keyring(gallery, tmp_path, passwords):
    passwords["faceloupe", "signing"], passwords["faceloupe", "other"] = "s" * 32, "t" * 32
    gallery.export(tmp_path / "people.jsonl", key="keyring:faceloupe/signing")
    with GalleryToBe(tmp_path / "other.db") as other:
        with pytest.raises(GalleryError, match="signature is wrong"):
            other.import_(tmp_path / "people.jsonl", key="keyring:faceloupe/other")
        assert other.import_(tmp_path / "people.jsonl", key="keyring:faceloupe/signing").imported == ("Ann Lee",)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("keyring:faceloupe/none", "no password 'none' of 'faceloupe'.*keyring set faceloupe none"),
        ("keyring:faceloupe/short", "a password of 5 bytes"),
        ("keyring:faceloupe", "expected keyring:SERVICE/NAME"),
        ("keyring:locked/key", r"cannot be read \(nobody typed the password\)"),
    ],
)
def test_what_is_no_key_of_the_keyring_is_refused_and_never_told(passwords, tmp_path, monkeypatch, place, words):
    passwords["faceloupe", "short"] = "shout"
    monkeypatch.setenv("FACELOUPE_KEY", place)
    with pytest.raises((InputError, UnavailableError), match=words) as refusal:
        open_gallery(tmp_path / "new.db", create=True)
    assert "shout" not in str(refusal.value)
    assert not (tmp_path / "new.db").exists()


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


def test_a_key_that_was_put_in_place_of_its_file_is_not_told(tmp_path, monkeypatch):
    monkeypatch.setenv("FACELOUPE_KEY", "secret" * 10)
    with pytest.raises(InputError, match="FACELOUPE_KEY names no file that can be read: No such file") as refused:
        open_gallery(tmp_path / "faces.db")
    assert "secret" not in str(refused.value)
