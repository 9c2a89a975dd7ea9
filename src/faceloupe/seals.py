"""Seals of files that leave this machine: a checksum that shows damage, and a signature that shows who changed nothing.

A checksum shows that content was cut short or damaged on its way. It does not show who wrote it: whoever changes a file
can write the right sum. A signature with a key (HMAC-SHA256, RFC 2104) shows that nobody changed it who lacks the key.
"""

import hmac
import os
from collections.abc import Mapping
from hashlib import sha256
from os import PathLike
from pathlib import Path

from faceloupe.errors import InputError, UnavailableError, extra
from faceloupe.files import read_bytes

LEAST, MOST = 32, 4096  # bytes of a key

IN_KEYRING = "keyring:"


def read_secret(place: str | PathLike[str]) -> bytes:
    """Return the bytes of a key.

    Parameters
    ----------
    place : str or path
        The name of its file, or ``keyring:SERVICE/NAME``: the password NAME of SERVICE in the user's keyring, in UTF-8.

    Raises
    ------
    InputError
        If it has fewer than 32 bytes, which could be guessed, or more than 4096, others may read the file, or the
        keyring has no such password.
    UnavailableError
        If the keyring cannot be read, or the extra ``keyring`` is missing.
    OSError
        If the file cannot be opened.
    """
    if os.fspath(place).startswith(IN_KEYRING):
        return _of_keyring(os.fspath(place).removeprefix(IN_KEYRING))
    path = Path(place).expanduser()
    content = read_bytes(path, MOST)
    if len(content) < LEAST:
        raise InputError(f"{path}: a key has {LEAST} bytes or more, such as head -c 32 /dev/urandom > {path} gives")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise InputError(f"{path} may be read by others on this machine: chmod 600 {path}")
    return content


def _of_keyring(place: str) -> bytes:
    service, _, name = place.rpartition("/")
    if not service or not name:
        raise InputError(f"{IN_KEYRING}{place}: expected {IN_KEYRING}SERVICE/NAME, as {IN_KEYRING}faceloupe/gallery")
    with extra("keyring"):
        import keyring
        from keyring.errors import KeyringError
    try:
        password = keyring.get_password(service, name)
    except KeyringError as problem:
        raise UnavailableError(
            f"The keyring cannot be read ({problem}). Is it unlocked? A key may also lie in a file."
        ) from problem
    content = (password or "").encode()
    if not LEAST <= len(content) <= MOST:
        held = "no password" if password is None else f"a password of {len(content):,} bytes"
        raise InputError(
            f"the keyring has {held} {name!r} of {service!r}; a key has {LEAST} to {MOST:,} bytes: give keyring set "
            f"{service} {name} what openssl rand -base64 32 prints"
        )
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

    def check(self, seals: Mapping[str, object]) -> None:
        """Compare with the seals that a file holds.

        Raises
        ------
        InputError
            If the checksum is missing or wrong, or there is a key and the signature is missing or wrong.
        """
        if "sha256" not in seals:
            raise InputError("it has no 'sha256'")
        if seals["sha256"] != self._sum.hexdigest():
            raise InputError("its checksum is wrong: it was changed or cut short after it was written")
        if self._signature is None:
            return
        signature = seals.get("hmac_sha256")
        if not isinstance(signature, str):
            raise InputError("it is not signed")
        if not hmac.compare_digest(signature.encode(), self._signature.hexdigest().encode()):
            raise InputError("its signature is wrong: it was changed, or signed with another key")


def seals_of(content: bytes, secret: bytes | None) -> dict[str, str]:
    """Return the checksum of some content, and its signature where there is a key."""
    seals = Seals(secret)
    seals.update(content)
    return seals.to_document()


def check_seals(content: bytes, seals: Mapping[str, object], secret: bytes | None) -> None:
    """Check the checksum of content, and its signature where there is a key, see :meth:`Seals.check`."""
    own = Seals(secret)
    own.update(content)
    own.check(seals)
