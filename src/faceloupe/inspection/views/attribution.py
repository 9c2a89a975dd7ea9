"""An attribution: its warning first, the map, and its certificate in words."""

import numpy as np

from faceloupe.blocks import Block, pictures, section, text
from faceloupe.inspection.attribution.attribute import Attribution
from faceloupe.inspection.attribution.method_names import name_of
from faceloupe.numerals import three_figures
from faceloupe.report.scales import format_number


def attribution_section(attribution: Attribution) -> Block:
    """Return an attribution as a section."""
    blocks = [text(f"**Warning:** {attribution.warning}.")] if attribution.warning else []
    return section("attribution", "What an answer rests on", [*blocks, _map(attribution), text(_checks(attribution))])


def _map(attribution: Attribution) -> Block:
    method = name_of(attribution.method)
    method = method[0].upper() + method[1:]
    method += f" at {attribution.layer}" if attribution.layer else ""
    (rows, columns), (height, width) = attribution.map.shape, attribution.face_shape
    least, most = map(three_figures, (attribution.map.min(), attribution.map.max()))
    described = f"{method}, {attribution.target}: from {least} to {most}, {attribution.unit}"
    return pictures(
        "map",
        f"{method} ({attribution.target})",
        f"Explained: {attribution.target}, **{format_number(attribution.value)}** for this face. A number of the map "
        f"is the {attribution.unit}: from {least} to {most}; orange speaks for the answer, blue against it. "
        f"{rows}×{columns} numbers, drawn at the size of the face ({height}×{width} pixels), linear in between; raw. "
        f"“Nothing there” is {attribution.baseline}.",
        {f"certificate: {attribution.verdict}": (attribution.on_face(), described)},
        scale={"kind": "diverging", "limit": float(np.abs(attribution.map).max()), "unit": attribution.unit},
        columns=1,
    )


def _checks(attribution: Attribution) -> str:
    reasons = attribution.certificate.reasons if attribution.certificate else ()
    return "\n\n".join(
        [f"Certificate: **{attribution.verdict}**.", *(f"{reason[0].upper()}{reason[1:]}." for reason in reasons)]
    )
