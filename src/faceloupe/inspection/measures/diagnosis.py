"""Diagnosis of dead units: what their inputs are made of, and the likely cause in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.arrays import plain_fields
from faceloupe.errors import InputError
from faceloupe.inspection.anatomy import anatomy
from faceloupe.inspection.captures import batch_of
from faceloupe.inspection.layers import IMAGE, Anatomy, Layer
from faceloupe.inspection.measures.diagnosis_sentences import sentences
from faceloupe.inspection.measures.units import dead_units, duplicate_units
from faceloupe.inspection.measures.weights import weights_of
from faceloupe.inspection.networks import Network, OpenNetwork, resolve_network
from faceloupe.inspection.trace import trace
from faceloupe.pages import Shown

_PASSING = {"Dropout", "Dropout2d", "Flatten", "Identity"}
# Layers whose units lie along the last axis, those that leave the axes as they are, and those that move them.
_DENSE = {"Gemm", "Linear", "MatMul", "NonDynamicallyQuantizableLinear", "linear", "matmul"}
_LAYER_NORMS = {"LayerNorm", "LayerNormalization", "RMSNorm", "RMSNormalization", "layer_norm", "rms_norm"}
_SAME_AXES = {"Add", "Cast", "Dropout", "Identity"} | _LAYER_NORMS
_MOVING = {"Reshape", "Transpose"}

Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Push:
    """The input of a dead unit taken apart: bias + (sum of weights) x (mean input) + what varies.

    Attributes
    ----------
    bias, weight_sum, mean_input : float
        `mean_input` is one number over faces and positions.
    of_pixels : bool
        Whether the unit reads the faces themselves, so that `mean_input` is the mean pixel.
    left, spread : float
        Mean and standard deviation, over faces and positions, of the unit's input once the mean is subtracted.
    alive_without_mean, alive_without_bias : int
        Faces for which the unit would put out something with the same weights and the mean subtracted, or a bias of 0.
    """

    bias: float
    weight_sum: float
    mean_input: float
    of_pixels: bool
    left: float
    spread: float
    alive_without_mean: int
    alive_without_bias: int


@dataclass(frozen=True, slots=True)
class DeadUnit:
    """A unit that puts out 0 for every face, and what is known about the reason.

    Attributes
    ----------
    unit : int
        Its index in the layer, from 0.
    highest : float or None
        The largest input of its ReLU, 0 or less. None where that input is the output of no layer.
    push : Push or None
        None where the ReLU reads from something else than a convolution padded with zeros or a dense layer.
    silent_since : int or None
        The epoch from which on it was silent; 0: before training. One past the last epoch: it was heard in the last.
        None without a history.
    """

    unit: int
    highest: float | None
    push: Push | None
    silent_since: int | None


@dataclass(frozen=True, slots=True, repr=False)
class UnitReport(Shown):
    """The dead and the duplicate units of one ReLU layer; ``print`` says why.

    Attributes
    ----------
    layer : str
    units : int
        Number of units (channels).
    n : int
        Faces.
    values : int
        Numbers a unit put out over all faces, looked at: faces times positions that the next layer sees.
    dead : tuple of DeadUnit
    duplicates : tuple of tuple of int
        Groups of units whose outputs are correlated above 0.999 over those values: the same up to scale and offset.
    epochs : int or None
        Epochs of the history; None without one.
    """

    layer: str
    units: int
    n: int
    values: int
    dead: tuple[DeadUnit, ...]
    duplicates: tuple[tuple[int, ...], ...]
    epochs: int | None

    @property
    def words(self) -> tuple[str, ...]:
        """The findings in sentences: the count, each dead unit with its likely cause, each group of duplicates."""
        return sentences(self)

    def __repr__(self) -> str:
        dead = [unit.unit for unit in self.dead]
        return (
            f"UnitReport({self.layer}: {self.units} units, dead {dead}, duplicates {list(map(list, self.duplicates))})"
        )

    def __str__(self) -> str:
        return "\n".join(self.words)

    def to_document(self) -> dict[str, Any]:
        """Return numbers and words as a plain dictionary."""
        return {**plain_fields(self), "schema": "faceloupe.units/1", "words": list(self.words)}


def diagnose_units(
    network: Network, faces: ArrayLike, history: Mapping[str, ArrayLike] | None = None
) -> tuple[UnitReport, ...]:
    """Find the dead and the duplicate units of every ReLU layer, with the likely cause made from measured facts.

    A unit counts as dead when it puts out 0 wherever something after it looks: what it does in a last row that no
    pooling window reaches changes nothing. Dying units: Lu et al. 2019 (arXiv:1903.06733).

    Parameters
    ----------
    network : torch.nn.Module, OnnxNetwork or path of an .onnx file
        Its ReLUs are looked at, those with a ceiling (ReLU6, Clip from 0) and those called as functions too.
    faces : array, shape (N, C, H, W)
        Prepared as the network was trained.
    history : mapping of layer name to array of bool, shape (epochs + 1, units), optional
        Whether each unit was silent for every training capture, before training (index 0) and through each epoch, as
        one fit's part of the training's ``silent``.

    Returns
    -------
    tuple of UnitReport
        In the order of running.

    Raises
    ------
    InputError
        If the network cannot run on the faces, or a history does not fit its layer.
    """
    network = resolve_network(network)
    faces = batch_of(faces, "faces")
    outputs = {IMAGE: faces, **trace(network, faces)}
    network_anatomy = anatomy(network, faces.shape[1:])
    return tuple(
        _report(network, relu, network_anatomy, outputs, (history or {}).get(relu.name))
        for relu in network_anatomy.layers
        # It rectified one image, which a network that chooses its layers by the image need not do with another.
        if relu.rectifies and relu.name in outputs and not (outputs[relu.name] < 0).any()
    )


def _report(
    network: OpenNetwork, relu: Layer, network_anatomy: Anatomy, outputs: Mapping[str, Maps], history: ArrayLike | None
) -> UnitReport:
    read = _units_second if _has_units_last(relu, network_anatomy, outputs[relu.name].shape[-1]) else _read
    maps = read(outputs[relu.name], relu)
    silent = None if history is None else _checked_history(relu.name, history, maps.shape[1])
    dead = np.flatnonzero(dead_units(maps)).tolist()
    highest: dict[int, float] = {}
    pushes: dict[int, Push] = {}
    inputs = read(outputs[relu.source], relu) if relu.source else None
    if inputs is not None and _is_relu_of(inputs, maps, dead):  # a layer of several functions reads something else
        highest = {unit: float(inputs[:, unit].max()) for unit in dead}
        pushes = _pushes(network, relu, network_anatomy, outputs, inputs, dead)
    since: dict[int, int] = {}
    if silent is not None:  # the silent epochs at the end
        since = {unit: len(silent) - int(np.argmin([*silent[::-1, unit], False])) for unit in dead}
    return UnitReport(
        layer=relu.name,
        units=maps.shape[1],
        n=len(maps),
        values=maps[:, 0].size,
        dead=tuple(DeadUnit(unit, highest.get(unit), pushes.get(unit), since.get(unit)) for unit in dead),
        duplicates=duplicate_units(maps),
        epochs=None if silent is None else len(silent) - 1,
    )


def _is_relu_of(inputs: Maps, maps: Maps, dead: list[int]) -> bool:
    if inputs.shape != maps.shape or any((inputs[:, unit] > 0).any() for unit in dead):
        return False
    ceiling = maps.max()  # 0 where all are dead
    faces = zip(maps, inputs, strict=True)  # one by one: of all at once the copies would be large
    return all(np.allclose(each, np.clip(given, 0, ceiling), equal_nan=True) for each, given in faces)


def _read(maps: NDArray[Any], relu: Layer) -> NDArray[Any]:
    """Return the part of a ReLU's maps, or of what it reads, that something after it looks at."""
    if maps.ndim != 4:
        return maps
    rows, columns = (size - unread for size, unread in zip(maps.shape[2:], relu.unread, strict=True))
    return maps[:, :, :rows, :columns]


def _units_second(maps: NDArray[Any], _relu: Layer) -> NDArray[Any]:
    """Return outputs (N, ..., units), such as those of tokens, with the units as the second axis."""
    return np.moveaxis(maps, -1, 1)


def _has_units_last(relu: Layer, network_anatomy: Anatomy, size: int) -> bool:
    """Return whether the units of a ReLU's output lie along its last axis, which has this size.

    They do where a dense layer made what it reads, and where a layer norm of this axis alone reads what was moved.
    """
    source, is_normed = relu.source, False
    while source not in (None, IMAGE):
        layer = network_anatomy[source]
        if layer.kind not in _SAME_AXES:
            return layer.kind in _DENSE or (is_normed and layer.kind in _MOVING)
        # One over maps has a weight, and mostly a bias, for each number of all its axes.
        is_normed |= layer.kind in _LAYER_NORMS and layer.parameters <= 2 * size
        source = layer.source
    return is_normed and source is None


def _pushes(
    network: OpenNetwork,
    relu: Layer,
    network_anatomy: Anatomy,
    outputs: Mapping[str, Maps],
    inputs: Maps,
    units: list[int],
) -> dict[int, Push]:
    """Take the inputs of dead units apart, where they come from a convolution or a dense layer."""
    weights = weights_of(network, network_anatomy, relu.source) if units else None
    if weights is None or weights.layer.source is None:
        return {}
    mean = float(outputs[weights.layer.source].mean(dtype=np.float64))
    of_ones = _read(weights.of_ones[None], relu)[0]
    pushes = {}
    for unit in units:
        of_unit = inputs[:, unit].astype(np.float64)
        # Sums of products are linear: without the mean, a unit loses the mean times what it makes of ones.
        left = of_unit - mean * of_ones[unit]
        pushes[unit] = Push(
            bias=float(weights.bias[unit]),
            weight_sum=float(weights.sums[unit]),
            mean_input=mean,
            of_pixels=_reads_pixels(weights.layer, network_anatomy),
            left=float(left.mean()),
            spread=float(left.std()),
            alive_without_mean=_faces_above_0(left),
            alive_without_bias=_faces_above_0(of_unit - weights.bias[unit]),
        )
    return pushes


def _reads_pixels(layer: Layer, network_anatomy: Anatomy) -> bool:
    source = layer.source
    while source not in (None, IMAGE) and network_anatomy[source].kind in _PASSING:
        source = network_anatomy[source].source
    return source == IMAGE


def _faces_above_0(inputs: NDArray[np.float64]) -> int:
    return int((inputs.reshape(len(inputs), -1) > 0).any(axis=1).sum())


def _checked_history(name: str, history: ArrayLike, units: int) -> NDArray[np.bool_]:
    silent = np.asarray(history)
    if silent.ndim != 2 or silent.shape[1] != units or silent.dtype != bool or not len(silent):
        raise InputError(
            f"history: expected booleans (epochs + 1, {units}) for {name}, got {silent.dtype} {silent.shape}; "
            "of many fits, give one fit's part"
        )
    return silent
