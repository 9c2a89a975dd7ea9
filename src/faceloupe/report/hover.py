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


def render_hover() -> str:
    """Return the script, to be put at the end of a page; :func:`hover_source` is what the policy needs for it."""
    return element("script", _code(), type="module")


def hover_source() -> str:
    """Return the script as the page's policy names it."""
    return script_hash(_code())


def _code() -> str:
    return files("faceloupe.report").joinpath("static/hover.js").read_text(encoding="utf-8")
