"""Archives that lie: nothing leads out of them, and nothing of them grows beyond its bound."""

import io
import struct
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import ImageError, InputError
from faceloupe.gallery.archives import MAX_FILES, MAX_UNPACKED, Archive

MOST = 1000


def packed(*files, method=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, photograph in files:
            archive.writestr(name, photograph)
    return content.getvalue()


def refused(archive):
    return {skipped.path: skipped.reason for skipped in archive.refused}


def listed(archive):
    return {subject.name: subject.photographs for subject in archive.subjects}


def test_folders_are_subjects():
    files = [("bob/1.jpg", b"b"), ("Ann/2.PNG", b"a2"), ("Ann/1.jpg", b"a1")]
    files += [(".git/1.jpg", b""), ("__MACOSX/bob/._1.jpg", b"")]
    archive = Archive(packed(*files), MOST)
    assert listed(archive) == {"Ann": ["Ann/1.jpg", "Ann/2.PNG"], "bob": ["bob/1.jpg"]}
    assert archive.refused == []
    assert [archive.read(path) for path in ("Ann/1.jpg", "bob/1.jpg")] == [b"a1", b"b"]


def test_a_folder_around_all_is_passed_over():
    archive = Archive(packed(("people/ann/1.jpg", b""), ("people/bob/1.jpg", b"")), MOST)
    assert listed(archive) == {"ann": ["people/ann/1.jpg"], "bob": ["people/bob/1.jpg"]}


def test_what_is_no_photograph_of_anybody_is_named_with_the_reason():
    files = [
        ("../../etc/ann/1.jpg", "leads out"), ("/etc/1.jpg", "leads out"), ("..\\..\\ann\\1.jpg", "leads out"),
        ("C:\\ann\\1.jpg", "leads out"), ("loose.jpg", "lies in no folder"), ("ann/deep/1.jpg", "not entered"),
        ("ann/notes.txt", "not called like an image"), ("\u202eann/1.jpg", "cannot be printed"),
        ("ann/large.jpg", "1,001 bytes"), (" /1.jpg", "expected 1 to 200"),
    ]  # fmt: skip
    content = packed(*((name, bytes(1001) if "large" in name else b"") for name, _ in files), ("bob/1.jpg", b""))
    archive = Archive(content, MOST)
    assert listed(archive) == {"bob": ["bob/1.jpg"]}
    reasons = list(refused(archive).values())
    for _, reason in files:
        assert any(reason in each for each in reasons), reason
    assert len(reasons) == len(files)


def test_a_link_an_encrypted_file_and_another_method_are_refused():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        link = zipfile.ZipInfo("ann/link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("ann/bomb.jpg", bytes(500), zipfile.ZIP_LZMA)
        archive.writestr("ann/1.jpg", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("ann/1.jpg", b"another")
    found = Archive(content.getvalue(), MOST)
    assert listed(found) == {"ann": ["ann/1.jpg"]}
    assert set(refused(found).values()) == {
        "a link, which is not followed", "packed by another method than deflate",
        "another file of this name is in the archive",
    }  # fmt: skip
    secret = bytearray(packed(("ann/1.jpg", b"")))
    for sign, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        secret[secret.index(sign) + offset] |= 1
    assert refused(Archive(bytes(secret), MOST)) == {"ann/1.jpg": "encrypted"}


def test_a_file_gives_no_more_than_its_entry_claims():
    """The list says 10 bytes, and a megabyte is packed: the sum is wrong then, and that is said."""
    content = bytearray(packed(("ann/1.jpg", bytes(1_000_000))))
    where = content.index(b"PK\1\2")
    content[where + 24 : where + 28] = struct.pack("<L", 10)
    archive = Archive(bytes(content), MOST)
    with pytest.raises(ImageError, match="damaged in the archive"):
        archive.read("ann/1.jpg")


@pytest.mark.parametrize("claimed", [0, 1000])
def test_no_more_of_a_file_is_inflated_than_its_entry_claims(claimed):
    content = bytearray(packed(("ann/1.jpg", bytes(32_000_000))))
    where = content.index(b"PK\1\2")
    content[where + 24 : where + 28] = struct.pack("<L", claimed)
    archive = Archive(bytes(content), MOST)
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match="damaged in the archive"):
            archive.read("ann/1.jpg")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", [".", "./.", "nul/1.jpg"])
def test_a_file_without_a_name_is_refused(name):
    content = packed((name, b""), ("bob/1.jpg", b""))
    archive = Archive(content.replace(b"nul/", b"\0ul/"), MOST)  # a name ends at a zero byte
    assert listed(archive) == {"bob": ["bob/1.jpg"]}
    assert [skipped.reason for skipped in archive.refused] == ["it has no name"]


def test_a_bomb_is_refused_before_it_is_unpacked():
    content = bytearray(packed(*((f"ann/{n}.jpg", bytes(10)) for n in range(20))))
    start = 0
    for _ in range(20):
        start = content.index(b"PK\1\2", start) + 4
        content[start + 20 : start + 24] = struct.pack("<L", MAX_UNPACKED // 10)
    with pytest.raises(InputError, match="unpacked it would have"):
        Archive(bytes(content), MOST)


def test_too_many_files_are_refused_by_the_length_of_their_list():
    with pytest.raises(InputError, match="at most 5,000"):
        Archive(packed(*((f"a/{n}.jpg", b"") for n in range(MAX_FILES + 1))), MOST)
    content = bytearray(packed(("a/1.jpg", b"")))
    end = content.rindex(b"PK\5\6")
    content[end + 12 : end + 16] = struct.pack("<L", 2**31)
    with pytest.raises(InputError, match="send it in several"):
        Archive(bytes(content), MOST)


@pytest.mark.parametrize("content", [b"", b"PK\5\6", b"no archive", b"PK\3\4" + bytes(40)])
def test_what_is_no_archive_is_refused(content):
    with pytest.raises(InputError, match="ZIP"):
        Archive(content, MOST)


def test_names_of_another_encoding_are_refused():
    content = packed(("zo-/1.jpg", b"")).replace(b"zo-", b"zo\xeb")
    with pytest.raises(InputError, match="UTF-8"):
        Archive(content, MOST)


@given(st.data())
def test_a_damaged_archive_is_an_input_error_or_gives_what_was_packed(data):
    photographs = {"ann/1.jpg": b"one" * 50, "bob/2.jpg": b"two"}
    content = bytearray(packed(*photographs.items()))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        archive = Archive(bytes(content), MOST)
        for subject in archive.subjects:
            for path in subject.photographs:
                assert archive.read(path) in photographs.values()
    except InputError:
        pass
