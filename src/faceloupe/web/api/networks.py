"""``/networks``, ``/data``: what networks are made of, what they make of faces, and training new ones."""

import re
from asyncio import to_thread
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from faceloupe.inspection.attribution.method_names import MethodName
from faceloupe.inspection.layer_names import chosen_layers
from faceloupe.web import shapes
from faceloupe.web.children import MEMORY, SECONDS, InChild
from faceloupe.web.faces import Face, alignment_notes, open_sent
from faceloupe.web.networks import NAME
from faceloupe.web.problems import HTTPProblem, responses
from faceloupe.web.sending import in_parts
from faceloupe.web.service import Caller, Serving, needs
from faceloupe.web.training import Kind, train
from faceloupe.web.uploads import BodyRoute, RequestBody

router = APIRouter(tags=["networks"], dependencies=[needs("look")], route_class=BodyRoute)


LOOK, ATTRIBUTE = "faceloupe.web.inspecting.look_inside", "faceloupe.web.inspecting.attribute_face"
"""Functions that children run, by name."""

MOST_BYTES = 8 * 2**20


class ToLook(RequestBody):
    """Faces to show a network, and another one beside it."""

    photos: list[Face] = Field(
        min_length=1, max_length=16, description="Faces; the first four are shown, all are measured."
    )
    compare: str = Field(default="", max_length=64, description="The id of another network.")
    layers: list[str] = Field(default=[], max_length=64, description="Layers to show; chosen if left out.")
    methods: list[MethodName] = Field(
        default=["occlusion"], max_length=6, description="Methods of attribution; [] for none."
    )
    certify: bool = Field(default=True, description="Check each map; that takes 10 to 40 times as long as making it.")


class ToTrace(RequestBody):
    """A face, and layers whose outputs are wanted."""

    photo: Face
    layers: list[str] = Field(min_length=1, max_length=16)


class ToAttribute(RequestBody):
    """A face, and the answer to explain: by default the network's own."""

    photo: Face
    method: MethodName = "occlusion"
    target: int | None = Field(default=None, ge=0, description="The number of a class, from 0.")
    other: Face | None = Field(default=None, description="Explain the cosine with this face's template.")
    certify: bool = Field(default=True, description="Check the map.")

    @model_validator(mode="after")
    def _one_aim(self) -> "ToAttribute":
        if self.target is not None and self.other is not None:
            raise ValueError("expected `target` or `other`, not both")
        return self


def _check_name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise ValueError("expected 1 to 64 letters, digits, . - and _, of which the first is a letter or a digit")
    return name


Name = Annotated[str, AfterValidator(_check_name), WithJsonSchema({"type": "string", "pattern": NAME})]
"""Name of a network; another is refused in words, not with the pattern."""


class ToTrain(RequestBody):
    """A network to train."""

    data: str = Field(max_length=255, description="Name of the faces, from the list at /data.")
    kind: Kind = Field(description="The tutorial's two networks, or a deeper one.")
    name: Name = Field(description="Name of the new network.")
    people: int | None = Field(default=None, ge=2, description="Number of subjects, from the first; all if left out.")
    epochs: int | None = Field(
        default=None, ge=1, le=1000, description="Epochs; 20 if left out, 60 for the deep network."
    )


@router.get("/data", response_model=shapes.Data, responses=responses())
async def data(service: Serving) -> Any:
    """List the faces that studies and trainings may use."""
    return {"data": await to_thread(service.data.names)}


@router.get("/networks", response_model=shapes.Networks, responses=responses())
async def networks(service: Serving) -> Any:
    """List the networks that can be looked at. The first time it opens them all."""
    return {"networks": await to_thread(service.networks.describe)}


@router.post(
    "/networks", response_model=shapes.JobState, status_code=202,
    responses=responses("conflict", "media-type", "unavailable"),
)  # fmt: skip
async def train_one(body: ToTrain, service: Serving, key: Caller) -> Any:
    """Train a network on some captures of every subject and measure it on the others; the job's result says how well.

    Once it is done the network is in the list.
    """
    service.networks.check_new(body.name)
    faces = await to_thread(service.data.load, body.data)
    if body.people is not None:
        if body.people > faces.n_subjects:
            raise HTTPProblem("input", f"people: {body.data} has {faces.n_subjects} subjects; got {body.people}")
        faces = faces.select(range(body.people))
    work = await to_thread(train, service.networks.folder / body.name, faces, body.kind, body.epochs)
    about = f"{body.name}, on {faces.n_subjects} people of {body.data}"
    return service.jobs.submit("train", work, owner=key.name, about=about).to_document()


@router.get("/networks/{network}", response_model=shapes.Anatomy, responses=responses("not-found", "unavailable"))
async def network(network: str, service: Serving) -> Any:
    """Take a network apart, layer by layer."""
    return (await to_thread(service.networks.summary, network)).anatomy.to_document()


@router.post(
    "/networks/{network}/look", response_model=shapes.JobState, status_code=202,
    responses=responses("not-found", "image", "media-type", "unavailable"),
)  # fmt: skip
async def look(network: str, body: ToLook, service: Serving, key: Caller) -> Any:
    """Look inside a network while it looks at faces; the job's result is a page."""
    ids = [network, *([body.compare] if body.compare else [])]
    models = [await to_thread(service.networks.summary, network_id) for network_id in ids]
    if body.layers:
        chosen_layers(body.layers, [layer.name for model in models for layer in model.anatomy.layers])
    faces = await open_sent(service, models, body.photos)
    paths_and_notes = [
        (service.networks.path(network_id), alignment_notes(model, body.photos))
        for network_id, model in zip(ids, models, strict=True)
    ]
    work = InChild(LOOK, paths_and_notes, faces, body, memory=MEMORY, seconds=SECONDS)
    about = " beside ".join(model.name for model in models)
    return service.jobs.submit("look", work, owner=key.name, about=about).to_document()


async def place_for_trace(service: Serving) -> AsyncIterator[None]:
    """Hold one of few places until the answer is taken."""
    with service.traces.take():
        yield


@router.post(
    "/networks/{network}/trace", response_class=Response,
    responses={200: {"model": shapes.FeatureMaps}, **responses("not-found", "image", "media-type", "unavailable")},
    dependencies=[Depends(place_for_trace)],
)  # fmt: skip
async def trace(network: str, body: ToTrace, service: Serving) -> Response:
    """Return the outputs of some layers for a face: every number, at most 8 MB."""
    model = await to_thread(service.networks.summary, network)
    wanted = sum(layer.output_bytes for layer in model.anatomy.layers if layer.name in body.layers)
    if wanted > MOST_BYTES:
        raise HTTPProblem(
            "too-large", f"these layers put out {wanted:,} bytes, at most {MOST_BYTES:,} are sent at once"
        )
    [face] = await open_sent(service, [model], [body.photo])
    return await in_parts(await to_thread(service.networks.trace, network, face, body.layers))


@router.post(
    "/networks/{network}/attribute", response_model=shapes.JobState, status_code=202,
    responses=responses("not-found", "image", "media-type", "unavailable"),
)  # fmt: skip
async def attribute(network: str, body: ToAttribute, service: Serving, key: Caller) -> Any:
    """Draw which parts of a face an answer rests on, and check the drawing; the job's result is the map."""
    model = await to_thread(service.networks.summary, network)
    if model.answers == "template" and body.other is None:
        raise HTTPProblem("input", f"{model.name} answers with a template, which says something only beside an `other`")
    faces = await open_sent(service, [model], [body.photo, *([body.other] if body.other is not None else [])])
    work = InChild(ATTRIBUTE, service.networks.path(network), network, faces, body, memory=MEMORY, seconds=SECONDS)
    about = f"{model.name}, {body.method}"
    return service.jobs.submit("attribute", work, owner=key.name, about=about).to_document()
