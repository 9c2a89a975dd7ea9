"""Shapes of ``/people`` and ``/audit``: the people of a gallery, what is kept of them, and who did what."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from faceloupe.recognition.quality import Quality
from faceloupe.web.shapes.jobs import Timestamp


class Embedder(BaseModel):
    """The embedder that made a template."""

    name: str
    sha256: str


class Person(BaseModel):
    """A subject of the gallery."""

    id: int
    name: str
    consent: str
    created: Timestamp
    references: int
    embedders: list[Embedder]
    external_id: str | None = Field(description="What it is called elsewhere; no other subject has it.")
    metadata: dict[str, Any] = Field(description="What else is noted of it.")


class People(BaseModel):
    """A part of the list of subjects, by name."""

    schema_: Literal["faceloupe.people/1"] = Field(alias="schema")
    people: list[Person]
    next: str | None = Field(description="The cursor of the next part; null at the end.")


class Reference(BaseModel):
    """A reference: the data kept of one face, without the template's numbers."""

    id: int
    embedder: Embedder
    dimensions: int
    quality: Quality
    source_sha256: str
    created: Timestamp
    has_face: bool
    detector: str = Field(description="The detector that found the face.")


class Entry(BaseModel):
    """A line of the audit trail."""

    id: int
    at: Timestamp
    who: str
    what: str
    subject_id: int | None
    details: dict[str, Any]


class Audit(BaseModel):
    """A part of the audit trail, the newest entry first."""

    schema_: Literal["faceloupe.audit/1"] = Field(alias="schema")
    audit: list[Entry]
    next: str | None = Field(description="The cursor of the next part; null at the end.")


class Record(BaseModel):
    """All that is kept of one subject."""

    schema_: Literal["faceloupe.person/1"] = Field(alias="schema")
    person: Person
    references: list[Reference]
    history: list[Entry]


class Refused(BaseModel):
    """A photograph with the reason against it."""

    path: str
    reason: str


class Enrolled(BaseModel):
    """The outcome of an enrolment, photograph by photograph."""

    id: int | None = Field(description="Number of the subject; null if nobody was added.")
    name: str
    external_id: str | None
    new: bool
    enrolled: list[str]
    already_enrolled: list[str]
    refused: list[Refused]
    doubtful: list[Refused] = Field(
        description="Enrolled photographs whose face is unlike the others, or one of several; with the reason."
    )


class Forgotten(BaseModel):
    """The result of forgetting a subject or a reference."""

    id: int | None = Field(description="Number of the subject; null if it was forgotten before, and bytes were left.")
    name: str | None = Field(description="Name of the subject; null in the same case, and where nobody knows it.")
    references: int
