"""Small faces in large photographs: how many known people are named, with and without a closer look at each face.

    python benchmarks/small_faces.py FOLDER [--people N]

FOLDER holds NAME/NAME_0001.jpg (LFW). Of each person one photograph is the reference, and another is pasted into a
picture of 12 megapixels, 30 to a picture, its face 55 to 247 pixels wide. A face is named if its best reference is the
right person's and reaches the published threshold. The ways are timed in turns, in one run.
"""

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceloupe.faces import read_image
from faceloupe.recognition import FaceSearch, Photograph, SFace, published_point, recognise

COLUMNS, ROWS, WIDTH, HEIGHT = 6, 5, 4000, 3000
LEAST, MOST = 55, 247  # pixels that a face is wide
WAYS = {
    "640": (FaceSearch(max_side=640), False),
    "640 and 1600": (FaceSearch(), False),
    "640 and 1600, each small face once more": (FaceSearch(), True),
}
looking: Any = import_module("faceloupe.recognition.detect")


def crowd(paths: list[Path], rng: np.random.Generator) -> tuple[NDArray[np.uint8], list[tuple[float, float]]]:
    """Return a picture with the photographs in it, and where the middle of each is, (x, y)."""
    picture, middles = np.full((HEIGHT, WIDTH, 3), 128, np.uint8), []
    for place, path in enumerate(paths):
        side = round(250 * rng.uniform(LEAST, MOST) / 95)  # the face is about 95 pixels wide in a photograph of 250
        small = cv2.resize(np.rint(read_image(path) * 255).astype(np.uint8), (side, side), interpolation=cv2.INTER_AREA)
        small = small if small.ndim == 3 else np.repeat(small[..., None], 3, 2)
        seen = min(side, WIDTH // COLUMNS, HEIGHT // ROWS)
        edge = (side - seen) // 2
        row, column = divmod(place, COLUMNS)
        x, y = column * WIDTH // COLUMNS, row * HEIGHT // ROWS
        picture[y : y + seen, x : x + seen] = small[edge : edge + seen, edge : edge + seen]
        middles.append((x + seen / 2, y + seen / 2))
    return picture, middles


def named(
    photograph: Photograph, middles: list[tuple[float, float]], first: int, references: NDArray[np.float32]
) -> Iterator[bool]:
    """Yield for each person pasted into a picture whether a face there got the right name."""
    point = published_point(SFace())
    for place, middle in enumerate(middles):
        right = False
        for chip, template in zip(photograph.chips, photograph.templates, strict=True):
            box = chip.detection.box
            if box.x < middle[0] < box.x + box.width and box.y < middle[1] < box.y + box.height:
                scores = references @ template.vector
                right |= int(scores.argmax()) == first + place and scores.max() >= point.threshold
        yield right


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=240)
    options = parser.parse_args()
    people = [sorted(folder.glob("*.jpg"))[:2] for folder in sorted(options.folder.iterdir()) if folder.is_dir()]
    people = [photographs for photographs in people if len(photographs) == 2][: options.people]
    known = recognise([photographs[0] for photographs in people], SFace(), faces="central")
    references = np.stack([each.templates[0].vector for each in known])
    rng = np.random.default_rng(0)
    right, seconds = dict.fromkeys(WAYS, 0), dict.fromkeys(WAYS, 0.0)
    coarse = looking._COARSE
    for first in range(0, len(people), COLUMNS * ROWS):
        picture, middles = crowd([photographs[1] for photographs in people[first : first + COLUMNS * ROWS]], rng)
        for way, (search, closer) in WAYS.items():
            looking._COARSE = coarse if closer else 0
            begun = perf_counter()
            (photograph,) = recognise([picture], SFace(), faces=search)
            seconds[way] += perf_counter() - begun
            right[way] += sum(named(photograph, middles, first, references))
    for way in WAYS:
        print(f"{way}: {right[way]} of {len(people)} named, {seconds[way] / seconds['640 and 1600']:.2f} of the time")


if __name__ == "__main__":
    main()
