"""A detector from a file: a network whose outputs are shaped like those of SCRFD or RetinaFace."""

from concurrent.futures import Future
from functools import cache

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.recognition.detections import Box, Detection, Detector, Landmarks, Point
from faceloupe.recognition.devices import chosen_device
from faceloupe.recognition.engines import Engine, Outputs, open_outputs
from faceloupe.recognition.installed import installed_manifest, installed_names, network_file
from faceloupe.recognition.manifests import Manifest
from faceloupe.recognition.onnx_file import OnnxFile, as_read
from faceloupe.recognition.openings import opening
from faceloupe.recognition.search import FAINT
from faceloupe.recognition.yunet import YuNet, detector_in_words

Floats = NDArray[np.float32]

ROUNDING = 1e-3  # by which scores in few bits are outside 0 to 1
OVERLAP = 0.4  # intersection over union from which two boxes are one face
STRIDES = (8, 16, 32)  # pixels from one anchor to the next
PRIORS = ((16, 32), (64, 128), (256, 512))  # RetinaFace: sides of the anchors at each stride, in pixels
VARIANCES = (0.1, 0.2)  # RetinaFace: of places and of sizes


class OnnxDetector(OnnxFile):
    """A network in an ONNX file that finds faces and five landmarks on each, as a detector of a :class:`FaceSearch`.

    Its input is of one size, into whose upper left corner a picture is put, shrunk if it is larger.

    Parameters
    ----------
    file : path
        The ONNX file; its hash is compared when it is first used in a process.
    manifest : path, dict or Manifest
        With ``kind = "detector"`` and a ``decoder``: "scrfd" [1]_ for scores, distances to the sides of the box and
        landmarks at strides of 8, 16 and 32 pixels; "retinaface" [2]_ for boxes, two classes and landmarks relative to
        its anchors.
    engine : {"openvino", "onnxruntime"}

    Attributes
    ----------
    name, sha256 : str
        As the manifest says; the hash is of the file's hash and of how it is read.

    Raises
    ------
    InputError
        If the manifest is not as described or is an embedder's.

    References
    ----------
    .. [1] J. Guo, J. Deng, A. Lattas and S. Zafeiriou, "Sample and computation redistribution for efficient face
       detection", ICLR 2022, arXiv:2105.04714.
    .. [2] J. Deng, J. Guo, E. Ververas, I. Kotsia and S. Zafeiriou, "RetinaFace: single-shot multi-level face
       localisation in the wild", CVPR 2020, arXiv:1905.00641.
    """

    _kind = "detector"

    def find(self, picture: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Return the faces in a picture, (H, W, 3) RGB, the highest score first, from 0.1 on.

        Raises
        ------
        InputError
            If the file is not the manifest's, its outputs are not those of the decoder, or they are not numbers.
        UnavailableError
            If packages or the device are missing.
        """
        import cv2

        canvas, scale = self._fit(picture)
        outputs = self._opening().result()(
            as_read(canvas[np.newaxis].astype(np.float32) / np.float32(255), self.manifest)
        )
        with np.errstate(over="ignore", invalid="ignore"):  # what is not a number is refused, or no face, below
            scores, boxes, points = _DECODERS[str(self.manifest.decoder)](outputs, self.manifest)
        faces = scores >= FAINT
        if not -ROUNDING <= scores.min() <= scores.max() <= 1 + ROUNDING or not all(
            np.isfinite(part[faces]).all() for part in (boxes, points)
        ):
            raise InputError(
                f"{self.name}: expected finite numbers and scores from 0 to 1, got scores from {scores.min():g} to "
                f"{scores.max():g}; the manifest's channels, scale or decoder may be others"
            )
        sure = faces & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        scores, boxes, points = scores[sure].clip(max=1), boxes[sure] / scale, points[sure] / scale
        rectangles = np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
        distinct = np.array(cv2.dnn.NMSBoxes(rectangles.tolist(), scores.tolist(), FAINT, OVERLAP), dtype=int).ravel()
        return tuple(
            Detection(
                Box(*rectangles[place].tolist()),
                Landmarks(*(Point(*point) for point in points[place].tolist())),
                float(scores[place]),
            )
            for place in distinct
        )

    def _fit(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
        """Return a picture on a black canvas of the network's size, shrunk if it is larger, and by what factor."""
        import cv2

        (height, width), (tall, wide) = picture.shape[:2], self.manifest.size
        scale = min(1.0, tall / height, wide / width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
        canvas = np.zeros((tall, wide, 3), np.uint8)
        canvas[: size[1], : size[0]] = small
        return canvas, scale

    def _opening(self) -> "Future[Outputs]":
        key = ("outputs", self.manifest.sha256, self._engine, chosen_device())
        return opening(key, lambda: open_outputs(self.content(), self._engine))

    def __repr__(self) -> str:
        return f"OnnxDetector({detector_in_words(self)}, {self.manifest.decoder}, {self._engine})"


def open_detector(name: str, *, engine: Engine = "openvino") -> Detector:
    """Return the detector of a name: "yunet", or one that ``faceloupe detector add`` put on this machine.

    Raises
    ------
    InputError
        If there is no such detector or engine.
    """
    if name == YuNet.name:
        return YuNet()
    manifest = installed_manifest(name)
    if manifest is None or manifest.kind != "detector":
        names = ", ".join((YuNet.name, *installed_names("detector")))
        raise InputError(
            f"There is no detector {name!r}; there are {names}. faceloupe detector add brings one from an ONNX file"
        )
    return OnnxDetector(network_file(manifest), manifest, engine=engine)


def open_detector_of(noted: str, place: str, *, engine: Engine = "openvino") -> Detector:
    """Return the detector that found the faces of a gallery.

    Parameters
    ----------
    noted : str
        The detector as the gallery notes it, see :attr:`Detection.detector`.
    place : str
        Name of the gallery in messages.
    engine : {"openvino", "onnxruntime"}

    Raises
    ------
    InputError
        If it is not on this machine, or reads its network otherwise.
    """
    if noted == YuNet.name:
        return YuNet()
    manifest = installed_manifest(noted.rpartition(" ")[0])
    if manifest is not None and manifest.kind == "detector":
        detector = OnnxDetector(network_file(manifest), manifest, engine=engine)
        if detector_in_words(detector) == noted:
            return detector
    raise InputError(
        f"the faces of {place} were found by {noted}, which is not on this machine: add it again (faceloupe detector "
        "add, with the same manifest), or give it in Python, as in open_gallery(..., detector=...)"
    )


Decoded = tuple[Floats, Floats, Floats]


def _scrfd(outputs: list[Floats], manifest: Manifest) -> Decoded:
    """Return scores (N,), corners (N, 4) and landmarks (N, 5, 2), in pixels of what the network takes."""
    groups = [_with_row_length(outputs, length) for length in (1, 4, 10)]
    if any(len(group) != len(STRIDES) for group in groups):
        raise _wrong_outputs(manifest, outputs, "scores (N, 1), boxes (N, 4) and landmarks (N, 10) at three strides")
    decoded = []
    for stride, scores, distances, offsets in zip(STRIDES, *groups, strict=True):
        places = _grid(manifest.size, stride)
        per_place, rest = divmod(len(scores), max(1, len(places)))
        if rest or not per_place or not len(scores) == len(distances) == len(offsets):
            raise _wrong_outputs(manifest, outputs, f"a whole number of anchors at each of {len(places)} places")
        centres = np.repeat(places * stride, per_place, axis=0)
        corners = np.concatenate([centres - distances[:, :2] * stride, centres + distances[:, 2:] * stride], axis=1)
        decoded.append((scores[:, 0], corners, centres[:, None] + offsets.reshape(-1, 5, 2) * stride))
    scores, corners, points = (np.concatenate(part) for part in zip(*decoded, strict=True))
    return scores, corners, points


def _retinaface(outputs: list[Floats], manifest: Manifest) -> Decoded:
    """Return scores (N,), corners (N, 4) and landmarks (N, 5, 2), in pixels of what the network takes."""
    groups = [_with_row_length(outputs, length) for length in (2, 4, 10)]
    anchors = _anchors(manifest.size)
    if [len(group) for group in groups] != [1, 1, 1] or any(len(group[0]) != len(anchors) for group in groups):
        raise _wrong_outputs(manifest, outputs, f"classes, boxes and landmarks of {len(anchors)} anchors")
    classes, places, offsets = (group[0] for group in groups)
    if not np.allclose(classes.sum(axis=1), 1, atol=1e-3):  # not yet probabilities
        exponentials = np.exp(classes - classes.max(axis=1, keepdims=True))
        classes = exponentials / exponentials.sum(axis=1, keepdims=True)
    centres, sides = anchors[:, :2], anchors[:, 2:]
    middles = centres + places[:, :2] * VARIANCES[0] * sides
    halves = sides * np.exp(places[:, 2:] * VARIANCES[1]) / 2
    points = centres[:, None] + offsets.reshape(-1, 5, 2) * VARIANCES[0] * sides[:, None]
    return classes[:, 1], np.concatenate([middles - halves, middles + halves], axis=1), points


_DECODERS = {"scrfd": _scrfd, "retinaface": _retinaface}


def _with_row_length(outputs: list[Floats], length: int) -> list[Floats]:
    """Return the outputs whose rows have a length, (N, length) without the batch's dimension, the most rows first."""
    tables = [output.reshape(-1, length) for output in outputs if output.ndim in (2, 3) and output.shape[-1] == length]
    return sorted(tables, key=len, reverse=True)


def _grid(size: tuple[int, int], stride: int) -> Floats:
    """Return the places of anchors row by row, (N, 2) of (x, y), in strides."""
    rows, columns = np.indices([-(-side // stride) for side in size])
    return np.column_stack([columns.ravel(), rows.ravel()]).astype(np.float32)


@cache
def _anchors(size: tuple[int, int]) -> Floats:
    """Return RetinaFace's anchors, (N, 4): middle (x, y), width and height, in pixels."""
    anchors = []
    for stride, sides in zip(STRIDES, PRIORS, strict=True):
        places = (_grid(size, stride) + 0.5) * stride
        lengths = np.tile(np.array(sides, dtype=np.float32), len(places))
        anchors.append(np.column_stack([np.repeat(places, 2, axis=0), lengths, lengths]))
    return np.concatenate(anchors).astype(np.float32)


def _wrong_outputs(manifest: Manifest, outputs: list[Floats], expected: str) -> InputError:
    shapes = ", ".join(str(output.shape) for output in outputs)
    return InputError(
        f"{manifest.name}: its outputs are not those of {manifest.decoder}: expected {expected}; got {shapes}"
    )
