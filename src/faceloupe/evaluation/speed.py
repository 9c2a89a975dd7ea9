"""The speed at which photographs become templates, by step."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from faceloupe.errors import ImageError
from faceloupe.evaluation.packed import PackedPhoto
from faceloupe.faces.images import read_samples
from faceloupe.recognition.align import align
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.detect import detect
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.quality import measure
from faceloupe.recognition.search import FaceSearch

SAMPLE = 24  # photographs that are timed stage by stage


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds on this machine, busy or not as it was.

    Attributes
    ----------
    photographs : int
        Photographs looked at in this run; those from the cache are not among them.
    seconds : float
        Seconds by the clock, all embedders together.
    stages : dict of stage to float
        Milliseconds a photograph, each stage by itself, one photograph after another, over `sample` of them.
    sample : int
    """

    photographs: int
    seconds: float
    stages: dict[str, float]
    sample: int

    @property
    def per_second(self) -> float | None:
        """Photographs a second; None where all were cached."""
        return self.photographs / self.seconds if self.photographs else None

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return {**asdict(self), "per_second": self.per_second}


def time_stages(
    paths: Sequence[Path | PackedPhoto], embedders: Mapping[str, Embedder], search: FaceSearch
) -> tuple[dict[str, float], int]:
    """Time each stage on some photographs; return milliseconds a photograph, and how many there were.

    Parameters
    ----------
    paths : sequence of Path or PackedPhoto
        From all files among which a sample is taken, evenly.
    embedders : mapping of label to Embedder
        Each embeds the faces of the sample at once.
    search : FaceSearch
        How faces are looked for.
    """
    seconds = dict.fromkeys(("read", "detect", "align", "quality"), 0.0)
    files = [path for path in paths if isinstance(path, Path)]
    sample = files[:: max(1, len(files) // SAMPLE)][:SAMPLE]
    chips = [chip for path in sample for chip in _chips(path, search, seconds)]
    if not chips:
        return {}, 0
    faces = np.stack([chip.image for chip in chips])
    for label, embedder in embedders.items():
        embedder.embed(faces[:1])  # opened and warm
        with _timed(seconds, f"embed by {label}"):
            embedder.embed(faces)
    return {stage: 1000 * duration / len(chips) for stage, duration in seconds.items()}, len(chips)


def _chips(path: Path, search: FaceSearch, seconds: dict[str, float]) -> Iterator[FaceChip]:
    """Yield the surest face of a photograph that can be read and shows one."""
    try:
        with _timed(seconds, "read"):
            image = read_samples(path, colour=True)
    except ImageError:
        return
    with _timed(seconds, "detect"):
        faces = detect(image, search)
    for face in faces[:1]:
        with _timed(seconds, "align"):
            chip = align(image, face)
        with _timed(seconds, "quality"):
            measure(chip)
        yield chip


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + perf_counter() - start
