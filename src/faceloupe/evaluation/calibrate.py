"""A threshold for an FMR, from photographs or references of one's own."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from faceloupe.embedders import open_embedder
from faceloupe.evaluation.captures import embed_captures
from faceloupe.evaluation.comparisons import every_two, score
from faceloupe.evaluation.evaluate import Failure, failures
from faceloupe.evaluation.labelled import Data, open_data
from faceloupe.evaluation.parts import split, without_twins
from faceloupe.progress import Progress
from faceloupe.recognition import Embedder, FaceSearch
from faceloupe.recognition.engines import Engine
from faceloupe.recognition.search import Faces
from faceloupe.scores import OperatingPoint, operating_point, rule_of_3

if TYPE_CHECKING:
    from faceloupe.gallery import Gallery

__all__ = ["calibrate", "calibrate_gallery"]


def calibrate(
    data: Data,
    fmr: float = 1e-3,
    *,
    embedder: str | Embedder = "sface",
    faces: Faces | None = None,
    engine: Engine = "openvino",
    cached: bool = True,
    progress: Progress | None = None,
    failed: Callable[[Failure], None] | None = None,
) -> OperatingPoint:
    """Choose the lowest threshold whose FMR is at most `fmr` where every two captures are compared.

    Pairs that are listed without subjects are compared as listed. Where pairs say "train" and "test" (LFW View 1), the
    threshold is of "train", so that :func:`faceloupe.evaluation.evaluate` can check it on "test".

    Parameters
    ----------
    data : "lfw", "lfw-view1", "lfw-view2", "orl", path or Labelled
        See :func:`open_data`.
    fmr : float
        Target, between 0 and 1.
    embedder : str or Embedder
        As :func:`faceloupe.embedders.open_embedder` takes it.
    faces, engine, cached, progress
        As for :func:`faceloupe.evaluation.evaluate`.
    failed : callable, optional
        Called with each photograph that gave no template.

    Raises
    ------
    InputError
        If there are too few comparisons for this target (the message says how many it takes), or an argument or the
        data are not as described.
    UnavailableError
        If weights, packages or data are missing.
    """
    rule_of_3(fmr)  # refuses what is no rate
    maker = open_embedder(embedder, engine=engine) if isinstance(embedder, str) else embedder
    labelled = open_data(data)
    detecting = FaceSearch.of_one_face(faces or ("central" if labelled.central else "one"))
    captures = embed_captures(labelled.paths, [maker], detecting, cached=cached, progress=progress)
    if failed:
        for failure in failures(labelled, captures):
            failed(failure)
    parts = split(labelled, without_twins(labelled, captures.digests)[0], 0, 0)
    chosen = (parts.development or parts.test).most
    compared = score(captures.vectors[maker.name], captures.failed(maker.name), chosen)
    source = f"{chosen.what}, {labelled.source}"
    return operating_point(compared.scores, fmr, source=source, embedder=maker.name, weights_sha256=maker.sha256)


def calibrate_gallery(gallery: "Gallery", fmr: float, embedder: Embedder) -> OperatingPoint:
    """Choose the lowest threshold whose FMR is at most `fmr` where every two references of a gallery are compared.

    Parameters
    ----------
    gallery : Gallery
        It is only read: :meth:`~faceloupe.gallery.Gallery.save_point` lets the threshold hold there.
    fmr : float
        Target, between 0 and 1.
    embedder : Embedder
        Whose references are compared.

    Raises
    ------
    InputError
        If there are too few comparisons for this target (the message says how many it takes).
    GalleryError
        If the gallery cannot be read.
    """
    kept = gallery.templates(embedder)
    comparisons = every_two("the references", np.arange(len(kept)), np.unique(kept.subjects, return_inverse=True)[1])
    compared = score(kept.vectors, np.zeros(len(kept), dtype=np.bool_), comparisons)
    source = f"every two references of the gallery {gallery.name}"
    return operating_point(compared.scores, fmr, source=source, embedder=embedder.name, weights_sha256=embedder.sha256)
