"""The networks that can be looked at: those the server was given, SFace, and those trained here."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from faceloupe.errors import FaceloupeError, InputError, UnavailableError
from faceloupe.looking.faces import FaceLike
from faceloupe.recognition.weights import SFACE, find_weights
from faceloupe.web.children import MEMORY, SECONDS, ChildEndedError
from faceloupe.web.network_summary import NetworkSummary
from faceloupe.web.problems import HTTPProblem
from faceloupe.web.workers import Workers

SUMMARISE, TRACE = "faceloupe.web.inspecting.summarise", "faceloupe.web.inspecting.trace_face"
"""Functions that children run, by name: the server itself needs none of what they load."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Pattern of the names of networks trained here, which become folders and parts of addresses."""


class Networks:
    """Networks by id; children open them, within bounds on memory and on time.

    Those given are folders saved by faceloupe, or ONNX files; those trained here are kept in `folder`, each in a folder
    of its own, which need not be there yet. Raises InputError if what is given is not a folder or file.
    """

    def __init__(self, paths: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self._named = _named([Path(path) for path in paths])
        self._known: dict[str, NetworkSummary] = {}
        self._met_a_bound: dict[str, str] = {}
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)  # each is opened once, and keeps no other waiting
        self._workers = Workers(memory=MEMORY, seconds=SECONDS)

    def ids(self) -> list[str]:
        """Return the id of every network."""
        return list(self._paths())

    def path(self, network: str) -> Path:
        """Return the path of a network, for a child that opens it; raise HTTPProblem if none has this id."""
        paths = self._paths()
        if network not in paths:
            raise HTTPProblem("not-found", f"no network is called {network!r}; there are {', '.join(paths) or 'none'}")
        return paths[network]

    def summary(self, network: str) -> NetworkSummary:
        """Return the summary of a network; it is opened once.

        Raises HTTPProblem if none has this id, or the server ends; InputError or UnavailableError if it cannot be
        opened.
        """
        path = self.path(network)
        with self._locks[network]:
            if network in self._met_a_bound:
                raise InputError(self._met_a_bound[network])
            if network not in self._known:
                self._known[network] = self._in_child(network, SUMMARISE, path)
            return self._known[network]

    def trace(self, network: str, face: FaceLike, layers: Sequence[str]) -> dict[str, Any]:
        """Return the face as a network sees it, before its preprocessing, and what some of its layers put out.

        Errors are those of :meth:`summary`, and an InputError for a name of no layer.
        """
        traced: dict[str, Any] = self._in_child(network, TRACE, self.path(network), network, face, layers)
        return traced

    def close(self) -> None:
        """End the children at work."""
        self._workers.close()

    def _in_child(self, network: str, function: Callable[..., Any] | str, *arguments: Any) -> Any:
        try:
            return self._workers.run(function, *arguments)
        except ChildEndedError as problem:
            words = f"network {network}: {problem}"
            if function == SUMMARISE:  # it would meet the bound each time that somebody asks
                self._met_a_bound[network] = f"{words}. It is not tried again until the server is started again"
            raise InputError(words) from problem

    def describe(self) -> list[dict[str, Any]]:
        """Return a short description of each network; of one that cannot be opened, the reason."""
        return [self._described(network) for network in self.ids()]

    def check_new(self, name: str) -> Path:
        """Return the folder for a network that is to be trained; raise HTTPProblem if the name is taken."""
        if name in self._paths() or (self.folder / name).exists():
            raise HTTPProblem("conflict", f"there is a network {name!r} already; take another name")
        return self.folder / name

    def _paths(self) -> dict[str, Path]:
        folders = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        trained = {
            folder.name: folder
            for folder in folders
            if re.match(NAME, folder.name) and (folder / "manifest.json").is_file()
        }
        return {**_published(), **trained, **self._named}

    def _described(self, network: str) -> dict[str, Any]:
        try:
            summary = self.summary(network)
        except FaceloupeError as problem:
            words = f"cannot be opened: {problem}"
            return {
                "id": network,
                "name": network,
                "parameters": None,
                "words": words,
                "template": False,
                "methods": [],
            }
        return {
            "id": network,
            "name": summary.name,
            "parameters": summary.anatomy.parameters,
            "words": _in_words(summary),
            "template": summary.template,
            "methods": list(summary.methods),
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
        namesakes = sum(other == name or re.fullmatch(rf"{re.escape(name)}-\d+", other) is not None for other in named)
        named[f"{name}-{namesakes + 1}" if namesakes or name == "sface" else name] = path
    return named


def _in_words(network: NetworkSummary) -> str:
    layers = network.anatomy.layers
    height, width = network.extent
    count = layers[-1].output_shape[-1]
    kinds_of_answer = {"template": f"a template of {count} numbers", "classes": f"one of {network.n_classes} people"}
    answer = kinds_of_answer.get(network.answers or "", "1 number" if count == 1 else f"{count} numbers")
    colour = "colour" if network.colour else "grey"
    return f"{height}×{width} pixels, {colour}; {len(layers)} layers; answers with {answer}"
