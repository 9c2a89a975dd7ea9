"""Long work, and what came of it."""

from typing import Literal

from pydantic import BaseModel, Field

from faceloupe.web.shapes.moments import Moment

__all__ = ["Address", "Document", "JobState", "JobStates"]


class JobState(BaseModel):
    """A job as it is now."""

    id: str
    kind: str
    about: str = Field(description="What it works on, in words.")
    state: Literal["waiting", "running", "done", "failed", "stopped"]
    done: float
    whole: float = Field(description="0 while it is not known.")
    created: Moment
    ended: Moment | None
    error: str | None


class JobStates(BaseModel):
    """All jobs, the newest first."""

    jobs: list[JobState]


class Document(BaseModel):
    """What a job made: a page (``title``, ``lead``, ``sections``, ``evidence``), a map, or what a training reached."""

    model_config = {"extra": "allow"}


class Address(BaseModel):
    """Where a page can be opened, once, within a minute; who has the address needs no token."""

    address: str
