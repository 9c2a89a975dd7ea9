"""The faces to look at: files, captures of a data set, or arrays."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.faces.faceset import FaceSet
from faceloupe.faces.images import read_image
from faceloupe.faces.pixels import LUMA, as_floats, to_square
from faceloupe.faces.sources import GREY_SETS, load_faces
from faceloupe.recognition.photos import Photo, is_photo, open_photo

MOST = 64  # faces in one look
CAPTURES, EACH = 400, 10  # of both data sets; of each subject, who come one after the other
REFERENCE = re.compile(rf"({'|'.join(GREY_SETS)}):(\d+)")

Floats = NDArray[np.float32]
FaceLike: TypeAlias = "Photo | NDArray[Any]"
FacesLike: TypeAlias = "FaceSet | FaceLike | Sequence[FaceLike]"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FacePicture:
    """A face as it came, with its name on the page: nothing is cut or resized yet.

    `source` is a file, or floats (H, W) or (H, W, 3) in [0, 1]; `subject` the person it shows, as far as is known: the
    folder of a file, the subject of a data set; else empty.
    """

    name: str
    source: Path | Floats
    subject: str = ""

    def cut(self, extent: tuple[int, int], *, colour: bool) -> Floats:
        """Return the centred part, of this height and width, of the centred square, resized.

        Raises ImageError if the file is not an image that can be read.
        """
        height, width = extent
        side = max(extent)
        square = to_square(self._pixels(colour), side)
        top, left = (side - height) // 2, (side - width) // 2
        return square[top : top + height, left : left + width]

    def _pixels(self, colour: bool) -> Floats:
        if isinstance(self.source, Path):
            return read_image(self.source, colour=colour)
        if colour:
            return self.source if self.source.ndim == 3 else np.repeat(self.source[..., None], 3, axis=-1)
        return self.source if self.source.ndim == 2 else self.source @ LUMA

    def __repr__(self) -> str:
        return f"FacePicture({self.name})"


def open_faces(faces: FacesLike) -> tuple[FacePicture, ...]:
    """Return the faces that were asked for, each with a name of its own; files are read later.

    A face is a path, the bytes of an image file, a PIL image, an array (H, W) or (H, W, 3) in [0, 1] or of uint8, or a
    capture of a data set by its number from 0, such as "olivetti:3" or "orl:3"; a file of that name is "./orl:3".

    Raises InputError if there is no face, there are more than 64, or one is not as described; UnavailableError if a
    data set is not on this machine.
    """
    if isinstance(faces, FaceSet):
        captures = list(zip(faces.captures, faces.images, faces.subject, strict=True))
        pictures = [FacePicture(name, image, faces.names[who]) for name, image, who in captures]
    else:
        faces = _plain(faces)
        single = is_photo(faces) or not isinstance(faces, Iterable)
        several: list[Any] = [faces] if single else list(faces)  # type: ignore[arg-type]
        pictures = [_open(face, place) for place, face in enumerate(several, start=1)]
    if not 1 <= len(pictures) <= MOST:
        raise InputError(f"faces: expected 1 to {MOST}, got {len(pictures)}")
    return tuple(_distinct(pictures))


def _plain(faces: Any) -> Any:
    """Return tensors and lists of numbers as arrays, without an axis of one channel at the end."""
    try:
        if hasattr(faces, "detach"):
            held = faces.detach().cpu()
            faces = (held.float() if held.is_floating_point() else held).numpy()
        elif isinstance(faces, list | tuple) and faces and isinstance(faces[0], list | tuple):
            faces = np.asarray(faces)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise InputError(f"faces: expected one list of faces, or numbers in rows of one length: {problem}") from problem
    if isinstance(faces, np.ndarray) and faces.ndim > 2 and faces.shape[-1] == 1:
        return faces[..., 0]
    if isinstance(faces, np.ndarray) and faces.ndim == 3 and faces.shape[-1] == 4:
        return faces[None]  # one picture with transparency, which is refused
    return faces


def _open(face: Any, place: int) -> FacePicture:
    if isinstance(face, str) and (reference := REFERENCE.fullmatch(face)):
        return _from_set(face, reference[1], int(reference[2]))
    if isinstance(face, str | os.PathLike):
        path = Path(face)
        if not path.is_file():
            raise InputError(
                f"there is no file {str(path)!r}; a FACE is an image file, or olivetti:3 or orl:3, the number of a "
                "capture from 0"
            )
        return FacePicture(path.name, path, path.absolute().parent.name)
    face = _plain(face)
    if not isinstance(face, np.ndarray):
        photo = open_photo(face, f"face {place}")
        return FacePicture(photo.path.name, as_floats(photo.decode()))
    pixels = as_floats(face) if face.dtype == np.uint8 else face
    if pixels.dtype.kind != "f" or not is_photo(pixels):
        raise InputError(
            f"face {place}: expected (H, W) or (H, W, 3), floats in [0, 1] or bytes, got {face.dtype} {face.shape}"
        )
    if not pixels.size or not (pixels.min() >= 0 and pixels.max() <= 1):  # NaN fails both
        raise InputError(f"face {place}: expected pixels in [0, 1]; divide those up to 255 by 255")
    return FacePicture(f"face {place}", pixels.astype(np.float32))


def _from_set(name: str, source: str, number: int) -> FacePicture:
    if number >= CAPTURES:
        raise InputError(f"{name}: {source} has {CAPTURES} captures, 0 to {CAPTURES - 1}")
    subject, capture = divmod(number, EACH)
    faces = load_faces(source, subjects=[subject], size=GREY_SETS[source])  # nobody else's photographs are opened
    return FacePicture(name, faces.images[capture], faces.names[0])


def _distinct(pictures: Sequence[FacePicture]) -> list[FacePicture]:
    """Return the same with numbers on names that occur more than once."""
    totals, counts = Counter(picture.name for picture in pictures), Counter[str]()
    named = []
    for picture in pictures:
        counts[picture.name] += 1
        name = f"{picture.name} ({counts[picture.name]})" if totals[picture.name] > 1 else picture.name
        named.append(FacePicture(name, picture.source, picture.subject))
    return named
