"""The sections of a look's page on the faces, the attributions and the layers, for one network or for two in turn."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from faceloupe.blocks import Block, pictures, table, text
from faceloupe.inspection.attribution.attribute import Attribution
from faceloupe.inspection.attribution.method_names import name_of
from faceloupe.inspection.attribution.targets import THRESHOLDS
from faceloupe.inspection.outputs import relu_sides
from faceloupe.looking.faces import FacePicture
from faceloupe.looking.layers import CHANNELS, LAYERS, SIDE, UNITS, LayerOutput
from faceloupe.looking.look import Look, Looks
from faceloupe.looking.summary import answer_of, target_of
from faceloupe.numerals import counted, three_figures

Maps = Mapping[str, Attribution]  # by the face's name
ACROSS = 16  # numbers of a vector in one row of its picture


def faces(looks: Looks, loupe_fault: str) -> Iterator[Block]:
    """Yield the faces as the network gets them, the answers, and what a reader must know.

    `loupe_fault` says why the loupe does not open the network; empty if it does.
    """
    drawn: dict[tuple[tuple[int, int], bool], Look] = {}
    for key, look in looks.items():
        same = drawn.setdefault((look.model.extent, look.model.colour), look)
        if same is look:
            yield _photographs(f"{key}faces", look, "the network" if len(looks) == 1 else look.model.name)
        else:
            yield text(f"{look.model.name} gets the same faces as {same.model.name}, and takes {look.model.pixels}.")
        yield _cosines(key, look) if look.is_template else _answers(key, look)
        for note in look.notes:
            yield text(f"**{look.model.name}.** {note}" if len(looks) > 1 else note)
    if loupe_fault:
        yield text(f"The loupe does not open this network. {loupe_fault}")
    elif not (look := next(iter(looks.values()))).knows_subjects:
        yield text(
            "Whom these faces show is not known here. Where the loupe trains a network on them, each counts as the "
            f"person that {look.model.name} takes it for."
        )


def _photographs(id_: str, look: Look, who: str) -> Block:
    height, width = look.model.extent
    return pictures(
        id_,
        f"The faces as {who} gets them",
        f"The centred square of each, resized to {height}×{width} pixels; no face is looked for. The network takes "
        f"{look.model.pixels}.",
        {
            photograph.name: (face, f"Photograph of a face, {photograph.name}, {height}x{width} pixels")
            for photograph, face in zip(look.shown, look.faces, strict=False)
        },
        scale={"kind": "photograph"},
        columns=_columns(look),
    )


def _whose(looks: Looks, look: Look) -> str:
    """Return what a title must add where two networks are on the page."""
    return f", {look.model.name}" if len(looks) > 1 else ""


def _columns(look: Look) -> int:
    return max(2, len(look.shown))


def _answers(key: str, look: Look) -> Block:
    single = look.outputs.shape[1] == 1
    sayable = look.unit != "logit" or single or look.model.classes
    columns = {"face": "left", "taken for": "left", look.unit if sayable else "number": "right"}
    if look.model.classes or look.unit != "logit":
        columns["probability" if look.unit == "logit" else "of that class"] = "right"
    rows = []
    for place, photograph in enumerate(look.photographs):
        name, value, sure = answer_of(look, place)
        rows.append([photograph.name, name, three_figures(value), *([] if sure is None else [f"{100 * sure:.1f} %"])])
    first, second = (single and look.model.classes) or ("class 0", "class 1")
    limit = f"{THRESHOLDS[look.unit]:.3g}"
    note = f"One {look.unit} for two classes: above {limit} it speaks for {second}, below for {first}."
    return table(f"{key}answers", f"What {look.model.name} answers.", columns, rows, note if single else "")


def _cosines(key: str, look: Look) -> Block:
    names = [photograph.name for photograph in look.photographs]
    rows = [[name, *map(three_figures, row)] for name, row in zip(names, look.cosines.tolist(), strict=True)]
    return table(
        f"{key}answers",
        f"Cosine of every two templates of {look.model.name}.",
        {"face": "left", **dict.fromkeys(names, "right")},
        rows,
        f"Templates of {look.outputs.shape[1]:,} numbers; 1 is the same direction, 0 a right angle. From which cosine "
        "on two faces count as one person is for a calibration on many people to say.",
    )


def attributions(looks: Looks) -> Iterator[Block]:
    """Yield the maps of each method, with what they explain and whether they can be believed."""
    for key, look in looks.items():
        whose = _whose(looks, look)
        for method in dict.fromkeys(method for _, method in look.attributions):
            maps = {photograph.name: look.attributions[photograph.name, method] for photograph in look.shown}
            yield from (
                text(f"**Warning, {name}:** {attribution.warning}.")
                for name, attribution in maps.items()
                if attribution.warning
            )
            yield _maps(f"attribution-{key}{method}", look, method, maps, whose)
            yield from _where_it_counts(f"{key}seen-{method}", look, method, maps, whose)
            yield _certificates(f"{key}certificates-{method}", look, method, maps, whose)


def _maps(id_: str, look: Look, method: str, maps: Maps, whose: str) -> Block:
    first = next(iter(maps.values()))
    limit = max(float(np.abs(attribution.map).max()) for attribution in maps.values())
    at = f" at {first.layer}" if first.layer else ""
    rows, columns = first.map.shape
    return pictures(
        id_,
        f"By {name_of(method)}{at}{whose}",
        f"A number is the {first.unit}; orange speaks for the answer, blue against it. {rows}×{columns} numbers a map, "
        "drawn at the size of the face, linear in between; raw, on one scale for all faces.",
        {
            name: (
                attribution.on_face(),
                f"{name_of(method)} of {name}, {attribution.target}: from "
                f"{three_figures(float(attribution.map.min()))} to {three_figures(float(attribution.map.max()))}, "
                f"{attribution.unit}",
            )
            for name, attribution in maps.items()
        },
        scale={"kind": "diverging", "limit": limit, "unit": first.unit},
        columns=_columns(look),
    )


def _where_it_counts(id_: str, look: Look, method: str, maps: Maps, whose: str) -> Iterator[Block]:
    """Yield the faces where their maps are above 0, of the maps that did not fail their certificate."""
    panels = {}
    for face, (name, attribution) in zip(look.faces, maps.items(), strict=False):
        most = float(attribution.map.max())
        if attribution.warning is None and most > 0 and attribution.face_shape == face.shape[:2]:
            share = np.clip(attribution.on_face() / most, 0, 1)
            share = share if face.ndim == 2 else share[..., None]
            panels[f"{name}, where it counts"] = (1 - share * (1 - face), f"{name}, seen where the map is above 0")
    if panels:
        yield pictures(
            id_,
            f"The faces where their answer rests, by {name_of(method)}{whose}",
            "Each face fades to white as its map goes from its own largest value to 0; what speaks against the answer "
            "is not seen here. Only maps that did not fail their checks.",
            panels,
            scale={"kind": "photograph"},
            columns=_columns(look),
        )


def _certificates(id_: str, look: Look, method: str, maps: Maps, whose: str) -> Block:
    places = {photograph.name: place for place, photograph in enumerate(look.photographs)}
    return table(
        id_,
        f"What each map explains, and what its checks say: {name_of(method)}{whose}.",
        {"face": "left", "target": "left", "value": "right", "map": "right", "baseline": "left", "checks": "left"},
        [
            [
                name,
                target_of(look, places[name]),
                three_figures(attribution.value),
                f"{three_figures(float(attribution.map.min()))} to {three_figures(float(attribution.map.max()))}",
                attribution.baseline,
                _checks(attribution),
            ]
            for name, attribution in maps.items()
        ],
        "The baseline stands for “nothing there” and decides part of the picture.",
    )


def _checks(attribution: Attribution) -> str:
    certificate = attribution.certificate
    return f"**{attribution.verdict}**: {'; '.join(certificate.reasons)}" if certificate else attribution.verdict


def layers(looks: Looks) -> Iterator[Block]:
    """Yield the outputs of the layers for the shown faces."""
    for key, look in looks.items():
        yield text(
            f"Shown of {look.model.name}: {len(look.trace)} of {counted(len(look.anatomy.layers), 'layer')}, "
            f"{counted(len(look.shown), 'face')} of {len(look.photographs)}. Of a layer of maps at most {CHANNELS} "
            f"channels, those whose values vary most over the faces and places; maps with a side of more than {SIDE} "
            f"as means of squares. Of a vector at most {UNITS} numbers, chosen the same way. Channels and numbers keep "
            "their own order and are counted from 1. Each layer has a scale of its own. Without names given, layers "
            f"that only rearrange are left out, and of more than {LAYERS} the last of each output’s shape is shown."
        )
        for place, output in enumerate(look.trace.values()):
            yield _layer(f"{key}layer-{place}", look, output, _whose(looks, look))


def _layer(id_: str, look: Look, output: LayerOutput, whose: str) -> Block:
    side = relu_sides((layer.name, layer.kind, layer.source) for layer in look.anatomy.layers).get(output.name)
    limit = float(np.abs(output.values).max())
    full = three_figures(limit)
    panels = dict(_panels(look.shown, output))
    kind, size = ("channel", "×".join(map(str, output.shape[1:]))) if output.is_maps else ("number", "")
    chosen = "all" if len(output.units) == output.shape[0] else f"{len(output.units)} of"
    which = f"{chosen} {counted(output.shape[0], kind)}"
    extent = f" of {size} places" if output.is_maps else f", {ACROSS} in a row" if len(output.units) > ACROSS else ""
    means = f", each pixel the mean of {output.block}×{output.block} places" if output.block > 1 else ""
    return pictures(
        id_,
        (f"{output.name}, {side}" if side else output.name) + whose,
        f"{which[0].upper()}{which[1:]}{extent}{means}. Grey is 0; black is −{full}, white +{full}.",
        panels,
        scale={"kind": "grey", "limit": limit, "unit": "activation"},
        columns=8 if output.is_maps and len(output.units) > 4 else 4,
    )


def _panels(shown: tuple[FacePicture, ...], output: LayerOutput) -> Iterator[tuple[str, tuple[Any, str]]]:
    for photograph, values in zip(shown, output.values, strict=True):
        value_range = f"from {three_figures(float(values.min()))} to {three_figures(float(values.max()))}"
        if not output.is_maps:
            yield photograph.name, (_grid(values), f"{output.name} of {photograph.name}: {value_range}")
            continue
        for unit, channel in zip(output.units, values, strict=True):
            low, high, mean = (three_figures(float(value)) for value in (channel.min(), channel.max(), channel.mean()))
            alt = f"{output.name}, channel {unit + 1}, {photograph.name}: from {low} to {high}, mean {mean}"
            yield f"{unit + 1} · {photograph.name}", (channel, alt)


def _grid(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a vector in rows of ACROSS numbers, the last one filled up with NaN (nothing is drawn there)."""
    rows = -(-len(values) // ACROSS)
    across = min(ACROSS, len(values))
    grid = np.full(rows * across, np.nan, dtype=np.float32)
    grid[: len(values)] = values
    return grid.reshape(rows, across)
