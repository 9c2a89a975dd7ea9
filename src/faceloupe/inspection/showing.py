"""How results show themselves in a notebook: as the section of a page, drawn by the report.

What a section holds is said in ``views``. Nothing here is loaded or drawn before a result is shown.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from faceloupe.blocks import Block

__all__ = ["Shown"]


class Shown(ABC):
    """A result that people look at: a notebook shows it as words, pictures and numbers in a frame."""

    __slots__ = ()

    @abstractmethod
    def _section(self) -> "Block":
        """Return the result as a section of a page."""

    def plot(self) -> "Figure":
        """Return the charts and pictures of the result as a Matplotlib figure; without any, its words.

        The figure belongs to the caller: pyplot does not know it.
        """
        from faceloupe.report import draw_blocks

        return draw_blocks(self._section()["blocks"])

    def _repr_html_(self) -> str:
        from faceloupe.report import render_fragment

        return render_fragment(self._section())

    def _repr_png_(self) -> bytes:
        from faceloupe.report import figure_png

        return figure_png(self.plot(), dpi=100)
