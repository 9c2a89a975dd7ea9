"""A section of a document as the output of a notebook's cell: a small page in a frame of its own."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from faceloupe.report.markup import element, inline, plain
from faceloupe.report.page import render_head, render_page
from faceloupe.report.rendering import render_block

# The page within cannot say how high it is: it runs no scripts. Where the notebook runs none either, the frame scrolls.
FIT = "this.style.height = this.contentDocument.documentElement.offsetHeight + 'px'"


def render_fragment(section: Mapping[str, Any]) -> str:
    """Return a section as HTML to put into any page.

    Parameters
    ----------
    section : mapping
        As a document of :func:`faceloupe.report.render_page` holds them: ``heading`` and ``blocks``.

    Returns
    -------
    str
        An ``<iframe>``, so that neither page's style reaches the other; light or dark as the reader's.
    """
    style = files("faceloupe.report").joinpath("static/fragment.css").read_text(encoding="utf-8")
    heading = section["heading"]
    content = element("h1", inline(heading)) + "".join(render_block(block, 2) for block in section["blocks"])
    body = element("body", element("main", content))
    page = f'<!doctype html>\n<html lang="en"><head>{render_head(heading, style)}</head>{body}</html>'
    return render_frame(heading, page, fit=True)


def render_framed_page(document: Mapping[str, Any]) -> str:
    """Return a document's page, as :func:`faceloupe.report.render_page` makes it, as HTML to put into any page."""
    return render_frame(document["title"], render_page(document))


def render_frame(title: str, page: str, *, fit: bool = False) -> str:
    """Return a page of HTML as an ``<iframe>`` that holds it: about a screen high, or as high as its content."""
    style = "width: 100%; height: 45rem; border: 0"
    page = page.replace("<head>", '<head><base href="about:srcdoc">', 1)  # else #links lead to the notebook's page
    return element("iframe", title=plain(title), srcdoc=page, style=style, onload=FIT if fit else None)
