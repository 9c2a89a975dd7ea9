"""Records of the people in a gallery. No vector is in any of these."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceloupe.faces.faceset import Skipped


class EmbedderId(NamedTuple):
    """The embedder and weights that made a template: only templates of the same can be compared."""

    name: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:8]}"


@dataclass(frozen=True, slots=True)
class Person:
    """A subject of a gallery.

    Attributes
    ----------
    id : int
        Never used again, also not after the subject was forgotten.
    name : str
        Name. Another subject may have it where both have an external id.
    consent : str
        Notes on the subject's consent, a line each.
    created : datetime
        UTC.
    references : int
        Number of references.
    embedders : tuple of EmbedderId
        Embedders of the references.
    external_id : str or None
        What the subject is called elsewhere, such as a number in a register; no other subject has it.
    metadata : dict
        What else is noted of the subject, for other programs.
    """

    id: int
    name: str
    consent: str
    created: datetime
    references: int
    embedders: tuple[EmbedderId, ...]
    external_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict, hash=False)

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        embedders = [embedder._asdict() for embedder in self.embedders]
        return {**asdict(self), "created": self.created.isoformat(), "embedders": embedders}


def people_document(people: Sequence[Person]) -> dict[str, Any]:
    """Return subjects as one plain dictionary that JSON can hold."""
    return {"schema": "faceloupe.people/1", "people": [person.to_document() for person in people]}


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference, without the vector.

    Attributes
    ----------
    id : int
        Never used again.
    embedder : EmbedderId
        Embedder of the vector.
    dimensions : int
        Numbers in the vector.
    quality : dict
        Quality as :meth:`faceloupe.recognition.Quality.to_document` writes it.
    source_sha256 : str
        Hash of the photograph's file.
    created : datetime
        UTC.
    has_face : bool
        True if the face chip was kept.
    detector : str
        Detector that found the face, as :attr:`faceloupe.recognition.Detection.detector` names it; empty for references
        from before it was noted.
    """

    id: int
    embedder: EmbedderId
    dimensions: int
    quality: dict[str, Any]
    source_sha256: str
    created: datetime
    has_face: bool
    detector: str

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return {**asdict(self), "created": self.created.isoformat(), "embedder": self.embedder._asdict()}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the trail: who did what, and when. It holds neither name nor template.

    Attributes
    ----------
    id : int
        Number of the entry, in the order of the changes.
    at : datetime
        UTC.
    who : str
        The user of the operating system.
    what : str
        "enrol", "rename", "describe", "merge", "forget", "erase", "import", "export", "consent" or "calibrate".
    subject_id : int or None
        Subject that it changed.
    details : dict
        Numbers, such as how many references.
    """

    id: int
    at: datetime
    who: str
    what: str
    subject_id: int | None
    details: dict[str, Any]

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return {**asdict(self), "at": self.at.isoformat()}


def audit_document(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return lines of the trail as one plain dictionary that JSON can hold."""
    return {"schema": "faceloupe.audit/1", "audit": [entry.to_document() for entry in entries]}


@dataclass(frozen=True, slots=True)
class Record:
    """All that a gallery tells of one subject.

    Attributes
    ----------
    person : Person
    references : tuple of Reference
        References in the order of enrolment.
    history : tuple of Entry
        Entries of the trail about the subject.
    """

    person: Person
    references: tuple[Reference, ...]
    history: tuple[Entry, ...]

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return {
            "schema": "faceloupe.person/1",
            "person": self.person.to_document(),
            "references": [reference.to_document() for reference in self.references],
            "history": [entry.to_document() for entry in self.history],
        }


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The result of enrolling photographs of one subject.

    Attributes
    ----------
    name : str
        Name of the subject.
    new : bool
        True if the subject was not in the gallery before.
    enrolled, already_enrolled : tuple of str
        Photographs that became references, and those that were references already.
    refused : tuple of Skipped
        Photographs that became none, and why.
    doubtful : tuple of Skipped
        Photographs that became references, but look like none of the subject's others or show other faces too, and why
        that is said.
    subject_id : int or None
        The subject's number; None if nobody was added.
    external_id : str or None
    """

    name: str
    new: bool = False
    enrolled: tuple[str, ...] = ()
    already_enrolled: tuple[str, ...] = ()
    refused: tuple[Skipped, ...] = ()
    doubtful: tuple[Skipped, ...] = ()
    subject_id: int | None = None
    external_id: str | None = None

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return {
            "id": self.subject_id,
            "name": self.name,
            "external_id": self.external_id,
            "new": self.new,
            "enrolled": list(self.enrolled),
            "already_enrolled": list(self.already_enrolled),
            "refused": [asdict(skipped) for skipped in self.refused],
            "doubtful": [asdict(skipped) for skipped in self.doubtful],
        }


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The result of forgetting a subject or a reference.

    Attributes
    ----------
    name : str or None
        The subject's. None where it is not known any more: asked for by number, of somebody forgotten before.
    subject_id : int or None
        The subject's number, which the trail keeps; None if there was nothing of the kind any more, and only bytes that
        an earlier forgetting had left were erased.
    references : int
        Number of references that went.
    """

    name: str | None
    subject_id: int | None
    references: int

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return {"id": self.subject_id, "name": self.name, "references": self.references}


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of importing a gallery.

    Attributes
    ----------
    imported, already_here : tuple of str
        Names of the subjects that came, and of those that were here already, the same in everything.
    conflicts : tuple of Skipped
        Names of subjects that did not come, and why.
    points : int
        Thresholds that came: none, unless they were asked for.
    thresholds : tuple of str
        Thresholds of the file that this gallery lacks, in words, if they were not asked for.
    """

    imported: tuple[str, ...]
    already_here: tuple[str, ...]
    conflicts: tuple[Skipped, ...]
    points: int
    thresholds: tuple[str, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        conflicts = [{"name": skipped.path, "reason": skipped.reason} for skipped in self.conflicts]
        return {
            "schema": "faceloupe.imported/1",
            "imported": list(self.imported),
            "already_here": list(self.already_here),
            "conflicts": conflicts,
            "operating_points": self.points,
            "thresholds": list(self.thresholds),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """The references of one embedder as arrays, in the order in which they came. Personal data.

    Attributes
    ----------
    vectors : array of float32, (N, D)
        Unit vectors; (0, 0) if there are none.
    subjects, references : array of int64, (N,)
        Subject and reference of each.
    """

    vectors: NDArray[np.float32]
    subjects: NDArray[np.int64]
    references: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"Templates({len(self.vectors)} of {len(np.unique(self.subjects))} subjects)"
