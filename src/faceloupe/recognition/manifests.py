"""The manifest of an ONNX file: what its network takes and gives, in a TOML file beside it.

A network does not say whether it wants red or blue first, or grey levels up to 1 or 255; who publishes it does, in
prose. A slip there is no error, only worse recognition: ``faceloupe embedder check`` measures it.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from faceloupe.errors import InputError
from faceloupe.files import read_bytes

Kind = Literal["embedder", "detector"]
ChannelOrder = Literal["RGB", "BGR", "grey"]
Layout = Literal["NCHW", "NHWC"]
NamedPoints = Literal["arcface", "sface", "none"]
Points: TypeAlias = NamedPoints | tuple[tuple[float, float], ...]
"""Where five landmarks lie in what a network takes: by name, or (x, y) each, in its pixels."""

MAX_NETWORK_BYTES = 4 << 30
"""The largest file of a network that is read."""

MAX_BYTES = 1 << 20
LARGEST_SIDE, LARGEST_NUMBER = 4096, 1e9
NAME = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}")
"""Pattern of a network's name."""

_KINDS: dict[Kind, str] = {"embedder": "an embedder", "detector": "a detector"}
HEX = re.compile(r"[0-9a-f]{64}")
READING = ("kind", "size", "channels", "scale", "mean", "std", "layout", "points", "output", "flip", "decoder")
"""The fields on which a network's numbers depend; the others only describe it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The reading of the network in an ONNX file, and its origin.

    A pixel p from 0 to 1 becomes (p x `scale` - `mean`) / `std`.

    Parameters
    ----------
    name : str
        Name of the network: small letters, digits, and ``. _ + -``.
    size : int or (int, int)
        Height and width of what it takes, in pixels; a number alone is both.
    licence : str
        The terms of use of the weights.
    training_data : str
        The photographs that it was trained on, or that this is not documented.
    source : str
        Its maker: a publication, an address.
    sha256 : str
        Hash of the ONNX file, 64 hexadecimal digits.
    kind : {"embedder", "detector"}
    channels : {"RGB", "BGR", "grey"}
        Order of the colours; "grey" is one channel, the luma (ITU-R BT.601).
    scale : float
        255 for a network that takes grey levels from 0 to 255.
    mean, std : float or sequence of float
        One number, or one a channel in the order of `channels`.
    layout : {"NCHW", "NHWC"}
        Whether channels come before height and width, or last.
    points : {"arcface", "sface", "none"} or five (x, y)
        Places of right eye, left eye, nose, right and left corner of the mouth, in pixels of what it takes; right and
        left are the subject's. "arcface" are the places of :data:`faceloupe.recognition.chips.REFERENCE_POINTS`, scaled
        from 112 pixels to the height, in the middle of the width; "sface" are the same; "none" is the whole face chip,
        stretched to `size`.
    output : str, optional
        Output that is the vector; may be left out where there is one.
    flip : bool
        Add the vector of the mirrored face.
    decoder : {"scrfd", "retinaface"}, optional
        Reading of a detector's outputs; see :class:`faceloupe.recognition.onnx_detector.OnnxDetector`.

    Raises
    ------
    InputError
        If a value is not as described.
    """

    name: str
    size: tuple[int, int]
    licence: str
    training_data: str
    source: str
    sha256: str
    kind: Kind = "embedder"
    channels: ChannelOrder = "RGB"
    scale: float = 255.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    layout: Layout = "NCHW"
    points: Points = "arcface"
    output: str | None = None
    flip: bool = False
    decoder: Literal["scrfd", "retinaface"] | None = None

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            "name": _name(self.name),
            "size": _size(self.size),
            "sha256": _hash(self.sha256),
            "scale": _number("scale", self.scale),
            "mean": _per_channel("mean", self.mean, self.n_channels),
            "std": _per_channel("std", self.std, self.n_channels),
            "points": _points(self.points),
        }
        for field in ("licence", "training_data", "source"):
            if not isinstance(getattr(self, field), str) or not getattr(self, field).strip():
                raise InputError(
                    f'{field}: expected words, got {getattr(self, field)!r}; write "not documented" if nobody says'
                )
        for field, choices in (("kind", Kind), ("channels", ChannelOrder), ("layout", Layout)):
            _choice(field, getattr(self, field), get_args(choices))
        if not (self.output is None or (isinstance(self.output, str) and self.output)):
            raise InputError(
                f"output: expected the name of an output, got {self.output!r}; leave it out for the only one"
            )
        if not isinstance(self.flip, bool):
            raise InputError(f"flip: expected true or false, got {self.flip!r}")
        if not checked["scale"] or not all(checked["std"]):
            raise InputError("scale and std: expected numbers other than 0, by which pixels are multiplied and divided")
        if (self.kind == "detector") != (self.decoder is not None):
            raise InputError(
                f'decoder: expected "scrfd" or "retinaface" for a detector and none for an embedder, got '
                f"{self.decoder!r} for {self.kind!r}"
            )
        if self.decoder is not None:
            _choice("decoder", self.decoder, ("scrfd", "retinaface"))
        for field, value in checked.items():
            object.__setattr__(self, field, value)

    @property
    def n_channels(self) -> int:
        """Number of channels that the network takes: 3, or 1 of grey."""
        return 1 if self.channels == "grey" else 3

    @property
    def reading(self) -> str:
        """Hash of the network and of how it is read, 64 hexadecimal digits: what makes other numbers has another."""
        values = {field: value for field, value in asdict(self).items() if field in (*READING, "sha256")}
        return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return asdict(self)

    def to_toml(self) -> str:
        """Return it as TOML, as :func:`read_manifest` reads it."""
        values = {field: value for field, value in self.to_document().items() if value is not None}
        lines = (f"{field} = {json.dumps(value, ensure_ascii=False)}\n" for field, value in values.items())
        return "".join(lines).replace("\x7f", "\\u007f")  # which TOML forbids in a string


_FIELDS = tuple(field.name for field in fields(Manifest))
_REQUIRED = ("name", "size", "licence", "training_data", "source", "sha256")


def read_manifest(manifest: "str | PathLike[str] | Mapping[str, Any] | Manifest", kind: Kind | None = None) -> Manifest:
    """Return the manifest in a TOML file or a dictionary of fields, or a Manifest as it is, checked to be of a kind.

    Raises
    ------
    InputError
        If the file cannot be read, a field is missing, unknown or not as :class:`Manifest` describes it, or the
        network is of another kind.
    """
    parsed = _parsed(manifest)
    if kind is not None and parsed.kind != kind:
        raise InputError(
            f"{parsed.name} is {_KINDS[parsed.kind]}, not {_KINDS[kind]}: on the command line faceloupe {parsed.kind} "
            "adds it"
        )
    return parsed


def _parsed(manifest: "str | PathLike[str] | Mapping[str, Any] | Manifest") -> Manifest:
    if isinstance(manifest, Manifest):
        return manifest
    if isinstance(manifest, Mapping):
        return _from_values(dict(manifest), "manifest")
    path = Path(manifest).expanduser()
    if not path.is_file():
        raise InputError(f"{path}: there is no such manifest; it is a TOML file with the fields {', '.join(_REQUIRED)}")
    try:
        content = read_bytes(path, MAX_BYTES)
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    try:
        values = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as problem:  # numbers of thousands of digits too, and lists within lists
        raise InputError(f"{path} is not TOML: {problem}") from problem
    return _from_values(values, str(path))


def _from_values(values: dict[str, Any], origin: str) -> Manifest:
    if unknown := sorted(set(values) - set(_FIELDS)):
        raise InputError(f"{origin}: no field is called {', '.join(unknown)}; there are {', '.join(_FIELDS)}")
    if missing := [field for field in _REQUIRED if field not in values]:
        raise InputError(
            f"{origin}: {', '.join(missing)} missing. Each must be said; where the publisher does not document the "
            'training data, write training_data = "not documented"'
        )
    try:
        return Manifest(**values)
    except InputError as problem:
        raise InputError(f"{origin}: {problem}") from problem


def _name(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise InputError(f"name: expected small letters, digits and . _ + -, 64 at most, got {value!r}")
    return value


def _hash(value: Any) -> str:
    if not isinstance(value, str) or not HEX.fullmatch(value.lower()):
        raise InputError(
            f"sha256: expected the 64 hexadecimal digits that sha256sum prints for the file, got {value!r}"
        )
    return value.lower()


def _size(value: Any) -> tuple[int, int]:
    sides = (value, value) if type(value) is int else value
    if (
        not isinstance(sides, Sequence)
        or len(sides) != 2
        or not all(type(side) is int and 1 <= side <= LARGEST_SIDE for side in sides)
    ):
        raise InputError(f"size: expected height and width in pixels, such as 112 or [112, 96], got {value!r}")
    return int(sides[0]), int(sides[1])


def _number(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
        raise InputError(f"{field}: expected a number of at most {LARGEST_NUMBER:g}, got {value!r:.80}")
    return float(value)


def _per_channel(field: str, value: Any, channels: int) -> tuple[float, ...]:
    values = [value] if isinstance(value, int | float) else value
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) not in (1, channels):
        raise InputError(f"{field}: expected one number{f' or {channels}' if channels > 1 else ''}, got {value!r}")
    return tuple(_number(field, number) for number in values)


def _points(value: Any) -> Points:
    if isinstance(value, str):
        _choice("points", value, get_args(NamedPoints))
        return value  # type: ignore[return-value]  # one of the names
    places = (
        [tuple(place) if isinstance(place, Sequence) else () for place in value] if isinstance(value, Sequence) else []
    )
    if len(places) != 5 or any(len(place) != 2 for place in places):
        raise InputError(f'points: expected "arcface", "sface", "none" or five [x, y], got {value!r}')
    x_and_y = tuple((_number("points", x), _number("points", y)) for x, y in places)
    if len(set(x_and_y)) < 2:
        raise InputError("points: expected five places that differ")
    return x_and_y


def _choice(field: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise InputError(f"{field}: expected {', '.join(map(repr, choices))}, got {value!r}")
