"""Seals of files that leave this machine: a checksum that shows damage, and a signature that shows who changed nothing.

A checksum shows that content was cut short or damaged on its way. It does not show who wrote it: whoever changes a file
can write the right sum. A signature with a key (HMAC-SHA256, RFC 2104) shows that nobody changed it who lacks the key.
"""

import hmac
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from faceloupe.errors import InputError
from faceloupe.files import read_bytes

__all__ = ["Seals", "check_seals", "read_secret", "seals_of"]

LEAST, MOST = 32, 4096  # bytes of a key


def read_secret(path: Path) -> bytes:
    """Return the bytes of a key's file.

    Raises
    ------
    InputError
        If the file has fewer than 32 bytes, which could be guessed, or more than 4096, or others may read it.
    OSError
        If it cannot be opened.
    """
    content = read_bytes(path, MOST)
    if len(content) < LEAST:
        raise InputError(f"{path}: a key has {LEAST} bytes or more, such as head -c 32 /dev/urandom > {path} gives")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise InputError(f"{path} may be read by others on this machine: chmod 600 {path}")
    return content


class Seals:
    """The checksum of content that comes in parts, and its signature where there is a key."""

    def __init__(self, secret: bytes | None) -> None:
        self._sum = sha256()
        self._signature = None if secret is None else hmac.new(secret, digestmod="sha256")

    def update(self, part: bytes) -> None:
        """Take the next part in."""
        self._sum.update(part)
        if self._signature is not None:
            self._signature.update(part)

    def to_document(self) -> dict[str, str]:
        """Return the seals of what came so far, as a file holds them."""
        seals = {"sha256": self._sum.hexdigest()}
        return seals if self._signature is None else {**seals, "hmac_sha256": self._signature.hexdigest()}


def seals_of(content: bytes, secret: bytes | None) -> dict[str, str]:
    """Return the checksum of some content, and its signature where there is a key."""
    seals = Seals(secret)
    seals.update(content)
    return seals.to_document()


def check_seals(content: bytes, seals: Mapping[str, object], secret: bytes | None) -> None:
    """Check the checksum of content, and its signature where there is a key.

    Raises
    ------
    InputError
        If the checksum is wrong, or a signature is asked for and missing or wrong.
    """
    if seals.get("sha256") != sha256(content).hexdigest():
        raise InputError("its checksum is wrong: it was changed or cut short after it was written")
    if secret is None:
        return
    signature = seals.get("hmac_sha256")
    if not isinstance(signature, str):
        raise InputError("it is not signed")
    if not hmac.compare_digest(signature.encode(), hmac.digest(secret, content, "sha256").hex().encode()):
        raise InputError("its signature is wrong: it was changed, or signed with another key")
