"""Evaluation of recognisers by the field's protocols: labelled photographs in, error rates that can be defended out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.embedders import embedder_names, open_embedder
from faceloupe.errors import InputError
from faceloupe.evaluation.audit import audit_pairs, usable_captures
from faceloupe.evaluation.baselines import FITTED
from faceloupe.evaluation.bench import Bench, EvaluationPlan
from faceloupe.evaluation.datasets import Data, LabelledPhotographs, open_data, with_groups
from faceloupe.evaluation.embedding import Captures, Pixels, embed_captures
from faceloupe.evaluation.failures import Failure
from faceloupe.evaluation.paired import PairedComparison
from faceloupe.evaluation.pooling import pool
from faceloupe.evaluation.provenance import Provenance, provenance_of
from faceloupe.evaluation.results import RecogniserResult
from faceloupe.evaluation.robustness import Robustness
from faceloupe.evaluation.speed import Speed, time_stages
from faceloupe.evaluation.split import Parts, split
from faceloupe.evaluation.summary import lead
from faceloupe.pages import Shown
from faceloupe.progress import Progress
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.engines import Engine
from faceloupe.recognition.quality import Quality
from faceloupe.recognition.search import Faces, FaceSearch
from faceloupe.recognition.weights import YUNET
from faceloupe.recognition.yunet import detector_in_words
from faceloupe.scores.points import OperatingPoint, rule_of_3
from faceloupe.scores.sets import ScoreSet

Named = Sequence["str | Embedder"]

QUALITY: dict[str, Callable[[Quality], float]] = {
    "eye distance in pixels": lambda face: face.eye_distance,
    "yaw in degrees": lambda face: face.pose.yaw,
    "detection score": lambda face: face.detection_score,
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation(Shown):
    """The result of an evaluation; a notebook shows it as a page.

    Attributes
    ----------
    data : LabelledPhotographs
    parts : Parts
        The side that chose, and the side that was measured.
    search : FaceSearch
        Faces of a photograph that were meant.
    plan : EvaluationPlan
    recognisers : tuple of RecogniserResult
        One an embedder, in the order asked for.
    paired : tuple of PairedComparison
        Each embedder but the first beside it, on the same comparisons.
    robustness : Robustness or None
        Error rates on spoilt photographs of the first embedder with a threshold, if asked for.
    failures : tuple of Failure
        Counted as errors in every rate but those of operating points.
    speed : Speed
    notes : tuple of str
        Further remarks on the data.
    scores : dict of label to ScoreSet
        As many test comparisons as there are, of each embedder; those that could not be made are counted only.
    quality : dict of str to (float, float, float)
        Measures of the faces found: their 5th, 50th and 95th percentile.
    provenance : Provenance
        Time, command, versions and data of the evaluation.
    """

    data: LabelledPhotographs
    parts: Parts
    search: FaceSearch
    plan: EvaluationPlan
    recognisers: tuple[RecogniserResult, ...]
    paired: tuple[PairedComparison, ...]
    robustness: Robustness | None
    failures: tuple[Failure, ...]
    speed: Speed
    notes: tuple[str, ...]
    scores: dict[str, ScoreSet]
    quality: dict[str, tuple[float, float, float]]
    provenance: Provenance

    def __repr__(self) -> str:
        failed = f", {len(self.failures):,} failures to acquire" if self.failures else ""
        return f"Evaluation({self.data.source}, {self.data.counted()}{failed}: {list(self.recognisers)!r})"

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary, schema ``faceloupe.evaluation/2``.

        ``lead`` says the most important of them in sentences; :func:`faceloupe.page` makes the page.
        """
        return {
            "schema": "faceloupe.evaluation/2",
            "lead": list(lead(self)),
            "source": self.data.source,
            "photographs": len(self.data.paths),
            "subjects": len(self.data.names),
            "recognisers": [recogniser.to_document() for recogniser in self.recognisers],
            "paired": [pair.to_document() for pair in self.paired],
            "robustness": self.robustness and self.robustness.to_document(),
            "failures": [{"photograph": failure.photograph, "reason": failure.reason} for failure in self.failures],
            "speed": self.speed.to_document(),
            "notes": list(self.notes),
            "quality": {name: list(values) for name, values in self.quality.items()},
            "provenance": self.provenance.to_document(),
        }


def evaluate(
    data: Data,
    embedders: Named = ("sface",),
    *,
    faces: Faces | None = None,
    detector: Detector | None = None,
    groups: str | PathLike[str] | None = None,
    development: float = 0.5,
    fmr: float = 1e-3,
    points: Sequence[OperatingPoint] = (),
    draws: int = 10,
    seed: int = 0,
    engine: Engine = "openvino",
    cached: bool = True,
    robustness: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate recognisers on labelled photographs.

    Faces are found and aligned once; all embedders see the same chips. With pairs that say "train" and "test" (LFW View
    1), or with a folder of subjects, of whom a share is for development, thresholds are chosen and embedders fitted on
    the one side and everything is measured on the other. With folds, each is measured at the threshold that the others
    choose.

    Parameters
    ----------
    data : "lfw", "lfw-view1", "lfw-view2", "orl", path or LabelledPhotographs
        See :func:`open_data`.
    embedders : sequence of str or Embedder
        Names as :func:`faceloupe.embedders.open_embedder` takes them; "pca", "cnn" or "deep", fitted on the development
        side (see :mod:`faceloupe.evaluation.baselines`); or embedders.
    faces : {"one", "central"} or FaceSearch, optional
        Which face is meant. Otherwise the one nearest the centre with LFW, whose photographs show others too; with all
        else the only one, and several are a failure to acquire.
    detector : Detector, optional
        Detector that finds the faces, instead of the search's.
    groups : path, optional
        A CSV file with the columns ``name`` and ``group`` for the subjects of a folder. Otherwise ``groups.csv`` in the
        folder or beside it, if it is there.
    development : float
        Share of a folder's subjects for development, from 0 (none: all are measured) to below 1.
    fmr : float
        FMR for which a threshold is chosen on the development side; where the people there are too few for it, the
        strictest of 1 in 100,000, 10,000, 1,000, 500, 200, 100, 50, 20 and 10 that they support.
    points : sequence of OperatingPoint
        To check on the test side, besides those published with the package.
    draws : int
        Galleries drawn for identification, at least 1.
    seed : int
        Seed of the subjects' split, the galleries, the bootstrap and the fits.
    engine : {"openvino", "onnxruntime"}
        Engine that runs SFace.
    cached : bool
        Keep templates in the user's cache, see :mod:`faceloupe.evaluation.cache`. They are personal data.
    robustness : int
        Photographs to spoil by blur, few pixels, noise and so on, see :mod:`faceloupe.evaluation.robustness`; 0 for
        none. Each is recognised 34 times more.
    command : str
        Command as typed, for the report.
    progress : callable, optional
        Called with (done, whole) during the photographs, and then again during the measurements.

    Raises
    ------
    InputError
        If an argument or the data are not as described, or there is nothing left to compare.
    UnavailableError
        If weights, packages or data are missing.
    """
    rule_of_3(fmr)  # refuses what is not a rate
    if draws < 1:
        raise InputError(f"draws: expected 1 or more, got {draws}")
    labelled = with_groups(open_data(data), None if groups is None else Path(groups).expanduser())
    search = labelled.search(faces, detector)
    plan = EvaluationPlan(fmr, draws, seed, tuple(points), detector_in_words(search.detector))
    by_label = _open_embedders(embedders, engine)
    photo_embedders = [embedder for embedder in by_label.values() if embedder is not None]
    if len(photo_embedders) < len(by_label):
        _check_development(labelled, development, [label for label, embedder in by_label.items() if embedder is None])
        photo_embedders.append(Pixels())
    captures = embed_captures(labelled.paths, photo_embedders, search, cached=cached, progress=progress)
    failed = tuple(failures(labelled, captures))
    if len(failed) == len(labelled.paths):
        raise InputError(f"No photograph gave a template, such as {failed[0].photograph}: {failed[0].reason}")
    photographs, (labelled, captures) = labelled.paths, pool(labelled, captures)
    detector_sha256 = (search.detector or YUNET).sha256
    provenance = provenance_of(
        labelled, captures.digests, engine=engine, command=command, detector_sha256=detector_sha256
    )
    labelled, usable, notes = audit_data(labelled, captures)
    parts = split(labelled, usable, development, seed)
    bench = Bench(labelled, parts, captures, plan)
    for done, (label, embedder) in enumerate(by_label.items()):
        if progress:
            progress(done, len(by_label))
        bench.add(label, embedder)
    if progress:
        progress(len(by_label), len(by_label))
    stages, sample = time_stages(photographs, bench.embedders, search)
    return Evaluation(
        labelled,
        parts,
        search,
        plan,
        tuple(bench.results),
        bench.paired(),
        bench.robustness(photographs, search, robustness, progress) if robustness else None,
        failed,
        Speed(captures.fresh, captures.seconds, stages, sample),
        (*(f"{skipped.path}: {skipped.reason}." for skipped in labelled.skipped), *notes),
        bench.scores,
        dict(_percentiles(captures)),
        provenance,
    )


def _percentiles(captures: Captures) -> Iterator[tuple[str, tuple[float, float, float]]]:
    faces = [quality for quality in captures.qualities if quality]
    for name, measure in QUALITY.items() if faces else ():
        low, middle, high = np.percentile([measure(face) for face in faces], [5, 50, 95])
        yield name, (float(low), float(middle), float(high))


def _open_embedders(embedders: Named, engine: Engine) -> dict[str, Embedder | None]:
    """Return embedders by label; None for those that are yet to be fitted."""
    if isinstance(embedders, str) or not embedders:
        raise InputError(f'embedders: expected names, such as ("sface", "pca"), got {embedders!r}')
    by_label: dict[str, Embedder | None] = {}
    for embedder in embedders:
        ready = None if embedder in FITTED else _open(embedder, engine)
        label = ready.name if ready else str(embedder)
        if label in by_label:
            raise InputError(f"embedders: {label} is there twice")
        by_label[label] = ready
    return by_label


def _open(embedder: "str | Embedder", engine: Engine) -> Embedder:
    if not isinstance(embedder, str):
        return embedder
    if embedder not in embedder_names() and not Path(embedder).expanduser().is_dir():
        names = ", ".join((*embedder_names(), *FITTED))
        raise InputError(
            f"There is no embedder {embedder!r}; there are {names} (the last {len(FITTED)} are "
            "fitted on the development side), and any folder that a classifier was saved into"
        )
    return open_embedder(embedder, engine=engine)


def _check_development(data: LabelledPhotographs, development: float, labels: Sequence[str]) -> None:
    has = data.pairs.has_parts if data.pairs else development > 0
    if data.subjects is None or not has:
        raise InputError(
            f"{', '.join(labels)}: fitted on development subjects, and {data.source} has none; take lfw-view1 or a "
            "folder with one folder per subject, and a development share above 0"
        )


def audit_data(
    data: LabelledPhotographs, captures: Captures
) -> tuple[LabelledPhotographs, NDArray[np.intp], tuple[str, ...]]:
    """Return the data with each pair once, which photographs to compare, and what to say of copies and leaks."""
    contents = [  # two files that are no photographs are no copies of one, but two failures
        "" if problem and problem.kind == "unreadable" else digest
        for digest, problem in zip(captures.digests, captures.problems, strict=True)
    ]
    if data.pairs is not None or data.subjects is None:
        checked, notes = audit_pairs(data, contents)
        return checked, np.arange(len(data.paths)), notes
    names = ["/".join(path.parts[-2:]) for path in data.paths]
    return data, *usable_captures(contents, data.subjects, names)


def failures(data: LabelledPhotographs, captures: Captures) -> Iterator[Failure]:
    """Yield the photographs that gave no template, of any embedder."""
    for path, problem in zip(data.paths, captures.problems, strict=True):
        if problem is not None:
            yield Failure("/".join(path.parts[-2:]), problem.reason)
