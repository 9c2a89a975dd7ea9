"""Photographs and pairs packed into one file (``.bin``), as InsightFace publishes CFP-FP, AgeDB-30, CALFW and CPLFW.

Such a file is a Python pickle of (photographs as JPEG or PNG bytes, two a pair; whether each pair shows one person).
A pickle can run any code when it is opened. Here it cannot: only what plain lists, bytes and truth values take is let
through, and nothing is imported.
"""

import io
import pickle
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from faceloupe.errors import InputError
from faceloupe.files import read_bytes

MOST_BYTES = 2**31
MOST_PAIRS = 10**6
MOST_NAMES = 2**23  # entries of a pickle's memo; an index beyond would take memory without end

PLAIN = frozenset((
    "PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "GET",
    "BINGET", "LONG_BINGET", "NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1",
    "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "UNICODE",
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE",
    "TUPLE1", "TUPLE2", "TUPLE3", "GLOBAL", "STACK_GLOBAL", "REDUCE",
))  # fmt: skip
"""Opcodes of a pickle that builds lists, tuples, bytes and numbers; what GLOBAL may name :class:`_Plain` decides."""

BROKEN = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError,
    MemoryError, UnicodeDecodeError, AssertionError,
)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class PackedPhoto:
    """A photograph in a file of many.

    Attributes
    ----------
    file : Path
    number : int
        Place in the file, from 0.
    content : bytes
        A JPEG or PNG file.
    """

    file: Path
    number: int
    content: bytes

    def __repr__(self) -> str:
        return f"PackedPhoto({'/'.join(self.parts)})"

    @property
    def parts(self) -> tuple[str, str]:
        """Its name in parts, as if the file were a folder."""
        return self.file.name, f"{self.number:06d}"

    @property
    def sha256(self) -> str:
        """SHA-256 of its bytes."""
        return sha256(self.content).hexdigest()


def is_packed(path: Path) -> bool:
    """Return whether a file is called like one of these."""
    return path.suffix.lower() == ".bin" and path.is_file()


def read_packed(path: Path) -> tuple[tuple[PackedPhoto, ...], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the photographs of such a file, each once, the pairs (P, 2), and which show one person (P,).

    Raises
    ------
    InputError
        If the file is too large, is not a pickle, holds anything but plain lists, or not twice as many photographs as
        pairs.
    """
    photographs, same = _checked(path, _loaded(path, read_bytes(path, MOST_BYTES)))
    places: dict[bytes, int] = {}
    numbers = [places.setdefault(content, len(places)) for content in photographs]
    packed = tuple(PackedPhoto(path, number, content) for number, content in enumerate(places))
    return packed, np.array(numbers, dtype=np.intp).reshape(-1, 2), np.array(same, dtype=np.bool_)


class _Plain(pickle.Unpickler):
    """Opens what is plain; bytes that Python 3 wrote by an old protocol come as a call of _codecs.encode."""

    def find_class(self, module: str, name: str) -> Callable[[str, str], bytes]:
        if (module, name) == ("_codecs", "encode"):
            return _latin_1
        raise InputError(f"it would import {module}.{name}")


def _latin_1(text: str, encoding: str) -> bytes:
    if encoding != "latin1" or not isinstance(text, str):
        raise InputError("its bytes are encoded in an unusual way")
    return text.encode("latin1")


def _loaded(path: Path, content: bytes) -> object:
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name not in PLAIN:
                raise InputError(f"its opcode {opcode.name} makes more than plain lists")
            if opcode.name.endswith("PUT") and int(argument or 0) > MOST_NAMES:
                raise InputError("it wants more memory than a list of photographs can take")
        loaded: object = _Plain(io.BytesIO(content), encoding="bytes").load()
    except InputError as problem:
        raise InputError(
            f"{path} is not opened: {problem}. Expected a pickle of (photographs as bytes, truth values), as "
            "InsightFace publishes them; such a file can otherwise run anything"
        ) from problem
    except BROKEN as problem:
        raise InputError(f"{path} is not such a list of photographs, or is damaged: {problem}") from problem
    return loaded


def _checked(path: Path, loaded: object) -> tuple[list[bytes], list[bool]]:
    match loaded:
        case (list() | tuple() as photographs, list() | tuple() as same):
            pass
        case _:
            raise InputError(f"{path}: expected two lists, of photographs and of truth values")
    if not same or len(same) > MOST_PAIRS or len(photographs) != 2 * len(same):
        raise InputError(f"{path}: {len(photographs)} photographs for {len(same)} pairs; expected two of each")
    if not all(isinstance(photograph, bytes) for photograph in photographs):
        raise InputError(f"{path}: expected photographs as bytes")
    if not all(truth in (0, 1) for truth in same):
        raise InputError(f"{path}: expected truth values, whether each pair shows one person")
    return list(photographs), [bool(truth) for truth in same]
