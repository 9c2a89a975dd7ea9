"""Values on the pictures of a page: one script reads the number under the cursor back from its colour."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from faceloupe.report.markup import element
from faceloupe.report.policy import script_hash
from faceloupe.report.rendering import blocks_of


def has_pictures(document: Mapping[str, Any]) -> bool:
    """Return whether a document has pictures to read."""
    return any(block["type"] == "pictures" for block in blocks_of(document))


def render_hover() -> tuple[str, str]:
    """Return the script, to be put at the end of a page, and its source as the page's policy names it."""
    code = files("faceloupe.report").joinpath("static/hover.js").read_text(encoding="utf-8")
    return element("script", code, type="module"), script_hash(code)
