"""Studies, finished or begun."""

from typing import Literal

from pydantic import BaseModel, Field

from faceloupe.web.shapes.jobs import Timestamp


class SoFar(BaseModel):
    """The results so far of one network's fits with one treatment of the pixels."""

    people: Literal["all", "pairs"] = Field(
        description="Whether the fits tell all people apart at once, or two at a time."
    )
    network: str
    preprocess: str
    fits: int
    accuracy: float = Field(description="Mean over the fits, on captures that were held out.")


class Study(BaseModel):
    """A study in the server's folder."""

    id: str
    state: Literal["whole", "begun"]
    resumable: bool = Field(
        description="Whether it can be resumed here once no job works on it: it is not finished, was begun here, and "
        "its photographs were not sent with it."
    )
    created: Timestamp
    trials: int = Field(description="Trials measured so far.")
    so_far: list[SoFar] = Field(description="Results so far; empty once the study is finished.")
    words: str
    job: str | None = Field(description="The job at work on it.")


class Studies(BaseModel):
    """All studies, the newest first."""

    studies: list[Study]
