"""Thresholds that were calibrated for a gallery: of each embedder the latest one holds."""

from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from faceloupe.gallery import trail
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import operating_points
from faceloupe.scores import OperatingPoint

__all__ = ["latest", "latest_of_all", "save"]


def latest(connection: Connection, embedder: EmbedderId) -> OperatingPoint | None:
    """Return the operating point that holds for an embedder; None if there is none."""
    return latest_of_all(connection).get(embedder)


def latest_of_all(connection: Connection) -> dict[EmbedderId, OperatingPoint]:
    """Return the operating points that hold."""
    rows = connection.execute(select(operating_points).order_by(operating_points.c.id))
    return {EmbedderId(row.embedder, row.weights_sha256): OperatingPoint.from_document(row.document) for row in rows}


def save(connection: Connection, point: OperatingPoint) -> None:
    """Let an operating point hold from now on."""
    connection.execute(
        insert(operating_points).values(
            embedder=point.embedder,
            weights_sha256=point.weights_sha256,
            document=point.to_document(),
            created=datetime.now(UTC),
        )
    )
    trail.note(connection, "calibrate", embedder=point.embedder, threshold=point.threshold, target_fmr=point.target_fmr)
