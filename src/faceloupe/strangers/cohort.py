"""Scores seen against a cohort: how much more alike two faces are than either is to people who are neither.

Adaptive symmetric normalisation (AS-norm; Matejka et al. 2017, "Analysis of score normalization in multilingual
speaker recognition"): a score less the mean of a face's highest scores with a cohort of other people, in units of their
standard deviation, once for either side, and the mean of both.
"""

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.recognition.adapted import unit_vectors

TOP = 100
"""How many members of the cohort count: those most like the face."""


def normalised(
    vectors: NDArray[np.float32], pairs: NDArray[np.intp], cohort: NDArray[np.float32], *, top: int = TOP
) -> NDArray[np.float64]:
    """Return normalised scores of pairs of vectors.

    Parameters
    ----------
    vectors : array of float32, (N, D)
    pairs : array of intp, (P, 2)
        Pairs to compare.
    cohort : array of float32, (C, D)
        Vectors of other people than those compared, one a person.
    top : int
        Number of the cohort that counts, at least 2; all, if there are no more.

    Returns
    -------
    array of float64, (P,)
        Not between -1 and 1 as cosines are: thresholds of cosines do not hold for them.

    Raises
    ------
    InputError
        If the cohort has fewer than two people, or its dimensions are others.
    """
    units, members = unit_vectors(vectors), unit_vectors(cohort)
    if members.ndim != 2 or len(members) < 2 or top < 2 or members.shape[1] != units.shape[1]:
        raise InputError(
            f"cohort: expected two vectors or more of {units.shape[1]} dimensions, of which two or more count; "
            f"got {members.shape}, {top}"
        )
    used = np.unique(pairs)
    highest = np.sort(units[used] @ members.T, axis=1)[:, -top:]
    mean, spread = np.zeros(len(units)), np.ones(len(units))
    mean[used], spread[used] = highest.mean(axis=1), np.maximum(highest.std(axis=1), 1e-6)
    scores = np.einsum("pd,pd->p", units[pairs[:, 0]], units[pairs[:, 1]])[:, np.newaxis]
    return np.asarray(((scores - mean[pairs]) / spread[pairs]).mean(axis=1))
