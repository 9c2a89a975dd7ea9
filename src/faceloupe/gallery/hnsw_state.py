"""The recorded state of an existing HNSW index."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from faceloupe.documents import parse_json
from faceloupe.errors import InputError
from faceloupe.gallery import hnsw_statements, trail
from faceloupe.gallery.recall import RecallTable
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import references
from faceloupe.gallery.templates import made_by


@dataclass(frozen=True, slots=True)
class HnswState:
    """An HNSW index that is there.

    Attributes
    ----------
    m, ef_construction : int
        Links of a reference on each layer, and breadth of the search for them while the index is built.
    dimensions : int
        Numbers in a vector.
    megabytes : float
        What it takes on the disk.
    build : int
        Number that the server gave it as it was built; another one once it is built anew.
    table : RecallTable or None
        Its recall; None if that was not measured.
    n_changed : int
        References that have come or gone since that was measured.
    """

    m: int
    ef_construction: int
    dimensions: int
    megabytes: float
    build: int
    table: RecallTable | None
    n_changed: int

    @property
    def rebuilt(self) -> bool:
        """True if it was built anew since its recall was measured."""
        return self.table is not None and self.table.build != self.build

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        table = self.table and self.table.to_document()
        return {"schema": "faceloupe.hnsw/1", **asdict(self), "table": table, "rebuilt": self.rebuilt}


def read_state(connection: Connection, name: str, embedder: EmbedderId) -> HnswState | None:
    """Return the state of the index of that name, of an embedder's references; None if none can be searched."""
    row = connection.execute(hnsw_statements.STATE, {"name": name}).one_or_none()
    if row is None:
        return None
    options = dict(option.split("=") for option in row.reloptions or ())
    try:
        table = RecallTable.from_document(parse_json(row.comment)) if row.comment else None
    except (InputError, KeyError, TypeError, ValueError):
        table = None  # somebody else's comment
    m, ef_construction = int(options.get("m", 16)), int(options.get("ef_construction", 64))
    changed = _changed(connection, embedder, table) if table else 0
    return HnswState(m, ef_construction, row.dimensions, row.bytes / 1e6, row.build, table, changed)


def _changed(connection: Connection, embedder: EmbedderId, table: RecallTable) -> int:
    """Return how many references have come or gone since the recall was measured; gone ones by any embedder."""
    later = select(func.count()).where(made_by(embedder), references.c.id > table.newest)
    return (connection.scalar(later) or 0) + trail.references_forgotten(connection, table.line)
