"""Photographs that are rows of mosaics, each the face of somebody by number; a child loads no more than this."""

import io
import time
from unittest.mock import patch

import numpy as np
from PIL import Image

from faceloupe.recognition import Detection, FaceChip, photographs
from faceloupe.recognition.detections import Box, Landmarks, Point
from faceloupe.recognition.pictures import LazyPixels

SIDE, CELL = 112, 14
WEIGHTS = "ab" * 32

_MARKS = ((38, 52), (74, 52), (56, 72), (42, 92), (71, 92))


class Toy:
    """An embedder of mosaics."""

    name, sha256 = "toy", WEIGHTS

    def embed(self, faces):
        cells = faces.reshape(len(faces), SIDE // CELL, CELL, SIDE // CELL, CELL, 3).mean(axis=(2, 4))
        return (cells - np.float32(0.5)).reshape(len(faces), -1)


def photo(*people, capture=0, kind="PNG"):
    """The file of a photograph of some people, or of a wall; another capture is another file, and about the same."""
    tiles = [_mosaic(person, capture) for person in people] or [np.full((SIDE, SIDE, 3), 128, np.uint8)]
    content = io.BytesIO()
    Image.fromarray(np.concatenate(tiles, axis=1)).save(content, kind)
    return content.getvalue()


def find_mosaics(pixels, *_):
    """What stands in for the detector: a face in every square that is no wall."""
    image, _ = LazyPixels.of(pixels).at(1)
    samples = np.asarray(image, np.float32) / (255 if image.dtype == np.uint8 else 1)
    tiles = (samples[:SIDE, left : left + SIDE] for left in range(0, samples.shape[1] - SIDE + 1, SIDE))
    return tuple(_chip(tile, SIDE * place) for place, tile in enumerate(tiles) if tile.shape[0] == SIDE and tile.std())


def search_mosaics(content, faces, name):
    """What a server's child does in place of ``search``: patches of this process do not reach it."""
    with patch.object(photographs, "find_chips", find_mosaics):
        return photographs.search_photo(content, faces, name=name)


def search_unless_grey(content, faces, name):
    """What a child does of which a picture of a wall takes all the time there is."""
    if content == photo():
        time.sleep(600)
    return search_mosaics(content, faces, name)


def _mosaic(person, capture):
    cells = np.random.default_rng(person).uniform(0.2, 0.8, (SIDE // CELL, SIDE // CELL, 3))
    noise = np.random.default_rng(1000 + capture).uniform(-0.03, 0.03, cells.shape) if capture else 0
    return np.rint(255 * (cells + noise)).astype(np.uint8).repeat(CELL, axis=0).repeat(CELL, axis=1)


def _chip(tile, left):
    landmarks = Landmarks(*(Point(float(left + x), float(y)) for x, y in _MARKS))
    detection = Detection(Box(left + 20.0, 20.0, 72.0, 84.0), landmarks, 0.95)
    return FaceChip(tile, detection, np.array([[1.0, 0.0, -left], [0.0, 1.0, 0.0]]))
