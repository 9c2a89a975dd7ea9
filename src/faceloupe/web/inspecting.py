"""Inspection of a network in a child; the server opens none, for a file can ask for any memory and any time."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceloupe.arrays import encode_array
from faceloupe.inspection.anatomy import anatomy
from faceloupe.inspection.attribution.access import access
from faceloupe.inspection.attribution.attribute import attribute
from faceloupe.inspection.trace import trace
from faceloupe.looking.faces import FaceLike, open_faces
from faceloupe.looking.look import look
from faceloupe.looking.model import Model
from faceloupe.looking.opening import open_model
from faceloupe.pages import page
from faceloupe.progress import Progress
from faceloupe.web.network_summary import NetworkSummary

if TYPE_CHECKING:
    from faceloupe.web.api.networks import ToAttribute, ToLook


def summarise(path: Path) -> NetworkSummary:
    """Open a network and take it apart; raise InputError or UnavailableError if it cannot be opened."""
    model = _cached_model(path)
    network_anatomy = anatomy(model.network, (3 if model.colour else 1, *model.extent))
    template = model.gives_template(network_anatomy.layers[-1].output_shape[-1])
    return NetworkSummary(
        model.name, model.extent, model.colour, model.answers, model.digest, len(model.classes), template,
        model.methods, network_anatomy,
    )  # fmt: skip


def trace_face(path: Path, network: str, face: FaceLike, layers: Sequence[str]) -> dict[str, Any]:
    """Return the face as a network sees it, before its preprocessing, and what some of its layers put out."""
    model = _cached_model(path)
    cut = model.cut(open_faces([face]))
    traced = trace(model.network, model.prepare(cut), layers)
    return {"network": network, "face": encode_array(cut[0]), **traced.to_document()}


def look_inside(
    networks: Sequence[tuple[Path, tuple[str, ...]]], faces: Sequence[FaceLike], body: "ToLook", progress: Progress
) -> dict[str, Any]:
    """Return the page of a look."""
    model, *others = (replace(_cached_model(path), notes=notes) for path, notes in networks)
    result = look(
        model, faces, compare=others[0] if others else None, layers=body.layers or None, methods=body.methods,
        certify=body.certify, progress=progress,
    )  # fmt: skip
    return page(result)


def attribute_face(
    path: Path, network: str, faces: Sequence[FaceLike], body: "ToAttribute", progress: Progress
) -> dict[str, Any]:
    """Return a map of attribution, with the face that it is of."""
    model = _cached_model(path)
    cut = model.cut(open_faces(faces))
    batch = model.prepare(cut)
    target = access(model.network).outputs(batch[1:])[0] if len(batch) > 1 else body.target
    attribution = attribute(model.network, batch[0], target, body.method, certify=body.certify, progress=progress)
    return {"network": network, "face": encode_array(cut[0]), **attribution.to_document()}


def _cached_model(path: Path) -> Model:
    """Return a network, open still from the task before if that was of the same and its file has not changed."""
    return _open_model(path, (path / "manifest.json" if path.is_dir() else path).stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _open_model(path: Path, _: int) -> Model:
    return open_model(path)
