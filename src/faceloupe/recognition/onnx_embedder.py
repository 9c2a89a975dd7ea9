"""An embedder from a file: any network in ONNX that makes a vector of a face, read as its manifest says."""

from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.recognition.chips import CHIP_SIDE, REFERENCE_POINTS
from faceloupe.recognition.devices import chosen_device
from faceloupe.recognition.engines import Engine, Run, embed_chips, open_network
from faceloupe.recognition.geometry import similarity
from faceloupe.recognition.manifests import Manifest, Points
from faceloupe.recognition.onnx_file import OnnxFile, as_read
from faceloupe.recognition.openings import opening

Floats = NDArray[np.float32]


class OnnxEmbedder(OnnxFile):
    """A network in an ONNX file as an embedder.

    It sees what a face chip shows, 112 x 112 pixels, moved and scaled to the size and the landmarks of its manifest;
    black where that reaches beyond the chip. No threshold comes with it: it decides once one is measured (``faceloupe
    calibrate``) or given.

    Parameters
    ----------
    file : path
        The ONNX file. It is read, and its hash compared, when the first face is embedded in a process.
    manifest : path, dict or Manifest
        Reading of the file; see :class:`faceloupe.recognition.manifests.Manifest`.
    engine : {"openvino", "onnxruntime"}
        Engine that runs it.

    Attributes
    ----------
    name : str
        As the manifest says.
    sha256 : str
        Hash of the file's hash and of how the file is read: templates of two readings are not compared.
    manifest : Manifest

    Raises
    ------
    InputError
        If the manifest is not as described or is a detector's, or there is no such engine.
    """

    _kind = "embedder"

    def embed(self, faces: Floats) -> Floats:
        """Return a vector for each face.

        Parameters
        ----------
        faces : array of float32, (N, 112, 112, 3)
            Chips: RGB in [0, 1].

        Returns
        -------
        array of float32, (N, D)

        Raises
        ------
        InputError
            If `faces` has another shape, the file is not that of the manifest, or the network cannot be run as the
            manifest says.
        UnavailableError
            If packages or the device are missing.
        """
        manifest = self.manifest
        return embed_chips(faces, lambda chips: self._opening().result()(as_input(chips, manifest)), flip=manifest.flip)

    def _opening(self) -> Future[Run]:
        manifest = self.manifest  # how pixels are scaled and landmarks placed is not part of the network
        shape = manifest.size, manifest.n_channels, manifest.layout
        key = (manifest.sha256, manifest.output, *shape, self._engine, chosen_device())
        return opening(key, lambda: _open(self.content(), manifest, self._engine))

    def read_as(self, manifest: Manifest) -> "OnnxEmbedder":
        """Return the same file, read as another manifest says."""
        return OnnxEmbedder(self._file, manifest, engine=self._engine)

    def __repr__(self) -> str:
        height, width = self.manifest.size
        return f"OnnxEmbedder({self.name}, {height}x{width} {self.manifest.channels}, {self._engine})"


def as_input(faces: Floats, manifest: Manifest) -> Floats:
    """Return chips as the network takes them, (N, 112, 112, 3) in [0, 1] -> (N, C, H, W) or (N, H, W, C)."""
    return as_read(_placed(faces, manifest.size, manifest.points), manifest)


def _placed(faces: Floats, size: tuple[int, int], points: Points) -> Floats:
    """Return chips moved and scaled so that their landmarks lie where the network expects them."""
    import cv2

    height, width = size
    transform = _chip_to_input(size, points)
    if (height, width) == (CHIP_SIDE, CHIP_SIDE) and np.allclose(transform, np.eye(2, 3), atol=1e-6):
        return faces
    return np.stack([np.asarray(cv2.warpAffine(face, transform, (width, height))) for face in faces])  # bilinear


def _chip_to_input(size: tuple[int, int], points: Points) -> NDArray[np.float64]:
    """Return the transform of (x, y, 1) in a chip to (x, y) in the network's input, (2, 3)."""
    if not isinstance(points, str):
        return similarity(REFERENCE_POINTS, points)
    down = size[0] / CHIP_SIDE
    across = size[1] / CHIP_SIDE if points == "none" else down
    middle, new_middle = (CHIP_SIDE - 1) / 2, np.array([size[1] - 1, size[0] - 1]) / 2
    return np.array([[across, 0, new_middle[0] - across * middle], [0, down, new_middle[1] - down * middle]])


def landmark_places(manifest: Manifest) -> NDArray[np.float64]:
    """Return the places of a chip's five landmarks in the network's input, (5, 2) of (x, y)."""
    transform = _chip_to_input(manifest.size, manifest.points)
    places: NDArray[np.float64] = np.array(REFERENCE_POINTS) @ transform[:, :2].T + transform[:, 2]
    return places


def _open(content: bytes, manifest: Manifest, engine: Engine) -> Run:
    """Return the function that runs the network: many faces at a time if it can, or else one after another."""
    chips = np.random.default_rng(0).random((2, CHIP_SIDE, CHIP_SIDE, 3), dtype=np.float32)
    inputs = as_input(chips, manifest)
    one_by_one = open_network(content, engine, output=manifest.output, many=False)
    expected = one_by_one(inputs)
    if expected.ndim != 2 or len(expected) != 2 or not np.isfinite(expected).all():
        raise InputError(
            f"{manifest.name}: expected a vector of finite numbers for a face, got shape {expected.shape[1:]}; "
            "the manifest's output may be another one"
        )
    try:
        many = open_network(content, engine, output=manifest.output)
        vectors = many(inputs)
    except InputError:
        return one_by_one  # the number of faces is written into it
    same = vectors.shape == expected.shape and np.allclose(
        vectors, expected, rtol=1e-3, atol=1e-4 * abs(expected).max()
    )
    return many if same else one_by_one
