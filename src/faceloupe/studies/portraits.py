"""The tutorial's pictures: two faces, the learned filters, feature maps and weight images of one real fit."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.arrays import encode_array
from faceloupe.blocks import pictures
from faceloupe.faces import FaceSet
from faceloupe.inspection import trace
from faceloupe.numerals import three_figures
from faceloupe.studies.charts import KINDS
from faceloupe.studies.fits import FitGroup, fit_group
from faceloupe.studies.plan import StudyPlan

__all__ = ["Portraits"]

Array = NDArray[np.float32]


class Portraits:
    """Both networks of the tutorial's pair, seed 0, fitted again exactly as in the trials.

    Parameters
    ----------
    plan : StudyPlan
    faces : FaceSet
    """

    def __init__(self, plan: StudyPlan, faces: FaceSet) -> None:
        self.plan = plan
        self.pair = faces.select(plan.people)

    @cached_property
    def _groups(self) -> dict[str, FitGroup]:
        return {
            name: fit_group(
                self.plan,
                self.pair.images,
                self.pair.subject,
                self.plan.people,
                name,
                seeds=range(self.plan.seeds),
                captures=None,
            )
            for name in ("fcnn", "cnn")
        }

    def _place(self, kind: str) -> int:
        """Return which fit of a group is the first seed's with a preprocessing."""
        return self.plan.preprocess.index(kind) * self.plan.seeds

    def _weights(self, network: str, kind: str) -> dict[str, Array]:
        place = self._place(kind)
        return {name: stacked[place].numpy() for name, stacked in self._groups[network].fits.weights.items()}

    def networks(self) -> dict[str, Any]:
        """Return the weights of the fits that are shown, so that a page can compute with them."""
        return {
            f"{network}/{kind}": {
                "preprocessing": {"mean": preprocessing.mean, "scale": preprocessing.scale},
                "weights": {name: encode_array(value) for name, value in self._weights(network, kind).items()},
            }
            for network, group in self._groups.items()
            for kind in self.plan.preprocess
            for preprocessing in [group.preprocessing[self._place(kind)]]
        }

    def people(self) -> dict[str, Any]:
        """Return the first capture of each of the two people."""
        panels = {}
        for label, who in enumerate(self.plan.people):
            face = self.pair.images[np.flatnonzero(self.pair.subject == label)[0]]
            panels[f"subject {who + 1}"] = (
                face,
                f"Photograph of a face, subject {who + 1}, {face.shape[0]}x{face.shape[1]} pixels",
            )
        return pictures(
            "people",
            "The two people",
            f"The first capture of each, {self.pair.images.shape[1]}x{self.pair.images.shape[2]} pixels.",
            panels,
            scale={"kind": "photograph"},
            columns=2,
        )

    def filters(self, kind: str) -> dict[str, Any]:
        """Return the learned kernels of the convolution."""
        kernels = self._weights("cnn", kind)["conv.weight"][:, 0]
        return self._panel(
            f"filters-{kind}", f"The CNN’s learned filters, {KINDS[kind]}", "filter", kernels, "weight",
            f"{len(kernels)} kernels of {kernels.shape[1]}x{kernels.shape[2]} weights on one scale.",
        )  # fmt: skip

    def feature_maps(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield what the convolution and the pooling put out for the first person's first capture."""
        group = self._groups["cnn"]
        network = group.shape
        network.load_state_dict({name: stacked[self._place(kind)] for name, stacked in group.fits.weights.items()})
        face = group.preprocessing[self._place(kind)].apply(self.pair.images[:1])[:, None]
        outputs = trace(network, face)
        dead = int((outputs["pool"][0].max(axis=(1, 2)) == 0).sum())
        yield self._panel(
            f"conv-{kind}", f"The convolution’s output, {KINDS[kind]}", "filter", outputs["conv"][0], "activation",
            f"{_size(outputs['conv'])} before the ReLU, which sets to 0 what is below 0 (dark).",
        )  # fmt: skip
        yield self._panel(
            f"pool-{kind}", f"The pooling’s output, {KINDS[kind]}", "filter", outputs["pool"][0], "activation",
            f"{_size(outputs['pool'])} after ReLU and pooling. For this face {_count(dead)} silent everywhere.",
        )  # fmt: skip

    def fcnn_weights(self, kind: str) -> dict[str, Any]:
        """Return the FCNN's hidden units as images of their weights."""
        height, width = self.pair.images.shape[1:3]
        weights = self._weights("fcnn", kind)["hidden.weight"].reshape(-1, height, width)
        return self._panel(
            f"fcnn-weights-{kind}", f"The FCNN’s hidden units, {KINDS[kind]}", "unit", weights, "weight",
            f"{len(weights)} hidden units of {height}x{width} weights on one scale: one weight for every pixel.",
        )  # fmt: skip

    def _panel(self, name: str, title: str, what: str, arrays: Array, unit: str, caption: str) -> dict[str, Any]:
        limit = float(np.abs(arrays).max()) or 1.0
        panels = {
            f"{what} {index}": (
                array,
                f"{what} {index}: {unit} from {array.min():.3g} to {array.max():.3g}, mean {array.mean():.3g}",
            )
            for index, array in enumerate(arrays, start=1)
        }
        return pictures(
            name,
            title,
            f"{caption} Grey is 0; black is −{three_figures(limit)}, white +{three_figures(limit)}.",
            panels,
            scale={"kind": "grey", "limit": limit, "unit": unit},
            columns=4,
        )


def _size(output: Array) -> str:
    _, channels, height, width = output.shape
    return f"{channels} maps of {height}x{width}"


def _count(dead: int) -> str:
    return "1 filter is" if dead == 1 else f"{dead or 'no'} filters are"
