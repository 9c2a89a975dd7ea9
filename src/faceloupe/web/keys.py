"""Keys to the server, each for some of its routes: random tokens, kept only as hashes."""

import hmac
import re
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from math import log2
from pathlib import Path

from filelock import FileLock, Timeout

from faceloupe.documents import read_json, write_json
from faceloupe.errors import InputError

SCOPES = ("look", "recognise", "enrol", "remove", "admin")
"""What a key may be for: look at networks and studies; detect, verify, identify and read the gallery; add to it; take
from it, that is forget and merge; all, also the threshold by which everybody is told a name, the trail and metrics."""

FORMAT = "faceloupe-keys"
LONGEST = 200
NAME = rf"[^\W_][ -~\w]{{0,{LONGEST - 1}}}"  # it stands in the trail and in every line of the log
PATIENCE = 10.0  # seconds that a command waits for another that writes the same file of keys

LEAST_TOKEN, LEAST_BITS = 20, 55
"""Characters of a token that somebody made up, and an estimate of what it takes to guess it."""

_USUAL = re.compile("pass(word|wort|phrase)?|secret|change|letmein|welcome|admin(istrator)?|hunter2|trustno1|iloveyou")
_ROWS = "0123456789 abcdefghijklmnopqrstuvwxyz qwertyuiop asdfghjkl zxcvbnm qwertzuiop"


@dataclass(frozen=True, slots=True)
class Key:
    """A caller that is let in.

    Attributes
    ----------
    name : str
        Name of the holder in the audit trail and the log.
    sha256 : str
        SHA-256 of the token. The token is 256 random bits, which no dictionary holds: a slow hash would add nothing.
    scopes : tuple of str
        Some of ``SCOPES``; "admin" includes the others.
    per_minute : int
        Requests in a minute, at most.
    """

    name: str
    sha256: str
    scopes: tuple[str, ...]
    per_minute: int = 600

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(NAME, self.name):
            raise InputError(f"a key's name: expected 1 to {LONGEST} printable characters, got {self.name!r:.80}")
        if not isinstance(self.sha256, str) or not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise InputError(f"key {self.name!r}: expected the SHA-256 of its token, 64 hexadecimal digits")
        if type(self.per_minute) is not int or self.per_minute < 1:
            raise InputError(f"key {self.name!r}: expected at least 1 request a minute, got {self.per_minute!r:.80}")
        unknown = sorted({str(scope) for scope in self.scopes} - set(SCOPES))
        if unknown or not self.scopes:
            raise InputError(
                f"key {self.name!r}: expected scopes of {', '.join(SCOPES)}, got {', '.join(unknown) or 'none'}"
            )

    def allows(self, scope: str) -> bool:
        """Return whether the key has this scope."""
        return scope in self.scopes or "admin" in self.scopes


def new_token() -> str:
    """Return 256 random bits as text for a URL."""
    return secrets.token_urlsafe(32)


def key_of(token: str, *, name: str, scopes: Iterable[str] = ("admin",), per_minute: int = 600) -> Key:
    """Return the key that a token opens."""
    return Key(name, _hashed(token), tuple(scopes), per_minute)


def find_key(keys: Iterable[Key], token: str) -> Key | None:
    """Return the key that a token opens, or None; the time it takes tells nothing about the tokens."""
    hashed = _hashed(token)
    matching = [key for key in keys if hmac.compare_digest(key.sha256, hashed)]
    return matching[0] if matching else None


def check_token(token: str) -> None:
    """Raise InputError if a token could be guessed.

    What repeats, runs along an alphabet or a keyboard, or is a usual word counts for nothing; the rest counts as its
    letters are spread (Shannon's entropy).
    """
    if not re.fullmatch("[!-~]*", token):
        raise InputError("the token holds characters that no header carries: take letters, digits, - and _")
    if len(token) < LEAST_TOKEN or _bits(token) < LEAST_BITS:
        raise InputError(
            f"the token could be guessed: expected at least {LEAST_TOKEN} characters by chance, as "
            'python -c "import secrets; print(secrets.token_urlsafe(32))" prints them'
        )


def _bits(token: str) -> float:
    """Return a rough upper bound of how many bits of chance a token holds."""
    text = _USUAL.sub("", token.lower())
    threes = [text[place - 2 : place + 1] for place in range(2, len(text))]
    rows = f"{_ROWS} {_ROWS[::-1]}"
    new = text[:2] + "".join(
        three[2]
        for place, three in enumerate(threes)
        if three not in threes[:place] and three not in rows and len(set(three)) > 1
    )
    counts = Counter(new).values()
    return sum(count * log2(len(new) / count) for count in counts)


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys of a file.

    Raises InputError if it is not a file of keys, two have one name, or others on this machine may write it.
    """
    if not path.is_file():
        raise InputError(f"{path}: no file of keys; faceloupe key NAME --keys {path} makes one")
    if path.stat().st_mode & 0o022:
        raise InputError(f"{path} may be written by others on this machine: chmod 600 {path}")
    document = read_json(path, max_depth=8)
    try:
        if document["format"] != FORMAT:
            raise KeyError(FORMAT)
        keys = tuple(Key(**{**entry, "scopes": tuple(entry["scopes"])}) for entry in document["keys"])
    except (KeyError, TypeError) as problem:
        raise InputError(f"{path} is not a file of keys ({problem})") from problem
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from problem
    if len({key.name for key in keys}) < len(keys):
        raise InputError(f"{path}: two keys have one name")
    return keys


def add_key(path: Path, name: str, scopes: Iterable[str], *, per_minute: int = 600) -> str:
    """Add a key to a file, made if it is not there, and return its token, which is kept nowhere.

    Who adds another at the same time waits for this one. Raises InputError if the file has a key of this name, or
    cannot be used.
    """
    token = new_token()
    key = key_of(token, name=name, scopes=scopes, per_minute=per_minute)
    try:
        with FileLock(f"{path}.lock", timeout=PATIENCE, mode=0o600):
            keys = read_keys(path) if path.exists() else ()
            if any(other.name == name for other in keys):
                raise InputError(f"{path} has a key {name!r} already; take another name, or remove that entry")
            write_json(path, {"format": FORMAT, "keys": [asdict(other) for other in (*keys, key)]})
    except Timeout as problem:
        raise InputError(f"{path}: another program has been writing to it for too long; try again") from problem
    except OSError as problem:
        raise InputError(f"{path} cannot be written: {problem.strerror or problem}") from problem
    return token


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
