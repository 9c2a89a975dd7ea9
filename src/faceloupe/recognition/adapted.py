"""An embedder whose vectors pass through a linear head that was learned from labelled faces, and its file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.arrays import decode_array, encode_array
from faceloupe.documents import read_json, write_json
from faceloupe.errors import InputError
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.provenance import opened_provenance, remember_provenance

Floats = NDArray[np.float32]

FILE = "adapted.json"
FORMAT, SCHEMA_VERSION = "faceloupe adapted embedder", 1
LARGEST = 4096  # dimensions that are believed


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Head:
    """A shift and a linear map of unit vectors.

    Attributes
    ----------
    mean : array of float32, (D,)
        Taken away first.
    matrix : array of float32, (D, K)

    Raises
    ------
    InputError
        If shapes disagree or a number is not finite.
    """

    mean: Floats
    matrix: Floats

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or self.matrix.ndim != 2 or len(self.matrix) != len(self.mean):
            raise InputError(
                f"a head: expected a mean (D,) and a matrix (D, K), got {self.mean.shape}, {self.matrix.shape}"
            )
        if not max(self.matrix.shape) <= LARGEST or not (
            np.isfinite(self.mean).all() and np.isfinite(self.matrix).all()
        ):
            raise InputError(f"a head: expected finite numbers of at most {LARGEST} dimensions")

    def __repr__(self) -> str:
        return f"Head({self.matrix.shape[0]} -> {self.matrix.shape[1]} dimensions)"

    def apply(self, vectors: Floats) -> Floats:
        """Return adapted vectors, (N, D) of any length -> (N, K) of length 1; zeros stay zeros."""
        units = unit_vectors(vectors)
        adapted = unit_vectors((units - self.mean) @ self.matrix.astype(np.float64))
        adapted[~units.any(axis=1)] = 0
        return adapted.astype(np.float32)


class AdaptedEmbedder:
    """An embedder with a head on its vectors; they compare by the cosine, with each other only.

    Parameters
    ----------
    base : Embedder
        Embedder whose vectors the head takes.
    head : Head
    kind : str
        Kind of head, in a word for its name.

    Attributes
    ----------
    name : str
        The base's name, the kind and eight digits of the hash, such as "sface+wccn-01ab23cd".
    sha256 : str
        Hash of the base's weights and of the head.
    """

    def __init__(self, base: Embedder, head: Head, kind: str) -> None:
        content = base.name.encode() + base.sha256.encode() + head.mean.tobytes() + head.matrix.tobytes()
        self.sha256 = sha256(content).hexdigest()
        self.name = f"{base.name}+{kind}-{self.sha256[:8]}"
        self.base, self.head, self.kind = base, head, kind
        if provenance := opened_provenance(base.sha256):
            training_data = f"{provenance.training_data}; its {kind} head: labelled photographs of the user's own"
            remember_provenance(self.sha256, replace(provenance, training_data=training_data))

    def embed(self, faces: Floats) -> Floats:
        """Return a unit vector for each face, (N, 112, 112, 3) RGB in [0, 1] -> (N, K)."""
        return self.head.apply(self.base.embed(faces))

    def __repr__(self) -> str:
        return f"AdaptedEmbedder({self.name}, {self.head!r})"


def unit_vectors(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return vectors (N, D) at length 1, in float64; zeros stay zeros."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0))


def write_adapted(folder: Path, embedder: AdaptedEmbedder, base: str, about: Mapping[str, Any]) -> None:
    """Write an adapted embedder into a folder, whole or not at all.

    Parameters
    ----------
    folder : Path
        Folder that exists.
    embedder : AdaptedEmbedder
    base : str
        The embedder underneath: a name, or the path of its folder.
    about : mapping
        Description of how it was made, as JSON can hold it.
    """
    document = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "name": embedder.name,
        "sha256": embedder.sha256,
        "base": {"open": base, "name": embedder.base.name, "sha256": embedder.base.sha256},
        "kind": embedder.kind,
        "mean": encode_array(embedder.head.mean),
        "matrix": encode_array(embedder.head.matrix),
        "about": dict(about),
    }
    write_json(folder / FILE, document)


def is_adapted(folder: Path) -> bool:
    """Return whether a folder holds an adapted embedder."""
    return (folder / FILE).is_file()


def read_adapted(folder: Path) -> tuple[str, Mapping[str, Any]]:
    """Return the name that opens the embedder underneath, and the document that :func:`restore_adapted` takes.

    Raises
    ------
    InputError
        If the file is damaged, of something else, or of a newer version.
    """
    path = folder / FILE
    document = read_json(path)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f"{path} describes no adapted embedder, but something else")
    if document.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{path} has schema version {document.get('schema_version')!r}, and this faceloupe reads "
            f"{SCHEMA_VERSION}; upgrade it, or adapt again"
        )
    base = document.get("base")
    if not isinstance(base, dict) or not isinstance(base.get("open"), str) or not isinstance(document.get("kind"), str):
        raise InputError(f"{path} is damaged: it does not say which embedder it adapts; adapt again")
    if is_adapted(Path(base["open"])):
        raise InputError(f"{path} adapts {base['open']}, which is adapted itself; adapt the embedder underneath")
    return base["open"], document


def restore_adapted(document: Mapping[str, Any], base: Embedder) -> AdaptedEmbedder:
    """Return the adapted embedder of a document that :func:`read_adapted` read.

    Raises
    ------
    InputError
        If the embedder underneath is not the one that it was made for, or the document is damaged.
    """
    if base.sha256 != document["base"].get("sha256"):
        raise InputError(
            f"{document.get('name')} was made for {document['base'].get('name')} with other weights than "
            f"{base.name} has here ({base.sha256[:8]}); adapt again"
        )
    head = Head(*(np.asarray(decode_array(document.get(part)), dtype=np.float32) for part in ("mean", "matrix")))
    embedder = AdaptedEmbedder(base, head, document["kind"])
    if embedder.sha256 != document.get("sha256"):
        raise InputError(f"{document.get('name')} is damaged: its SHA-256 is not that of its numbers; adapt again")
    return embedder
