"""Detections, verifications and identifications."""

from typing import Literal

from pydantic import BaseModel, Field

from faceloupe.gallery.candidates import Candidate
from faceloupe.gallery.recall import Recall
from faceloupe.recognition.quality import Quality
from faceloupe.scores.points import OperatingPoint
from faceloupe.web.shapes.people import Person


class Place(BaseModel):
    """A place in a photograph, in pixels from the top left."""

    x: float
    y: float


class Box(Place):
    """A rectangle in a photograph, in pixels."""

    width: float
    height: float


class Landmarks(BaseModel):
    """Five points of a face; right and left are the subject's."""

    right_eye: Place
    left_eye: Place
    nose: Place
    right_mouth: Place
    left_mouth: Place


class Detection(BaseModel):
    """A face that was found."""

    box: Box
    landmarks: Landmarks
    score: float = Field(ge=0, le=1)
    turn: int = Field(description="Degrees by which the face is turned in the photograph, clockwise; 0 is upright.")
    detector: str = Field(description="Detector that found it: yunet, or a name and the start of its file's hash.")


class Template(BaseModel):
    """A template without its numbers."""

    embedder: str
    sha256: str
    dimensions: int
    quality: Quality
    detector: str = Field(
        default="", description="The detector that found the face; empty if a server does not tell it."
    )


class Face(BaseModel):
    """A face with its quality."""

    detection: Detection
    template: Template
    shortcomings: list[str] = Field(description="Reasons why it is unfit for enrolment, in words; empty if it is fit.")


class Seen(BaseModel):
    """A photograph that was looked at."""

    sha256: str
    size: list[int] = Field(description="Width and height in pixels, upright.")


class Detections(Seen):
    """The faces of a photograph, from left to right."""

    faces: list[Face]


class SeenFace(Seen):
    """A photograph with the face that was compared."""

    path: str = Field(description="Name of the photograph in the answer.")
    face: Face


class WordedEvidence(BaseModel):
    """The worth of a score as evidence; a probability only where a prior was stated."""

    log10_lr: float = Field(description="Logarithm of the likelihood ratio; positive for one person, negative for two.")
    low: float = Field(description="Lower end of its 95 % interval.")
    high: float
    limited: bool = Field(description="Whether the data support no ratio further from 0.")
    source: str = Field(description="Data that the ratio was fitted on.")
    prior: float | None
    posterior: float | None = Field(description="The probability of one person, with the prior that was sent.")
    words: str


class Decision(BaseModel):
    """The decision whether two photographs show one person."""

    schema_: Literal["faceloupe.decision/1"] = Field(alias="schema")
    match: bool
    score: float = Field(ge=-1, le=1, description="Cosine of the angle between the templates.")
    threshold: float
    point: OperatingPoint
    check: OperatingPoint | None = Field(
        description="The same threshold measured on other people, if it was published."
    )
    evidence: WordedEvidence | None = Field(description="The worth of the score as evidence, where that was measured.")
    photographs: list[SeenFace]
    warnings: list[str]
    words: str


class PersonDecision(BaseModel):
    """The decision whether a photograph shows a given person of the gallery."""

    schema_: Literal["faceloupe.person_decision/1"] = Field(alias="schema")
    match: bool
    score: float = Field(ge=-1, le=1, description="Score of the person's reference that is most like it.")
    threshold: float
    point: OperatingPoint
    check: OperatingPoint | None = Field(
        default=None, description="The same threshold measured on other people, if it was published."
    )
    references: int | None = Field(default=None, description="Number of the person's references it was compared with.")
    fmr: float | None = Field(
        default=None, ge=0, le=1, description="Share of other people who match one of so many references by mistake."
    )
    person: Person
    photograph: SeenFace
    warnings: list[str] = Field(default_factory=list)
    words: str


class IdentifiedFace(Face):
    """A face with the name of the person it shows."""

    name: str | None = Field(
        description="Name of the first candidate who is not taken by another face; null for nobody."
    )
    external_id: str | None = Field(description="External id of that person.")
    candidates: list[Candidate] = Field(description="Candidates by rank, including those below the threshold.")
    taken: list[str] = Field(
        description="Names given to another face of the photograph, which is more like those people."
    )


class IdentifiedPhotograph(Seen):
    """The faces of a photograph, row by row from left to right."""

    path: str
    problem: str | None
    faces: list[IdentifiedFace]


class Identified(BaseModel):
    """The people whom the faces of a photograph show, and what the answers rest on; null where there is no face."""

    schema_: Literal["faceloupe.identified/1"] = Field(alias="schema")
    point: OperatingPoint | None
    subjects: int | None
    references: int | None
    fpir: float | None = Field(
        ge=0, le=1, description="Share of strangers to whom a gallery of this size would give a name."
    )
    recall: Recall | None = Field(
        default=None, description="What was measured of the approximate search; null for the exact one."
    )
    photographs: list[IdentifiedPhotograph]
