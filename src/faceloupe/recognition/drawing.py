"""A photograph with its faces marked: box, landmarks and a tag that says who it is.

Who was recognised has an unbroken blue box and a filled tag, who was not a dashed orange box and a white tag: the two
differ in shape and lightness as well as in hue (colours of Okabe & Ito 2008, "Color universal design").
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from itertools import pairwise
from math import ceil, hypot
from pathlib import Path
from re import findall
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from faceloupe.errors import InputError
from faceloupe.faces.pixels import Samples
from faceloupe.files import write_whole
from faceloupe.recognition.detections import Detection

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

_BLUE, _ORANGE = "#0072B2", "#D55E00"
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_SIDE = 1000  # smaller photographs are enlarged to about this, or no name would fit
_LINES = 1 / 330  # width of the lines, in longer sides
_SMALLEST, _LARGEST = 1 / 80, 1 / 50  # height of the letters, in longer sides; between, a sixth of a face's width
_NARROWEST = 12  # letters of a line, at least; otherwise a tag is little wider than its face
_LINES_OF_A_NAME = 3  # what does not fit is cut off

Area = tuple[float, float, float, float]  # left, top, right, bottom, in pixels of the drawing


@dataclass(frozen=True, slots=True)
class Marked:
    """A face as it is marked.

    Attributes
    ----------
    detection : Detection
    lines : tuple of str
        Lines of the tag, from the top.
    known : bool
        Whether the face was recognised.
    """

    detection: Detection
    lines: tuple[str, ...]
    known: bool


def draw_faces(image: Samples, faces: Sequence[Marked]) -> "Image":
    """Draw a photograph with its faces marked; a small one is enlarged so that the tags can be read.

    Characters that the font lacks (DejaVu Sans; Chinese, for one) are drawn as "?".

    Parameters
    ----------
    image : array of float32 or uint8, (H, W, 3)
        The photograph, RGB: floats in [0, 1], or bytes.
    faces : sequence of Marked

    Returns
    -------
    PIL.Image.Image
        RGB, with no metadata.
    """
    from PIL import Image, ImageDraw

    picture = Image.fromarray(image if image.dtype == np.uint8 else np.rint(image * 255).astype(np.uint8))
    scale = ceil(_SIDE / max(picture.size)) if max(picture.size) < _SIDE else 1
    picture = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    boxes = [_box(face.detection, scale) for face in faces]
    width, font = max(2, round(max(picture.size) * _LINES)), _font(_letters(boxes, max(picture.size)))
    for face, box in zip(faces, boxes, strict=True):
        _draw_box(pen, box, width, known=face.known)
        _draw_landmarks(pen, face.detection, scale, width)
    tags: list[Area] = []
    for face, box in zip(faces, boxes, strict=True):
        text = _wrapped(face.lines, font, box[2] - box[0])
        tags.append(_place(_extent(pen, text, font), box, boxes, tags, picture.size))
        _draw_tag(pen, tags[-1], text, font, known=face.known)
    return picture


def picture_format(path: Path) -> str:
    """Return the format that a file's name asks for: "PNG" or "JPEG".

    Raises
    ------
    InputError
        If it asks for neither, or its folder does not exist.
    """
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"{path.name}: expected a name that ends in .png, .jpg or .jpeg")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path.parent} is not a folder; make it first")
    return _FORMATS[path.suffix.lower()]


def write_drawing(path: Path, image: Samples, faces: Sequence[Marked]) -> None:
    """Write what :func:`draw_faces` draws, whole or not at all. Nothing of the photograph's metadata goes with it.

    Raises
    ------
    InputError
        If the name ends in neither .png nor .jpg, or the folder does not exist.
    """
    kind, content = picture_format(path), io.BytesIO()
    draw_faces(image, faces).save(content, kind, **({"quality": 92} if kind == "JPEG" else {}))
    write_whole(path, content.getvalue())


def _box(detection: Detection, scale: int) -> Area:
    x, y, width, height = (scale * value for value in detection.box)
    return x, y, x + width, y + height


def _draw_box(pen: "ImageDraw", box: Area, width: int, *, known: bool) -> None:
    left, top, right, bottom = box
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    pen.line(corners, fill="white", width=2 * width, joint="curve")
    if known:
        pen.line(corners, fill=_BLUE, width=width, joint="curve")
        return
    for dash in _dashes(corners, length=4 * width):
        pen.line(dash, fill=_ORANGE, width=width)


def _dashes(corners: list[tuple[float, float]], length: float) -> Iterator[list[tuple[float, float]]]:
    """Cut each side into dashes with gaps of about their own length, beginning and ending with a dash."""
    for (x0, y0), (x1, y1) in pairwise(corners):
        parts = 1 + 2 * max(1, round(hypot(x1 - x0, y1 - y0) / length / 2))
        for part in range(0, parts, 2):
            yield [
                (x0 + (x1 - x0) * end / parts, y0 + (y1 - y0) * end / parts) for end in (part, part + 1)
            ]  # fmt: skip


def _draw_landmarks(pen: "ImageDraw", detection: Detection, scale: int, width: int) -> None:
    radius = min(width, scale * detection.size / 25)
    for x, y in detection.landmarks:
        centre = (scale * (x + 0.5) - 0.5, scale * (y + 0.5) - 0.5)
        pen.circle(centre, radius + max(1, radius / 2), fill="white")
        pen.circle(centre, radius, fill="black")


def _draw_tag(pen: "ImageDraw", area: Area, text: str, font: "FreeTypeFont", *, known: bool) -> None:
    fill, ink, edge = (_BLUE, "white", "white") if known else ("white", "black", _ORANGE)
    pen.rectangle(area, fill=fill, outline=edge, width=max(1, round(font.size / 12)))
    pen.multiline_text((area[0] + font.size / 3, area[1] + font.size / 4), text, fill=ink, font=font)


def _extent(pen: "ImageDraw", text: str, font: "FreeTypeFont") -> tuple[float, float]:
    """Return width and height of a tag with its margins."""
    _, _, right, bottom = pen.multiline_textbbox((0, 0), text, font=font)
    return right + 2 * font.size / 3, bottom + font.size / 2


def _place(
    extent: tuple[float, float], box: Area, boxes: Sequence[Area], tags: Sequence[Area], size: tuple[int, int]
) -> Area:
    """Choose where a tag covers least of faces, and above all of other tags; if it may, above its box, then below."""
    (width, height), (left, top, right, bottom) = extent, box
    centre = (left + right - width) / 2
    above, at_the_end = top - height, right - width
    corners = [
        (left, above), (left, bottom), (at_the_end, above), (at_the_end, bottom), (centre, above), (centre, bottom),
        (right, top), (left - width, top), (left, top), (left, bottom - height),
    ]  # fmt: skip
    inside = [_inside((x, y, x + width, y + height), size) for x, y in corners]
    return min(inside, key=lambda area: _covered(area, boxes) + 5 * _covered(area, tags))


def _inside(area: Area, size: tuple[int, int]) -> Area:
    """Move an area until it lies in the picture, as far as it fits."""
    left, top, right, bottom = area
    x = max(0.0, min(left, size[0] - 1 - (right - left)))
    y = max(0.0, min(top, size[1] - 1 - (bottom - top)))
    return x, y, x + right - left, y + bottom - top


def _covered(area: Area, obstacles: Sequence[Area]) -> float:
    """Return how many pixels of other areas an area covers."""
    covered = 0.0
    for obstacle in obstacles:
        width = min(area[2], obstacle[2]) - max(area[0], obstacle[0])
        height = min(area[3], obstacle[3]) - max(area[1], obstacle[1])
        covered += max(0.0, width) * max(0.0, height)
    return covered


def _letters(boxes: Sequence[Area], longer: int) -> int:
    widths = [right - left for left, _, right, _ in boxes]
    return round(np.clip(np.median(widths or [longer]) / 6, longer * _SMALLEST, longer * _LARGEST))


@cache
def _font(size: int) -> "FreeTypeFont":
    """Return DejaVu Sans, which comes with matplotlib: Pillow's own font has no letter beyond ASCII."""
    from PIL import ImageFont

    file = distribution("matplotlib").locate_file("matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf")
    return ImageFont.truetype(str(file), size)


def _wrapped(lines: Sequence[str], font: "FreeTypeFont", width: float) -> str:
    """Break lines that are much wider than the face."""
    letters = max(_NARROWEST, int(2 * width / font.size))
    return "\n".join(part for line in lines for part in _broken(_legible(line, font), letters)[:_LINES_OF_A_NAME])


def _broken(line: str, letters: int) -> list[str]:
    """Break a line at spaces and after underlines; within a word only if it is twice as long as the narrowest line."""
    words = findall(r"[^\s_]*_|[^\s_]+", line)
    widest = max(letters, min(2 * _NARROWEST, max(map(len, words), default=0)))
    return [part.replace("_ ", "_") for part in wrap(line.replace("_", "_ "), widest)]


def _legible(line: str, font: "FreeTypeFont") -> str:
    """Replace each letter that the font lacks by a question mark."""
    missing = bytes(font.getmask("\uffff"))
    return "".join(
        letter if letter.isprintable() and bytes(font.getmask(letter)) != missing else "?" for letter in line
    )
