"""The loupe burned into a page: what it holds, what it lets run, and names that try to break out.

Also tests ``loupe/data.py``.
"""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest

from faceloupe.errors import InputError
from faceloupe.report.loupe_section import loupe_sources, loupe_style, render_loupe
from helpers.loupe_data import make_study

HOSTILE = "</script><!-- <script>alert(1)</script> \u2028 'é\" ]]>"
STATIC = files("faceloupe.report").joinpath("static")


class Scripts(HTMLParser):
    """The script elements of a page as a browser's parser finds them: their attributes and their text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script"
        if self.inside:
            self.found.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self.inside:
            attributes, text = self.found[-1]
            self.found[-1] = (attributes, text + data)


def scripts(study: dict[str, Any]) -> dict[str, str]:
    return {str(attributes["type"]): text for attributes, text in Scripts(render_loupe(study)).found}


def modules(study: dict[str, Any]) -> dict[str, str]:
    addresses = json.loads(scripts(study)["importmap"])["imports"]
    prefix = "data:text/javascript;base64,"
    assert all(address.startswith(prefix) for address in addresses.values())
    return {name: base64.b64decode(address.removeprefix(prefix)).decode() for name, address in addresses.items()}


def test_it_carries_its_data_unchanged() -> None:
    study = make_study()
    assert json.loads(scripts(study)["application/json"]) == study


def test_every_module_is_there_under_the_name_that_others_import() -> None:
    burned = modules(make_study())
    wanted = {
        name for code in burned.values() for name in re.findall(r'^import [^;]*?from "([^"]+)";$', code, re.MULTILINE)
    }
    assert "loupe/main" in burned
    assert wanted <= set(burned)
    assert burned["loupe/views/map"] == STATIC.joinpath("loupe/views/map.js").read_text(encoding="utf-8")


def test_nothing_is_fetched_and_nothing_is_made_from_text() -> None:
    for name, code in modules(make_study()).items():
        assert not re.search(r"\b(fetch|XMLHttpRequest|eval|importScripts|new Function|WebSocket)\b", code), name
        assert "//cdn" not in code


def test_the_policy_names_the_scripts_that_are_written_in_the_page_and_no_others() -> None:
    written = scripts(make_study())
    hashes = {
        "'sha256-" + base64.b64encode(hashlib.sha256(written[kind].encode()).digest()).decode() + "'"
        for kind in ("importmap", "module")
    }
    assert set(loupe_sources()) == hashes | {"data:"}


def test_the_policy_does_not_depend_on_the_data() -> None:
    one, other = scripts(make_study()), scripts(make_study(people=(HOSTILE, "x")))
    assert [one[kind] for kind in ("importmap", "module")] == [other[kind] for kind in ("importmap", "module")]


def test_a_hostile_name_stays_text() -> None:
    study = make_study(people=(HOSTILE, HOSTILE))
    study["networks"]["cnn/none"]["label"] = HOSTILE
    html = render_loupe(study)
    assert len(Scripts(html).found) == 3
    assert "<!--" not in html
    assert json.loads(scripts(study)["application/json"])["people"] == [HOSTILE, HOSTILE]


def test_it_can_be_read_without_scripts() -> None:
    html = render_loupe(make_study())
    assert re.search(r"<h2[^>]*>The loupe</h2><p[^>]*>The networks", html)
    assert '<div id="loupe"><p>The loupe computes in the page: it needs scripts' in html


def test_the_style_keeps_to_the_section() -> None:
    selectors = re.findall(r"^\s*([^{}@/*\n][^{}\n]*)\{", loupe_style(), re.MULTILINE)
    assert selectors
    assert all(re.match(r"[#.](loupe|lesson)\b|:is\(#loupe, .lesson\) ", selector.strip()) for selector in selectors)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda study: study.pop("labels"), "lacks labels"),
        (lambda study: study["networks"].clear(), "at least one network"),
        (lambda study: study["networks"]["cnn/none"].update(layers=[]), "has no layers"),
        (lambda study: study["networks"]["cnn/none"].update(fits=[]), "has no fits"),
    ],
)
def test_data_that_cannot_be_shown_are_refused(spoil: Any, said: str) -> None:
    study = make_study()
    spoil(study)
    with pytest.raises(InputError, match=said):
        render_loupe(study)


def test_the_vendored_module_is_the_one_that_its_note_describes() -> None:
    digest = hashlib.sha256(STATIC.joinpath("vendor/preact-htm.js").read_bytes()).hexdigest()
    assert digest in STATIC.joinpath("vendor/README.md").read_text(encoding="utf-8")
