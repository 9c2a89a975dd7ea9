"""The faces that a network is shown: photographs that callers send, and captures of the data sets by reference."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Tag, WithJsonSchema

from faceloupe.faces.images import as_floats, decode, to_square
from faceloupe.looking import Model
from faceloupe.looking.photographs import REFERENCE
from faceloupe.recognition.weights import SFACE
from faceloupe.web.uploads import Photo

if TYPE_CHECKING:
    from faceloupe.web.service import Service

__all__ = ["Face", "open_sent", "told_aligned"]

ALIGNED = "The faces were found and aligned by five points, as those were that it was trained on."


def _kind(value: Any) -> str:
    return "reference" if isinstance(value, str) and REFERENCE.fullmatch(value) else "photo"


Face = Annotated[
    Annotated[str, Tag("reference")] | Annotated[Photo, Tag("photo")],
    Discriminator(_kind),
    WithJsonSchema(
        {
            "type": "string",
            "contentEncoding": "base64",
            "description": "The bytes of an image file; or `orl:3` or `olivetti:3`, the number of a capture from 0.",
        }
    ),
]
"""A photograph's file, or a capture of a data set."""


async def open_sent(
    service: "Service", models: Sequence[Model], faces: Sequence[bytes | str]
) -> list[NDArray[np.float32] | str]:
    """Return faces as networks look at them: as :func:`faceloupe.looking.look` takes them.

    If SFace is among the networks, photographs become aligned chips, otherwise centred squares as large as the largest
    network takes them. Photographs are opened one at a time, whoever sent them: a large one takes much memory.

    Raises
    ------
    ImageError
        If a photograph cannot be read, or a chip is wanted and it shows no face.
    """
    aligned = any(_is_sface(model) for model in models)
    side = max(max(model.extent) for model in models)

    async def one(face: bytes | str, name: str) -> NDArray[np.float32] | str:
        if isinstance(face, str):
            return face
        if aligned:
            return (await service.recogniser.photograph(face, name, faces="central")).chips[0].image
        async with service.opening:
            return await asyncio.to_thread(_square, face, name, side)

    return [await one(face, f"photo {number}") for number, face in enumerate(faces, start=1)]


def told_aligned(model: Model, faces: Sequence[bytes | str]) -> Model:
    """Return SFace with the note that its faces were aligned, where all of them were; other networks as they are."""
    all_photographs = all(isinstance(face, bytes) for face in faces)
    return replace(model, notes=(ALIGNED,)) if _is_sface(model) and all_photographs else model


def _is_sface(model: Model) -> bool:
    return model.digest == SFACE.sha256


def _square(content: bytes, name: str, side: int) -> NDArray[np.float32]:
    return to_square(as_floats(decode(content, name, colour=True)), side)
