"""The detector of a gallery: the one that found the faces of all its references.

Templates of faces that different detectors found can be compared, but a threshold's error rates hold for one detector.
It is noted with each reference; those of one gallery are all by the same.
"""

from sqlalchemy import Connection, select

from faceloupe.errors import InputError
from faceloupe.gallery.schema import references


def detector_of(connection: Connection) -> str | None:
    """Return the references' detector, as :attr:`Detection.detector` names it; None if there is no reference."""
    return connection.scalar(select(references.c.detector).order_by(references.c.id).limit(1))


def check_detector(connection: Connection, detector: str) -> None:
    """Check that references of faces found by a detector may be added.

    Raises
    ------
    InputError
        If there are references of faces that another one found.
    """
    if (noted := detector_of(connection)) not in (None, detector):
        raise InputError(other_detector(noted or "", detector))


def other_detector(noted: str, detector: str) -> str:
    """Return the message where a gallery's faces were found by one detector, and others by another."""
    name = detector.partition(" ")[0]
    return (
        f"the faces of this gallery were found by {noted}, not by {detector}: a threshold holds for one detector. "
        "Name no detector, and the gallery's own is taken; or make a gallery of the same people with the other: "
        f"faceloupe embedder reembed NEW.db --embedder NAME --detector {name} --photographs DIR"
    )
