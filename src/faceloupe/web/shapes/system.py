"""The state of the server, and the threshold in use."""

from typing import Literal

from pydantic import BaseModel, Field

from faceloupe.scores.points import OperatingPoint
from faceloupe.web.shapes.jobs import Timestamp


class Point(BaseModel):
    """An operating point with what it means."""

    point: OperatingPoint
    words: str
    source: Literal["gallery", "published"]


class SavedPoint(BaseModel):
    """An operating point that was saved with the gallery."""

    created: Timestamp
    point: OperatingPoint


class Points(BaseModel):
    """The operating point in use, those that were saved here, the newest first, and those that were published."""

    used: Point
    saved: list[SavedPoint]
    published: list[Point]


class Health(BaseModel):
    """The state of the server."""

    status: Literal["ok"]
    version: str
    embedder: str
    detector: str = Field(
        default="", description="The detector, which finds faces; empty if a server does not tell it."
    )
    licence: str | None = Field(description="The terms of use of the embedder's weights; null if not known here.")
    training_data: str | None = Field(description="Training data, as the embedder's publisher states them.")
    gallery: str
    people: int
    keeps_unknown: float | None = Field(
        description="Seconds that faces are kept for which nobody was named for; null if none are."
    )
    scopes: list[str] = Field(description="Scopes of the caller's key.")
