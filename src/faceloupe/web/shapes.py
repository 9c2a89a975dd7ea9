"""The shapes of the API's documents, those of the command line's ``--json``, for the OpenAPI document."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from faceloupe.gallery.identify import Candidate
from faceloupe.recognition import Quality
from faceloupe.scores import OperatingPoint

__all__ = [
    "Address",
    "Anatomy",
    "Audit",
    "Data",
    "Decision",
    "Detections",
    "Document",
    "Enrolled",
    "Face",
    "FeatureMaps",
    "Forgotten",
    "Health",
    "Identified",
    "JobState",
    "JobStates",
    "Network",
    "Networks",
    "People",
    "Person",
    "Point",
    "Points",
    "Record",
    "Studies",
    "Study",
]


Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""When something happened, in UTC, as ISO 8601 writes it."""


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


class Template(BaseModel):
    """What may be told of a template: all but its numbers."""

    embedder: str
    sha256: str
    dimensions: int
    quality: Quality


class Face(BaseModel):
    """A face with its quality."""

    detection: Detection
    template: Template
    shortcomings: list[str] = Field(description="What makes it unfit for enrolment, in words; empty if it is fit.")


class Seen(BaseModel):
    """A photograph that was looked at."""

    sha256: str
    size: list[int] = Field(description="Width and height in pixels, upright.")


class Detections(Seen):
    """The faces of a photograph, from left to right."""

    faces: list[Face]


class SeenFace(Seen):
    """A photograph with the face that was compared."""

    path: str = Field(description="What the answer calls it.")
    face: Face


class Decision(BaseModel):
    """Whether two photographs show one person."""

    schema_: Literal["faceloupe.decision/1"] = Field(alias="schema")
    match: bool
    score: float = Field(ge=-1, le=1, description="Cosine of the angle between the templates.")
    threshold: float
    point: OperatingPoint
    check: OperatingPoint | None = Field(
        description="The same threshold measured on other people, if it was published."
    )
    photographs: list[SeenFace]
    warnings: list[str]
    words: str


class IdentifiedFace(Face):
    """A face with whom it shows."""

    name: str | None = Field(description="Of the first candidate; null for nobody.")
    candidates: list[Candidate] = Field(description="By rank, also those below the threshold.")


class IdentifiedPhotograph(Seen):
    """The faces of a photograph, row by row from left to right."""

    path: str
    problem: str | None
    faces: list[IdentifiedFace]


class Identified(BaseModel):
    """Whom the faces of a photograph show, and what the answers rest on; that is null where there is no face."""

    schema_: Literal["faceloupe.identified/1"] = Field(alias="schema")
    point: OperatingPoint | None
    subjects: int | None
    references: int | None
    fpir: float | None = Field(
        ge=0, le=1, description="Share of strangers whom a gallery of this size would give a name."
    )
    photographs: list[IdentifiedPhotograph]


class Embedder(BaseModel):
    """What made a template."""

    name: str
    sha256: str


class Person(BaseModel):
    """A subject of the gallery."""

    id: int
    name: str
    consent: str
    created: Moment
    references: int
    embedders: list[Embedder]


class People(BaseModel):
    """Subjects by name, a part of them."""

    schema_: Literal["faceloupe.people/1"] = Field(alias="schema")
    people: list[Person]
    next: str | None = Field(description="The cursor of the next part; null at the end.")


class Reference(BaseModel):
    """What is kept of one face, without the template's numbers."""

    id: int
    embedder: Embedder
    dimensions: int
    quality: Quality
    source_sha256: str
    created: Moment
    has_face: bool


class Entry(BaseModel):
    """A line of the audit trail."""

    id: int
    at: Moment
    who: str
    what: str
    subject_id: int | None
    details: dict[str, Any]


class Audit(BaseModel):
    """The audit trail, a part of it, the newest first."""

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
    """A photograph, and what speaks against it."""

    path: str
    reason: str


class Enrolled(BaseModel):
    """What became of the photographs."""

    name: str
    new: bool
    enrolled: list[str]
    already_enrolled: list[str]
    refused: list[Refused]
    doubtful: list[Refused] = Field(description="Enrolled, but unlike the subject's other references.")


class Forgotten(BaseModel):
    """What was erased."""

    name: str | None = Field(description="null if the subject was forgotten before, and bytes were left.")
    subject_id: int | None
    references: int


class Point(BaseModel):
    """An operating point with what it means."""

    point: OperatingPoint
    words: str
    source: Literal["gallery", "published"]


class Points(BaseModel):
    """The operating point in use and those that were published."""

    used: Point
    published: list[Point]


class JobState(BaseModel):
    """A job as it is now."""

    id: str
    kind: str
    state: Literal["waiting", "running", "done", "failed", "stopped"]
    done: float
    whole: float = Field(description="0 while it is not known.")
    created: Moment
    ended: Moment | None
    error: str | None


class JobStates(BaseModel):
    """All jobs, the newest first."""

    jobs: list[JobState]


class Network(BaseModel):
    """A network that can be looked at."""

    id: str
    name: str
    parameters: int | None = Field(description="null if it cannot be opened; then the words say why.")
    words: str


class Networks(BaseModel):
    """The networks that the server was given, and those trained here."""

    networks: list[Network]


class Study(BaseModel):
    """A study in the server's folder."""

    id: str
    state: Literal["whole", "begun"]
    created: Moment
    trials: int = Field(description="Measured so far.")
    words: str
    job: str | None = Field(description="The job at work on it.")


class Studies(BaseModel):
    """All studies, the newest first."""

    studies: list[Study]


class Data(BaseModel):
    """Faces to study and to train on."""

    data: list[str]


class Document(BaseModel):
    """What a job made: a page (``title``, ``lead``, ``sections``, ``evidence``), a map, or what a training reached."""

    model_config = {"extra": "allow"}


class Address(BaseModel):
    """Where a page can be opened, once, within a minute; who has the address needs no token."""

    address: str


class Array(BaseModel):
    """Numbers in base64, little-endian, in the order of the last axis first."""

    dtype: str
    shape: list[int]
    base64: str


class LayerMaps(BaseModel):
    """What a layer puts out for one face: (1, C, H, W) or (1, D)."""

    name: str
    output: Array


class FeatureMaps(BaseModel):
    """What layers put out for a face, in the order of running."""

    network: str
    face: Array = Field(description="As the network sees it, before its preprocessing: (H, W) or (H, W, 3), 0 to 1.")
    layers: list[LayerMaps]


class AnatomyLayer(BaseModel):
    """One layer as it ran, every number with its arithmetic."""

    name: str
    kind: str
    source: str | None = Field(description="The layer whose output it reads; `image` for the face.")
    input_shape: list[int]
    output_shape: list[int] = Field(description="Height, width, channels; or length.")
    parameters: int
    parameter_arithmetic: str
    parameter_bytes: int
    parameter_bytes_arithmetic: str
    multiply_adds: int | None
    multiply_add_arithmetic: str
    receptive_field: list[int] | None
    stride: list[int] | None
    unseen: list[int]
    unread: list[int]
    rectifies: bool
    output_bytes: int
    output_bytes_arithmetic: str


class Anatomy(BaseModel):
    """A network layer by layer."""

    input_shape: list[int]
    layers: list[AnatomyLayer]
    parameters: int
    parameter_arithmetic: str
    parameters_elsewhere: int
    multiply_adds: int
    multiply_add_arithmetic: str
    not_counted: list[str]
    parameter_bytes: int
    output_bytes: int


class Health(BaseModel):
    """Whether the server can work."""

    status: Literal["ok"]
    version: str
    embedder: str
    gallery: str
    people: int
