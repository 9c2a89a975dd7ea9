"""Embedders: whatever makes vectors of faces; SFace is the one that is published."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.devices import chosen_device
from faceloupe.recognition.engines import Engine, Run, check_engine, embed_chips, open_network
from faceloupe.recognition.openings import opening
from faceloupe.recognition.quality import measure
from faceloupe.recognition.templates import Template
from faceloupe.recognition.weights import SFACE, read_published

Floats = NDArray[np.float32]


class Embedder(Protocol):
    """A function from faces to vectors, such that those of one person point in about the same direction."""

    @property
    def name(self) -> str:
        """Its name; another way of making vectors has another name."""

    @property
    def sha256(self) -> str:
        """SHA-256 of its weights."""

    def embed(self, faces: Floats) -> Floats:
        """Return a vector of any length for each face: (N, 112, 112, 3), RGB in [0, 1] -> (N, D)."""


class SFace:
    """The embedder of the OpenCV model zoo: a MobileFaceNet trained with the sigmoid-constrained hypersphere loss [1]_.

    Weights are read and checked, and the network is opened, once in a process for each engine: in a thread of its own,
    so that faces can be looked for in the meantime.

    Parameters
    ----------
    engine : {"openvino", "onnxruntime"}
        The engine that runs it. Vectors of the two agree to 1e-4 of their length, so their templates may be compared.
    flip : bool
        Add the vector of the mirrored face: twice the time. Such templates compare with their like only.

    Attributes
    ----------
    name : str
        "sface", or "sface+flip".
    sha256 : str

    Raises
    ------
    InputError
        If there is no such engine.

    References
    ----------
    .. [1] Y. Zhong, W. Deng, J. Hu, D. Zhao, X. Li and D. Wen, "SFace: sigmoid-constrained hypersphere loss for robust
       face recognition", IEEE Transactions on Image Processing, 2021, arXiv:2205.12010.
    """

    def __init__(self, *, engine: Engine = "openvino", flip: bool = False) -> None:
        check_engine(engine)
        self.name = "sface+flip" if flip else "sface"
        self.sha256 = SFACE.sha256
        self._flip = flip
        self._engine = engine
        _opening(engine)

    def embed(self, faces: Floats) -> Floats:
        """Return 128 numbers for each face, before they become a unit vector.

        Parameters
        ----------
        faces : array of float32, (N, 112, 112, 3)
            Chips: RGB in [0, 1].

        Returns
        -------
        array of float32, (N, 128)

        Raises
        ------
        InputError
            If `faces` has another shape, or the weights file is not the published one.
        UnavailableError
            If weights or packages are missing.
        """
        return embed_chips(faces, lambda chips: _opening(self._engine).result()(_as_trained(chips)), flip=self._flip)

    def __repr__(self) -> str:
        return f"SFace({self.name}, {self._engine})"


def templates_of(chips: Sequence[FaceChip], embedder: Embedder | None = None) -> tuple[Template, ...]:
    """Make a template of each face chip, many at a time.

    Parameters
    ----------
    chips : sequence of FaceChip
    embedder : Embedder, optional
        By default SFace, run by OpenVINO.

    Raises
    ------
    InputError
        If the embedder returns zeros or no numbers for a face.
    UnavailableError
        If weights or packages of the default embedder are missing.
    """
    embedder = embedder or SFace()
    directions = directions_of(chips, embedder)
    templates = tuple(template for template in directions if template is not None)
    if len(templates) < len(directions):
        raise InputError(no_direction(embedder))
    return templates


def directions_of(chips: Sequence[FaceChip], embedder: Embedder) -> tuple[Template | None, ...]:
    """Return a template of each face chip; None where the embedder returns zeros or no numbers."""
    if not chips:
        return ()
    vectors = embedder.embed(np.stack([chip.image for chip in chips])).astype(np.float32, copy=False)
    norms = np.linalg.norm(vectors, axis=1)
    return tuple(
        _template(vector, float(norm), chip, embedder) if np.isfinite(norm) and norm > 0 else None
        for vector, norm, chip in zip(vectors, norms, chips, strict=True)
    )


def _template(vector: Floats, norm: float, chip: FaceChip, embedder: Embedder) -> Template:
    quality = replace(measure(chip), embedding_norm=norm)
    return Template(vector / np.float32(norm), embedder.name, embedder.sha256, quality, chip.detection.detector)


def no_direction(embedder: Embedder) -> str:
    """Return the message about a face of which no template can be made."""
    return f"{embedder.name} returned zeros or no numbers for a face, which have no direction"


def _opening(engine: Engine) -> Future[Run]:
    return opening((SFACE.sha256, engine, chosen_device()), lambda: open_network(read_published(SFACE), engine))


def _as_trained(faces: Floats) -> Floats:
    """Return (N, 3, 112, 112) in [0, 255]; the network itself takes the mean away."""
    return np.multiply(faces.transpose(0, 3, 1, 2), np.float32(255), order="C")
