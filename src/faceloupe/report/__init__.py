"""A study's document as one page that opens anywhere, and its figures as files."""

from faceloupe.report.figures import save_figures
from faceloupe.report.page import render_page

__all__ = ["render_page", "save_figures"]
