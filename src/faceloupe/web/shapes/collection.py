"""The people of a collection, as they are reviewed."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class CollectedFace(BaseModel):
    """A face of a collection."""

    id: int
    path: str = Field(description="A file that shows it; empty if none is left.")
    unfit: str = Field(description="Reason why its quality is low; empty if it is not.")
    indexed: datetime = Field(description="Time at which it was indexed, or seen by the server.")


class CollectedGroup(BaseModel):
    """Faces held to be one person."""

    id: int
    name: str | None
    count: int = Field(description="Number of its faces.")
    faces: list[CollectedFace] = Field(description="The first of its faces.")


class Doubtful(BaseModel):
    """Two sets of faces that were joined, or nearly were, with a face of each."""

    faces: list[int]
    sizes: list[int] = Field(description="Number of faces that each had.")
    groups: list[int]
    names: list[str | None]
    score: float
    why: str


class Review(BaseModel):
    """The groups of a collection, the largest first, and what is doubtful about them, the most doubtful first."""

    schema_: Literal["faceloupe.review/1"] = Field(alias="schema")
    location: str
    photographs: int
    faces: int
    threshold: float
    words: str
    groups: list[CollectedGroup] = Field(
        description="A part of the groups with several faces or a name; of unknown faces, of all groups."
    )
    listed: int = Field(description="Number of all such groups.")
    several: int = Field(description="Number of groups with several faces or a name.")
    alone: int = Field(description="Faces in no group with another.")
    doubtful: list[Doubtful] = Field(description="The weakest join of each group.")
    nearly: list[Doubtful] = Field(description="Pairs of groups just below the threshold.")


class Joined(BaseModel):
    """The group that faces are in now."""

    group: int


class Erased(BaseModel):
    """The number of faces that were erased."""

    faces: int


class TakenBack(BaseModel):
    """The statement that was taken back; null if nothing was left."""

    what: str | None
