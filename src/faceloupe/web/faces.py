"""The faces that a network is shown: photographs that callers send, and captures of the data sets by reference."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Tag, WithJsonSchema

from faceloupe.looking.faces import REFERENCE
from faceloupe.recognition.weights import SFACE
from faceloupe.web.network_summary import NetworkSummary
from faceloupe.web.uploads import Photo

if TYPE_CHECKING:
    from faceloupe.web.service import Service

ALIGNED = "The faces were found and aligned by five points, as those were that it was trained on."


Face = Annotated[
    Annotated[str, Tag("reference")] | Annotated[Photo, Tag("photo")],
    Discriminator(lambda value: "reference" if isinstance(value, str) and REFERENCE.fullmatch(value) else "photo"),
    WithJsonSchema(
        {
            "type": "string",
            "contentEncoding": "base64",
            "description": "The bytes of an image file; or `orl:3` or `olivetti:3`, the number of a capture from 0.",
        }
    ),
]
"""A photograph's file, or a capture of a data set."""


OpenedFace = NDArray[np.float32] | str
"""A face as :func:`faceloupe.looking.look` takes it."""


async def open_sent(
    service: "Service", networks: Sequence[NetworkSummary], faces: Sequence[bytes | str]
) -> list[OpenedFace]:
    """Return faces as networks look at them: as :func:`faceloupe.looking.look` takes them.

    If SFace is among the networks, photographs become aligned chips, otherwise centred squares as large as the largest
    network takes them. Raises ImageError if a photograph cannot be read, or a chip is wanted and it shows no face.
    """
    aligned = any(_is_sface(network) for network in networks)
    side = max(max(network.extent) for network in networks)

    async def open_face(face: bytes | str, name: str) -> OpenedFace:
        if isinstance(face, str):
            return face
        if aligned:
            return (await service.recogniser.photograph(face, name, faces="central")).chips[0].image
        return await service.recogniser.square(face, name, side)

    return [await open_face(face, f"photo {number}") for number, face in enumerate(faces, start=1)]


def alignment_notes(network: NetworkSummary, faces: Sequence[bytes | str]) -> tuple[str, ...]:
    """Return notes for a look: for SFace, that its faces were aligned, where all of them were photographs."""
    all_photographs = all(isinstance(face, bytes) for face in faces)
    return (ALIGNED,) if all_photographs and _is_sface(network) else ()


def _is_sface(network: NetworkSummary) -> bool:
    return network.digest == SFACE.sha256
