"""The loupe as a widget of notebooks (JupyterLab, VS Code, Colab, marimo): Python reads and sets what it shows."""

from collections.abc import Mapping
from importlib.resources import files
from math import inf
from typing import Any

from faceloupe.errors import InputError, extra
from faceloupe.pages import SCHEMA, page
from faceloupe.report.page import render_page

with extra("notebook"):
    import anywidget
    import traitlets

SLIDERS = ("dx", "dy", "degrees", "zoom", "brightness", "blur")
PLACES = ("view", "face", "scope", "layer", "cell", "pin", "relu", "terms", "cover", "ink", "network", "seeds")
"""Names of the state, as static/loupe/store.js writes them into a link."""


class LoupeWidget(anywidget.AnyWidget):
    """The loupe of a result, in a notebook.

    Parameters
    ----------
    result : Study or Look
        A result whose page has a loupe. For two classifiers side by side: ``look(first, faces, compare=second)``.
    **choices
        Choices of :func:`faceloupe.page`: the study of your own photographs shows them with ``show_faces=True``.

    Attributes
    ----------
    state : dict of str to int, float or str
        What the loupe shows, in the words of its links, counted from 0; empty before it is shown for the first time.
        ``face`` is the index of the face; ``view`` the view; ``dx``, ``dy``, ``degrees``, ``zoom``, ``brightness`` and
        ``blur`` are the sliders; ``layer`` and ``cell`` ("channel.row.column") are what the cursor is on, in the
        network ``scope``; ``on-KIND`` ("KEY.fit.NUMBER" or "KEY.epoch.NUMBER") is the network on the bench. Whoever
        moves the loupe changes it, which ``observe`` hears, and to set it moves the loupe. What a new state does not
        name is as the loupe opened; a view, face or cell that is not there gives way to one that is, and a slider past
        its end stops there.

    Raises
    ------
    InputError
        If the result's page has no loupe, or a state names what the loupe does not know, or is neither a text nor a
        finite number.
    UnavailableError
        If anywidget is not installed.

    Examples
    --------
    >>> from faceloupe import CNNClassifier, LoupeWidget, load_faces, look
    >>> faces = load_faces("orl", subjects=[0, 1])
    >>> cnn = CNNClassifier(epochs=1).fit(faces.images, faces.subject)
    >>> widget = LoupeWidget(look(cnn, faces, methods=[]))
    >>> widget.state = {**widget.state, "face": 3, "dx": -4, "view": "layers"}
    """

    _esm = files("faceloupe.report").joinpath("static/widget.js").read_text(encoding="utf-8")
    document = traitlets.Unicode(read_only=True).tag(sync=True)
    state = traitlets.Dict(key_trait=traitlets.Unicode()).tag(sync=True)

    def __init__(self, result: Any, **choices: Any) -> None:
        whole = page(result, **choices)
        if "loupe" not in whole:
            raise InputError(
                f"LoupeWidget: this {type(result).__name__} has no loupe. A study of your own photographs has one with "
                "show_faces=True; a look's page says which networks the loupe does not open, and why"
            )
        kinds = {network["kind"] for network in whole["loupe"]["networks"].values()}
        self._known = (*SLIDERS, *PLACES, *(f"on-{kind}" for kind in sorted(kinds)))
        super().__init__()
        parts = {"schema": SCHEMA, "title": whole["title"], "lead": [], "sections": [], "loupe": whole["loupe"]}
        self.set_trait("document", render_page(parts))

    @traitlets.validate("state")
    def _check(self, proposal: Mapping[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = proposal["value"]
        unknown = [name for name in state if name not in self._known]
        if unknown:
            raise InputError(f"state: the loupe knows {', '.join(self._known)}; got {', '.join(unknown)}")
        for name, value in state.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < inf
            if not (is_number or isinstance(value, str)):
                raise InputError(f"state: expected texts and finite numbers; got {value!r} for {name!r}")
        return state

    def __repr__(self) -> str:
        return f"LoupeWidget({self.state})"
