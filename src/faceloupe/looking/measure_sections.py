"""The sections of a look's page on measures: dead units, shifts, and the similarity of two networks."""

from collections.abc import Iterator

import numpy as np

from faceloupe.blocks import Block, table, text
from faceloupe.inspection.measures.sensitivity import ShiftSensitivity
from faceloupe.looking.look import Look, Looks
from faceloupe.numerals import counted, listed, three_figures

SENTENCES = 12  # of one layer's report; a wide layer can have hundreds of dead units


def measures(looks: Looks) -> Iterator[Block]:
    """Yield dead and duplicate units, and what a shift of the face changes."""
    for key, look in looks.items():
        if look.units:
            yield _units(key, look)
            words = [f"{report.layer}, {words}" for report in look.units for words in _some(report.words[1:])]
            yield from [text("\n\n".join(words))] if words else []
        if look.shifts:
            yield _shifts(key, look, look.shifts)
            yield text("\n\n".join(look.shifts.words))


def _some(sentences: tuple[str, ...]) -> tuple[str, ...]:
    left = len(sentences) - SENTENCES
    return (*sentences[:SENTENCES], f"and {left} more findings of this layer.") if left > 0 else sentences


def _units(key: str, look: Look) -> Block:
    n = len(look.photographs)
    return table(
        f"{key}units",
        f"Dead and duplicate units of {look.model.name}.",
        {"layer": "left", "units": "right", "dead": "right", "groups that say the same": "left"},
        [
            [
                f"`{report.layer}`",
                f"{report.units:,}",
                f"{len(report.dead):,}",
                "; ".join(listed(unit + 1 for unit in group) for group in report.duplicates[:SENTENCES]) or "–",
            ]
            for report in look.units
        ],
        f"Dead: puts out 0 for each of the {counted(n, 'face')} given, wherever the next layer looks; on others it "
        "may speak. The same: outputs correlated above 0.999. Units are counted from 1.",
    )


def _shifts(key: str, look: Look, shifts: ShiftSensitivity) -> Block:
    distances = sorted({abs(pixels) for pixels in shifts.pixels})
    rows = []
    for layer in shifts.layers:
        changes = dict.fromkeys(distances, "–")
        for distance in distances:
            changed = [change for pixels, change in zip(shifts.pixels, layer.change, strict=True)
                     if abs(pixels) == distance and change is not None]  # fmt: skip
            changes[distance] = f"{np.mean(changed):.2f}" if changed else "–"
        rows.append([f"`{layer.name}`", *changes.values()])
    return table(
        f"{key}shifts",
        f"What moving the face changes, layer by layer: {look.model.name}.",
        {"layer": "left", **{counted(distance, "pixel"): "right" for distance in distances}},
        rows,
        f"Mean over {counted(shifts.n, 'face')} and all four directions. 0: nothing changes; 1: as much as "
        "exchanging the face for another of those given.",
    )


def comparison(look: Look) -> Iterator[Block]:
    """Yield CKA of the layers of both networks."""
    if look.similarity is None or look.other is None:
        return
    similarity = look.similarity
    rows = []
    for place, layer in enumerate(similarity.rows):
        values = similarity.unbiased[place]
        if np.isnan(values).all():
            rows.append([f"`{layer}`", "–", "undefined", "–", "–", "–"])
            continue
        best = int(np.nanargmax(values))
        cell = similarity.cells[place][best]
        same = three_figures(similarity[layer, layer].unbiased) if layer in similarity.columns else "–"
        rows.append([f"`{layer}`", f"`{similarity.columns[best]}`", three_figures(cell.unbiased),
                     three_figures(float(np.mean(cell.shuffled))), three_figures(cell.biased), same])  # fmt: skip
    names = {
        f"layer of {look.model.name}": "left", f"most alike in {look.other.model.name}": "left", "CKA": "right",
        "captures shuffled": "right", "CKA, biased": "right", "layer of the same name": "right",
    }  # fmt: skip
    n = len(look.photographs)
    yield table(
        "similarity",
        "Do both networks place the same faces alike? Linear CKA, layer by layer.",
        names,
        rows,
        f"n = {n} faces. 1: the same up to rotation and scale; about 0: unrelated (unbiased estimator; the biased one "
        "rises towards 1 where faces are few). Shuffled is the control: the same layers with the faces of one in "
        "another order. The best of several is high by chance too: read it beside its control.",
    )
