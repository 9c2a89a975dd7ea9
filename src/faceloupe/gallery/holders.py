"""The holders of a photograph: subjects and embedders that have a reference made of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Connection, select

from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import references, subjects


class Holder(NamedTuple):
    """A subject with a reference made of a photograph by an embedder."""

    subject_id: int
    name: str
    embedder: EmbedderId


Holders = set[Holder]


def holders_of(connection: Connection, hashes: Iterable[str]) -> dict[str, Holders]:
    """Return the references made of photographs, by the SHA-256 of their files."""
    query = (
        select(
            references.c.source_sha256, subjects.c.id, subjects.c.name, references.c.embedder,
            references.c.weights_sha256,
        )
        .join_from(references, subjects)
        .where(references.c.source_sha256.in_(set(hashes)))
    )  # fmt: skip
    holders: dict[str, Holders] = defaultdict(set)
    for digest, number, name, embedder, weights in connection.execute(query):
        holders[digest].add(Holder(number, name, EmbedderId(embedder, weights)))
    return holders


def has_reference(holders: Collection[Holder], subject_id: int | None, embedder: EmbedderId) -> bool:
    """Return whether a subject has a reference by an embedder among these."""
    return any(holder.subject_id == subject_id and holder.embedder == embedder for holder in holders)


def refusal_of_holder(holders: Collection[Holder], subject_id: int | None) -> str | None:
    """Return why a photograph enrolled already cannot be one of a subject, None of a new one; None if it can."""
    others = sorted({holder.name for holder in holders if holder.subject_id != subject_id})
    return f"enrolled already, as {' and '.join(repr(other) for other in others)}" if others else None
