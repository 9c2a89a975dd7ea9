"""The loupe as a section of the page: networks that compute, offline, in one file.

The views are ES modules without a build step. Burned into a file they are ``data:`` addresses in an import map, so that
they go on importing each other by name, and the page's policy names by its hash each script that is written in it.
"""

import base64
import json
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from faceloupe.errors import InputError
from faceloupe.report.markup import element, paragraphs
from faceloupe.report.policy import script_hash

LOUPE_ID = "section-loupe"
HEADING = "The loupe"
WORDS = (
    "The networks themselves are in this page and compute as you look: change the face, open a layer and a number of "
    "it, go back in training, compare seeds, train a network of your own. All of it works by keyboard."
)
NEEDS = "The loupe computes in the page: it needs scripts, and a browser not older than 2023."
NEEDED = ("people", "faces", "labels", "subjects_known", "training", "networks")
MOUNT = (
    'import { mount } from "loupe/main";'
    'mount(document.getElementById("loupe"), JSON.parse(document.getElementById("loupe-data").textContent));'
)


def render_loupe(data: Mapping[str, Any], still: str = "") -> str:
    """Return the loupe's section of a page: heading, purpose, data, modules and the script that starts them.

    The data, which :mod:`faceloupe.loupe.data` writes, are ``people`` (names), ``faces`` (an array document of uint8,
    (N, H, W)), ``labels`` (N indices of people), ``training`` (``epochs``, ``batch_size``, ``learning_rate``, and
    ``faces``, the indices of the training captures, else all) and ``networks``: by key such as ``"cnn/none"`` a mapping
    of ``kind``, ``label``, ``layers``, ``fits`` and perhaps ``history``, each with its ``preprocessing``. `still` is
    HTML that stands in its place without scripts. The page needs :func:`loupe_style` in its style and
    :func:`loupe_sources` in its content security policy. Raises InputError if a part is missing, or there is no
    network, or one without layers or fits.
    """
    _check(data)
    # "<" is escaped, so that no name can end the script element or open a comment in it.
    safe = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    content = (
        element("h2", HEADING, id=f"{LOUPE_ID}-heading")
        + paragraphs(WORDS, "moving")
        + element("div", element("p", NEEDS) + still, id="loupe")
        + element("script", safe, type="application/json", id="loupe-data")
        + element("script", _import_map(), type="importmap")
        + element("script", MOUNT, type="module")
    )
    return element("section", content, id=LOUPE_ID, class_="loupe", aria_labelledby=f"{LOUPE_ID}-heading")


def loupe_style() -> str:
    """Return the style sheet of the section, which builds on the page's own."""
    return files("faceloupe.report").joinpath("static/loupe/loupe.css").read_text(encoding="utf-8")


def loupe_sources() -> list[str]:
    """Return the sources of the section's scripts, as the page's policy names them.

    ``data:`` lets the modules be imported; a browser has no narrower word for them. No script is made from text.
    """
    return [script_hash(_import_map()), script_hash(MOUNT), "data:"]


def _check(data: Mapping[str, Any]) -> None:
    missing = [name for name in NEEDED if name not in data]
    if missing:
        raise InputError(f"The loupe's data needs {', '.join(NEEDED)}; it lacks {', '.join(missing)}.")
    if not data["networks"]:
        raise InputError("The loupe needs at least one network to look at; its data has none.")
    for key, entry in data["networks"].items():
        if not entry.get("layers"):
            raise InputError(f"Network {key!r} has no layers; faceloupe.loupe.layers lists those of a torch module.")
        if not entry["fits"]:
            raise InputError(f"Network {key!r} has no fits; give at least one, with its weights.")


def _import_map() -> str:
    static = files("faceloupe.report").joinpath("static")
    modules = dict(_modules(static.joinpath("loupe"), "loupe"))
    licence = static.joinpath("vendor/LICENSE-preact.txt").read_text(encoding="utf-8")
    notice = f"/*! htm 3.1.1, Copyright 2018 Google Inc., Apache-2.0. Preact:\n{licence}*/\n"
    modules["preact-htm"] = notice.encode() + static.joinpath("vendor/preact-htm.js").read_bytes()
    addresses = {
        name: "data:text/javascript;base64," + base64.b64encode(code).decode() for name, code in modules.items()
    }
    return json.dumps({"imports": addresses}, separators=(",", ":"), sort_keys=True)


def _modules(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    """Return the modules below a folder by the names that they import each other by: ``loupe/views/map``."""
    modules = []
    for entry in folder.iterdir():
        if entry.is_dir():
            modules += _modules(entry, f"{prefix}/{entry.name}")
        elif entry.name.endswith(".js"):
            modules.append((f"{prefix}/{entry.name.removesuffix('.js')}", entry.read_bytes()))
    return modules
