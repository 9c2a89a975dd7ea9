"""Encryption at rest, by SQLCipher: every page of the file and of its log, AES-256 with a check of each page (HMAC).

The key comes from a file that the environment variable ``FACELOUPE_KEY`` names: 32 bytes or more that nobody can guess,
as ``head -c 32 /dev/urandom > key`` gives, readable by its owner alone. ``keyring:SERVICE/NAME`` there names a password
in the user's keyring instead. Who has the file of the gallery without that key learns how large it is and when it was
changed, and nothing else. In the memory of a running program, in exports and on pages the data are plain.
"""

import os
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from faceloupe.errors import InputError, extra
from faceloupe.seals import read_secret

VARIABLE = "FACELOUPE_KEY"


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """The key of a gallery; it is in no message and no ``repr``."""

    digits: str

    @property
    def literal(self) -> str:
        """The key of 256 bits as SQLCipher takes it, without deriving one from a password."""
        return f"x'{self.digits}'"

    def unlock(self, connection: Any) -> None:
        """Give the key to a new connection; whether it is the right one shows when something is read."""
        connection.execute(f'PRAGMA key = "{self.literal}"')


def read_key(place: str | PathLike[str]) -> Key:
    """Return the key in a file or in the keyring, see :func:`faceloupe.seals.read_secret`."""
    return Key(sha256(read_secret(place)).hexdigest())


def is_plain(path: Path) -> bool:
    """Return whether a file is an SQLite database that anybody can read."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def key_of_environment() -> Key | None:
    """Return the key that ``FACELOUPE_KEY`` names; None if it names none."""
    place = os.environ.get(VARIABLE)
    try:
        return read_key(place) if place else None
    except OSError as problem:  # not told with its place: somebody may have put the key itself there
        raise InputError(f"{VARIABLE} names no file that can be read: {problem.strerror}") from problem


def sqlcipher() -> ModuleType:
    """Return the driver of encrypted files.

    Raises
    ------
    UnavailableError
        If it is not installed.
    """
    with extra("encryption"):
        from sqlcipher3 import dbapi2
    module: ModuleType = dbapi2
    return module
