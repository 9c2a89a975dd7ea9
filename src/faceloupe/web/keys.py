"""Who may call the server, and for what: random tokens, kept only as hashes."""

import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from faceloupe.documents import read_json
from faceloupe.errors import InputError
from faceloupe.files import write_whole

__all__ = ["SCOPES", "Key", "add_key", "key_of", "new_token", "read_keys"]

SCOPES = ("look", "recognise", "enrol", "admin")
"""What a key may be for: look at networks and studies; detect, verify, identify and read the gallery; write it; all."""

FORMAT = "faceloupe-keys"


@dataclass(frozen=True, slots=True)
class Key:
    """A caller that is let in.

    Attributes
    ----------
    name : str
        Who it is, as the audit trail and the log call it.
    sha256 : str
        Of the token. The token is 256 random bits, which no dictionary holds: a slow hash would add nothing.
    scopes : tuple of str
        Of ``SCOPES``; "admin" includes the others.
    per_minute : int
        Requests in a minute, at most.
    """

    name: str
    sha256: str
    scopes: tuple[str, ...]
    per_minute: int = 600

    def __post_init__(self) -> None:
        unknown = sorted(set(self.scopes) - set(SCOPES))
        if unknown or not self.scopes:
            raise InputError(
                f"key {self.name!r}: expected scopes of {', '.join(SCOPES)}, got {', '.join(unknown) or 'none'}"
            )
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):
            raise InputError(f"key {self.name!r}: expected the SHA-256 of its token, 64 hexadecimal digits")
        if self.per_minute < 1:
            raise InputError(f"key {self.name!r}: expected at least 1 request a minute, got {self.per_minute}")

    def allows(self, scope: str) -> bool:
        """Return whether the key is for this."""
        return scope in self.scopes or "admin" in self.scopes


def new_token() -> str:
    """Return 256 random bits as text for a URL."""
    return secrets.token_urlsafe(32)


def key_of(token: str, *, name: str, scopes: Iterable[str] = ("admin",), per_minute: int = 600) -> Key:
    """Return the key that a token opens."""
    return Key(name, _hashed(token), tuple(scopes), per_minute)


def find_key(keys: Iterable[Key], token: str) -> Key | None:
    """Return whose token it is; how long that takes tells nothing about the tokens."""
    hashed = _hashed(token)
    found = [key for key in keys if hmac.compare_digest(key.sha256, hashed)]
    return found[0] if found else None


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys of a file.

    Raises
    ------
    InputError
        If it is not a file of keys, two have one name, or others on this machine may write it.
    """
    if not path.is_file():
        raise InputError(f"{path}: no file of keys; faceloupe key NAME --keys {path} makes one")
    if path.stat().st_mode & 0o022:
        raise InputError(f"{path} may be written by others on this machine: chmod 600 {path}")
    document = read_json(path)
    try:
        if document["format"] != FORMAT:
            raise KeyError(FORMAT)
        keys = tuple(Key(**{**each, "scopes": tuple(each["scopes"])}) for each in document["keys"])
    except (KeyError, TypeError) as problem:
        raise InputError(f"{path} is not a file of keys ({problem})") from problem
    if len({key.name for key in keys}) < len(keys):
        raise InputError(f"{path}: two keys have one name")
    return keys


def add_key(path: Path, name: str, scopes: Iterable[str], *, per_minute: int = 600) -> str:
    """Add a key to a file, made if it is not there, and return its token, which is kept nowhere.

    Raises
    ------
    InputError
        If the file has a key of this name, or cannot be used.
    """
    keys = read_keys(path) if path.exists() else ()
    if any(key.name == name for key in keys):
        raise InputError(f"{path} has a key {name!r} already; take another name, or remove that entry")
    token = new_token()
    document: dict[str, Any] = {
        "format": FORMAT,
        "keys": [asdict(key) for key in (*keys, key_of(token, name=name, scopes=scopes, per_minute=per_minute))],
    }
    write_whole(path, (json.dumps(document, indent=1) + "\n").encode())
    return token


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
