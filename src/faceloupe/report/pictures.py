"""Arrays as pictures: one PNG pixel for each number, on one scale that is shown beside them."""

import base64
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceloupe.arrays import decode_array
from faceloupe.numerals import three_figures
from faceloupe.report.markup import element, identifier, inline, paragraphs, plain

# The colours of a scale from its low end to its high end, evenly spaced. Diverging: from blue through white at zero to
# orange, darkening evenly to both sides; told apart with any colour vision. Grey has a level for zero alone.
STOPS = {
    "photograph": [[0], [255]],
    "grey": [[0], [128], [255]],
    "diverging": [[18, 52, 130], [110, 155, 222], [255, 255, 255], [236, 158, 92], [138, 56, 4]],
}
BEYOND = 1e-6  # of a scale; less than that beyond its ends is rounding


def scale_ends(scale: Mapping[str, Any]) -> tuple[float, float]:
    """Return the values at both ends of a scale: 0 and 1 for photographs, else the limit on both sides of zero."""
    if scale["kind"] == "photograph":
        return 0.0, 1.0
    limit = float(scale["limit"]) or 1.0  # a dead unit's map is zero throughout
    return -limit, limit


def scale_labels(scale: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the labels of a scale: its ends in three figures, and zero between them."""
    low, high = map(three_figures, scale_ends(scale))
    return low, "0", high


def array_to_pixels(array: NDArray[Any], scale: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Return the pixels of an array (H, W) or (H, W, 3) on a scale, as uint8 of the same shape.

    The scale's ``kind`` is ``"photograph"`` (0 black, 1 white), ``"grey"`` (-limit black, 0 mid-grey, limit white) or
    ``"diverging"`` (-limit blue, 0 white, limit orange). Values beyond the ends take the colour of the end; where the
    array is not finite the pixels, then (H, W, 4), are transparent.
    """
    low, high = scale_ends(scale)
    known = np.isfinite(array)
    stops = np.array(STOPS[scale["kind"]], dtype=float)
    places = np.linspace(low, high, len(stops))
    levels = [np.interp(np.where(known, array, low), places, channel) for channel in stops.T]
    pixels: NDArray[np.uint8] = np.rint(np.stack(levels, axis=-1) if len(levels) > 1 else levels[0]).astype(np.uint8)
    if known.all():
        return pixels
    colours = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)
    shown = known if known.ndim == 2 else known.all(axis=-1)
    return np.concatenate([colours, np.where(shown, 255, 0).astype(np.uint8)[..., None]], axis=-1)


def png_uri(pixels: NDArray[np.uint8]) -> str:
    """Return pixels as a ``data:`` address of a PNG, exact."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def render_pictures(block: Mapping[str, Any], level: int) -> str:
    """Return a pictures block as a figure: panels in columns, the scale, the caption."""
    id_ = identifier("figure", block["id"])
    arrays = [decode_array(panel["array"]) for panel in block["panels"]]
    panels = "".join(_panel(*pair, block["scale"]) for pair in zip(block["panels"], arrays, strict=True))
    columns = int(block["columns"])  # on a narrow screen as many as leave what belongs together in rows
    narrow = next((count for count in (4, 3) if columns % count == 0), min(columns, 4))
    content = (
        element(f"h{level}", inline(block["title"]), id=f"{id_}-title", class_="figure-title")
        + element("div", panels, class_="panels", style=f"--columns:{columns};--narrow:{narrow}")
        + _scale_bar(block["scale"])
        + element("figcaption", paragraphs(block["caption"]))
    )
    key = json.dumps(_key(block["scale"], arrays), separators=(",", ":"))
    return element("figure", content, id=id_, class_="wide", aria_labelledby=f"{id_}-title", data_scale=key)


def _key(scale: Mapping[str, Any], arrays: Iterable[NDArray[Any]]) -> dict[str, Any]:
    """Return the data with which `hover.js` reads numbers back from colours."""
    low, high = scale_ends(scale)
    slack = BEYOND * (high - low)
    beyond = any(((array < low - slack) | (array > high + slack)).any() for array in arrays)
    return {
        "kind": scale["kind"], "unit": plain(scale.get("unit") or ""), "low": low, "high": high, "beyond": beyond,
        "stops": STOPS[scale["kind"]],
    }  # fmt: skip


def _panel(panel: Mapping[str, Any], array: NDArray[Any], scale: Mapping[str, Any]) -> str:
    image = (
        f'<img src="{png_uri(array_to_pixels(array, scale))}" alt="{inline(plain(panel["alt"]))}"'
        f' width="{array.shape[1]}" height="{array.shape[0]}">'
    )
    picture = element("div", image, class_="picture")
    return element("div", picture + element("span", inline(panel["label"]), class_="label"), class_="panel")


def _scale_bar(scale: Mapping[str, Any]) -> str:
    if scale["kind"] == "photograph":
        return ""
    ramp = png_uri(array_to_pixels(np.linspace(*scale_ends(scale), 129)[None], scale))
    unit = inline(scale.get("unit") or "")
    least, middle, most = scale_labels(scale)
    words = f"Scale: {least} {unit}, {middle} in the middle, {most} {unit}"
    ends = "".join(element("span", label) for label in (least, middle, most))
    bar = f'<img src="{ramp}" alt="{words}" width="129" height="1">'
    bar += element("div", ends, class_="ends", aria_hidden="true")
    return element("div", element("div", bar, class_="ramp") + element("span", unit, class_="unit"), class_="scale")
