"""A collection without photographs of real people, and a folder of real ones."""

import shutil
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from faceloupe.collection import open_collection
from faceloupe.collection.schema import add_row, faces, photographs, places, settings
from faceloupe.faces.sources import find_orl

WEIGHTS = "ab" * 32


@pytest.fixture
def folder(tmp_path):
    """Three photographs of each of three people of ORL, without their names."""
    root, target = find_orl(), tmp_path / "photographs"
    target.mkdir()
    for who in (1, 2, 3):
        for number in (1, 2, 3):
            shutil.copy(root / f"s{who}" / f"{number}.pgm", target / f"{who}{number}.pgm")
    return target


@pytest.fixture
def collection(tmp_path):
    with open_collection(tmp_path / "collection.db", create=True) as made:
        yield made


@pytest.fixture
def fill(collection):
    """Put faces into the collection: each a direction in degrees, in a photograph of its own unless told."""

    def filled(directions, *, in_photograph=None, unfit=()):
        with collection.writing() as connection:
            if collection.embedder() is None:
                connection.execute(insert(settings).values(name="embedder", value=["toy", WEIGHTS]))
            ids = {}
            for place, degrees in enumerate(directions):
                number = in_photograph[place] if in_photograph else place
                digest = f"{number:064x}"
                if digest not in ids:
                    ids[digest] = add_row(
                        connection, photographs, sha256=digest, width=9, height=9, indexed=datetime.now(UTC)
                    )
                    row = {
                        "path": f"/photographs/{number}.jpg",
                        "photograph_id": ids[digest],
                        "bytes": 1,
                        "modified": 1,
                    }
                    connection.execute(insert(places).values(**row, gone=False))
                _add_face(connection, ids[digest], place, degrees, "blurred" if place in unfit else "")

    return filled


def _add_face(connection, photograph, number, degrees, unfit):
    radians = np.deg2rad(degrees)
    points = {name: {"x": 1.0, "y": 1.0} for name in ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")}
    detection = {"box": {"x": 1, "y": 1, "width": 5, "height": 5}, "landmarks": points, "score": 0.9}
    quality = {"eye_distance": 60.0, "sharpness": 30.0, "brightness": 0.5, "clipped": 0.0, "detection_score": 0.95,
               "pose": {"yaw": 0.0, "pitch": 0.0, "roll": 0.0}, "embedding_norm": 14.0}  # fmt: skip
    vector = np.array([np.cos(radians), np.sin(radians)], dtype=np.float32)
    add_row(
        connection, faces, photograph_id=photograph, number=number, detection=detection, vector=vector,
        quality=quality, unfit=unfit, chip=None, group_id=None,
    )  # fmt: skip


@pytest.fixture
def drop(collection):
    """Remove the photographs of faces, whose files are gone."""

    def dropped(*ids):
        with collection.writing() as connection:
            photograph_ids = select(faces.c.photograph_id).where(faces.c.id.in_(ids))
            connection.execute(update(places).where(places.c.photograph_id.in_(photograph_ids)).values(gone=True))
        assert collection.drop_gone() == len(ids)

    return dropped
