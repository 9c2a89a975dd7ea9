"""An embedder as a network that attribution can ask, its weights re-drawn where they can be reached."""

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceloupe.recognition.embed import Embedder, SFace
from faceloupe.recognition.engines import Engine, open_network
from faceloupe.recognition.weights import SFACE, read_published

if TYPE_CHECKING:
    from faceloupe.inspection.onnx_networks.graph import Graph

Floats = NDArray[np.float32]


class FaceNetwork:
    """Runs an embedder on faces (N, 3, 112, 112), RGB in [0, 1], as attribution lays them out."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def run(self, faces: Floats) -> Floats:
        """Return a vector for each face, (N, D)."""
        return self.embedder.embed(faces.transpose(0, 2, 3, 1))


class RedrawableSFace(FaceNetwork):
    """SFace, whose weights are those of a file and can be put in another order."""

    def randomised(self, seed: int) -> "RedrawnSFace":
        """Return SFace with the values of every weight tensor in random order."""
        return RedrawnSFace(sface_graph().permuted(seed), flip=self.embedder.name == "sface+flip")


class RedrawnSFace:
    """SFace's graph with other weights; it runs on faces as :class:`FaceNetwork` does."""

    def __init__(self, graph: "Graph", *, flip: bool) -> None:
        engine: Engine = "openvino" if find_spec("openvino") else "onnxruntime"  # their vectors agree
        self._run = open_network(graph.model.SerializeToString(), engine)
        self._flip = flip

    def run(self, faces: Floats) -> Floats:
        """Return a vector for each face, (N, 128)."""
        levels = np.multiply(faces, np.float32(255), order="C")
        vectors = self._run(levels)
        return vectors + self._run(np.ascontiguousarray(levels[..., ::-1])) if self._flip else vectors


def network_of(embedder: Embedder) -> FaceNetwork:
    """Return an embedder as a network; with ``randomised(seed)`` if it is SFace and the package onnx is installed."""
    redrawable = isinstance(embedder, SFace) and find_spec("onnx") is not None
    return RedrawableSFace(embedder) if redrawable else FaceNetwork(embedder)


@cache
def sface_graph() -> "Graph":
    """Return the graph of SFace's file."""
    import onnx

    from faceloupe.inspection.onnx_networks.graph import Graph

    return Graph.of(onnx.load_model_from_string(read_published(SFACE)))
