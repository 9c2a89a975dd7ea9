"""Enrolment of many: the photographs of an archive, one subject after the other, as a job beside the requests."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from faceloupe.errors import AmbiguousNameError, GalleryError, ImageError, NameTakenError, SubjectError
from faceloupe.faces.faceset import Skipped
from faceloupe.gallery.archives import Archive, ArchivedSubject
from faceloupe.gallery.holders import has_reference, refusal_of_holder
from faceloupe.gallery.identity import BY_NUMBER
from faceloupe.gallery.records import EmbedderId, Enrolled
from faceloupe.gallery.trail import acting_as
from faceloupe.progress import Progress
from faceloupe.recognition.photographs import Photograph
from faceloupe.web.jobs import Stopped, Work
from faceloupe.web.problems import HTTPProblem

if TYPE_CHECKING:
    from faceloupe.web.service import Service

Whom = tuple[str, str | None]
"""A name, or the address of somebody who is there, and an external id."""

REFUSALS = (AmbiguousNameError, NameTakenError, SubjectError)
"""Why one subject of an archive cannot be enrolled; the others are."""

KIND = "enrol"
"""Kind of these jobs, whose results name people."""

HELD = 4
"""Archives in work and waiting, of all callers: each is in memory."""

PART = 20
"""Photographs that are enrolled in one transaction: what a stop can lose."""

AT_ONCE = 2
"""Photographs of an archive that are read at the same time."""


GONE = "whom it shows was forgotten, or became part of another, after the archive was sent: send it again to enrol it"


def enrolment(service: "Service", archive: Archive, who: str, faces: Literal["one", "central"], **choices: Any) -> Work:
    """Return the job that enrols the photographs of an archive, on behalf of `who`, whom the trail names.

    A photograph that is enrolled already is not looked at again, so that the same archive goes on after a stop. Who is
    in the gallery when this is called, or comes in by the job itself, and is forgotten before the job's end, is not
    enrolled anew. The choices are those of :meth:`faceloupe.gallery.Gallery.enrol`.
    """
    numbers = _numbers(service, archive)

    def work(tell: Progress) -> dict[str, Any]:
        whole, done = sum(len(subject.photographs) for subject in archive.subjects), 0
        results = []
        threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="archive")
        try:
            for subject in archive.subjects:
                number = numbers.get(subject)
                result = Enrolled(subject.name, external_id=subject.external_id)
                for start in range(0, len(subject.photographs), PART):
                    whom = (f"{BY_NUMBER}{number}", None) if number else (subject.name, subject.external_id)
                    part = subject.photographs[start : start + PART]
                    looked_at: dict[str, Photograph | str | None] = {}
                    answers = threads.map(partial(_look_at, service, archive, whom, faces), part)
                    for path, answer in zip(part, answers, strict=True):
                        tell(done, whole)
                        looked_at[path], done = answer, done + 1
                    with acting_as(who):
                        result = _joined(
                            result, _enrolled(service, whom, looked_at, choices | {"metadata": subject.metadata})
                        )
                    number = number or result.subject_id
                results.append(result)
            tell(done, whole)
        except HTTPProblem as problem:  # the server ends
            raise Stopped from problem
        finally:
            threads.shutdown(cancel_futures=True)
        return {
            "schema": "faceloupe.enrolled/1",
            "enrolled": [result.to_document() for result in results],
            "refused": [asdict(skipped) for skipped in archive.refused],
        }

    return work


def _numbers(service: "Service", archive: Archive) -> dict[ArchivedSubject, int | None]:
    """Return the numbers of the subjects of an archive who are in the gallery."""
    numbers: dict[ArchivedSubject, int | None] = {}
    for subject in archive.subjects:
        with suppress(*REFUSALS):  # said of each of the photographs
            numbers[subject] = service.gallery.whom_to_enrol(subject.name, subject.external_id).id
    return numbers


def _look_at(
    service: "Service", archive: Archive, whom: Whom, faces: Literal["one", "central"], path: str
) -> Photograph | str | None:
    """Return a photograph with its faces; why it cannot be enrolled; or None if it is enrolled already."""
    try:
        content = archive.read(path)
        digest = sha256(content).hexdigest()
        holders = service.gallery.holders([digest])[digest]
        number, embedder = service.gallery.whom_to_enrol(*whom).id, service.embedder
        if refusal := refusal_of_holder(holders, number):
            return refusal
        if has_reference(holders, number, EmbedderId(embedder.name, embedder.sha256)):
            return None
        return service.recogniser.photograph_in_thread(content, path, faces=faces)
    except ImageError as problem:
        return problem.reason
    except REFUSALS as problem:
        return _reason(whom, problem)


def _reason(whom: Whom, problem: GalleryError) -> str:
    return GONE if whom[0].startswith(BY_NUMBER) and isinstance(problem, SubjectError) else str(problem)


def _enrolled(
    service: "Service", whom: Whom, looked_at: dict[str, Photograph | str | None], choices: dict[str, Any]
) -> Enrolled:
    photographs = [answer for answer in looked_at.values() if isinstance(answer, Photograph)]
    name, external_id = whom
    already = tuple(path for path, answer in looked_at.items() if answer is None)
    result = Enrolled(name)
    if photographs or already:  # what is said of those who are enrolled already may be new
        try:
            result = service.change(service.gallery.enrol, name, photographs, external_id=external_id, **choices)
        except REFUSALS as problem:
            refused = tuple(Skipped(str(photograph.path), _reason(whom, problem)) for photograph in photographs)
            result = Enrolled(name, refused=refused)
    refused = tuple(Skipped(path, answer) for path, answer in looked_at.items() if isinstance(answer, str))
    return _joined(Enrolled(name, already_enrolled=already, refused=refused), result)


def _joined(first: Enrolled, second: Enrolled) -> Enrolled:
    """Return the result of two parts of a subject's photographs."""
    return Enrolled(
        second.name if second.subject_id else first.name,
        first.new or second.new,
        first.enrolled + second.enrolled,
        first.already_enrolled + second.already_enrolled,
        first.refused + second.refused,
        first.doubtful + second.doubtful,
        second.subject_id or first.subject_id,
        second.external_id or first.external_id,
    )
