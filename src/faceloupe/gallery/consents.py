"""Notes on the consent of a subject: lines of text, of which the last "until 2030-05-01" says when it ends."""

from contextlib import suppress
from datetime import date

from sqlalchemy import Connection, select

from faceloupe.errors import InputError
from faceloupe.gallery.schema import subjects
from faceloupe.gallery.soundness import unprintable


def checked_consent(note: str) -> str:
    """Return a consent note as it is kept: with one sign for the end of a line.

    Raises
    ------
    InputError
        If it holds what cannot be printed.
    """
    unified = note.replace("\r\n", "\n")
    if unprintable(unified, note=True):
        raise InputError(f"consent: {unified!r} holds characters that cannot be printed")
    return unified


def ending_consent(note: str, until: date | None) -> str:
    r"""Return a consent note with the last day on which the consent holds, as a line of its own.

    >>> ending_consent("form 12", date(2030, 5, 1))
    'form 12\nuntil 2030-05-01'
    """
    return note if until is None else joined_consent(note, f"until {until.isoformat()}")


def consent_end(note: str) -> date | None:
    r"""Return the last day on which a consent holds: of the last line "until YYYY-MM-DD"; None if no line says so.

    >>> consent_end("until 2030-05-01\nform 30\nuntil 2031-05-01")
    datetime.date(2031, 5, 1)
    """
    for line in reversed(note.splitlines()):
        with suppress(ValueError):
            if line.startswith("until "):
                return date.fromisoformat(line.removeprefix("until ").strip())
    return None


def consent_ended(connection: Connection, day: date) -> list[tuple[int, str, date]]:
    """Return number, name and last day of those whose consent had ended before a day, by number."""
    rows = connection.execute(select(subjects.c.id, subjects.c.name, subjects.c.consent).order_by(subjects.c.id))
    ends = ((row.id, row.name, consent_end(row.consent)) for row in rows)
    return [(number, name, end) for number, name, end in ends if end is not None and end < day]


def joined_consent(consent: str, *notes: str) -> str:
    r"""Return a consent note with further lines, each once.

    >>> joined_consent("form 12", "form 30", "form 12")
    'form 12\nform 30'
    """
    return "\n".join(dict.fromkeys([*consent.splitlines(), *notes]))
