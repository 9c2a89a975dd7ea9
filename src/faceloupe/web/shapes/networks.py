"""Networks, their layers and their outputs."""

from pydantic import BaseModel, Field


class Network(BaseModel):
    """A network that can be looked at."""

    id: str
    name: str
    parameters: int | None = Field(
        description="Number of parameters; null if the network cannot be opened, and then the words say why."
    )
    words: str
    template: bool = Field(description="Whether it answers with a template, which says something only beside another.")
    methods: list[str] = Field(description="Methods of attribution that work on it.")


class Networks(BaseModel):
    """The networks that the server was given, and those trained here."""

    networks: list[Network]


class Data(BaseModel):
    """Faces to study and to train on."""

    data: list[str]


class Array(BaseModel):
    """Numbers in base64, little-endian, in the order of the last axis first."""

    dtype: str
    shape: list[int]
    base64: str


class LayerMaps(BaseModel):
    """The output of a layer for one face: (1, C, H, W) or (1, D)."""

    name: str
    output: Array


class FeatureMaps(BaseModel):
    """The outputs of layers for a face, in the order of running."""

    network: str
    face: Array = Field(
        description="The face as the network sees it, before its preprocessing: (H, W) or (H, W, 3), 0 to 1."
    )
    layers: list[LayerMaps]


class AnatomyLayer(BaseModel):
    """One layer as it ran, every number with its arithmetic."""

    name: str
    kind: str
    source: str | None = Field(description="The layer whose output it reads; `image` for the face.")
    input_shape: list[int]
    output_shape: list[int] = Field(description="Height, width and channels of a map; length of a vector.")
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
