"""The pictures of a study's page, drawn from the fits that it kept: two faces, filters, feature maps, weight images."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from faceloupe.blocks import Block, pictures
from faceloupe.numerals import decimals, listed, three_figures
from faceloupe.studies.kept import KeptFits
from faceloupe.studies.labels import PIXELS, size_text
from faceloupe.studies.networks import build
from faceloupe.studies.plan import StudyPlan

Floats = NDArray[np.floating]
DRAWN = 4  # filters of the network that learns them


def draw_people(plan: StudyPlan, fits: KeptFits) -> Block:
    """Return the first capture of each of the two people."""
    panels = {}
    for label, who in enumerate(plan.people):
        face = fits.pixels[np.flatnonzero(fits.labels == label)[0]]
        described = f"Photograph of a face, subject {who + 1}, {size_text(face.shape)} pixels"
        panels[f"subject {who + 1}"] = (face, described)
    return pictures(
        "people",
        "The tutorial’s two people",
        "The first capture of each.",
        panels,
        scale={"kind": "photograph"},
        columns=6,
    )


def draw_filters(fits: KeptFits, kind: str) -> Block:
    """Return each of the CNN's four kernels before training and after it, with how alike they are."""
    moments = fits.network("cnn", kind).moments["conv.weight"].astype(np.float32)[:, :, 0]
    return _before_after(
        f"filters-{kind}",
        f"The CNN’s four filters before training and after, {PIXELS[kind]}",
        moments[0],
        moments[-1],
        f"Seed {fits.shown}.",
    )


def draw_learned_filters(fits: KeptFits) -> Block:
    """Return kernels of the network that learns its filters, before training and after."""
    start, end = fits.learned
    return _before_after(
        "filters-learned",
        f"{DRAWN} of 16 filters of a network that learns them, before training and after",
        start[:DRAWN],
        end[:DRAWN],
        "All people at once, seed 0.",
    )


def _before_after(id_: str, title: str, before: Floats, after: Floats, remark: str) -> Block:
    alike = [float(np.corrcoef(old.ravel(), new.ravel())[0, 1]) for old, new in zip(before, after, strict=True)]
    panels = {}
    for number, (old, new) in enumerate(zip(before, after, strict=True), start=1):
        panels[f"{number}, before"] = (old, _described(f"filter {number}, before training", old))
        panels[f"{number}, after"] = (new, _described(f"filter {number}, after training", new))
    return _grey(
        id_,
        title,
        panels,
        "weight",
        8,
        "Each filter before training and after. [[Correlation|correlation]] of the two: "
        f"{listed(map(decimals, alike))}. {remark}",
    )


def draw_feature_maps(fits: KeptFits, kind: str) -> Block:
    """Return the output of each layer of the CNN for the first person's first capture: convolution, ReLU, pooling."""
    layers = first_face(fits, "cnn", kind)
    maps = {
        what: layers[layer]
        for layer, what in (("conv", "before ReLU"), ("conv_relu", "after ReLU"), ("pool", "pooled"))
    }
    panels = {
        f"{place + 1}, {what}": (channels[place], _described(f"filter {place + 1}, {what}", channels[place]))
        for place in range(len(maps["pooled"]))
        for what, channels in maps.items()
    }
    sizes = [size_text(channels.shape[1:]) for channels in maps.values()]
    silent = int((maps["pooled"].max(axis=(1, 2)) == 0).sum())
    return _grey(
        f"maps-{kind}",
        f"The first face after convolution, ReLU and pooling, {PIXELS[kind]}",
        panels,
        "activation",
        6,
        f"Three maps a filter, of {sizes[0]}, {sizes[1]} and {sizes[2]} numbers; seed {fits.shown}. Mid-grey is 0, "
        "brighter is above it."
        + (f" {silent} of {len(maps['pooled'])} are 0 everywhere after the ReLU." if silent else ""),
    )


def first_face(fits: KeptFits, name: str, kind: str) -> dict[str, Floats]:
    """Return the outputs of the network of the seed that is shown for the first person's first capture, by layer."""
    face = fits.pixels[np.flatnonzero(fits.labels == 0)[:1]]
    return {layer: output[0] for layer, output in shown_layers(fits, name, kind, face).items()}


def shown_layers(fits: KeptFits, name: str, kind: str, faces: Floats) -> dict[str, Floats]:
    """Return the outputs of the network of the seed that is shown for faces (N, H, W), by layer.

    ``"pixels"`` are those after the preprocessing.
    """
    trained = fits.network(name, kind)
    network = build(name, faces.shape[1:])
    network.load_state_dict(
        {name: torch.from_numpy(value[fits.shown].copy()) for name, value in trained.weights.items()}
    )
    mean, scale = (np.float32(statistic[fits.shown]) for statistic in (trained.mean, trained.scale))
    output = torch.from_numpy((faces - mean) / scale)[:, None]
    layers: dict[str, Floats] = {"pixels": output[:, 0].numpy()}
    with torch.no_grad():
        for layer, module in network.named_children():
            output = module(output)
            layers[layer] = output.numpy()
    return layers


def draw_step(fits: KeptFits, kind: str) -> Block:
    """Return one step of the convolution, standing still: where the first filter answers most to the first face."""
    layers = first_face(fits, "cnn", kind)
    kernel = fits.network("cnn", kind).weights["conv.weight"][fits.shown][0, 0]
    bias = float(fits.network("cnn", kind).weights["conv.bias"][fits.shown][0])
    row, column = np.unravel_index(layers["conv"][0].argmax(), layers["conv"][0].shape)
    height, width = kernel.shape
    patch = layers["pixels"][row : row + height, column : column + width]
    products = patch * kernel
    arrays = {
        "the face less the mean": layers["pixels"],
        f"the patch: rows {row + 1} to {row + height}, columns {column + 1} to {column + width}": patch,
        "× filter 1": kernel,
        f"= {products.size} products": products,
        "filter 1’s map, before the ReLU": layers["conv"][0],
    }
    panels = {
        f"{label}, ±{three_figures(most)}": (array / most, _described(label, array))
        for label, array in arrays.items()
        for most in [float(np.abs(array).max()) or 1.0]
    }
    return pictures(
        "convolution-step",
        "One step of the convolution, where filter 1 answers most to this face",
        f"The products add up to {decimals(float(products.sum()), 3, signed=True)}; with the bias of "
        f"{decimals(bias, 3, signed=True)} that is {decimals(float(layers['conv'][0, row, column]), 3, signed=True)}, "
        f"the number in row {row + 1}, column {column + 1} of the map. Seed {fits.shown}, {PIXELS[kind]}. Grey is 0; "
        "black and white are the numbers after ±.",
        panels,
        scale={"kind": "grey", "limit": 1.0, "unit": "of each picture’s largest number"},
        columns=5,
    )


def draw_products(fits: KeptFits) -> Block:
    """Return how the FCNN's hidden units come to their sums for the first face: weight times pixel, everywhere."""
    layers = first_face(fits, "fcnn", "centre")
    weights = fits.network("fcnn", "centre").weights["hidden.weight"][fits.shown].reshape(-1, *layers["pixels"].shape)
    panels = {
        f"unit {place}: {decimals(float(before), signed=True)}": (
            weight * layers["pixels"],
            _described(f"unit {place}, weight times pixel", weight * layers["pixels"]),
        )
        for place, (weight, before) in enumerate(zip(weights, layers["hidden"], strict=True), start=1)
    }
    return _grey(
        "fcnn-products",
        f"What each pixel of the first face adds to the FCNN’s hidden units, {PIXELS['centre']}",
        panels,
        "weight × pixel",
        4,
        f"Below each, the unit’s sum with its bias, before the ReLU; seed {fits.shown}. The CNN’s maps are in step 11.",
    )


def draw_fcnn_weights(fits: KeptFits, kind: str) -> Block:
    """Return the FCNN's hidden units as images of their weights."""
    weights = fits.network("fcnn", kind).weights["hidden.weight"][fits.shown].reshape(-1, *fits.faces.shape[1:])
    panels = {f"unit {place}": (unit, _described(f"unit {place}", unit)) for place, unit in enumerate(weights, start=1)}
    caption = f"One weight for every pixel. Seed {fits.shown}."
    return _grey(f"fcnn-weights-{kind}", f"The FCNN’s hidden units, {PIXELS[kind]}", panels, "weight", 4, caption)


def _described(name: str, array: Floats) -> str:
    low, high = three_figures(float(array.min())), three_figures(float(array.max()))
    return f"{name}: from {low} to {high}"


def _grey(
    id_: str, title: str, panels: Mapping[str, tuple[Floats, str]], unit: str, columns: int, caption: str
) -> Block:
    limit = max(float(np.abs(array).max()) for array, _ in panels.values()) or 1.0
    return pictures(
        id_,
        title,
        caption,
        panels,
        scale={"kind": "grey", "limit": limit, "unit": unit},
        columns=columns,
    )
