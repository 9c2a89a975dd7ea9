"""The page: one file that anybody can read, whatever is in the document.

Also tests ``blocks.py``, ``report/markup.py``, ``report/policy.py``, ``report/readings.py``, ``report/rendering.py``,
``report/tables.py``.
"""

import base64
import copy
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceloupe.arrays import decode_array
from faceloupe.errors import InputError
from faceloupe.report import render_page

VOID = {"meta", "link", "img", "br"}
Document = dict[str, Any]


class Page(HTMLParser):
    """A page as its tags in order, its text, and whether every tag is closed by its own."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def blocks(document: Document, kind: str) -> list[dict[str, Any]]:
    held = [block for section in document["sections"] for block in section["blocks"]]
    return [block for block in held + [one["block"] for one in held if one.get("block")] if block["type"] == kind]


def with_blocks(document: Document, *held: dict[str, Any]) -> Document:
    return {**document, "sections": [{"id": "only", "heading": "Only", "blocks": list(held)}]}


def numbers_table(html: str, chart: str) -> str:
    figure = html[html.index(f'id="figure-{chart}"') :]
    return figure[figure.index("<details>") : figure.index("</details>")].replace("\N{NO-BREAK SPACE}", " ")


def test_one_file_that_asks_for_nothing(document: Document) -> None:
    html = render_page(document)
    page = Page(html)
    assert not re.search(r"https?:|url\(|@import|fetch\(|import\(", html)
    assert all(str(img["src"]).startswith("data:image/png;base64,") for img in page.all("img"))
    assert {link["href"] for link in page.all("link")} == {"data:,"}


def policy_of(html: str) -> str:
    metas = Page(html).all("meta")
    [policy] = [meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy"]
    return str(policy)


def test_the_one_script_is_for_pictures_and_a_page_without_pictures_has_none(document: Document) -> None:
    nothing_else = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    [code] = re.findall(r'<script type="module">(.*?)</script>', html := render_page(document), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert policy_of(html) == f"{nothing_else}; script-src 'sha256-{digest}'"
    assert len(Page(html).all("script")) == 1
    words = render_page(with_blocks(document, *blocks(document, "chart"), *blocks(document, "table")))
    assert Page(words).all("script") == []
    assert policy_of(words) == nothing_else


def test_the_script_is_for_pictures_within_statements_too(document: Document) -> None:
    statement = {**blocks(document, "statement")[0], "block": blocks(document, "pictures")[0]}
    assert len(Page(render_page(with_blocks(document, statement))).all("script")) == 1


def test_rendering_again_gives_the_same_bytes_and_leaves_the_document_alone(document: Document) -> None:
    before = copy.deepcopy(document)
    assert render_page(document) == render_page(document)
    assert document == before


def test_numbers_for_machines_are_not_on_the_page(document: Document) -> None:
    assert "secret" not in render_page(document)


def test_landmarks_headings_and_ids(document: Document) -> None:
    page = Page(render_page(document))
    tags = [tag for tag, _ in page.tags]
    assert page.all("html") == [{"lang": "en"}]
    assert all(tags.count(tag) == 1 for tag in ("h1", "main", "header", "footer", "nav"))
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {str(attrs["href"])[1:] for attrs in page.all("a")}
    named = {
        name
        for _, attrs in page.tags
        for key in ("aria-labelledby", "aria-describedby")
        for name in (attrs.get(key) or "").split()
    }
    assert targets | named <= set(ids)


def test_figures_are_named_described_and_captioned(document: Document) -> None:
    page = Page(render_page(document))
    figures = len(blocks(document, "chart")) + len(blocks(document, "pictures"))
    assert len(page.all("figure")) == len(page.all("figcaption")) == figures
    assert len(page.all("svg")) == 2 * len(blocks(document, "chart"))
    assert all(svg["role"] == "img" and svg["aria-labelledby"] and svg["aria-describedby"] for svg in page.all("svg"))
    assert all(img["alt"] for img in page.all("img"))
    assert all(th["scope"] in ("col", "row") for th in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))


def test_a_word_that_is_explained_keeps_what_touches_it(document: Document) -> None:
    text = {"type": "text", "text": "A unit ([[dead|ReLU]]), an [[MLP|ReLU]]’s and a [[ReLU]]."}
    html = render_page({**with_blocks(document, text), "glossary": {"ReLU": "What is below 0 becomes 0."}})
    button = '<button type="button" class="term" popovertarget="term-relu">{}</button>'
    for before, word, after in (("(", "dead", "),"), ("", "MLP", "’s"), ("", "ReLU", ".")):
        assert f'<span class="unbroken">{before}{button.format(word)}{after}</span>' in html


def test_what_reads_as_one_number_does_not_break(document: Document) -> None:
    text = {"type": "text", "text": "95 % of 8 × 8, n = 24 pairs [66.7, 100.0] and a, b"}
    html = render_page(with_blocks(document, text)).replace("\N{NO-BREAK SPACE}", "~")
    assert "95~% of 8~×~8, n~=~24 pairs [66.7,~100.0] and a, b" in html


@pytest.mark.parametrize(
    "nasty", ["</script><b>x</b>", '"><img src=x onerror=alert(1)>', "a & <i>b</i> 'c'", "$x_1$ 日本"]
)
def test_text_stays_text_wherever_it_stands(document: Document, nasty: str) -> None:
    spoiled = _replace_strings(copy.deepcopy(document), nasty)
    clean, page = Page(render_page(document)), Page(render_page(spoiled))
    assert nasty in page.text
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in clean.tags}
    assert all(not key.startswith("on") for _, attrs in page.tags for key in attrs)


def _replace_strings(value: Any, nasty: str, key: str = "") -> Any:
    """Put the text into every string that is free text, categories alike on all sides."""
    kept = ("type", "id", "mark", "style", "verdict", "manner", "kind", "dtype", "base64", "align", "schema", "unit")
    if isinstance(value, dict):
        return {name: _replace_strings(one, nasty, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_replace_strings(one, nasty, key) for one in value]
    return f"{value} {nasty}" if isinstance(value, str) and key not in kept else value


def test_bold_and_code_are_the_only_markup(document: Document) -> None:
    text = {"type": "text", "text": "**bold** `a < b` *not* _not_ [not](x)\n\nsecond"}
    html = render_page(with_blocks(document, text))
    assert "<p><strong>bold</strong> <code>a &lt; b</code> *not* _not_ [not](x)</p><p>second</p>" in html


def test_verdicts_are_told_by_words_and_signs(document: Document) -> None:
    page = Page(render_page(document))
    for sign, verdict in (("✓", "supported"), ("?", "not shown"), ("✕", "contradicted")):
        assert page.text.count(f"{sign} {verdict}") == 2  # at a glance, and above the statement
    assert "About 140 pairs of people" in page.text


def test_provenance_and_what_the_file_contains(document: Document) -> None:
    text = Page(render_page(document)).text
    assert "AT&T Laboratories Cambridge" in text
    assert "0, 1, 2, 3" in text
    assert "Photographs of faces (2): Subject 1; Subject 2; 8 pictures computed by networks." in text
    assert "No photographs; no other pictures." in Page(render_page(with_blocks(document))).text


def test_a_pictures_png_holds_the_arrays_pixels(document: Document) -> None:
    faces = next(block for block in blocks(document, "pictures") if block["id"] == "faces")
    html = render_page(with_blocks(document, faces))
    sources = [img["src"] for img in Page(html).all("img")]
    for panel, source in zip(faces["panels"], sources, strict=True):
        png = Image.open(io.BytesIO(base64.b64decode(str(source).split(",")[1])))
        pixels = np.asarray(png, dtype=float) / 255
        np.testing.assert_allclose(pixels, decode_array(panel["array"]), atol=0.5 / 255 + 1e-6)


def test_the_numbers_of_a_line_chart_are_in_its_table(document: Document) -> None:
    chart = next(block for block in blocks(document, "chart") if block["id"] == "shift")
    table = numbers_table(render_page(document), "shift")
    for series in chart["series"]:
        assert f'scope="col" class="right">{series["name"]}' in table
        for y, lo, hi in zip(series["y"], series["lo"], series["hi"], strict=True):
            y, lo, hi = (f"{100 * value:.1f}".removesuffix(".0") for value in (y, lo, hi))
            assert f"{y} % [{lo}, {hi}]" in table


def test_the_table_of_a_dots_chart_counts_every_dot(document: Document) -> None:
    chart = next(block for block in blocks(document, "chart") if block["id"] == "seeds")
    table = numbers_table(render_page(document), "seeds")
    rows = [re.findall(r">([^<]*)</t[hd]>", row) for row in table.split("<tr>")[3:]]  # below the head and the means
    for index, series in enumerate(chart["series"], 1):
        counts = {row[0]: int(row[index]) for row in rows}
        assert sum(counts.values()) == len(series["y"])
        assert counts["50 %"] == sum(value == 0.5 for value in series["y"])


def test_the_numbers_of_an_interval_chart_are_in_its_table_and_words(document: Document) -> None:
    html = render_page(document).replace("\N{NO-BREAK SPACE}", " ")
    assert "24.7 % [20.7, 29.7]" in numbers_table(html, "differences")
    assert "convolution, shuffled labels: 51 % [45, 56]." in html


def test_every_dot_is_drawn(document: Document) -> None:
    html = render_page(document)
    drawn = sum(path.count("h.01") for path in re.findall(r'<path d="([^"]*)" class="dots"', html))
    chart = next(block for block in blocks(document, "chart") if block["id"] == "seeds")
    assert drawn == 2 * sum(len(series["y"]) for series in chart["series"])
    assert not re.search(r"h0[M\"]", html)  # in a PDF a line of no length has no square caps: the dot would be lost


def _chart(mark: str, x: list[Any], y: list[Any], **more: Any) -> dict[str, Any]:
    series = {"name": "one", "style": "blue", "x": x, "y": y, "lo": more.pop("lo", None), "hi": more.pop("hi", None)}
    return {"type": "chart", "id": "odd", "title": "Odd", "caption": "Odd.", "mark": mark, "x": {"label": "x"},
            "y": {"label": "y"}, "series": [series] if x is not None else [], "reference": [], **more}  # fmt: skip


ODD: dict[str, dict[str, Any]] = {
    "line with gaps": _chart("line", [1, 2, 3, 4], [0.1, None, float("nan"), 0.4]),
    "line of one point": _chart("line", [1], [0.5], lo=[0.4], hi=[0.6]),
    "line of constants": _chart("line", [1, 2], [0.5, 0.5]),
    "line of zeros": _chart("line", [0, 0], [0.0, 0.0]),
    "line without numbers": _chart("line", [1, 2], [None, None]),
    "line with part of a band": _chart("line", [1, 2, 3], [1, 2, 3], lo=[None, 1, 2], hi=[None, 3, 4]),
    "line of an empty series": _chart("line", [], []),
    "line of huge numbers": _chart("line", [1e9, 2e9], [1e-12, 3e12]),
    "no series": {**_chart("line", [], []), "series": []},
    "dots without numbers": _chart("dots", ["a", "a"], [None, float("nan")]),
    "dots of an empty series": _chart("dots", [], []),
    "one dot": _chart("dots", ["a"], [0.5], summary=[{"x": "a", "mean": 0.5, "lo": None, "hi": None}]),
    "a thousand equal dots": _chart("dots", ["a"] * 1000, [0.5] * 1000),
    "dots without series": {**_chart("dots", [], []), "series": []},
    "intervals without ends": _chart("interval", [0.2, None], ["a", "b"]),
    "intervals of an empty series": _chart("interval", [], []),
    "an endless name": _chart("interval", [0.2], ["a" * 300]),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_charts_are_drawn_without_odd_numbers(document: Document, name: str) -> None:
    html = render_page(with_blocks(document, ODD[name]))
    Page(html)
    assert not re.search(r'[" ,]-?(nan|inf)', html[html.index("<svg") :])
    assert "<table>" in html


def test_missing_numbers_leave_a_gap_in_the_curve(document: Document) -> None:
    chart = _chart("line", [1, 2, 3, 4, 5], [1, 2, None, 4, 5])
    curves = re.findall(r'd="([^"]*)" class="curve"', render_page(with_blocks(document, chart)))
    assert len(curves) == 2 * 2 + 1  # two runs at each width, and the swatch of the narrow one's key


def test_an_empty_document_is_a_page(document: Document) -> None:
    page = Page(render_page({**document, "lead": [], "sections": [], "provenance": {}}))
    assert document["title"] in page.text


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda document: document.update(schema="faceloupe.study/99"), "faceloupe.page/1"),
        (lambda document: document["sections"][0]["blocks"].append({"type": "poem"}), "poem"),
        (lambda document: document["sections"].append(document["sections"][0]), "section-experiment"),
        (lambda document: blocks(document, "chart")[0]["series"][0].update(style="loud"), "loud"),
    ],
)
def test_what_cannot_be_drawn_is_named(document: Document, spoil: Callable[[Document], None], complaint: str) -> None:
    spoiled = copy.deepcopy(document)
    spoil(spoiled)
    with pytest.raises(InputError, match=complaint):
        render_page(spoiled)


def test_the_page_of_a_large_study_stays_below_3_mb(document: Document) -> None:
    rng = np.random.default_rng(0)
    many = copy.deepcopy(document)
    for block in blocks(many, "pictures"):
        block["panels"] = 40 * block["panels"][:1]
    for chart in blocks(many, "chart"):
        if chart["mark"] == "dots":
            for series in chart["series"]:
                series["x"], series["y"] = [series["x"][0]] * 6240, rng.integers(0, 11, 6240) / 10
                series["y"] = series["y"].tolist()
    assert len(render_page(many).encode()) < 3_000_000


def test_a_document_survives_json(document: Document) -> None:
    assert render_page(json.loads(json.dumps(document))) == render_page(document)


def test_reporting_loads_neither_torch_nor_matplotlib() -> None:
    code = "import faceloupe.report, sys; print({'torch', 'matplotlib', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_colours_are_readable_in_both_themes() -> None:
    """WCAG 2.2, 1.4.3: text at least 4.5:1 on what it stands on; curves carry their names, so they count as text."""
    css = files("faceloupe.report").joinpath("static/style.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in css.split("prefers-color-scheme: dark")[:2]
    )
    for theme in (light, {**light, **dark}):
        words = ("ink", "muted", "link", "orange", "orange-alt", "blue", "blue-alt", "grey", "grey-alt", "contradicted")
        assert all(_contrast(theme[name], theme["paper"]) >= 4.5 for name in words)
        assert all(_contrast(theme[name], theme["raised"]) >= 4.5 for name in ("ink", "muted", "link"))
        assert _contrast(theme["on-badge"], theme["supported"]) >= 4.5


def _contrast(one: str, other: str) -> float:
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
