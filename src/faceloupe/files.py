"""Files: read up to a bound, written whole or not at all, for their owner's eyes only."""

import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from faceloupe.errors import InputError

if sys.platform != "win32":
    import fcntl

# Unix has the one flag, Windows the other.
_TO_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_TO_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_UNFINISHED = ".faceloupe-unfinished"


@contextmanager
def open_regular(path: Path, max_bytes: int) -> Iterator[BufferedReader]:
    """Open a file to read it, once it is known to be a regular file of at most `max_bytes`.

    A named pipe would wait for ever, and a device, such as ``/dev/zero``, never end. Raises InputError if it is not a
    regular file, or larger; OSError if it cannot be opened.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a file")
    with os.fdopen(os.open(path, _TO_READ), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise InputError(f"{path} is not a regular file, but a device, a pipe or a socket")
        if about.st_size > max_bytes:
            raise InputError(f"{path} has {about.st_size:,} bytes; at most {max_bytes:,} are read")
        yield file


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a regular file, see :func:`open_regular`; one that grows meanwhile is refused as well."""
    with open_regular(path, max_bytes) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)  # as much memory is taken as is asked for, not as there is to read
        if len(content) > size:
            content += file.read(max_bytes + 1 - len(content))
    if len(content) > max_bytes:
        raise InputError(f"{path} has more than {max_bytes:,} bytes; no more are read")
    return content


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    The bytes go to a temporary file beside the target, reach the disk, and take the target's name in one step. The file
    is for its owner's eyes only (mode 0600, or less where the umask says so): pages, networks and lists alike can show
    whom they were made of. What is there and no file, such as ``/dev/stdout`` or a pipe, is written to, not replaced,
    and a link stays one to the file that is written. Content that comes in parts is never held whole. Raises InputError
    of ``-``, see :func:`check_name`; OSError, with the file's name, if it cannot be written.
    """
    check_name(path)
    parts = [content] if isinstance(content, bytes) else content
    with naming(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.writelines(parts)
        else:
            _replace(Path(os.path.realpath(path)), parts)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name a file in the OSError of what is done to it: that of a full disk names none, others a temporary one.

    An error of another file, from which the content comes, is left as it is.
    """
    try:
        yield
    except OSError as problem:
        temporary = f"{os.sep}.{Path(os.path.realpath(path)).name[:50]}"
        if problem.errno is None or not (problem.filename is None or temporary in str(problem.filename)):
            raise
        raise OSError(problem.errno, problem.strerror, os.fspath(path)) from problem


def _replace(path: Path, parts: Iterable[bytes]) -> None:
    with unfinished(path) as folder:
        temporary = folder / "file"
        with os.fdopen(os.open(temporary, _TO_MAKE, 0o600), "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Give a folder of mode 0700 beside a path, for what shall take the path's name once it is whole.

    It is removed afterwards. A process that is killed leaves it, and the next one that writes to the path empties it:
    a folder is locked as long as its process lives. (Windows locks no folder; there it stays, as it does where two
    write to one path at once.) Raises OSError if no folder can be made.
    """
    name = os.fsencode(path.name)[:200].decode(errors="ignore")  # file systems bound the bytes of a name, most by 255
    folder = path.absolute().parent / f".{name}{_UNFINISHED}"
    handle = _take(folder)
    if handle is None:
        folder = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{name}."))
    try:
        folder.chmod(0o700)  # a umask can take the owner's rights too
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # an error here would hide the one that led here
        if handle is not None:
            os.close(handle)


def _take(folder: Path) -> int | None:
    """Make a folder, or take over and empty one that nobody has, and lock it until what is returned is closed.

    Returns None if another process or another user has it, or it cannot be locked.
    """
    if sys.platform == "win32":
        return None
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(handle), folder.stat()):
                raise FileNotFoundError(f"{folder} was removed by its owner while it was opened")
            if os.fstat(handle).st_uid != os.geteuid():
                raise PermissionError(f"{folder} is another user's, who could exchange what is written there")
            for left in folder.iterdir():
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        except OSError:
            os.close(handle)
            raise
        return handle
    return None


def check_name(path: Path) -> None:
    """Check that a file to write has a name; raise InputError of ``-``, by which elsewhere standard output is meant."""
    if path == Path("-"):
        raise InputError("- names no file, and nothing is written to standard output in its place; name a file")


def check_new_folder(folder: Path) -> None:
    """Check that a folder can be made, or exists and is empty.

    Raises InputError if it is a file, holds something, or has no folder to be in.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists already; name a new folder, or remove this one first")
    if not folder.absolute().parent.is_dir():
        raise InputError(f"{folder.parent} is not a folder; make it first")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to fill, which takes its name once all is in it; after a failure nothing is left of it.

    A link stays one to the folder that is made. Raises InputError if it cannot be made, see :func:`check_new_folder`.
    """
    check_new_folder(folder)
    folder = Path(os.path.realpath(folder))
    with ExitStack() as stack:
        with naming(folder):
            made = stack.enter_context(unfinished(folder)) / "folder"
        made.mkdir(mode=0o700)
        try:
            yield made
            if os.name == "nt" and folder.exists():
                folder.rmdir()  # Windows replaces no folder, not even an empty one
            made.replace(folder)
        except OSError as problem:
            if str(problem.filename).startswith(str(made)):
                raise OSError(problem.errno, problem.strerror, str(folder)) from problem
            raise


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256, 64 hexadecimal digits; it is read a piece at a time.

    Raises InputError if it is not a regular file; OSError if it cannot be read.
    """
    with open_regular(path, sys.maxsize) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
