"""Networks × people × seeds, as far as they are."""

from typing import Literal

from pydantic import BaseModel, Field

from faceloupe.web.shapes.jobs import Timestamp

__all__ = ["Studies", "Study"]


class SoFar(BaseModel):
    """What fits of one network, with one treatment of the pixels, have reached so far."""

    people: Literal["all", "pairs"] = Field(description="Told apart: all at once, or two at a time.")
    network: str
    preprocess: str
    fits: int
    accuracy: float = Field(description="Mean over the fits, on captures that were held out.")


class Study(BaseModel):
    """A study in the server's folder."""

    id: str
    state: Literal["whole", "begun"]
    created: Timestamp
    trials: int = Field(description="Measured so far.")
    so_far: list[SoFar] = Field(description="Empty once the study is finished.")
    words: str
    job: str | None = Field(description="The job at work on it.")


class Studies(BaseModel):
    """All studies, the newest first."""

    studies: list[Study]
