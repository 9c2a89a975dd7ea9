"""An attribution: its warning first, the map, and its certificate in words."""

import numpy as np

from faceloupe.blocks import Block, pictures, section, text
from faceloupe.inspection.attribution.attribute import Attribution
from faceloupe.inspection.attribution.method_names import name_of
from faceloupe.numerals import three_figures
from faceloupe.report.scales import format_number

__all__ = ["attribution_section"]


def attribution_section(found: Attribution) -> Block:
    """Return an attribution as a section."""
    blocks = [text(f"**Warning:** {found.warning}.")] if found.warning else []
    return section("attribution", "What an answer rests on", [*blocks, _map(found), text(_checks(found))])


def _map(found: Attribution) -> Block:
    method = name_of(found.method)
    method = method[0].upper() + method[1:]
    method += f" at {found.layer}" if found.layer else ""
    rows, columns = found.map.shape
    least, most = map(three_figures, (found.map.min(), found.map.max()))
    described = f"{method}, {found.target}: from {least} to {most}, {found.unit}"
    return pictures(
        "map",
        f"{method} ({found.target})",
        f"Explained: {found.target}, **{format_number(found.value)}** for this face. A number of the map is the "
        f"{found.unit}: from {least} to {most}; orange speaks for the answer, blue against it. {rows}×{columns} "
        f"numbers, drawn at the size of the face ({found.face_shape[0]}×{found.face_shape[1]} pixels), linear in "
        f"between; raw. “Nothing there” is {found.baseline}.",
        {f"certificate: {found.verdict}": (found.on_face(), described)},
        scale={"kind": "diverging", "limit": float(np.abs(found.map).max()), "unit": found.unit},
        columns=1,
    )


def _checks(found: Attribution) -> str:
    reasons = found.certificate.reasons if found.certificate else ()
    return "\n\n".join([f"Certificate: **{found.verdict}**.", *(f"{one[0].upper()}{one[1:]}." for one in reasons)])
