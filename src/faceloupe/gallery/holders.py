"""The holders of a photograph: subjects and embedders that have a reference made of it."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import references, subjects

if TYPE_CHECKING:
    pass

__all__ = ["Holders", "holders_of", "refusal_of_holder"]


Holders = set[tuple[str, EmbedderId]]


def holders_of(connection: Connection, hashes: Iterable[str]) -> dict[str, Holders]:
    """Return the references made of photographs, as hash -> subject's name and embedder of each."""
    query = (
        select(references.c.source_sha256, subjects.c.name, references.c.embedder, references.c.weights_sha256)
        .join_from(references, subjects)
        .where(references.c.source_sha256.in_(set(hashes)))
    )
    holders: dict[str, Holders] = defaultdict(set)
    for digest, name, embedder, weights in connection.execute(query):
        holders[digest].add((name, EmbedderId(embedder, weights)))
    return holders


def refusal_of_holder(holders: Holders, name: str) -> str | None:
    """Return why a photograph that is enrolled already cannot be one of `name`; None if it can."""
    others = sorted({other for other, _ in holders} - {name})
    return f"enrolled already, as {' and '.join(repr(other) for other in others)}" if others else None
