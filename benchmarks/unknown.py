"""What unknown faces take, once as many are kept as there may be: grouping them, and keeping one more.

    python benchmarks/unknown.py [URL] [FACES]

Made-up faces of SFace's 128 numbers, not of people: each person has one to five, with a cosine of 0.8 to the person's
centre, centres at random. They lie beside an SQLite file, or with the URL of an empty database on PostgreSQL there.
Seconds by the clock, and of this process' processor time, on one thread.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from changes import DIMENSIONS, QUALITY
from faceloupe.collection.schema import faces, photographs
from faceloupe.collection.unknown import MOST, UnknownFaces, open_unknown
from faceloupe.gallery import Gallery, open_gallery
from faceloupe.gallery.answers import IdentifiedPhotograph
from faceloupe.recognition import SFace, Template
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.detections import Box, Detection, Landmarks, Point
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.quality import Pose, Quality
from faceloupe.web.strangers import UnknownReview

WEEK = timedelta(days=7)
FOUND = Detection(
    Box(60, 60, 80, 100),
    Landmarks(Point(80, 90), Point(120, 90), Point(100, 110), Point(85, 130), Point(115, 130)),
    0.95,
)

rng = np.random.default_rng(0)


def main() -> None:
    """Fill the collection, and print what each step takes."""
    size = int(sys.argv[2]) if len(sys.argv) > 2 else MOST - 10
    with TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else str(Path(folder, "faces.db"))
        with open_gallery(url, create=True, embedder=SFace()) as gallery:
            unknown = open_unknown(gallery, url, WEEK)
            if unknown is None:
                raise SystemExit("nothing is kept")
            fill(unknown, size)
            measure(gallery, unknown)


def measure(gallery: Gallery, unknown: UnknownFaces) -> None:
    """Print the times."""
    review = UnknownReview(unknown)
    people = timed("grouped for the first time", review.group)
    print(people.words())
    timed("a page of the groups", partial(review.document, people, 0, 50, 12))
    for turn in range(3):
        answered = stranger(gallery, turn)
        timed("one more face kept", partial(unknown.keep, answered))
    timed("grouped again, with these", review.group)
    timed("read again after a change", review.people)
    unknown.close()


def timed(what: str, call: Callable[[], Any]) -> Any:
    """Return what a call returns, and print what it took."""
    clock, processor = perf_counter(), process_time()
    result = call()
    print(f"{what:30} {perf_counter() - clock:9.3f} s, processor {process_time() - processor:9.3f} s", flush=True)
    return result


def fill(unknown: UnknownFaces, size: int) -> None:
    """Add faces, each of a photograph of its own."""
    counts = rng.integers(1, 6, size)
    owners = np.repeat(np.arange(size), counts)[:size]
    vectors = units(
        0.8 * units(rng.normal(size=(size, DIMENSIONS)))[owners] + 0.6 * units(rng.normal(size=(size, DIMENSIONS)))
    )
    with unknown.collection.writing() as connection:
        now = datetime.now(UTC)
        connection.execute(
            insert(photographs),
            [{"id": n + 1, "sha256": f"{n:064x}", "width": 200, "height": 200, "indexed": now} for n in range(size)],
        )
        rows = [
            {"photograph_id": n + 1, "number": 1, "detection": FOUND.to_document(), "vector": vector,
             "quality": QUALITY, "unfit": "", "chip": None}
            for n, vector in enumerate(vectors)
        ]  # fmt: skip
        connection.execute(insert(faces), rows)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "SELECT setval('collection_photographs_id_seq', (SELECT max(id) FROM collection_photographs))"
            )


def stranger(gallery: Gallery, turn: int) -> IdentifiedPhotograph:
    """Return a photograph of somebody new, whom nobody was named for."""
    quality = Quality(60.0, 30.0, 0.5, 0.0, Pose(0.0, 0.0, 0.0), 0.95, 14.0)
    template = Template(
        units(rng.normal(size=(1, DIMENSIONS)))[0], gallery.embedder.name, gallery.embedder.sha256, quality
    )
    chip = FaceChip(np.full((112, 112, 3), 0.5, np.float32), FOUND, np.eye(2, 3))
    photograph = Photograph(Path("new.jpg"), f"{turn:04x}" * 16, (200, 200), (chip,), (template,))
    return IdentifiedPhotograph(photograph, gallery.identify([template]))


def units(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return vectors of length 1."""
    ones: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return ones


if __name__ == "__main__":
    main()
