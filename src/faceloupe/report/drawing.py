"""The figure that a notebook shows; needs Matplotlib, which pages do not."""

from io import BytesIO

from faceloupe.errors import extra

with extra("figures"):
    from matplotlib.figure import Figure


class Drawing(Figure):
    """A Matplotlib figure that a notebook shows when it is returned, with ``%matplotlib inline`` or without.

    pyplot does not know it: it goes when nobody holds it any more.
    """

    def png(self, dpi: int = 100) -> bytes:
        """Return the figure as PNG."""
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=dpi)
        return buffer.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()
