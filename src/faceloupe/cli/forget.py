"""``faceloupe forget``: erase somebody from a gallery for good."""

import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import echo, echo_json, say
from faceloupe.errors import InputError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.collection.unknown import UnknownFaces
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.gallery.records import Forgotten


def forget(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name or external id of a person; also id:ID or number:N.")
    ] = None,
    reference: Annotated[
        int | None, typer.Option(metavar="ID", help="Erase only this reference; faceloupe show lists them.")
    ] = None,
    older_than: Annotated[
        int | None,
        typer.Option(
            metavar="DAYS", min=1, max=36_500, help="Erase everybody with no photograph enrolled for that many days."
        ),
    ] = None,
    consent_ended: Annotated[
        bool, typer.Option("--consent-ended", help="Erase everybody whose consent has ended (enrol --consent-until).")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    gallery: GalleryName = "faceloupe.db",
    json: AsJson = False,
) -> None:
    """Erase somebody for good, including the bytes in the gallery's files.

    Name, consent note and references are erased. The trail keeps the subject's number, and who erased it and when.
    Unknown faces that faceloupe serve keeps beside the gallery are erased too if they resemble the person or have
    expired. Backups, exports and the template cache of evaluate and calibrate are not touched.
    """
    from faceloupe.collection.unknown import open_unknown
    from faceloupe.gallery.identity import label
    from faceloupe.gallery.opening import open_gallery

    if (name is not None) + (older_than is not None) + consent_ended != 1:
        raise InputError("expected one of NAME, --older-than DAYS and --consent-ended")
    with ExitStack() as stack:
        people = stack.enter_context(open_gallery(gallery))
        unknown = open_unknown(people, gallery)
        if unknown is not None:
            stack.enter_context(unknown)
        if consent_ended:
            ended = [number for number, *_ in people.consent_ended()]
            _forget_all(people, unknown, ended, "whose consent has ended", yes=yes, json=json)
            return
        if name is None or older_than is not None:
            moment = datetime.now(UTC) - timedelta(days=older_than or 0)
            old = [number for number, _ in people.enrolled_before(moment)]
            _forget_all(people, unknown, old, f"of whom nothing was enrolled for {older_than} days", yes=yes, json=json)
            return
        number = people.number_of(name)  # others may rename while the question stands
        if number is not None and not yes:  # for somebody who is not there it only finishes an earlier erasing
            what = "everything that is kept of this subject" if reference is None else f"only reference {reference}"
            person = people.person(number).person
            _ask(f"Erase {label(person.name, person.external_id)!r}, {what}, from {people.name} for good?")
        subject = name if number is None else number
        if unknown is not None and reference is None:
            unknown.forget(subject)
        forgotten = people.forget(subject, reference)
    echo_json(forgotten.to_document()) if json else echo(_erased(forgotten, name, reference, people.name))
    if forgotten.subject_id is not None:
        number = forgotten.subject_id if reference is None else reference
        say(
            f"The trail keeps the number {number}, and who forgot it when. Not reached: backups, exports, the "
            "template cache of evaluate and calibrate (faceloupe evaluate --forget-cache), and what a disk or a server "
            "has given up but not overwritten yet."
        )


def _forget_all(
    people: "Gallery", unknown: "UnknownFaces | None", numbers: list[int], why: str, *, yes: bool, json: bool
) -> None:
    """Erase several subjects: each is out before the next one is begun, and the bytes of all go at the end."""
    from faceloupe.gallery.identity import label

    if numbers and not yes:
        shown = (repr(label(person.name, person.external_id)) for person in people.people(numbers[:20]))
        names = ", ".join(shown) + (" and others" if len(numbers) > 20 else "")
        _ask(f"Erase {counted(len(numbers), 'subject')} {why}, {names}, from {people.name}?")
    if unknown is not None:
        for number in numbers:
            unknown.forget(number)
    forgotten = [people.forget(number, erased=False) for number in numbers]
    people.erase()
    document = {"schema": "faceloupe.forgotten/1", "forgotten": [subject.to_document() for subject in forgotten]}
    words = f"Erased from {people.name}: {counted(len(forgotten), 'subject')} {why}."
    echo_json(document) if json else echo(words)


def _erased(forgotten: "Forgotten", name: str, reference: int | None, place: str) -> str:
    if forgotten.subject_id is None:
        missing = f"no {name!r}" if reference is None else f"no reference {reference} of {name!r}"
        return f"There is {missing} in {place}. Bytes that an earlier forget had left in its files are erased now."
    if reference is not None:
        return f"Erased from {place}: reference {reference} of {forgotten.name}."
    return f"Erased from {place}: the name, the consent note and {counted(forgotten.references, 'reference')}."


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise InputError("forget asks before it erases, and there is no terminal to ask at: give --yes")
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:  # Ctrl-C, or the end of the input
        raise typer.Exit(130) from None
    if not agreed:
        raise typer.Exit(1)
