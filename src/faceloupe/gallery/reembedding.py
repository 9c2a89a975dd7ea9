"""A gallery made anew with another embedder or detector: of face chips that were kept, or of the photographs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceloupe.errors import InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.files import sha256_of
from faceloupe.gallery.enrolment import add_references
from faceloupe.gallery.records import Reference
from faceloupe.progress import Progress
from faceloupe.recognition.chips import CHIP_SIDE, REFERENCE_POINTS, FaceChip
from faceloupe.recognition.detections import Box, Detection, Detector, Landmarks, Point
from faceloupe.recognition.embed import Embedder, directions_of, no_direction
from faceloupe.recognition.photographs import Photograph, PhotoProblem, search_photo
from faceloupe.recognition.quality import Pose, Quality
from faceloupe.recognition.search import FaceSearch
from faceloupe.recognition.templates import Template
from faceloupe.recognition.yunet import detector_in_words

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery


@dataclass(frozen=True, slots=True)
class Reembedded:
    """The result of making a gallery anew.

    Attributes
    ----------
    people, references : int
        Numbers of subjects and references in it now.
    left_out : tuple of Skipped
        References that have no face there, by subject, and why.
    """

    people: int
    references: int
    left_out: tuple[Skipped, ...]


def reembed(
    gallery: "Gallery",
    into: "Gallery",
    embedder: Embedder,
    *,
    detector: Detector | None = None,
    photographs: Iterable[str | PathLike[str]] = (),
    progress: Progress | None = None,
) -> Reembedded:
    """Make every reference of a gallery again with another embedder or detector, in another gallery.

    A reference is made of its face chip, if that was kept and the detector stays, or else of its photograph, known by
    its hash among those given. Names, external ids, metadata and notes of consent come along; thresholds do not, for
    they are of the old embedder's scores.

    Parameters
    ----------
    gallery, into : Gallery
        The old one, which is only read, and the new one, which is empty.
    embedder : Embedder
    detector : Detector, optional
        By default the old gallery's.
    photographs : iterable of paths
        Files that people were enrolled from.
    progress : callable, optional
        Called with the number of people done, and of all.

    Raises
    ------
    InputError
        If the new gallery is not empty.
    """
    if into.n_subjects():
        raise InputError(f"{into.name} is not empty: name a new gallery")
    # What was found before detectors were noted is taken for the gallery's own.
    its_own = {gallery.detector_noted(), ""} if detector is None else {detector_in_words(detector)}
    files = {sha256_of(Path(path)): Path(path) for path in photographs}
    people = gallery.people()
    left_out: list[Skipped] = []
    references = moved = 0
    for done, person in enumerate(people):
        by_hash = {reference.source_sha256: reference for reference in gallery.person(person.id).references}
        photographed: list[Photograph] = []
        for reference in by_hash.values():
            file = files.get(reference.source_sha256)
            if face := gallery.face(reference.id) if reference.detector in its_own else None:
                photograph = _of_chip(face, reference)
            elif file is not None:
                photograph = search_photo(file, FaceSearch("one", detector=detector or gallery.detector))
            else:
                photograph = _without(reference)
            made = directions_of(photograph.chips, embedder)
            if photograph.problem is not None or any(template is None for template in made):
                reason = photograph.problem.reason if photograph.problem else no_direction(embedder)
                left_out.append(Skipped(f"{person.name}, reference {reference.id}", reason))
                continue
            templates = tuple(_as_before(template, reference) for template in made if template is not None)
            photographed.append(replace(photograph, templates=templates))
        if photographed:
            with into.writing() as connection:
                for keep in (True, False):  # a face that was not kept before is not kept now
                    part = [each for each in photographed if by_hash[each.sha256].has_face is keep]
                    add_references(
                        connection, person.name, part, external_id=person.external_id, metadata=person.metadata,
                        consent=person.consent, keep_faces=keep, force=True,
                    )  # fmt: skip
            references, moved = references + len(photographed), moved + 1
        if progress is not None:
            progress(done + 1, len(people))
    return Reembedded(moved, references, tuple(left_out))


def _of_chip(face: bytes, reference: Reference) -> Photograph:
    """Return a chip that was kept as a photograph of one face."""
    size = (CHIP_SIDE, CHIP_SIDE)
    return Photograph(_name(reference), reference.source_sha256, size, (_chip(face, reference),), ())


def _without(reference: Reference) -> Photograph:
    reason = "its face was not kept by this detector, and its photograph is not among those given (--photographs)"
    problem = PhotoProblem("no face", reason)
    return Photograph(_name(reference), reference.source_sha256, (0, 0), (), (), problem)


def _name(reference: Reference) -> Path:
    return Path(f"reference {reference.id}")


def _chip(face: bytes, reference: Reference) -> FaceChip:
    """Return a face chip that was kept, as a photograph of its own: its landmarks lie where chips have them."""
    from PIL import Image

    image = np.asarray(Image.open(BytesIO(face)).convert("RGB"), dtype=np.float32) / np.float32(255)
    landmarks = Landmarks(*(Point(*place) for place in REFERENCE_POINTS))
    score = float(reference.quality["detection_score"])
    detection = Detection(Box(0, 0, CHIP_SIDE, CHIP_SIDE), landmarks, score, detector=reference.detector)
    return FaceChip(image, detection, np.eye(2, 3))


def _as_before(template: Template, reference: Reference) -> Template:
    """Return a template with the quality that was measured on the photograph, but for what the embedder says."""
    measured = reference.quality
    quality = Quality(
        **{**measured, "pose": Pose(**measured["pose"]), "embedding_norm": template.quality.embedding_norm}
    )
    return replace(template, quality=quality)
