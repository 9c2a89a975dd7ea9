"""``faceloupe enrol``: put people into a gallery."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import (
    AsJson,
    Central,
    DeviceName,
    EmbedderName,
    EngineName,
    GalleryDetectorName,
    GalleryName,
    Metadata,
    MinSize,
    Turned,
    search_of_one,
)
from faceloupe.cli.terminal import IN_JSON, echo, echo_json, progress, say, say_skipped, stoppable
from faceloupe.errors import AmbiguousNameError, InputError, NameTakenError, SubjectError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.gallery.records import Enrolled


def enrol(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Name of the person in the photographs; id:ID or number:N for somebody who is enrolled.",
        ),
    ] = None,
    photographs: Annotated[
        list[Path] | None, typer.Argument(metavar="PHOTO...", help="Image files with one face each.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Enrol DIR/NAME/*.jpg instead, one folder per subject.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV folder,name,external_id,metadata: whom each folder shows. By default people.csv in DIR.",
        ),
    ] = None,
    external_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Identifier of the person elsewhere; people who share a name need one each."),
    ] = None,
    metadata: Metadata = None,
    consent: Annotated[str, typer.Option(help="A note on the subject's consent, kept with the name.")] = "",
    consent_until: Annotated[
        datetime | None,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Last day of the consent, such as 2030-05-01."),
    ] = None,
    central: Central = False,
    force: Annotated[bool, typer.Option("--force", help="Enrol unfit faces too: small, blurred, turned away.")] = False,
    keep_faces: Annotated[
        bool, typer.Option("--keep-faces", help="Keep the cut-out faces too. Photographs are never kept.")
    ] = False,
    min_size: MinSize = 20,
    turned: Turned = True,
    gallery: GalleryName = "faceloupe.db",
    embedder: EmbedderName = None,
    detector: GalleryDetectorName = None,
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
    json: AsJson = False,
) -> None:
    """Put people into a gallery.

    Give a name and photographs (enrol Ann 1.jpg 2.jpg), or --folder DIR. The gallery is created when the first
    photograph is enrolled. If a photograph shows several faces, the dominant one is enrolled, with a note. A photograph
    with no face, several faces of equal size or an unfit face is left out, and the reason is printed. Photographs
    enrolled before are skipped, so the same command resumes after an interruption. Exit status 2 if photographs were
    left out, 1 if none could be enrolled.
    """
    if (folder is None) == (name is None) or bool(photographs) != bool(name):
        raise InputError("enrol takes a name and photographs (enrol Ann 1.jpg 2.jpg), or --folder DIR")
    if folder is not None and (external_id is not None or metadata is not None):
        raise InputError(
            "--external-id and --metadata are of one person: they go with a name; for --folder a file people.csv in it "
            "says folder,name,external_id,metadata"
        )
    if table is not None and folder is None:
        raise InputError("--table says whom folders show: it goes with --folder")
    from faceloupe.faces.faceset import Skipped
    from faceloupe.faces.folders import as_text
    from faceloupe.gallery.consents import checked_consent
    from faceloupe.gallery.folders import ListedSubject, list_subjects
    from faceloupe.gallery.identity import checked_metadata, checked_whom
    from faceloupe.gallery.opening import GalleryToBe
    from faceloupe.gallery.records import Enrolled

    checked_consent(consent)
    parsed = None if metadata is None else checked_metadata(metadata)
    if folder is None:
        checked_whom(name or "", external_id)
    search = search_of_one(central=central, min_size=min_size, turned=turned, detector=detector, engine=engine)
    person = ListedSubject(name or "", photographs or [], external_id=external_id, metadata=parsed)
    subjects = list_subjects(folder, table) if folder else [person]
    results: list[Enrolled] = []
    left_out = 0
    with (
        stoppable(lambda: _stopped(results)),
        GalleryToBe(gallery, embedder=embedder, engine=engine) as people,
        progress("enrolling", transient=True) as show,
    ):
        whole, done = sum(len(subject.photographs) for subject in subjects), 0
        for subject in subjects:
            results.append(Enrolled(subject.name, refused=tuple(subject.refused)))
            if not subject.photographs:
                left_out += len(subject.refused)
                continue
            try:
                result = people.enrol(
                    subject.name, subject.photographs, faces=search, external_id=subject.external_id,
                    metadata=subject.metadata, consent=consent, keep_faces=keep_faces, force=force,
                    consent_until=consent_until and consent_until.date(),
                    progress=lambda count, _: show(done + count, whole),  # noqa: B023 - called before done changes
                )  # fmt: skip
            except (AmbiguousNameError, NameTakenError, SubjectError) as problem:
                if folder is None:
                    raise
                refused = tuple(Skipped(as_text(str(path)), str(problem)) for path in subject.photographs)
                result = Enrolled(subject.name, refused=refused)
            results[-1] = replace(result, refused=(*subject.refused, *result.refused))
            left_out += len(result.refused)
            done += len(subject.photographs)
    _tell(results)
    if json:
        echo_json({"schema": "faceloupe.enrolled/1", "enrolled": [result.to_document() for result in results]})
    else:
        echo(_summary(results, people.name))
    _finish(results, left_out, keep_faces=keep_faces)


def _finish(results: "list[Enrolled]", left_out: int, *, keep_faces: bool) -> None:
    """Say what --keep-faces could not do, and leave with the exit status of the enrolment."""
    if keep_faces and (count := sum(len(result.already_enrolled) for result in results)):
        already = f"{counted(count, 'photograph')} enrolled already"
        say(f"--keep-faces added none to {already}: to keep those faces, forget the subject and enrol it again.")
    if not any(result.enrolled or result.already_enrolled for result in results):
        raise typer.Exit(1)
    if left_out:
        raise typer.Exit(2)


def _tell(results: "list[Enrolled]") -> None:
    say_skipped("not enrolled", (refused for result in results for refused in result.refused), rest=IN_JSON)
    doubtful = (unsure for result in results for unsure in result.doubtful)
    say_skipped("enrolled, but worth a look", doubtful, most=3, rest=IN_JSON)


def _stopped(results: "list[Enrolled]") -> str:
    _tell(results)
    enrolled = sum(bool(result.enrolled) for result in results)
    return f"Stopped. {counted(enrolled, 'subject')} enrolled so far stay; the same command goes on from there."


def _summary(results: "list[Enrolled]", gallery: str) -> str:
    enrolled, already, refused = (
        sum(len(getattr(result, kind)) for result in results) for kind in ("enrolled", "already_enrolled", "refused")
    )
    new = sum(result.new for result in results)
    people = sum(bool(result.enrolled) for result in results)
    whom = results[0].name if len(results) == 1 else counted(people, "subject")
    parts = [f"{counted(enrolled, 'photograph')} of {whom}" if enrolled else "nothing new"]
    if new:
        parts[0] += ", who is new" if len(results) == 1 else f", {new:,} of them new"
    if already:
        parts.append(f"{already:,} enrolled already")
    if refused:
        parts.append(f"{refused:,} not enrolled, named above with the reason")
    nobody = sum(bool(result.refused) and not (result.enrolled or result.already_enrolled) for result in results)
    if nobody and len(results) > 1:
        parts.append(f"nothing of {counted(nobody, 'subject')}")
    return f"{gallery}: {'; '.join(parts)}."
