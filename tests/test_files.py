"""Files: bounded when they are read, whole and private when they are written."""

import os
import stat
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faceloupe.errors import InputError
from faceloupe.files import naming, new_folder, read_bytes, sha256_of, unfinished, write_whole


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    write_whole(target, b"old")
    monkeypatch.setattr("os.replace", _fail)
    with pytest.raises(OSError, match="disk on fire"):
        write_whole(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_bytes() == b"old"


def test_a_link_stays_and_its_file_is_written(tmp_path):
    link, target = tmp_path / "latest.html", tmp_path / "report.html"
    link.symlink_to(target)
    for content in (b"new", b"newer"):
        write_whole(link, content)
        assert (link.is_symlink(), target.read_bytes()) == (True, content)


def _fail(*_):
    raise OSError("disk on fire")


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as threads:
        read = threads.submit(pipe.read_bytes)
        write_whole(pipe, b"content")
    assert read.result() == b"content"
    assert pipe.is_fifo()


def test_a_dash_is_no_name_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="name a file"):
        write_whole(Path("-"), b"")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("umask", "mode"), [(0o000, 0o600), (0o022, 0o600), (0o077, 0o600), (0o277, 0o400)])
def test_a_file_is_its_owners_and_never_wider_than_the_umask(tmp_path, umask, mode):
    (tmp_path / "a").write_bytes(b"")
    before = os.umask(umask)
    try:
        for name in ("a", "b" * 250):
            write_whole(tmp_path / name, b"x")
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode
    finally:
        os.umask(before)


def test_only_regular_files_are_read_and_no_more_than_the_bound(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "small").write_bytes(b"abc")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(40 << 30)
    assert read_bytes(tmp_path / "small", 3) == b"abc"
    for name, complaint in {
        "pipe": "not a regular file", "/dev/zero": "not a regular file", ".": "is a folder", "small": "has 3 bytes",
        "sparse": "has 42,949,672,960 bytes; at most 2",
    }.items():  # fmt: skip
        with pytest.raises(InputError, match=complaint):
            read_bytes(tmp_path / name, 2)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none", 2)
    with pytest.raises(InputError, match="has more than 2 bytes"):  # says that it has none, as all of /proc
        read_bytes(Path("/proc/self/status"), 2)


def test_a_files_sha256_is_that_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2
    with pytest.raises(OSError, match="nowhere"):
        sha256_of(tmp_path / "nowhere")


def test_a_small_file_takes_little_memory_however_much_may_be_read(tmp_path):
    (tmp_path / "small").write_bytes(b"x" * 1000)
    tracemalloc.start()
    assert read_bytes(tmp_path / "small", 1 << 30) == b"x" * 1000
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_where_a_disk_is_full_the_file_is_named(tmp_path):
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_whole(Path("/dev/full"), b"x" * 100_000)
    with pytest.raises(OSError, match="No space left") as failure, naming(tmp_path / "table.csv"):
        Path("/dev/full").write_bytes(b"x")
    assert failure.value.filename == str(tmp_path / "table.csv")


def test_a_file_that_the_content_comes_from_is_named_itself(tmp_path):
    source = tmp_path / "source"
    with pytest.raises(FileNotFoundError) as failure:
        write_whole(tmp_path / "out", (source.read_bytes() for _ in range(1)))
    assert failure.value.filename == str(source)


def test_what_cannot_be_made_is_named_as_it_was_asked_for(tmp_path):
    asked = tmp_path / "none" / "report.html"
    with pytest.raises(FileNotFoundError) as failure:
        write_whole(asked, b"x")
    assert failure.value.filename == str(asked)
    with pytest.raises(FileNotFoundError) as failure, new_folder(tmp_path / "net") as unfinished:
        write_whole(unfinished / "none" / "weights", b"x")
    assert failure.value.filename == str(tmp_path / "net")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_to_a_new_folder_stays_and_its_folder_is_filled(tmp_path, is_there):
    link, target = tmp_path / "latest", tmp_path / "net"
    link.symlink_to(target)
    if is_there:
        target.mkdir()
    with new_folder(link) as unfinished:
        (unfinished / "weights").write_bytes(b"x")
    assert (link.is_symlink(), (target / "weights").read_bytes()) == (True, b"x")
    assert sorted(tmp_path.iterdir()) == [link, target]


_KILLED_WHILE_IT_WRITES = """
import os, pathlib, signal, sys
from faceloupe.files import write_whole

def parts():
    yield b"a template" * 10_000
    os.kill(os.getpid(), signal.SIGKILL)

write_whole(pathlib.Path(sys.argv[1]), parts())
"""


def test_what_a_killed_process_left_goes_with_the_next_write_of_that_file_and_nothing_else_does(tmp_path):
    target = tmp_path / "faces.export"
    subprocess.run([sys.executable, "-c", _KILLED_WHILE_IT_WRITES, target], timeout=60, check=False)
    (left,) = tmp_path.iterdir()
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    assert (left / "file").stat().st_size
    write_whole(tmp_path / "other", b"another file")
    assert left.exists()
    write_whole(target, b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces.export", "other"]


def test_what_another_writer_has_not_finished_stays(tmp_path):
    with unfinished(tmp_path / "a") as folder:
        (folder / "file").write_bytes(b"half")
        write_whole(tmp_path / "a", b"whole")
        assert (folder / "file").read_bytes() == b"half"


@pytest.mark.parametrize("name", ["a" * 240, "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 80])
def test_names_as_long_as_the_file_system_has_them_are_written(name, tmp_path):
    write_whole(tmp_path / name, b"whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root lists every folder")
def test_a_folder_that_cannot_be_listed_is_written_to(tmp_path):
    tmp_path.chmod(0o300)
    write_whole(tmp_path / "a", b"whole")
    tmp_path.chmod(0o700)
    assert (tmp_path / "a").read_bytes() == b"whole"


def test_many_can_write_one_file_at_once(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: write_whole(tmp_path / "a", bytes([number]) * 1000), range(40)))
    assert len(set((tmp_path / "a").read_bytes())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_nothing_is_written_in_a_folder_that_another_user_laid_out_for_it(tmp_path, monkeypatch):
    (laid_out := tmp_path / ".a.faceloupe-unfinished").mkdir()
    (laid_out / "theirs").touch()
    monkeypatch.setattr("os.geteuid", lambda: laid_out.stat().st_uid + 1)
    write_whole(tmp_path / "a", b"mine")
    assert (tmp_path / "a").read_bytes() == b"mine"
    assert (laid_out / "theirs").exists()
