"""The SQL of an HNSW index: making it, asking for its state, and searching by it."""

from typing import Any

from sqlalchemy import Connection, Double, Select, bindparam, cast, func, literal_column, select, text

from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import Vector, references

STATE = text(
    "SELECT obj_description(i.indexrelid, 'pg_class') AS comment, pg_relation_size(i.indexrelid) AS bytes, "
    "pg_relation_filenode(i.indexrelid) AS build, c.reloptions, a.atttypmod AS dimensions "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum = 1 "
    "WHERE i.indexrelid = to_regclass(:name) AND i.indisvalid"
)
"""The state of a finished index, by its name."""

PROGRESS = text(
    "SELECT blocks_done, blocks_total FROM pg_stat_progress_create_index WHERE index_relid = to_regclass(:name)"
)
"""How far the making of one is, by its name."""


def creation(
    connection: Connection, name: str, embedder: EmbedderId, dimensions: int, m: int, ef_construction: int
) -> str:
    """Return the statement that makes an index of an embedder's references, while others read and write."""
    condition = _indexed(embedder, dimensions).compile(
        dialect=connection.dialect, compile_kwargs={"literal_binds": True}
    )
    return (
        f"CREATE INDEX CONCURRENTLY {name} ON {references.name} USING hnsw "
        f"((vector::vector({dimensions})) vector_ip_ops) WITH (m = {m}, ef_construction = {ef_construction}) "
        f"WHERE {condition}"
    )


def nearest(embedder: EmbedderId, dimensions: int, ranks: int, ef: int) -> Select[Any]:
    """Select subject and score of those that the index leads to from `probe`, the best first."""
    from pgvector.sqlalchemy import VECTOR

    probe = bindparam("probe", type_=Vector())
    indexed: Any = cast(references.c.vector, VECTOR(dimensions))
    negative: Any = references.c.vector.op("<#>", return_type=Double())  # of the product, to sort the nearest first
    distance = indexed.op("<#>", return_type=Double())(probe).label("distance")
    near = select(references.c.subject_id, distance).where(_indexed(embedder, dimensions))
    reached = near.order_by(distance).limit(literal_column(str(ef))).subquery("reached")
    first = select(reached.c.subject_id).group_by(reached.c.subject_id)
    first = first.order_by(func.min(reached.c.distance), reached.c.subject_id).limit(ranks)
    score = func.least(-func.min(negative(probe)), 1.0).label("score")
    return (
        select(references.c.subject_id, score)
        .where(_indexed(embedder, dimensions), references.c.subject_id.in_(first))
        .group_by(references.c.subject_id)
        .order_by(score.desc(), references.c.subject_id)
    )


def _indexed(embedder: EmbedderId, dimensions: int) -> Any:
    """Return the condition for references that are in the index, with values that the planner can compare."""
    name: Any = bindparam(None, embedder.name, literal_execute=True)
    weights: Any = bindparam(None, embedder.sha256, literal_execute=True)
    made = (references.c.embedder == name) & (references.c.weights_sha256 == weights)
    return made & (func.vector_dims(references.c.vector) == literal_column(str(dimensions)))
