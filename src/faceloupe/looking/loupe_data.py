"""Data for the loupe on a look's page: the faces and the networks, layer by layer, with all their weights."""

from typing import Any

import numpy as np

from faceloupe.errors import InputError
from faceloupe.inspection.attribution.targets import taken_for
from faceloupe.looking.look import Look
from faceloupe.looking.model import Model
from faceloupe.loupe.data import loupe_data, loupe_fit, loupe_network, loupe_state
from faceloupe.loupe.layers import loupe_layers

LARGEST = 2_000_000  # weights: some 10 MB in a page
PEOPLE = 100
USUAL = {"epochs": 20, "batch_size": 5, "learning_rate": 1e-3}


def loupe_document(look: Look) -> dict[str, Any] | None:
    """Return the data of :func:`faceloupe.report.loupe_section.render_loupe`; None where :func:`loupe_fault` says why.

    The second network is added if it tells apart the same people, in faces of the same size.
    """
    if loupe_fault(look):
        return None
    people = _people(look)
    subjects_known = look.knows_subjects
    labels = [
        people.index(photograph.subject) if subjects_known else taken_for(look.outputs[place], look.unit)
        for place, photograph in enumerate(look.photographs)
    ]
    key, entry = _network(look)
    networks = {key: entry}
    other = look.other
    if other and not loupe_fault(other) and people == _people(other) and look.model.extent == other.model.extent:
        key, entry = _network(other)
        networks[key if key not in networks else f"{key}-b"] = entry
    classifier = look.model.classifier
    usual = {name: getattr(classifier, name, None) or value for name, value in USUAL.items()}
    return loupe_data(
        people,
        look.faces,
        labels,
        networks,
        epochs=int(usual["epochs"]),
        batch_size=int(usual["batch_size"]),
        learning_rate=float(usual["learning_rate"]),
        subjects_known=subjects_known,
    )


def loupe_fault(look: Look) -> str:
    """Return the reason why the loupe does not open the network of a look, in a sentence; empty if it does."""
    model, network = look.model, look.model.network
    if not hasattr(network, "named_children"):
        return "It opens PyTorch networks; of an ONNX file the page shows what it puts out."
    if "Sequential" not in [kind.__name__ for kind in type(network).__mro__]:
        return "It opens networks whose layers run one after another, a torch.nn.Sequential."
    if model.colour:
        return "It opens networks that take grey faces, and this one takes colour."
    if look.is_template:
        return "It opens networks that tell people apart, and this one answers with a template."
    if look.outputs.shape[1] > PEOPLE:
        return f"It opens networks of at most {PEOPLE} people, and this one tells apart {look.outputs.shape[1]}."
    weights = sum(value.numel() for value in network.state_dict().values())
    if weights > LARGEST:
        return f"It opens networks of at most {LARGEST:,} weights, and this one has {weights:,}."
    try:
        loupe_layers(network.named_children())
    except InputError as error:
        return str(error)
    return "" if _preprocessing(model) else "What is done to the pixels is not one factor and one number added."


def _people(look: Look) -> list[str]:
    outputs = look.outputs.shape[1]
    return list(look.model.classes) or [f"class {place + 1}" for place in range(2 if outputs == 1 else outputs)]


def _preprocessing(model: Model) -> tuple[float, float] | None:
    """Return mean and scale of (pixel - mean) / scale, which `prepare` must be for every pixel alike."""
    levels = np.array([0.0, 0.25, 1.0], dtype=np.float32)
    faces = np.broadcast_to(levels[:, None, None], (3, *model.extent)).copy()
    prepared = model.prepare(faces)
    low, quarter, high = prepared.reshape(3, -1)[:, 0]
    even = prepared.shape == (3, 1, *model.extent) and bool(np.ptp(prepared.reshape(3, -1), axis=1).max() < 1e-6)
    if not even or high == low or abs(quarter - low - (high - low) / 4) > 1e-5:
        return None
    return float(-low / (high - low)), float(1 / (high - low))


def _network(look: Look) -> tuple[str, dict[str, Any]]:
    model, classifier = look.model, look.model.classifier
    layers = loupe_layers(model.network.named_children())
    kind = "cnn" if any(layer["kind"] == "convolution" for layer in layers) else "fcnn"
    mean, scale = _preprocessing(model) or (0.0, 1.0)
    step = getattr(classifier, "preprocessing_", None)
    if step is not None:
        mean, scale = step.mean, step.scale  # the same, before rounding
    history = getattr(classifier, "history_", None)
    held_out = getattr(history, "validation_accuracy", None)
    weights = {name: value.numpy() for name, value in model.network.state_dict().items() if value.ndim}
    fit = loupe_fit(
        loupe_state(mean, scale, weights),
        seed=getattr(classifier, "seed", 0),
        accuracy=None if held_out is None else float(held_out[-1]),
        train_accuracy=float(history.accuracy[-1]) if history is not None and len(history) else None,
        dead={report.layer: len(report.dead) for report in look.units},
    )
    entry = loupe_network(kind, f"{kind.upper()}, {model.name}", [fit], layers=layers)
    return f"{kind}/{step.kind if step else 'given'}", entry
