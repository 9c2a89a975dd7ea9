"""A network in an ONNX file, read as its manifest says."""

from collections.abc import Mapping
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.faces.pixels import LUMA
from faceloupe.files import read_bytes
from faceloupe.recognition.engines import Engine, check_engine
from faceloupe.recognition.manifests import MAX_NETWORK_BYTES, Kind, Manifest, read_manifest
from faceloupe.recognition.provenance import Provenance, remember_provenance

Floats = NDArray[np.float32]


class OnnxFile:
    """A network in an ONNX file; :class:`OnnxEmbedder` and :class:`OnnxDetector` say what it is for."""

    _kind: Kind

    def __init__(
        self,
        file: str | PathLike[str],
        manifest: "str | PathLike[str] | Mapping[str, Any] | Manifest",
        *,
        engine: Engine = "openvino",
    ) -> None:
        check_engine(engine)
        self.manifest = read_manifest(manifest, self._kind)
        self.name, self.sha256 = self.manifest.name, self.manifest.reading
        provenance = Provenance(self.manifest.licence, self.manifest.training_data, self.manifest.source)
        remember_provenance(self.sha256, provenance)
        self._file, self._engine = Path(file).expanduser(), engine

    def content(self) -> bytes:
        """Return the bytes of the file, once their hash is the manifest's.

        Raises
        ------
        InputError
            If it is another file, or cannot be read.
        """
        expected = self.manifest.sha256
        try:
            content = read_bytes(self._file, MAX_NETWORK_BYTES)
        except OSError as problem:
            raise InputError(
                f"{self._file}, the network of {self.name}, cannot be read: {problem.strerror}"
            ) from problem
        digest = sha256(content).hexdigest()
        if digest != expected:
            raise InputError(
                f"{self._file} is not the file of the manifest of {self.name} (SHA-256 {digest}, expected {expected}) "
                "and is not used"
            )
        return content


def as_read(pictures: Floats, manifest: Manifest) -> Floats:
    """Return pictures of the right size, (N, H, W, 3) in [0, 1], with the channels, levels and layout of a manifest."""
    if manifest.channels == "BGR":
        pictures = pictures[..., ::-1]
    elif manifest.channels == "grey":
        pictures = (pictures @ LUMA)[..., np.newaxis]
    mean, std = np.array(manifest.mean, np.float32), np.array(manifest.std, np.float32)
    scaled = (pictures * np.float32(manifest.scale) - mean) / std
    return np.ascontiguousarray(scaled if manifest.layout == "NHWC" else scaled.transpose(0, 3, 1, 2), dtype=np.float32)
