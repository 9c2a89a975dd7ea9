"""Finding one person among the faces of a collection: all of them, best first, and what is expected to be wrong."""

import csv
import io
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from faceloupe.collection.collection import Collection
from faceloupe.collection.seen import SeenFace, seen_faces
from faceloupe.errors import InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import as_text
from faceloupe.recognition.templates import Template
from faceloupe.recognition.thresholds import choose_point
from faceloupe.scores.points import OperatingPoint, one_in

Floats = NDArray[np.float32]

FACES_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face that is like the person looked for.

    Attributes
    ----------
    face : SeenFace
    score : float
        Highest cosine with the person's templates, from -1 to 1; with the others, if the face is one of them.
    group : int
        Id of the group it is in; 0 if faces were not grouped yet.
    """

    face: SeenFace
    score: float
    group: int


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Faces that reach the threshold, best first.

    Attributes
    ----------
    sightings : tuple of Sighting
    point : OperatingPoint
        The threshold, and what was measured at it.
    templates : int
        Number of the person's templates that faces were compared with.
    faces : int
        Number of faces in the collection.
    """

    sightings: tuple[Sighting, ...]
    point: OperatingPoint
    templates: int
    faces: int

    @property
    def expected_wrong(self) -> float:
        """Number of strangers' faces expected among them: the measured FMR times the comparisons made."""
        return max(self.point.fmr, self.point.target_fmr) * self.faces * self.templates

    def words(self) -> str:
        """Return the number of sightings, and how many of them are expected to be wrong."""
        fmr = one_in(max(self.point.fmr, self.point.target_fmr))
        missed = "an unknown share" if self.point.fnmr is None else f"{100 * self.point.fnmr:.2g} %"
        return (
            f"{len(self.sightings):,} of {self.faces:,} faces reach the threshold {self.point.threshold:.4f}. At an "
            f"FMR of {fmr}, about {self.expected_wrong:.2g} of them are expected to be strangers; {missed} of the "
            "person's own comparisons score less."
        )

    def to_csv(self) -> str:
        """Return them as CSV: path, face, score, margin, group."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["path", "face", "score", "margin", "group"])
        for sighting in self.sightings:
            face, margin = sighting.face, sighting.score - self.point.threshold
            writer.writerow([face.path, face.number, f"{sighting.score:.4f}", f"{margin:.4f}", sighting.group])
        return text.getvalue()

    def gather(self, folder: Path, how: Literal["copy", "link"]) -> tuple[list[Path], list[Skipped]]:
        """Copy the photographs into a folder, or link to them, and return what was made, and which could not be.

        Raises
        ------
        InputError
            If the folder is a file, or holds one of that name: none is overwritten.
        OSError
            If the folder cannot be written to; then nothing is left in it of what was made.
        """
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file; name a folder")
        paths = dict.fromkeys(sighting.face.path for sighting in self.sightings if sighting.face.path)
        there = {path: None for path in paths if Path(path).is_file() and os.access(path, os.R_OK)}
        lost = [
            Skipped(as_text(path), "it may not be read" if Path(path).is_file() else "it is gone since it was indexed")
            for path in paths
            if path not in there
        ]
        width = len(str(len(there)))
        targets = [folder / f"{number:0{width}}-{Path(path).name}" for number, path in enumerate(there, start=1)]
        for target in targets:
            if target.exists() or target.is_symlink():
                raise InputError(f"{target} is there already; name an empty folder")
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        try:
            for path, target in zip(there, targets, strict=True):
                if how == "copy":
                    target.touch(exist_ok=False)  # what another program made meanwhile is not ours to write or remove
                    made.append(target)
                    shutil.copy2(path, target)
                else:
                    target.symlink_to(path)
                    made.append(target)
        except BaseException:
            for target in made:
                target.unlink(missing_ok=True)
            raise
        return targets, lost

    def to_document(self) -> dict[str, Any]:
        """Return them as a plain dictionary that JSON can hold, without vectors."""
        return {
            "schema": "faceloupe.sightings/1",
            "sightings": [asdict(sighting) for sighting in self.sightings],
            "point": self.point.to_document(),
            "templates": self.templates,
            "faces": self.faces,
            "expected_wrong": self.expected_wrong,
            "words": self.words(),
        }

    def __repr__(self) -> str:
        return f"Sightings({len(self.sightings):,} of {self.faces:,} faces >= {self.point.threshold:.4f})"


def find(collection: Collection, templates: Sequence[Template], point: OperatingPoint | None = None) -> Sightings:
    """Find all faces of a collection that show a person.

    Parameters
    ----------
    collection : Collection
    templates : sequence of Template
        One or more templates of one person.
    point : OperatingPoint, optional
        The threshold; otherwise the published one of the collection's embedder.

    Raises
    ------
    InputError
        If there is no template, one is by another embedder than the collection's, or no threshold is known for it.
    """
    if not templates:
        raise InputError("templates: expected one or more of the person to look for")
    embedder = collection.embedder()
    if embedder is None:
        raise InputError(f"{collection.location} holds no faces yet: faceloupe index FOLDER")
    for template in templates:
        if (template.embedder, template.sha256) != tuple(embedder):
            raise InputError(f"the collection's faces were embedded by {embedder}, the person's by {template!r}")
    point = choose_point(embedder, asked_for=point)
    indexed = collection.faces()
    probes = np.stack([template.vector for template in templates])
    parts = range(0, len(indexed), FACES_AT_ONCE)
    best = [_best_scores(indexed.vectors[start : start + FACES_AT_ONCE], probes) for start in parts]
    scores = np.concatenate(best) if best else np.zeros(0)
    rows = np.flatnonzero(scores >= point.threshold)
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    with collection.reading() as connection:
        seen = seen_faces(connection, indexed.ids[rows].tolist())
    rated = zip(indexed.ids[rows].tolist(), scores[rows].tolist(), indexed.groups[rows].tolist(), strict=True)
    sightings = tuple(Sighting(seen[face], score, home) for face, score, home in rated if face in seen)
    return Sightings(sightings, point, len(templates), len(indexed))


def _best_scores(vectors: Floats, probes: Floats) -> Floats:
    """Return the highest product of each of N faces with P probes, (N,); of a face that is a probe, with the others."""
    products = vectors @ probes.T
    if len(probes) > 1:
        own = {probe.tobytes(): place for place, probe in enumerate(probes)}
        for row in np.flatnonzero(products.max(axis=1) > 1 - 1e-5).tolist():
            place = own.get(vectors[row].tobytes())
            if place is not None:
                products[row, place] = -1
    best: Floats = products.max(axis=1)
    return best
