"""Maps of the parts of a face that an answer rests on, with a certificate that says how far to believe each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.arrays import encode_array
from faceloupe.errors import InputError
from faceloupe.inspection.attribution.access import Access, RunNetwork, access, settled
from faceloupe.inspection.attribution.certificate import Certificate, faces_to_check, make_certificate
from faceloupe.inspection.attribution.method_names import RUN_ONLY
from faceloupe.inspection.attribution.methods import METHODS, Method, Question, window_centres, window_of
from faceloupe.inspection.attribution.placement import Placement, layer_placements, pixel_placement
from faceloupe.inspection.attribution.targets import (
    THRESHOLDS,
    Target,
    TargetLike,
    Unit,
    choose_target,
    unit_of_numbers,
)
from faceloupe.inspection.captures import real_numbers
from faceloupe.pages import Shown
from faceloupe.progress import Progress

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attribution(Shown):
    """A map of what an answer rests on, raw: nothing is cut off and nothing stretched.

    Attributes
    ----------
    map : array of float32, shape (h, w), read-only
        One number a window (occlusion, correlation), a pixel, or a position of the layer's output.
    unit : str
        Unit of the map's values: "logit lost when a window of 8×8 pixels is covered".
    method, target, baseline : str
        The method, the number that is explained, and the stand-in for "nothing there".
    value : float
        The target's value on the face.
    layer : str or None
    placement : Placement
        Centres of the map's rows and columns in pixels of the face.
    face_shape : (int, int)
    certificate : Certificate or None
        None if none was asked for.
    """

    map: NDArray[np.float32]
    unit: str
    method: str
    target: str
    value: float
    layer: str | None
    baseline: str
    placement: Placement
    face_shape: tuple[int, int]
    certificate: Certificate | None

    @property
    def verdict(self) -> Literal["passed", "failed", "not checked"]:
        """The certificate's verdict in a word."""
        if self.certificate is None:
            return "not checked"
        return "passed" if self.certificate.passed else "failed"

    @property
    def warning(self) -> str | None:
        """A warning to read before the map, where it fails its checks or is empty; else None."""
        if self.certificate is None or self.certificate.passed:
            return None
        return f"this map is not to be relied on: {'; '.join(self.certificate.failures)}"

    def on_face(self) -> NDArray[np.float32]:
        """Return the map in pixels of the face, (H, W), for drawing over it: the same values, linear in between."""
        return self.placement.spread(self.map, self.face_shape).astype(np.float32)

    def to_document(self) -> dict[str, Any]:
        """Return everything as a plain dictionary that JSON can hold."""
        return {
            "schema": "faceloupe.attribution/1",
            "method": self.method,
            "target": self.target,
            "value": self.value,
            "unit": self.unit,
            "layer": self.layer,
            "baseline": self.baseline,
            "map": encode_array(self.map),
            "rows": self.placement.rows.tolist(),
            "columns": self.placement.columns.tolist(),
            "face_shape": list(self.face_shape),
            "certificate": self.certificate.to_document() if self.certificate else None,
            "warning": self.warning,
        }

    def __repr__(self) -> str:
        state = f"certificate {self.verdict}" if self.certificate else "no certificate"
        return (
            f"Attribution({self.method} of {self.target} = {self.value:.4g}: {self.map.shape[0]}×{self.map.shape[1]} "
            f"map from {self.map.min():.3g} to {self.map.max():.3g}, {self.unit}; {state})"
        )


def attribute(
    network: "nn.Module | Any",
    face: ArrayLike,
    target: TargetLike = None,
    method: str = "occlusion",
    *,
    layer: str | None = None,
    baseline: ArrayLike | None = None,
    unit: Unit | None = None,
    certify: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Attribution:
    """Draw which parts of a face a network's answer rests on, and check the drawing.

    The network runs in evaluation mode; modes, hooks, parameters, their gradients and the random state are as before
    afterwards, whatever happens.

    Parameters
    ----------
    network : torch.nn.Module or object with ``run(faces)``
        Takes float32 faces (N, C, H, W) and answers (N, K). What can only be run, such as an ONNX network, is explained
        by occlusion or correlation; if it has ``randomised(seed)``, its weights can be re-drawn for the certificate.
    face : array, shape (C, H, W) or (H, W)
        Prepared as the network was trained: no preprocessing is applied.
    target : None, int, (int, int) or array of shape (K,)
        What to explain. None: the network's own answer, the largest logit, or with a single logit that of class 1 where
        it is positive and minus the logit, evidence for class 0, where it is not. An int: the logit of that class. A
        pair (a, b): logit of a minus logit of b. An array: the cosine with this template, the target for networks that
        embed faces. A network that ends in a sigmoid or softmax answers with probabilities, and those are explained.
    method : str
        "occlusion"
            What the target loses when a window, an eighth of the face's side, is covered by the baseline.
            Zeiler & Fergus 2014 (arXiv:1311.2901).
        "correlation"
            What the target gains by seeing a place, over 1000 random masks: the slope of the target against how much of
            the place is seen. A mask shows half of the face, in patches as large as those windows; the baseline covers
            the rest. CorrRISE, Lu, Xu & Ebrahimi 2024 (arXiv:2305.08546), in the target's unit, with the masks of RISE
            (Petsiuk et al. 2018, arXiv:1806.07421).
        "gradient"
            How the target changes with a pixel's value, all channels together. Simonyan et al. 2013 (arXiv:1312.6034).
        "gradient-x-activation"
            What each position of a layer passes on, summed over channels: exact where everything after the layer is
            piecewise affine, and then it sums to the target minus the biases' part. HiResCAM, Draelos & Carin 2020
            (arXiv:2011.08891).
        "grad-cam"
            The same with each channel's gradient averaged over its positions; it promises no sum. Raw: negative values
            stay. Selvaraju et al. 2017 (arXiv:1610.02391).
        "integrated-gradients"
            The gradient averaged on the way from the baseline to the face, times the way: sums to the target's change.
            Sundararajan, Taly & Yan 2017 (arXiv:1703.01365), by Captum.
    layer : str, optional
        The layer, for the two methods that look at one: its name as in :func:`~faceloupe.inspection.trace.trace`. By
        default the last one that puts out a map larger than 1×1 on which the answer depends.
    baseline : float or array of the face's shape, optional
        The stand-in for "nothing there" in occlusion, correlation, integrated gradients and the deletion check; each
        channel's mean over the face if not given.
    unit : {"logit", "probability", "log-probability"}, optional
        Unit of the network's numbers, where more is known than this face tells. If not given, the network's last
        function says it, or that its numbers sum to 1.
    certify : bool
        Whether to check the map: it takes about as long as 10 more maps and 21 deletions of 17 faces. How many maps of
        each method passed where it was measured: docs/concepts/attribution.md.
    seed : int
        Draws the masks of the correlation, and the certificate's weights and orders.
    progress : callable, optional
        Called with (worked, total), in faces that the network ran on, after each map and each deletion.

    Raises
    ------
    InputError
        If an argument is not as described; the message lists what there is.
    UnavailableError
        If integrated gradients are asked for and Captum is not installed.
    """
    network_access, chosen = access(network), _chosen_method(method, layer)
    pixels = _checked_face(face)
    filled, filling = _checked_baseline(baseline, pixels)
    if unit not in (None, *THRESHOLDS):
        raise InputError(f"unit: expected one of {', '.join(THRESHOLDS)}; got {unit!r}")
    if method not in RUN_ONLY and isinstance(network_access, RunNetwork):
        able = ", ".join(RUN_ONLY)
        raise InputError(f"{method} needs gradients, and this network can only be run; what works: {able}")
    first = chosen.faces(pixels.shape[1:])
    total, worked = first + certify * faces_to_check(network_access, first), 0

    def tick(faces: int) -> None:
        nonlocal worked
        worked += faces
        if progress:
            progress(worked, total)

    with network_access.left_as_found():
        network_access = settled(network_access, pixels, filled)
        layer, placement = _placed(network_access, method, layer, pixels)
        aim, value = _aim(network_access, target, pixels, unit)
        question = Question(pixels, filled, aim, layer, seed)
        values, expected = chosen.compute(network_access, question)
        tick(first)
        certificate = None
        if certify:
            certificate = make_certificate(network_access, question, chosen, values, expected, placement, seed, tick)
    if progress:
        progress(total, total)
    window = "×".join(map(str, window_of(pixels.shape[1:])))
    raw = values.astype(np.float32)
    raw.flags.writeable = False
    return Attribution(
        map=raw,
        unit=chosen.unit.format(unit=aim.unit, window=window, layer=layer),
        method=method,
        target=aim.text,
        value=value,
        layer=layer,
        baseline=filling,
        placement=placement,
        face_shape=pixels.shape[1:],
        certificate=certificate,
    )


def _chosen_method(name: str, layer: str | None) -> Method:
    if name not in METHODS:
        raise InputError(f"method: expected one of {', '.join(METHODS)}; got {name!r}")
    if layer is not None and not METHODS[name].at_layer:
        able = " and ".join(other for other, method in METHODS.items() if method.at_layer)
        raise InputError(f"{name} looks at the face itself; layer={layer!r} is for {able}")
    return METHODS[name]


def _checked_face(face: ArrayLike) -> NDArray[np.float32]:
    """Return a face as (C, H, W)."""
    pixels = real_numbers(face, "face").copy()
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise InputError(f"face: expected finite numbers of shape (C, H, W) or (H, W), got {pixels.shape}")
    return pixels if pixels.ndim == 3 else pixels[None]


def _checked_baseline(baseline: ArrayLike | None, face: NDArray[np.float32]) -> tuple[NDArray[np.float32], str]:
    """Return a baseline in the face's shape, and its name."""
    if baseline is None:
        means = face.mean((1, 2), keepdims=True)
        return np.broadcast_to(means, face.shape), f"the face's mean, {', '.join(f'{mean:.3g}' for mean in means.flat)}"
    picture = real_numbers(baseline, "baseline")
    if picture.shape not in ((), face.shape, face.shape[1:]):
        raise InputError(f"baseline: expected a finite number or an array of shape {face.shape}, got {picture.shape}")
    return np.broadcast_to(picture, face.shape), "the given picture" if picture.shape else f"{picture:.3g} everywhere"


def _placed(network: Any, method: str, layer: str | None, face: NDArray[np.float32]) -> tuple[str | None, Placement]:
    """Return the layer that is looked at, None for the face itself, and where the map will lie on the face."""
    shape = face.shape[1:]
    if not METHODS[method].at_layer:
        return None, window_centres(shape) if method in RUN_ONLY else pixel_placement(shape)
    layers = layer_placements(network.module, face)
    if not layers:
        raise InputError("no layer of this network puts out a map; gradient and integrated-gradients look at the face")
    if layer is None:
        from faceloupe.inspection.attribution.gradients import last_layer

        layer = last_layer(network, network.tensor(face[None]), layers)
    if layer not in layers:
        raise InputError(f"layer: expected one that puts out maps, {', '.join(layers)}; got {layer!r}")
    return layer, layers[layer]


def _aim(network: Access, target: TargetLike, face: NDArray[np.float32], unit: Unit | None) -> tuple[Target, float]:
    """Return the number that is explained and its value on the face."""
    outputs = network.outputs(face[None])
    aim = choose_target(target, outputs[0], unit or _unit(network, face, outputs))
    [value] = aim.of(outputs)
    if not np.isfinite(value):
        raise InputError(f"the {aim.text} is {value} for this face; the network may have diverged")
    return aim, float(value)


def _unit(network: Access, face: NDArray[np.float32], outputs: NDArray[np.float64]) -> Unit:
    """Return the unit of a network's outputs for a face, (1, K)."""
    ending = network.unit(face)
    unit = unit_of_numbers(outputs, ending)
    if unit == ending:
        return unit
    # The numbers of one face may sum to 1 by chance, those of a darker one will not as well.
    return unit_of_numbers(np.concatenate([outputs, network.outputs(0.5 * face[None])]), ending)
