"""The table ``people.csv`` among folders of photographs: whom each folder shows, with external id and metadata."""

import unicodedata
from typing import Any, NamedTuple

from faceloupe.csv_tables import table_of
from faceloupe.errors import InputError
from faceloupe.gallery.identity import checked_metadata, checked_whom

COLUMNS = ("folder", "name", "external_id", "metadata")
UNNAMED = "{} has no line for this folder"


class TabledPerson(NamedTuple):
    """One line of the table: the subject of a folder."""

    line: int
    name: str
    external_id: str | None
    metadata: dict[str, Any] | None


def folder_key(folder: str) -> str:
    """Return a folder's name as it is looked up: with composed letters, without spaces around it, as cells are read."""
    return unicodedata.normalize("NFC", folder).strip()


def read_people(content: bytes, table: str) -> dict[str, TabledPerson]:
    """Read whom each folder shows.

    Parameters
    ----------
    content : bytes
        CSV with the column ``folder`` and perhaps ``name``, by default the folder's, ``external_id`` and ``metadata``,
        an object of JSON. Several folders of one external id, or of one name without any, are of one subject.
    table : str
        Name of the file, for messages.

    Returns
    -------
    dict
        By :func:`folder_key`.

    Raises
    ------
    InputError
        If it is no such table, has other columns, names a folder twice, one external id has two names or metadata, a
        name without external id has two metadata, or a name, an external id or metadata cannot be what they are for.
    """
    people: dict[str, TabledPerson] = {}
    by_whom: dict[tuple[str | None, str | None], TabledPerson] = {}
    for number, row in table_of(content, table, COLUMNS[:1], "and perhaps name,external_id,metadata"):
        where = f"{table}, line {number}"
        if unknown := sorted(row.keys() - {*COLUMNS, ""}):
            raise InputError(f"{table} has the columns {', '.join(unknown)}; there may be {', '.join(COLUMNS)}")
        try:
            person = _person(number, row)
        except InputError as problem:
            raise InputError(f"{where}: {problem}") from problem
        key = folder_key(row["folder"])
        if key in people:
            raise InputError(f"{where}: the folder {row['folder']!r} is in line {people[key].line} already")
        whom = (person.name, None) if person.external_id is None else (None, person.external_id)
        first = by_whom.setdefault(whom, person)
        if first[1:] != person[1:]:
            differs = f"{person.name!r} has other metadata"
            if person.external_id is not None:
                differs = f"the external id {person.external_id!r} has another name or other metadata"
            raise InputError(f"{where}: {differs} in line {first.line}")
        people[key] = person
    return people


def _person(line: int, row: dict[str, str]) -> TabledPerson:
    if not row["folder"]:
        raise InputError("folder: expected the name of a folder, got nothing")
    _, name, external_id = checked_whom(row.get("name") or row["folder"], row.get("external_id") or None)
    metadata = row.get("metadata")
    return TabledPerson(line, name, external_id, checked_metadata(metadata) if metadata else None)
