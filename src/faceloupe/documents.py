"""Plain documents: the dictionaries that page, ``--json``, HTTP and files share, and the one reader of JSON."""

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from faceloupe.errors import InputError
from faceloupe.files import read_bytes, write_whole

MAX_BYTES, MAX_DEPTH, MAX_VALUES = 64 << 20, 64, 1_000_000
"""Bounds on JSON that comes from outside, unless a caller sets others."""

PART = 1 << 20
"""Bytes whose structure is looked at in one go: a large document takes no more memory for that than a small one."""

_NO_BACKSLASH = re.compile(rb"[^\\]")

_STEPS = np.zeros(256, np.int8)  # what a byte outside of strings adds to the depth
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1


def json_text(document: dict[str, Any] | None, *, indent: int | None = None, ascii_only: bool = False) -> str:
    r"""Return a document as JSON, on one line or indented.

    Of a path that is not UTF-8 the bytes that are none are escaped, and :func:`read_json` gives them back.

    >>> print(json_text({"path": "a\udcff.jpg"}))
    {"path": "a\udcff.jpg"}
    """
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only, allow_nan=False)
    return text.encode(errors="backslashreplace").decode()


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a document as indented UTF-8 JSON, whole or not at all."""
    write_whole(path, (json_text(document, indent=1) + "\n").encode())


def parse_json(
    content: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_values: int = MAX_VALUES
) -> Any:
    """Return the value of JSON from outside, whose size, depth and number of values are checked before it is built.

    Parameters
    ----------
    content : bytes or str
        UTF-8; a byte order mark is passed over.
    max_bytes : int
    max_depth : int
        Lists and objects within one another, at most.
    max_values : int
        Items of all lists and objects together, at most.

    Raises
    ------
    InputError
        If it is too large, too deep, of too many values, not UTF-8 or not JSON (RFC 8259); if an object has a name
        twice, of which readers would take one or the other; or if a number is NaN, infinite or too large for a float.

    Examples
    --------
    >>> parse_json('{"size": [3, 4.5]}')
    {'size': [3, 4.5]}
    >>> parse_json("[[[]]]", max_depth=2)
    Traceback (most recent call last):
    faceloupe.errors.InputError: lists and objects lie more than 2 deep; no deeper ones are read
    """
    content = content.encode(errors="surrogatepass") if isinstance(content, str) else content
    if len(content) > max_bytes:
        raise InputError(f"{len(content):,} bytes; at most {max_bytes:,} are read")
    _check_structure(content, max_depth, max_values)
    try:
        return json.loads(
            content.removeprefix(BOM_UTF8).decode(), parse_constant=_refuse, parse_float=_finite,
            object_pairs_hook=_object,
        )  # fmt: skip
    except UnicodeDecodeError as problem:
        raise InputError(f"not UTF-8: {problem.reason} at byte {problem.start:,}") from problem
    except json.JSONDecodeError as problem:
        raise InputError(f"not JSON: {problem}") from problem
    except RecursionError as problem:  # the caller stands deep already
        raise InputError("lists and objects lie too deep") from problem
    except InputError:
        raise
    except ValueError as problem:  # an integer of more digits than Python reads
        raise InputError("an integer has too many digits") from problem


def read_json(
    path: Path, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_values: int = MAX_VALUES
) -> Any:
    """Return the document in a JSON file, see :func:`parse_json`.

    Raises InputError if it is not a regular file, or not JSON within these bounds; OSError if it cannot be opened.
    """
    content = read_bytes(path, max_bytes)
    try:
        return parse_json(content, max_bytes=max_bytes, max_depth=max_depth, max_values=max_values)
    except InputError as problem:
        raise InputError(f"{path} is not a JSON document that can be read: {problem}") from problem


def _check_structure(content: bytes, max_depth: int, max_values: int) -> None:
    """Count brackets and commas outside of strings; most documents have so few of them that strings do not matter."""
    opening, commas = content.count(b"[") + content.count(b"{"), content.count(b",")
    if opening <= max_depth and opening + commas < max_values:
        return
    start, values, depth, within = 0, 1, 0, False
    while start < len(content):
        last = _NO_BACKSLASH.search(content, start + PART)  # what a backslash stands before belongs to it
        end = last.end() if last else len(content)
        letters = np.frombuffer(content[start:end].replace(rb"\\", b"").replace(rb"\"", b""), np.uint8)
        in_string = np.logical_xor.accumulate(np.append(within, letters == ord('"')))
        letters, within, start = letters[~in_string[1:]], bool(in_string[-1]), end
        steps = _STEPS[letters]
        values += int((steps > 0).sum() + (letters == ord(",")).sum())
        if values > max_values:
            raise InputError(f"more than {max_values:,} values; no more are read")
        depths = depth + steps[steps != 0].cumsum(dtype=np.int32)
        if depths.max(initial=0) > max_depth:
            raise InputError(f"lists and objects lie more than {max_depth:,} deep; no deeper ones are read")
        depth = int(depths[-1]) if len(depths) else depth


def _refuse(constant: str) -> NoReturn:
    raise InputError(f"{constant} is not a number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise InputError(f"{text[:40]} is too large for a number")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise InputError(f"an object has the name {name[:80]!r} twice")
    return document
