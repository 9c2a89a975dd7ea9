"""The detector of a gallery: the one that found the faces of all its references.

Templates of faces that different detectors found can be compared, but a threshold's error rates hold for one detector.
It is noted with each reference; those of one gallery are all by the same. References from before it was noted have an
empty text: theirs may have been any.
"""

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from faceloupe.errors import InputError
from faceloupe.gallery.schema import references


def detector_of(connection: Connection) -> str | None:
    """Return the references' detector, as :attr:`Detection.detector` names it; None if none is noted."""
    return connection.scalar(select(func.max(references.c.detector))) or None


def clash_of_detectors(connection: Connection, detectors: Collection[str]) -> str | None:
    """Return in words that faces found by these detectors do not go with one another, or the references; or None."""
    of_references, others = detector_of(connection), sorted(set(detectors) - {""})
    if of_references is None and len(others) > 1:
        return f"these faces were found by {' and '.join(others)}: a gallery keeps to one, for which a threshold holds"
    return next((other_detector(of_references, each) for each in others if of_references not in (None, each)), None)


def check_detectors(connection: Connection, detectors: Collection[str]) -> None:
    """Check that faces found by these detectors may be added to the references, or compared with them.

    Raises
    ------
    InputError
        If they, or those of the references, were found by several.
    """
    if clash := clash_of_detectors(connection, detectors):
        raise InputError(clash)


def other_detector(noted: str, detector: str) -> str:
    """Return the message where a gallery's faces were found by one detector, and others by another."""
    name = detector.partition(" ")[0]
    return (
        f"the faces of this gallery were found by {noted}, not by {detector}: a threshold holds for one detector. "
        "Name no detector, and the gallery's own is taken (by a server once it is started again); or make a gallery of "
        "the same people with the other: "
        f"faceloupe embedder reembed NEW.db --embedder NAME --detector {name} --photographs DIR"
    )
