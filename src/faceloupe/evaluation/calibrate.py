"""A threshold for an FMR, from photographs or references of one's own."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from faceloupe.embedders import open_embedder
from faceloupe.errors import InputError
from faceloupe.evaluation.audit import usable_captures
from faceloupe.evaluation.comparisons import every_two, score
from faceloupe.evaluation.datasets import Data, open_data
from faceloupe.evaluation.embedding import embed_captures
from faceloupe.evaluation.evaluate import audit_data, failures
from faceloupe.evaluation.failures import Failure
from faceloupe.evaluation.pooling import pool
from faceloupe.evaluation.split import split
from faceloupe.progress import Progress
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.engines import Engine
from faceloupe.recognition.search import Faces
from faceloupe.recognition.thresholds import DEFAULT_FMR
from faceloupe.recognition.yunet import detector_in_words
from faceloupe.scores.choosing import given_point, operating_point
from faceloupe.scores.likelihood import fit_likelihood_ratio
from faceloupe.scores.points import Maker, OperatingPoint, rule_of_3
from faceloupe.scores.sets import ScoreSet

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery


def calibrate(
    data: Data,
    fmr: float = DEFAULT_FMR,
    *,
    threshold: float | None = None,
    embedder: str | Embedder = "sface",
    faces: Faces | None = None,
    detector: Detector | None = None,
    engine: Engine = "openvino",
    cached: bool = True,
    progress: Progress | None = None,
    on_failure: Callable[[Failure], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> OperatingPoint:
    """Choose the lowest threshold whose FMR is at most `fmr` where every two captures are compared.

    Pairs that are listed without subjects are compared as listed. Where pairs say "train" and "test" (LFW View 1), the
    threshold is of "train", so that :func:`faceloupe.evaluation.evaluate` can check it on "test". One photograph of
    each person is enough: then the FNMR is not known.

    Parameters
    ----------
    data : "lfw", "lfw-view1", "lfw-view2", "orl", path or LabelledPhotographs
        See :func:`open_data`.
    fmr : float
        Target, between 0 and 1; by default that of the published threshold which is in force without a calibration.
    threshold : float, optional
        Measure this one, from -1 to 1, instead of choosing one.
    embedder : str or Embedder
        As :func:`faceloupe.embedders.open_embedder` takes it.
    faces, detector, engine, cached, progress
        As for :func:`faceloupe.evaluation.evaluate`.
    on_failure : callable, optional
        Called with each photograph that gave no template.
    on_note : callable, optional
        Called with what else to know of the data: identical photographs, repeated pairs.

    Raises
    ------
    InputError
        If there are too few comparisons or people for this target (the message says how many it takes), or an argument
        or the data are not as described.
    UnavailableError
        If weights, packages or data are missing.
    """
    rule_of_3(fmr)  # refuses what is not a rate
    _check_threshold(threshold)
    maker = open_embedder(embedder, engine=engine) if isinstance(embedder, str) else embedder
    labelled = open_data(data)
    search = labelled.search(faces, detector)
    captures = embed_captures(labelled.paths, [maker], search, cached=cached, progress=progress)
    if on_failure:
        for failure in failures(labelled, captures):
            on_failure(failure)
    labelled, captures = pool(labelled, captures)
    labelled, usable, notes = audit_data(labelled, captures)
    _tell(on_note, notes)
    parts = split(labelled, usable, 0, 0, mated=False)
    comparisons = (parts.development or parts.test).most
    compared = score(captures.vectors[maker.name], captures.failed(maker.name), comparisons, needs_mated=False)
    point = _point(compared.scores, fmr, threshold, f"{comparisons.what}, {labelled.source}", maker)
    return replace(point, detector=detector_in_words(search.detector))


def calibrate_gallery(
    gallery: "Gallery",
    fmr: float,
    embedder: Maker,
    *,
    threshold: float | None = None,
    on_note: Callable[[str], None] | None = None,
) -> OperatingPoint:
    """Choose the lowest threshold whose FMR is at most `fmr` where every two references of a gallery are compared.

    Parameters
    ----------
    gallery : Gallery
        It is only read: :meth:`~faceloupe.gallery.Gallery.save_point` lets the threshold hold there.
    fmr : float
        Target, between 0 and 1.
    embedder : Embedder or EmbedderId
        Embedder whose references are compared.
    threshold : float, optional
        Measure this one instead of choosing one.
    on_note : callable, optional
        Called with what else to know: references that two people share.

    Raises
    ------
    InputError
        If there are too few comparisons or people for this target (the message says how many it takes).
    GalleryError
        If the gallery cannot be read.
    """
    _check_threshold(threshold)
    references = gallery.templates(embedder)
    subjects = np.unique(references.subjects, return_inverse=True)[1]
    contents = [sha256(vector.tobytes()).hexdigest() for vector in references.vectors]
    names = [f"reference {reference}" for reference in references.references]
    usable, notes = usable_captures(contents, subjects, names)
    _tell(on_note, notes)
    comparisons = every_two("the references", usable, subjects, mated=False)
    compared = score(references.vectors, np.zeros(len(references), dtype=np.bool_), comparisons, needs_mated=False)
    point = _point(compared.scores, fmr, threshold, f"every two references of the gallery {gallery.name}", embedder)
    return replace(point, detector=gallery.detector_noted() or "")


def _check_threshold(threshold: float | None) -> None:
    if threshold is not None and not abs(threshold) <= 1:
        raise InputError(f"threshold: expected a cosine, from -1 to 1, as every score is; got {threshold:g}")


def _point(scores: ScoreSet, fmr: float, threshold: float | None, source: str, maker: Maker) -> OperatingPoint:
    name, weights = maker.name, maker.sha256
    if threshold is None:
        point = operating_point(scores, fmr, source=source, embedder=name, weights_sha256=weights)
    else:
        point = given_point(scores, threshold, source=source, embedder=name, weights_sha256=weights)
    if not scores.n_mated:
        return point
    ratio = fit_likelihood_ratio(scores, source=source, embedder=name, weights_sha256=weights)
    return replace(point, likelihood=ratio)


def _tell(on_note: Callable[[str], None] | None, notes: Iterable[str]) -> None:
    for note in notes:
        if on_note:
            on_note(note)
