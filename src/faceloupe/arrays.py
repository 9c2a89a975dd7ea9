"""Arrays in documents: base64 of their little-endian bytes, so that a page computes on exactly Python's numbers."""

import base64
import binascii
import math
import zlib
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError

MAX_ARRAY_BYTES = 256 << 20
"""What is read of an array in a document, unless a caller says otherwise."""


def encode_array(array: NDArray[Any], *, compress: bool = False) -> dict[str, Any]:
    """Return an array as ``{"dtype", "shape", "base64"}``, or compressed as ``{"dtype", "shape", "deflate"}``.

    Compressed are the first bytes of all numbers, then the second, and so on (HDF5's shuffle filter): signs and
    exponents of weights are much alike, their last bits are not. Measured on the weights of the tutorial's networks
    after each of 20 epochs, in half precision: 46 % of the bytes, and 93 % without the shuffle.

    >>> encode_array(np.array([1.0], dtype=np.float32))
    {'dtype': '<f4', 'shape': [1], 'base64': 'AACAPw=='}
    """
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    content = little.tobytes()
    if compress:
        content = zlib.compress(np.frombuffer(content, np.uint8).reshape(-1, little.itemsize).T.tobytes(), level=9)
    text = base64.b64encode(content).decode("ascii")
    return {"dtype": little.dtype.str, "shape": list(array.shape), "deflate" if compress else "base64": text}


def plain_fields(result: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as documents hold them: tuples as lists, arrays encoded, NaN as None."""
    return {field.name: _plain(getattr(result, field.name)) for field in fields(result)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return plain_fields(value)
    if isinstance(value, np.ndarray):
        return encode_array(value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def decode_array(document: Any, *, max_bytes: int = MAX_ARRAY_BYTES) -> NDArray[Any]:
    """Return the array that :func:`encode_array` wrote, read-only.

    Parameters
    ----------
    document : dict
    max_bytes : int
        One that claims more is refused before it is unpacked.

    Raises
    ------
    InputError
        If the document is not of such an array, its bytes are more or fewer than dtype and shape say, or they are more
        than that.
    """
    try:
        dtype, shape = np.dtype(document["dtype"]), tuple(document["shape"])
        packed = document["deflate" if "deflate" in document else "base64"]
        if dtype.kind not in "biufcSU" or any(type(side) is not int or side < 0 for side in shape):
            raise InputError(f"an array of dtype {dtype} and shape {shape} does not hold numbers")
        size = dtype.itemsize * math.prod(shape)
        if size > max_bytes:
            raise InputError(f"an array of {size:,} bytes; at most {max_bytes:,} are read")
        content = base64.b64decode(packed, validate=True)
        if "deflate" in document:
            content = zlib.decompressobj().decompress(content, size + 1)
    except (KeyError, TypeError, ValueError, SyntaxError, binascii.Error, zlib.error) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError(f"expected an array as dtype, shape and base64 or deflate ({problem})") from problem
    if len(content) != size:
        raise InputError(f"an array of shape {shape} and dtype {dtype} has {size:,} bytes, not {len(content):,}")
    if "deflate" in document:
        content = np.frombuffer(content, np.uint8).reshape(dtype.itemsize, -1).T.tobytes()
    return np.frombuffer(content, dtype=dtype).reshape(shape)
