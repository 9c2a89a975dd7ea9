"""Photographs with templates, made up: no file is read and no weights are needed."""

from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from faceloupe.gallery import Enrolled, list_subjects
from faceloupe.recognition import Detection, FaceChip, Photograph, PhotoProblem, Pose, Quality, Template
from faceloupe.recognition.detections import Box, Landmarks, Point
from faceloupe.scores import OperatingPoint
from faceloupe.scores.confidence import Interval

GOOD = Quality(60.0, 30.0, 0.5, 0.0, Pose(0.0, 0.0, 0.0), 0.95, 14.0)
BLURRED = Quality(4.0, 0.1, 0.02, 0.9, Pose(80.0, 0.0, 0.0), 0.3, 1.0)
WEIGHTS = "ab" * 32
AROUND = Interval(5e-4, 2e-3, 0.95, 9000.0, "made up")
POINT = OperatingPoint(0.5, 1e-3, 9e-4, AROUND, 1e-3, AROUND, 900, 9000, 0, "made up", "toy", WEIGHTS)


class Toy:
    """An embedder by name only."""

    def __init__(self, name="toy", sha256=WEIGHTS):
        self.name, self.sha256 = name, sha256


def unit(seed, dimensions=16):
    vector = np.random.default_rng(seed).normal(size=dimensions)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def photograph(path, *, vector=None, quality=GOOD, embedder="toy", weights=WEIGHTS, content=None, detector="yunet"):
    """A photograph of one face, whose file holds `content`, by default its path; its vector follows from the path."""
    path = Path(path)
    digest = sha256((content or str(path)).encode()).hexdigest()
    if vector is None:
        vector = unit(int(digest[:8], 16))
    chip = FaceChip(np.full((112, 112, 3), 0.5, np.float32), detection(detector), np.eye(2, 3))
    template = Template(vector, embedder, weights, quality, detector)
    return Photograph(path, digest, (200, 200), (chip,), (template,))


def detection(detector="yunet"):
    eyes, mouth = (Point(80, 90), Point(120, 90)), (Point(85, 130), Point(115, 130))
    return Detection(Box(60, 60, 80, 100), Landmarks(*eyes, Point(100, 110), *mouth), 0.95, detector=detector)


def unusable(path):
    problem = PhotoProblem("no face", "no face found")
    return Photograph(Path(path), sha256(str(path).encode()).hexdigest(), (200, 200), (), (), problem)


def recognised(numbered, embedder, search):  # noqa: ARG001 - as recognise_numbered is called
    """What recognising made-up files gives: the content "wall" shows no face, all others show one."""
    for _, path in numbered:
        path = Path(path)
        content = path.read_text()
        if content == "wall":
            yield unusable(path)
        else:
            yield photograph(path, content=content, embedder=embedder.name, weights=embedder.sha256)


def make_folder(root, subjects, photographs=3):
    """Write files that `recognised` takes for photographs, one folder per subject."""
    for name in subjects:
        (root / name).mkdir(parents=True)
        for number in range(1, photographs + 1):
            (root / name / f"{number}.jpg").write_text(f"{name} {number}")
    return root


def enrol_folder(gallery, folder, **how):
    """Enrol a folder of folders, as the command line does."""
    for subject in list_subjects(folder):
        result = (
            gallery.enrol(subject.name, subject.photographs, **how) if subject.photographs else Enrolled(subject.name)
        )
        yield replace(result, refused=(*subject.refused, *result.refused))


def held_on_server(url):
    """The bytes of all tables and indexes of a database; the server's log of changes is not among them."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        query = "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
        folder, number = connection.execute(query).fetchone()
    held = []
    for file in Path(folder, "base", str(number)).iterdir():
        with suppress(FileNotFoundError):  # the server goes on removing files
            held.append(file.read_bytes())
    return b"".join(held)
