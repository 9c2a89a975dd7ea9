"""The networks that can be looked at: those the server was given, SFace, and those trained here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from faceloupe.arrays import encode_array
from faceloupe.errors import FaceloupeError, InputError, UnavailableError
from faceloupe.inspection.anatomy import Anatomy, anatomy
from faceloupe.inspection.trace import trace
from faceloupe.looking.faces import FaceLike, open_faces
from faceloupe.looking.model import Model
from faceloupe.looking.opening import open_model
from faceloupe.recognition.weights import SFACE, find_weights
from faceloupe.web.problems import HTTPProblem

__all__ = ["NAME", "Networks"]

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""What a network that is trained here may be called: it becomes a folder and a part of addresses."""


@dataclass(frozen=True, slots=True)
class _Opened:
    model: Model
    anatomy: Anatomy


class Networks:
    """Networks by id.

    Parameters
    ----------
    given : sequence of str
        Folders saved by faceloupe, or ONNX files.
    folder : Path
        Where networks trained here are kept, each in a folder of its own; need not be there yet.

    Raises
    ------
    InputError
        If what is given is no folder or file.
    """

    def __init__(self, given: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self._given = _named([Path(each) for each in given])
        self._opened: dict[str, _Opened] = {}
        self._lock = Lock()  # a traced network carries hooks: two traces at once would mix their captures

    def ids(self) -> list[str]:
        """Return the id of every network."""
        return list(self._paths())

    def path(self, network: str) -> Path:
        """Return where a network is, for a child that opens it.

        Raises
        ------
        HTTPProblem
            If there is none with this id.
        """
        paths = self._paths()
        if network not in paths:
            raise HTTPProblem("not-found", f"no network is called {network!r}; there are {', '.join(paths) or 'none'}")
        return paths[network]

    def shared(self, network: str) -> Model:
        """Return a network to read what it is like, not to run it.

        Raises
        ------
        HTTPProblem
            If there is none with this id.
        InputError, UnavailableError
            If it cannot be opened.
        """
        with self._lock:
            return self._once(network).model

    def anatomy(self, network: str) -> Anatomy:
        """Return what a network is made of; it is opened once. Errors are those of :meth:`shared`."""
        with self._lock:
            return self._once(network).anatomy

    def trace(self, network: str, face: FaceLike, layers: Sequence[str]) -> dict[str, Any]:
        """Return the face as a network sees it, before its preprocessing, and what some of its layers put out.

        Errors are those of :meth:`shared`, and an InputError for a name of no layer.
        """
        with self._lock:
            model = self._once(network).model
            cut = model.cut(open_faces([face]))
            found = trace(model.network, model.prepare(cut), layers)
        return {"network": network, "face": encode_array(cut[0]), **found.to_document()}

    def describe(self) -> list[dict[str, Any]]:
        """Return each network in short; one that cannot be opened says why, and stops nothing."""
        return [self._described(network) for network in self.ids()]

    def check_new(self, name: str) -> Path:
        """Return the folder for a network that is to be trained.

        Raises
        ------
        HTTPProblem
            If there is one of this name.
        """
        if name in self._paths() or (self.folder / name).exists():
            raise HTTPProblem("conflict", f"there is a network {name!r} already; take another name")
        return self.folder / name

    def _paths(self) -> dict[str, Path]:
        made = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        trained = {each.name: each for each in made if re.match(NAME, each.name) and (each / "manifest.json").is_file()}
        return {**_published(), **trained, **self._given}

    def _once(self, network: str) -> _Opened:
        if network not in self._opened or network not in self._paths():
            model = open_model(self.path(network))
            shape = (3 if model.colour else 1, *model.extent)
            self._opened[network] = _Opened(model, anatomy(model.network, shape))
        return self._opened[network]

    def _described(self, network: str) -> dict[str, Any]:
        try:
            with self._lock:
                opened = self._once(network)
        except FaceloupeError as problem:
            return {
                "id": network,
                "name": network,
                "parameters": None,
                "words": f"cannot be opened: {problem}",
                "template": False,
                "methods": [],
            }
        return {
            "id": network,
            "name": opened.model.name,
            "parameters": opened.anatomy.parameters,
            "words": _in_words(opened),
            "template": opened.model.gives_template(opened.anatomy.layers[-1].output_shape[-1]),
            "methods": list(opened.model.methods),
        }


def _published() -> dict[str, Path]:
    try:
        path = find_weights(SFACE)
    except UnavailableError:
        return {}
    return {"sface": path} if path else {}


def _named(paths: Sequence[Path]) -> dict[str, Path]:
    """Give each path an id that fits into an address."""
    named: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such network; give a folder saved by faceloupe, or an ONNX file")
        stem = path.resolve().name if path.is_dir() else path.stem
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "network"
        taken = sum(other == name or re.fullmatch(rf"{re.escape(name)}-\d+", other) is not None for other in named)
        named[f"{name}-{taken + 1}" if taken or name == "sface" else name] = path
    return named


def _in_words(opened: _Opened) -> str:
    model, last = opened.model, opened.anatomy.layers[-1]
    height, width = model.extent
    count = last.output_shape[-1]
    known = {"template": f"a template of {count} numbers", "classes": f"one of {len(model.classes)} people"}
    answer = known.get(model.answers or "", "1 number" if count == 1 else f"{count} numbers")
    colour = "colour" if model.colour else "grey"
    return f"{height}×{width} pixels, {colour}; {len(opened.anatomy.layers)} layers; answers with {answer}"
