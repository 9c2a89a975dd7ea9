"""Enrolling files: photographs of one subject, or a folder that holds one folder a subject.

What is enrolled already is known by its hash and not recognised again, so that the same call goes on after a stop.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from faceloupe.errors import InputError
from faceloupe.faces import Skipped
from faceloupe.faces.folders import as_text, list_folder
from faceloupe.faces.images import SUFFIXES
from faceloupe.files import sha256_of
from faceloupe.gallery.enrolment import refusal_of_holder
from faceloupe.gallery.people import checked_name
from faceloupe.gallery.records import EmbedderId, Enrolled
from faceloupe.progress import Progress
from faceloupe.recognition import Embedder, Photograph, recognise

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.gallery.opening import GalleryToBe

__all__ = ["enrol_folder", "enrol_photographs"]

Meant = Literal["one", "central"]


@dataclass(slots=True)
class _Subject:
    """Somebody's files, and what is known of them before one is recognised."""

    name: str
    photographs: dict[Path, None] = field(default_factory=dict)  # in their order
    already_enrolled: list[str] = field(default_factory=list)
    refused: list[Skipped] = field(default_factory=list)

    def refuse(self, path: Path, reason: str) -> None:
        self.refused.append(Skipped(as_text(str(path)), reason))


def enrol_photographs(
    gallery: "Gallery | GalleryToBe",
    name: str,
    paths: Iterable[str | PathLike[str]],
    embedder: Embedder,
    *,
    faces: Meant = "one",
    consent: str = "",
    keep_faces: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Enrolled:
    """Recognise photographs of one subject and enrol them, all in one transaction.

    Parameters
    ----------
    gallery : Gallery or GalleryToBe
    name : str
    paths : iterable of path
        Image files. One that cannot be used is told with the reason, and stops nothing.
    embedder : Embedder
    faces : {"one", "central"}
        Which face of a photograph is meant, see :func:`faceloupe.recognition.recognise`.
    consent, keep_faces, force
        See :meth:`faceloupe.gallery.Gallery.enrol`. Photographs that are enrolled already keep the face that they have,
        or none.
    progress : callable, optional
        Told how many photographs are done, of how many.

    Raises
    ------
    GalleryError
        If the gallery cannot be written.
    InputError
        If the name cannot be one.
    UnavailableError
        If weights or packages are missing.
    """
    subject = _Subject(checked_name(name), dict.fromkeys(map(Path, paths)))
    options = _Options(faces, consent, keep_faces, force)
    return next(_enrol(gallery, [subject], embedder, options, progress))


def enrol_folder(
    gallery: "Gallery | GalleryToBe",
    root: str | PathLike[str],
    embedder: Embedder,
    *,
    faces: Meant = "one",
    consent: str = "",
    keep_faces: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Iterator[Enrolled]:
    """Enrol ``root/NAME/*.jpg|png|...`` as photographs of subjects called NAME.

    Each subject is one transaction, and is on the disk once it is yielded.

    Parameters
    ----------
    gallery : Gallery or GalleryToBe
    root : path
        Hidden files and what lies outside the subjects' folders are passed over; whatever else is no photograph is told
        with the reason.
    embedder, faces, consent, keep_faces, force, progress
        As for :func:`enrol_photographs`.

    Yields
    ------
    Enrolled
        Subjects in the natural order of their names (2 before 10), photographs too. Folders whose names are kept as
        one, such as "Ann" and " Ann ", are one subject.

    Raises
    ------
    GalleryError
        If the gallery cannot be written; what was yielded before stays.
    InputError
        If `root` cannot be listed or holds no folder.
    UnavailableError
        If weights or packages are missing.
    """
    listed = _subjects(Path(root))
    yield from _enrol(gallery, listed, embedder, _Options(faces, consent, keep_faces, force), progress)


@dataclass(frozen=True, slots=True)
class _Options:
    faces: Meant
    consent: str
    keep_faces: bool
    force: bool


def _enrol(
    gallery: "Gallery | GalleryToBe",
    listed: list[_Subject],
    embedder: Embedder,
    options: _Options,
    progress: Progress | None,
) -> Iterator[Enrolled]:
    whole, done = sum(len(subject.photographs) for subject in listed), 0
    fresh = (path for subject in listed for path in _fresh(gallery, subject, embedder))

    def counted(photographs: Iterator[Photograph]) -> Iterator[Photograph]:
        nonlocal done
        for photograph in photographs:
            yield photograph if options.keep_faces else replace(photograph, chips=())  # many in one folder take memory
            done += 1
            if progress is not None:
                progress(done, whole)

    for subject, photographs in _by_subject(listed, counted(recognise(fresh, embedder, faces=options.faces))):
        here = Enrolled(subject.name)
        if photographs or (options.consent and subject.already_enrolled):
            here = gallery.enrol(
                subject.name, photographs, consent=options.consent, keep_faces=options.keep_faces, force=options.force
            )
        done += len(subject.already_enrolled)
        yield replace(
            here,
            already_enrolled=(*subject.already_enrolled, *here.already_enrolled),
            refused=(*subject.refused, *here.refused),
        )


def _subjects(root: Path) -> list[_Subject]:
    """Return what a folder of folders holds, unopened; folders of one name are one subject."""
    by_name: dict[str, _Subject] = {}
    for subject in map(_listed, _folders(root)):
        first = by_name.setdefault(subject.name, subject)
        if first is not subject:
            first.photographs |= subject.photographs
            first.refused += subject.refused
    return list(by_name.values())


def _folders(root: Path) -> list[Path]:
    found = list_folder(root)
    folders = [entry for entry in found if entry.is_dir()]
    if not folders:
        loose = sum(entry.suffix.lower() in SUFFIXES for entry in found)
        images = "1 image lies" if loose == 1 else f"{loose:,} images lie"
        raise InputError(
            f"{root} holds no folder ({images} loose in it); expected one a subject, as in ann/1.jpg and "
            "bob/1.jpg. Photographs of one subject: faceloupe enrol NAME PHOTO..."
        )
    return folders


def _listed(folder: Path) -> _Subject:
    """Return what a subject's folder holds, unopened."""
    subject = _Subject(as_text(folder.name))
    try:
        subject.name = checked_name(subject.name)
        files = list_folder(folder)
    except InputError as problem:
        subject.refuse(folder, str(problem))
        return subject
    for path in files:
        if path.is_dir():
            subject.refuse(path, "a folder inside a subject's folder is not entered")
        elif path.suffix.lower() not in SUFFIXES:
            subject.refuse(path, "not called like an image, and not opened")
        else:
            subject.photographs[path] = None
    if not subject.photographs:
        subject.refuse(folder, "no photograph in this folder")
    return subject


def _fresh(gallery: "Gallery | GalleryToBe", subject: _Subject, embedder: Embedder) -> Iterator[Path]:
    """Yield the photographs of a subject that are to be recognised; put the others where they belong."""
    hashes = {path: _hash(path) for path in subject.photographs}
    holders = gallery.holders(hashes.values())
    for path, digest in hashes.items():
        if held := refusal_of_holder(holders[digest], subject.name):
            subject.refuse(path, held)
        elif (subject.name, EmbedderId(embedder.name, embedder.sha256)) in holders[digest]:
            subject.already_enrolled.append(as_text(str(path)))
        else:
            yield path


def _hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except (InputError, OSError, ValueError):
        return ""  # whoever opens it next says why


def _by_subject(
    listed: list[_Subject], photographs: Iterator[Photograph]
) -> Iterator[tuple[_Subject, list[Photograph]]]:
    """Yield each subject with its photographs, which come in the order of the subjects."""
    waiting = next(photographs, None)
    for subject in listed:
        own = []
        while waiting is not None and waiting.path in subject.photographs:
            own.append(waiting)
            waiting = next(photographs, None)
        yield subject, own
