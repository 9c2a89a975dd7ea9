"""Heads against scikit-learn, and against the likelihood ratio that they stand for.

Also tests ``recognition/adapted.py``.
"""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from faceloupe.errors import InputError
from faceloupe.recognition.adapted import unit_vectors
from faceloupe.strangers.heads import RECIPES, Recipe, fit_head


def covariance_within(units, subjects, captures):
    means = np.stack([units[subjects == person].mean(axis=0) for person in np.unique(subjects)])
    residuals = (units - means[subjects]) * np.sqrt(captures / (captures - 1))
    return ledoit_wolf(residuals, assume_centered=True)[0], means


def test_whitening_leaves_people_alike_in_all_directions(made_up):
    vectors, subjects = made_up(60, 5)
    within, _ = covariance_within(unit_vectors(vectors), subjects, 5)
    matrix = fit_head(Recipe("wccn"), vectors, subjects).matrix
    np.testing.assert_allclose(matrix.T @ within @ matrix, np.eye(24), atol=1e-4)


def test_lda_spans_what_scikit_learn_s_does(made_up):
    vectors, subjects = made_up(200, 20)
    ours = np.linalg.qr(fit_head(Recipe("lda"), vectors, subjects).matrix)[0]
    theirs = LinearDiscriminantAnalysis(n_components=12).fit(unit_vectors(vectors), subjects).scalings_[:, :12]
    angles = np.linalg.svd(ours.T @ np.linalg.qr(theirs)[0])[1]
    assert ours.shape == (24, 12)
    assert angles[:8].min() > 0.99  # the last directions tell little and are a matter of shrinkage


def test_plda_is_the_part_of_the_likelihood_ratio_that_two_vectors_share(made_up):
    vectors, subjects = made_up(400, 6)
    within, means = covariance_within(unit_vectors(vectors), subjects, 6)
    root = np.linalg.cholesky(within)
    whitened = np.linalg.solve(root, (means - means.mean(axis=0)).T).T
    between = root @ (ledoit_wolf(whitened, assume_centered=True)[0] - np.eye(24) / 6) @ root.T
    total = within + between
    one_person = multivariate_normal(cov=np.block([[total, between], [between, total]]))
    two_people = multivariate_normal(cov=np.block([[total, 0 * between], [0 * between, total]]))
    matrix = fit_head(Recipe("plda"), vectors, subjects).matrix
    x, y = 0.1 * np.random.default_rng(1).normal(size=(2, 24))

    def ratio(a, b):
        both = np.concatenate([a, b])
        return one_person.logpdf(both) - two_people.logpdf(both)

    nothing = np.zeros(24)
    shared = ratio(x, y) - ratio(x, nothing) - ratio(nothing, y) + ratio(nothing, nothing)
    assert shared == pytest.approx((x @ matrix) @ (y @ matrix), rel=1e-3)


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_every_recipe_gives_unit_vectors_even_of_fewer_people_than_dimensions(recipe, made_up):
    vectors, subjects = made_up(8, 2)
    adapted = fit_head(recipe, vectors, subjects).apply(np.concatenate([vectors, np.zeros((1, 24), np.float32)]))
    assert adapted.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(adapted[:-1], axis=1), 1, atol=1e-5)
    assert not adapted[-1].any()


def test_the_length_of_vectors_does_not_matter(made_up):
    vectors, subjects = made_up(20, 3)
    lengths = np.random.default_rng(0).uniform(0.1, 9, (60, 1)).astype(np.float32)
    one, other = (fit_head(Recipe("plda", 0.3), each, subjects) for each in (vectors, vectors * lengths))
    cosines = [adapted @ adapted.T for adapted in (one.apply(vectors), other.apply(vectors))]
    np.testing.assert_allclose(*cosines, atol=1e-4)


@pytest.mark.parametrize(
    ("people", "captures", "words"), [(2, 5, "three subjects or more; got 2"), (9, 1, "nobody has two that do")]
)
def test_what_nothing_can_be_learned_from_is_refused(people, captures, words, made_up):
    with pytest.raises(InputError, match=words):
        fit_head(Recipe("wccn"), *made_up(people, captures))
