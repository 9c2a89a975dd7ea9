"""What turning costs and saves: LFW View 1 test, upright and turned at random, at the published thresholds.

    python benchmarks/turned.py FOLDER [--photographs N]

FOLDER holds NAME/NAME_0001.jpg and pairsDevTest.txt. Every photograph is turned by a random whole number of degrees
(black corners). All pairs are compared, and those of pairsDevTest. The time is that of detection, in turns, in one run.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from faceloupe.faces.images import read_samples
from faceloupe.faces.pixels import Samples
from faceloupe.recognition import FaceSearch, SFace, detect, published_points, recognise

WAYS = {"upright, not turned": (False, False), "upright": (False, True), "turned, not looked for": (True, False),
        "turned": (True, True)}  # fmt: skip


def turn(image: Samples, angle: int) -> Samples:
    """Return a picture turned clockwise, whole."""
    height, width = image.shape[:2]
    there = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle, 1)
    size = np.ceil(np.abs(there[:, :2]) @ (width, height) - 1e-9).astype(int)
    there[:, 2] = there[:, 2] + (size - (width, height)) / 2
    return np.asarray(cv2.warpAffine(image, there, size.tolist()), dtype=np.uint8)


def vectors(images: Iterator[Samples], search: FaceSearch) -> NDArray[np.float32]:
    """Return a template of each picture, (N, 128); zeros where there is none."""
    found = recognise(images, SFace(), faces=search)
    return np.stack([each.templates[0].vector if each.templates else np.zeros(128, np.float32) for each in found])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photographs", type=int, default=None)
    options = parser.parse_args()
    pairs = [line.split("\t") for line in (options.folder / "pairsDevTest.txt").read_text().splitlines()[1:]]
    names = {(p[0], int(n)) for p in pairs if len(p) == 3 for n in p[1:]}
    names |= {(p[place], int(p[place + 1])) for p in pairs if len(p) == 4 for place in (0, 2)}
    chosen = sorted(names)[: options.photographs]
    images = [read_samples(options.folder / name / f"{name}_{number:04d}.jpg", colour=True) for name, number in chosen]
    angles = np.random.default_rng(0).integers(0, 360, len(images))
    subjects = np.unique([name for name, _ in chosen], return_inverse=True)[1]
    rows, columns = np.triu_indices(len(images), 1)
    mated = subjects[rows] == subjects[columns]
    for way, (is_turned, looks) in WAYS.items():
        shown = (turn(image, int(angle)) if is_turned else image for image, angle in zip(images, angles, strict=True))
        found = vectors(shown, FaceSearch("central", turned=looks))
        scores = np.einsum("ij,ij->i", found[rows], found[columns])
        there = np.asarray(found.any(axis=1))
        usable = there[rows] & there[columns]
        print(f"{way}: {len(there) - there.sum()} of {len(there)} without a face")
        for point in published_points(SFace()):
            if point.target_fmr in (1e-3, 1e-4):
                misses = (scores[usable & mated] < point.threshold).mean()
                false = scores[usable & ~mated] >= point.threshold
                print(f"  at {point.threshold:.4f}: FNMR {100 * misses:.2f} % of {(usable & mated).sum():,}, "
                      f"FMR {false.mean():.2e} ({false.sum()} of {len(false):,})", flush=True)  # fmt: skip
    seconds = dict.fromkeys((False, True), 0.0)
    for image in images[:: max(1, len(images) // 300)]:
        for looks in (False, True):
            begun = perf_counter()
            detect(image, FaceSearch("central", turned=looks))
            seconds[looks] += perf_counter() - begun
    print(f"detection on upright photographs takes {seconds[True] / seconds[False]:.3f} times as long")


if __name__ == "__main__":
    main()
