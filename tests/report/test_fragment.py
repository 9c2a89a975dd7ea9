"""A section in a frame for notebooks, and the scatter plot."""

import html
import math
import re
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from faceloupe.report import draw_blocks, render_fragment, render_frame
from faceloupe.report.readings import describe, tabulate

POINTS: dict[str, Any] = {
    "type": "chart",
    "id": "points",
    "title": "Two clouds",
    "caption": "Made up.",
    "mark": "points",
    "x": {"label": "first", "unit": "pixels"},
    "y": {"label": "second"},
    "series": [
        {"name": "s1", "style": "blue", "x": [1, 2, 3], "y": [0.5, None, -1.5]},
        {"name": "s2", "style": "orange", "x": [2, 2], "y": [0, 1]},
    ],
}


def _within(frame: str) -> str:
    [page] = re.findall(r'srcdoc="([^"]*)"', frame)
    return html.unescape(page)


def test_a_frame_holds_a_page_and_nothing_of_it_leaks_out() -> None:
    page = '<p class="a">"5" < 6 & \'7\'</p>'
    frame = render_frame("**A** title", page)
    assert _within(frame) == page
    assert 'title="A title"' in frame
    assert frame.count("<") == 2
    assert "onload" not in frame


def test_a_fragment_has_its_heading_and_its_blocks_in_order() -> None:
    blocks = [{"type": "text", "text": "first words"}, POINTS, {"type": "text", "text": "last words"}]
    page = _within(render_fragment({"id": "s", "heading": "What **was** found", "blocks": blocks}))
    places = [
        page.index(words) for words in ("<h1>What <strong>was</strong> found", "first words", "<svg", "last words")
    ]
    assert places == sorted(places)
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")


def test_points_are_not_joined_and_each_is_drawn() -> None:
    page = _within(render_fragment({"id": "s", "heading": "", "blocks": [POINTS]}))
    wide, narrow = re.findall(r"<svg.*?</svg>", page)
    for drawing in (wide, narrow):
        clouds = re.findall(r'<g class="(?:blue|orange)"><path d="([^"]*)" class="mark"', drawing)
        # A square starts with "M" at its centre; a circle too. The missing one is left out.
        assert [one.count("M") for one in clouds] == [2, 2]


def test_points_in_words_and_numbers() -> None:
    words = describe(POINTS)
    assert words.startswith(
        "Scatter plot of second by first. s1: 3 points: first from 1 to 3, second from −1.5 to 0.5."
    )
    table = tabulate(POINTS)
    assert [column["label"] for column in table["columns"]] == ["of", "first (pixels)", "second"]
    assert table["rows"] == [
        ["s1", "1", "0.5"],
        ["s1", "2", "–"],
        ["s1", "3", "−1.5"],
        ["s2", "2", "0"],
        ["s2", "2", "1"],
    ]


def test_a_figure_of_several_blocks_draws_each() -> None:
    figure = draw_blocks([{"type": "text", "text": "not drawn"}, POINTS, {**POINTS, "id": "again"}])
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")  # what a notebook shows, whatever its backend
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Two clouds", "Two clouds"]
    drawn = [line.get_xydata() for line in figure.axes[0].lines]
    np.testing.assert_array_equal(drawn[1], [[2, 0], [2, 1]])
    assert math.isnan(drawn[0][1, 1])


def test_a_figure_of_words_alone_holds_the_words() -> None:
    figure = draw_blocks([{"type": "text", "text": "**One** thing of $5.\n\nAnother."}])
    assert figure.texts[0].get_text() == "One thing of \\$5.\n\nAnother."
