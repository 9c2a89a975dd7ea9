"""The methods of attribution: a network, a face and a target in, a map out, raw."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import extra
from faceloupe.inspection.attribution.access import TorchNetwork, target_values
from faceloupe.inspection.attribution.placement import pixel_placement, window_placement
from faceloupe.inspection.attribution.targets import Target

if TYPE_CHECKING:
    from torch import Tensor

    from faceloupe.inspection.attribution.placement import Placement

WINDOWS = 8  # side by side on the face: an occluding window has an eighth of its side
MASKS = 1000  # of the correlation
SHOWN = 0.5  # of the face by a mask, on average
PATH_STEPS = 64  # of integrated gradients

Pair = tuple[int, int]
Map = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A question to a network: which number (`target`), of which face, against what (`baseline`), where (`layer`).

    `face` and `baseline` are (C, H, W); `layer` is None for a method that looks at the face itself; `seed` draws what a
    method draws.
    """

    face: NDArray[np.float32]
    baseline: NDArray[np.float32]
    target: Target
    layer: str | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Method:
    """A method of attribution.

    `compute(network, question)` returns the map (h, w) and what it should sum to, None where the method promises no
    sum. `unit` is that of the map's numbers, with {unit} (of the target), {window} and {layer} to fill in. `at_layer`
    methods look at a layer's output. `faces` counts the faces that the network runs on for one map of a face (H, W).
    """

    compute: Callable[[Any, Question], tuple[Map, float | None]]
    unit: str
    at_layer: bool = False
    faces: Callable[[Pair], int] = lambda _: 1


def window_of(shape: Pair) -> Pair:
    """Return height and width of the window that covers part of a face of this shape."""
    return max(1, round(shape[0] / WINDOWS)), max(1, round(shape[1] / WINDOWS))


def windows_on(shape: Pair) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return first rows and first columns of the windows: half a window apart, the last flush with the edge."""
    rows, columns = (
        np.append(np.arange(0, size - window, max(1, window // 2)), size - window)
        for size, window in zip(shape, window_of(shape), strict=True)
    )
    return rows, columns


def window_centres(shape: Pair) -> "Placement":
    """Return the placement of the occlusion map on a face of this shape."""
    return window_placement(*windows_on(shape), window_of(shape))


def _occlusion(network: Any, question: Question) -> tuple[Map, None]:
    """Zeiler & Fergus 2014 (arXiv:1311.2901)."""
    shape = question.face.shape[1:]
    height, width = window_of(shape)
    rows, columns = windows_on(shape)

    def covered(row: int, column: int) -> NDArray[np.float32]:
        face, window = question.face.copy(), np.s_[:, row : row + height, column : column + width]
        face[window] = question.baseline[window]
        return face

    faces = (covered(row, column) for row in rows for column in columns)
    left = target_values(network, question.target, faces)
    [value] = target_values(network, question.target, [question.face])
    return (value - left).reshape(len(rows), len(columns)), None


def _correlation(network: Any, question: Question) -> tuple[Map, None]:
    """Lu, Xu & Ebrahimi 2024 (CorrRISE, arXiv:2305.08546), with the masks of RISE (Petsiuk et al. 2018).

    They take Pearson's correlation, which says nothing of size; the slope of the same line is in the target's unit.
    Two maps of SFace by two seeds have a rank correlation of 0.61 with 250 masks, 0.75 with 500 (20 faces of LFW), 0.87
    with 1,000 and 0.90 with 2,000 (2 of them).
    """
    shape = question.face.shape[1:]
    centres, everywhere = window_centres(shape), pixel_placement(shape)
    visible_at_centres = []

    def faces() -> Iterator[NDArray[np.float32]]:
        for mask in _masks(shape, question.seed):
            visible_at_centres.append(mask(centres))
            yield question.baseline + mask(everywhere) * (question.face - question.baseline)

    values = target_values(network, question.target, faces())
    visible = np.stack(visible_at_centres)
    visible, values = visible - visible.mean(0), values - values.mean()
    return np.tensordot(values, visible, 1) / (visible**2).sum(0), None


def _masks(shape: Pair, seed: int) -> Iterator[Callable[["Placement"], NDArray[np.float32]]]:
    """Yield masks, each as a function that says how much of the face is seen at some places, from 0 to 1.

    A mask is a grid of random zeros and ones, a window apart and shifted at random, linear in between.
    """
    rng, window = np.random.default_rng(seed), np.array(window_of(shape))
    points = -(-np.array(shape) // window) + 2
    for _ in range(MASKS):
        grid = (rng.random(points) < SHOWN).astype(np.float32)
        yield partial(_visible, grid, rng.integers(window), window)


def _visible(
    grid: NDArray[np.float32], shift: NDArray[np.intp], window: NDArray[np.intp], places: "Placement"
) -> NDArray[np.float32]:
    """Return a grid whose points lie a window apart, the first at -shift, at other places: linear in between."""
    down, across = (
        np.maximum(0, 1 - np.abs((at[:, None] + start) / step - np.arange(count))).astype(np.float32)
        for at, start, step, count in zip((places.rows, places.columns), shift, window, grid.shape, strict=True)
    )
    visible: NDArray[np.float32] = down @ grid @ across.T
    return visible


def _gradient(network: TorchNetwork, question: Question) -> tuple[Map, None]:
    """Simonyan et al. 2013 (arXiv:1312.6034), with its sign."""
    from faceloupe.inspection.attribution.gradients import slopes

    face = network.tensor(question.face[None]).requires_grad_()
    [slope] = slopes(question.target.of(network(face)), [face])
    return _summed(slope), None


def _gradient_x_activation(network: TorchNetwork, question: Question) -> tuple[Map, float | None]:
    """HiResCAM: Draelos & Carin 2020 (arXiv:2011.08891)."""
    from faceloupe.inspection.attribution.gradients import at_layer

    face = network.tensor(question.face[None])
    activation, slope, value, constant = at_layer(network, face, question.target, question.layer or "")
    return _summed(slope * activation), value - constant if question.target.linear else None


def _grad_cam(network: TorchNetwork, question: Question) -> tuple[Map, None]:
    """Selvaraju et al. 2017 (arXiv:1610.02391), without its ReLU and without stretching."""
    from faceloupe.inspection.attribution.gradients import at_layer

    face = network.tensor(question.face[None])
    activation, slope, _, _ = at_layer(network, face, question.target, question.layer or "")
    return _summed(slope.mean((2, 3), keepdim=True) * activation), None


def _integrated_gradients(network: TorchNetwork, question: Question) -> tuple[Map, float]:
    """Sundararajan, Taly & Yan 2017 (arXiv:1703.01365), by Captum."""
    with extra("attribution"):
        from captum.attr import IntegratedGradients
    from faceloupe.inspection.attribution.gradients import slopes

    face, baseline = network.tensor(question.face[None]).requires_grad_(), network.tensor(question.baseline[None])
    slopes(question.target.of(network(face)), [face])  # refuses a network that gradients do not pass
    path = IntegratedGradients(lambda faces: question.target.of(network(faces)))
    shares = path.attribute(face, baseline, n_steps=PATH_STEPS, internal_batch_size=network.at_once)
    value, start = target_values(network, question.target, [question.face, question.baseline])
    return _summed(shares), float(value - start)


METHODS: dict[str, Method] = {
    "occlusion": Method(
        _occlusion,
        "{unit} lost when a window of {window} pixels is covered",
        faces=lambda shape: math.prod(map(len, windows_on(shape))) + 1,
    ),
    "correlation": Method(
        _correlation,
        "{unit} gained by seeing this place, over random masks",
        faces=lambda _: MASKS,
    ),
    "gradient": Method(_gradient, "{unit} gained per unit of pixel value"),
    "gradient-x-activation": Method(
        _gradient_x_activation, "{unit} that this cell of {layer} passes on", at_layer=True
    ),
    "grad-cam": Method(
        _grad_cam, "{unit}: mean gradient of each channel of {layer} times its activation", at_layer=True
    ),
    "integrated-gradients": Method(
        _integrated_gradients,
        "{unit} gained on the way from the baseline to the face",
        faces=lambda _: PATH_STEPS,
    ),
}


def _summed(values: "Tensor") -> Map:
    """Return (1, C, h, w) summed over the channels: (h, w)."""
    summed: Map = values[0].detach().double().sum(0).cpu().numpy()
    return summed
