"""A study's document as one page that opens anywhere, its figures as files, and a part of it in a notebook."""

from faceloupe.report.figures import draw_blocks, save_figures
from faceloupe.report.fragment import render_fragment, render_frame, render_framed_page
from faceloupe.report.page import render_page, write_page

__all__ = [
    "draw_blocks",
    "render_fragment",
    "render_frame",
    "render_framed_page",
    "render_page",
    "save_figures",
    "write_page",
]
