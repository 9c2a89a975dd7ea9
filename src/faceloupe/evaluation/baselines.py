"""Embedders that are fitted on an evaluation's own development subjects, to stand beside published ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceloupe.embedders import ClassifierEmbedder, EstimatorEmbedder
from faceloupe.errors import InputError, extra
from faceloupe.evaluation.embedding import SIDE
from faceloupe.recognition.embed import Embedder

CAPTURES = 3  # that a subject must have for a classifier to learn whom it shows
COMPONENTS = 128  # as many numbers as SFace makes
HIDDEN = 64  # units in the hidden layer of the small network: the tutorial's 4 cannot tell many people apart
FACES_AT_ONCE = 256

Floats = NDArray[np.float32]
Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class FittedEmbedder:
    """An embedder with how it was made, in words, and the subjects that it learned from."""

    embedder: Embedder
    origin: str
    subjects: Labels


def fit_embedder(kind: str, faces: Floats, subjects: Labels, seed: int) -> FittedEmbedder:
    """Fit one of ``FITTED``, on half of the subjects: thresholds are for the others to choose.

    A network separates the people it was fitted on better than it separates others. A threshold chosen on them would
    promise an FMR too low.

    Parameters
    ----------
    kind : {"pca", "cnn", "deep"}
        Whitened principal components of the pixels (eigenfaces: Turk & Pentland 1991); the tutorial's convolutional
        network with more hidden units; or :class:`faceloupe.training.DeepCNNClassifier`. Both networks learn to tell
        the subjects apart, and their last hidden layer makes the vector.
    faces : array of float32, (N, SIDE, SIDE)
        Grey, in [0, 1].
    subjects : array of intp, (N,)
        Those with fewer than three captures are not learned from.
    seed : int
        Seed of the subjects drawn and of the fit.

    Raises
    ------
    InputError
        If there are fewer than four subjects with three captures.
    """
    counts = np.bincount(subjects)
    eligible = np.flatnonzero(counts >= CAPTURES)
    if len(eligible) < 4:
        raise InputError(
            f"{kind} is fitted on half of the development subjects with {CAPTURES} captures or more; there are "
            f"{len(eligible)}, 4 are needed"
        )
    learned = np.random.default_rng(seed).permutation(eligible)[: len(eligible) // 2]
    rows = np.isin(subjects, learned)
    embedder, origin = _FITS[kind](faces[rows], subjects[rows], seed)
    return FittedEmbedder(
        embedder, f"{origin}, fitted on {rows.sum():,} captures of {len(learned):,} development subjects", learned
    )


def embed_grey(embedder: Embedder, faces: Floats) -> Floats:
    """Return an embedder's vectors of grey faces, (N, H, W) -> (N, D)."""
    batches = (faces[start : start + FACES_AT_ONCE] for start in range(0, len(faces), FACES_AT_ONCE))
    return np.concatenate([embedder.embed(np.repeat(batch[..., np.newaxis], 3, axis=3)) for batch in batches])


def _pca(faces: Floats, subjects: Labels, seed: int) -> tuple[Embedder, str]:  # noqa: ARG001 - it needs no labels
    with extra("study"):
        from sklearn.decomposition import PCA

    components = min(COMPONENTS, len(faces) - 1)
    estimator = PCA(components, whiten=True, svd_solver="randomized", random_state=seed)
    estimator.fit(faces.reshape(len(faces), -1))
    return EstimatorEmbedder(estimator, "pca"), f"{components} whitened components of {SIDE}×{SIDE} grey pixels"


def _cnn(faces: Floats, subjects: Labels, seed: int) -> tuple[Embedder, str]:
    from faceloupe.training.estimators import CNNClassifier

    network = CNNClassifier(hidden=HIDDEN, preprocess="centre", seed=seed).fit(faces, subjects)
    return ClassifierEmbedder(network), f"the tutorial's CNN with {HIDDEN} hidden units, mean pixel subtracted"


def _deep(faces: Floats, subjects: Labels, seed: int) -> tuple[Embedder, str]:
    from faceloupe.training.deep import DeepCNNClassifier

    return ClassifierEmbedder(DeepCNNClassifier(seed=seed).fit(faces, subjects)), "three convolutions, cosine softmax"


_FITS = {"pca": _pca, "cnn": _cnn, "deep": _deep}
FITTED = tuple(_FITS)
"""Embedders that are fitted on the development subjects."""
