"""Thresholds calibrated for a gallery: the latest one of each embedder holds, until all are taken back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select

from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import trail
from faceloupe.gallery.detectors import check_detectors
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import operating_points
from faceloupe.recognition.thresholds import find_point
from faceloupe.scores.points import OperatingPoint

LOOSEST = 1e-2
"""The largest false match rate of a threshold that is saved without asking: past it strangers match all day."""


@dataclass(frozen=True, slots=True)
class SavedPoint:
    """An operating point with when it was saved."""

    created: datetime
    point: OperatingPoint


def latest(connection: Connection, embedder: EmbedderId) -> OperatingPoint | None:
    """Return the operating point that holds for an embedder; None if there is none."""
    return latest_of_all(connection).get(embedder)


def point_for(connection: Connection, embedder: EmbedderId, comparisons: int = 1) -> OperatingPoint | None:
    """Return the operating point that a gallery uses for an embedder and so many comparisons; None if there is none."""
    return find_point(embedder, latest(connection, embedder), comparisons=comparisons)


def latest_of_all(connection: Connection) -> dict[EmbedderId, OperatingPoint]:
    """Return the operating points that hold.

    Raises
    ------
    GalleryError
        If one is damaged: another threshold would silently decide otherwise.
    """
    rows = connection.execute(select(operating_points).order_by(operating_points.c.id))
    last = {EmbedderId(row.embedder, row.weights_sha256): row for row in rows}
    return {embedder: _read(row) for embedder, row in last.items()}


def _read(row: Row[Any]) -> OperatingPoint:
    try:
        return OperatingPoint.from_document(row.document)
    except (KeyError, TypeError, ValueError) as problem:
        raise GalleryError(
            f"The threshold that was calibrated for {row.embedder} (row {row.id} of operating_points) is damaged. "
            "Calibrate again (faceloupe calibrate), or restore a backup"
        ) from problem


def saved(connection: Connection, embedder: EmbedderId) -> tuple[SavedPoint, ...]:
    """Return the points saved for an embedder since the last reset, the newest, which holds, first."""
    rows = connection.execute(select(operating_points).where(*_of(embedder)).order_by(operating_points.c.id.desc()))
    return tuple(SavedPoint(row.created, _read(row)) for row in rows)


def save(connection: Connection, point: OperatingPoint, *, loose: bool = False, noted: str = "calibrate") -> None:
    """Save an operating point, which holds from now on; the trail notes its origin.

    Raises
    ------
    InputError
        If it is for a false match rate above ``LOOSEST``, and that was not said to be meant (`loose`); or it was
        measured on faces that another detector found than those of the references.
    """
    check_detectors(connection, {point.detector})
    if point.target_fmr > LOOSEST and not loose:
        raise InputError(
            f"a false match rate of {point.target_fmr:g} is looser than {LOOSEST:g}, 1 in {1 / LOOSEST:.0f}: strangers "
            "would be taken for one another; say that it is meant (loose) or take a smaller one"
        )
    connection.execute(
        insert(operating_points).values(
            embedder=point.embedder,
            weights_sha256=point.weights_sha256,
            document=point.to_document(),
            created=datetime.now(UTC),
        )
    )
    trail.note(connection, noted, embedder=point.embedder, threshold=point.threshold, target_fmr=point.target_fmr)


def reset(connection: Connection, embedder: EmbedderId) -> int:
    """Take every saved operating point of an embedder back, so that the published one holds; return how many."""
    taken_back = connection.execute(delete(operating_points).where(*_of(embedder))).rowcount
    trail.note(connection, "reset", embedder=embedder.name, points=taken_back)
    return taken_back


def _of(embedder: EmbedderId) -> tuple[ColumnElement[bool], ...]:
    table = operating_points.c
    return table.embedder == embedder.name, table.weights_sha256 == embedder.sha256
