"""Jobs and their results."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, WithJsonSchema

Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A moment in UTC, as ISO 8601 writes it."""


class JobState(BaseModel):
    """A job as it is now."""

    id: str
    kind: str
    about: str = Field(description="Object of the work, in words.")
    state: Literal["waiting", "running", "done", "failed", "stopped"]
    done: float
    whole: float = Field(description="The whole amount of work; 0 while that is not known.")
    created: Timestamp
    ended: Timestamp | None
    error: str | None


class JobStates(BaseModel):
    """All jobs, the newest first."""

    jobs: list[JobState]


class Document(BaseModel):
    """The result of a job: a page (``title``, ``lead``, ``sections``, ``evidence``), a map, or a training's figures."""

    model_config = {"extra": "allow"}


class Address(BaseModel):
    """Where a page can be opened, once, within a minute; who has the address needs no token."""

    address: str = Field(pattern="^/[!-~]+$")
