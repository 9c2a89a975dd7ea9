"""Likelihood ratios (``likelihood``, ``evidence``) against scikit-learn, and what is known of made-up scores.

Also tests ``scores/evidence.py``.
"""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from faceloupe.errors import InputError
from faceloupe.scores import ScoreSet
from faceloupe.scores.evidence import LikelihoodRatio, posterior
from faceloupe.scores.likelihood import cllr, cllr_min, ece, fit_likelihood_ratio


def made_up(seed=0, n_mated=400, n_non_mated=3000, apart=3.0):
    """Both kinds are normal with one spread: log LR is exactly a line, apart · (score - apart / 2)."""
    rng = np.random.default_rng(seed)
    return ScoreSet(rng.normal(apart, 1, n_mated), rng.normal(0, 1, n_non_mated))


def fitted(scores, **more):
    return fit_likelihood_ratio(scores, source="made-up scores", embedder="none", **more)


@pytest.mark.parametrize("penalty", [1e-3, 0.1])
def test_the_line_is_scikit_learn_s(penalty):
    scores = made_up()
    values = np.concatenate([scores.mated, scores.non_mated])
    weights = np.repeat([0.5 / 400, 0.5 / 3000], [400, 3000])
    model = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000)
    scaled = ((values - values.mean()) / values.std())[:, None]
    model.fit(scaled, np.repeat([1, 0], [400, 3000]), sample_weight=weights)
    found = fitted(scores, penalty=penalty)
    expected = model.decision_function(scaled) / np.log(10)
    np.testing.assert_allclose(found.slope * values + found.offset, expected, atol=2e-4)


@pytest.mark.parametrize("extreme", [1e6, 1e300])
def test_one_score_far_from_all_others_leaves_the_evidence(extreme):
    scores = made_up(n_mated=100, n_non_mated=400)
    with_one = ScoreSet(np.append(scores.mated, extreme), scores.non_mated)
    assert fitted(with_one).evidence(3).log10_lr == pytest.approx(fitted(scores).evidence(3).log10_lr, abs=0.1)


@pytest.mark.parametrize(("unit", "fits"), [(1e-300, False), (1e-90, True), (1e90, True), (1e300, False)])
def test_ratios_are_the_same_in_every_unit_or_refused(unit, fits):
    scores = made_up(n_mated=100, n_non_mated=400)
    other = ScoreSet(unit * scores.mated, unit * scores.non_mated)
    if fits:
        np.testing.assert_allclose(fitted(other).log10(other.mated), fitted(scores).log10(scores.mated), rtol=1e-6)
    else:
        with pytest.raises(InputError, match="give them another unit"):
            fitted(other)


def test_it_is_near_the_truth():
    found = fitted(made_up(n_mated=4000, n_non_mated=40_000), penalty=1e-9)
    assert found.slope == pytest.approx(3 / np.log(10), rel=0.05)
    assert found.offset == pytest.approx(-4.5 / np.log(10), rel=0.05)


def test_scores_that_are_apart_give_no_infinite_ratio():
    found = fitted(ScoreSet([0.9, 0.8, 0.85], [0.1, 0.2, 0.15, 0.12]))
    assert found.low == pytest.approx(-np.log10(4))
    assert found.high == pytest.approx(np.log10(5))
    assert found.log10([-100, 100]).tolist() == [found.low, found.high]
    assert "or more (the data support no more)" in found.evidence(5).words()


def test_few_people_support_no_high_ratio_however_many_comparisons():
    subjects = np.repeat([0, 1], 30)
    mated = [[i, j] for i in range(60) for j in range(i) if subjects[i] == subjects[j]]
    rng = np.random.default_rng(0)
    pairs = np.tile([[0, 1]], (900, 1))
    scores = ScoreSet(rng.normal(3, 1, len(mated)), rng.normal(0, 1, 900), subjects[np.array(mated)[:, 0]], pairs)
    assert fitted(scores).high == pytest.approx(np.log10(2))


@given(st.integers(0, 300))
def test_the_least_cost_is_that_of_scikit_learn_s_isotonic_regression(seed):
    rng = np.random.default_rng(seed)
    mated, non_mated = rng.normal(1, 1, 1 + seed % 30).round(1), rng.normal(size=60).round(1)
    values, same = np.concatenate([mated, non_mated]), np.repeat([1.0, 0.0], [len(mated), 60])
    weights = np.repeat([1 / len(mated), 1 / 60], [len(mated), 60])
    share = IsotonicRegression().fit(values, same, weights).predict(values).clip(1e-12, 1 - 1e-12)
    logs = np.log10(share / (1 - share))
    expected = cllr(logs[same == 1], logs[same == 0])
    assert cllr_min(ScoreSet(mated, non_mated)) == pytest.approx(expected, abs=1e-9)


def test_cllr_by_hand():
    assert cllr([0.0], [0.0]) == 1
    assert cllr([1.0], [-2.0]) == pytest.approx((np.log2(1 + 1 / 10) + np.log2(1 + 1 / 100)) / 2)
    assert ece([1.0], [-2.0], 1.0) == pytest.approx(
        10 / 11 * np.log2(1 + 1 / (10 * 10)) + 1 / 11 * np.log2(1 + 10 / 100)
    )


@given(st.integers(0, 100))
def test_no_line_costs_less_than_the_best_map(seed):
    scores = made_up(seed, 40, 200, apart=1.5)
    line = fitted(scores)
    assert cllr_min(scores) <= cllr(line.log10(scores.mated), line.log10(scores.non_mated)) + 1e-9


def test_a_posterior_takes_a_stated_prior():
    assert posterior(0, 0.3) == pytest.approx(0.3)
    assert posterior(3, 0.001) == pytest.approx(1000 * 0.001 / (1000 * 0.001 + 0.999))
    for prior in (0, 1, 2):
        with pytest.raises(InputError, match="prior"):
            posterior(1, prior)


def test_what_cannot_be_fitted():
    with pytest.raises(InputError, match="no mated comparison"):
        fitted(ScoreSet([], [0.1]))
    with pytest.raises(InputError, match="penalty"):
        fitted(made_up(), penalty=0)


def test_the_interval_is_the_sandwich_worked_out_by_hand():
    """Huber's sandwich of a weighted logistic regression, whose kinds have fixed weights; comparisons independent."""
    scores = made_up()
    found = fitted(scores, penalty=1e-9)
    values = np.concatenate([scores.mated, scores.non_mated])
    mated, weights = np.arange(3400) < 400, np.repeat([0.5 / 400, 0.5 / 3000], [400, 3000])
    design = np.stack([values, np.ones(3400)], axis=1)
    chance = 1 / (1 + np.exp(-np.log(10) * (found.slope * values + found.offset)))
    parts = design * (weights * (mated - chance))[:, None]
    meat = sum(len(kind) * np.cov(kind.T, bias=True) for kind in (parts[:400], parts[400:]))
    bread = np.linalg.inv(design.T @ (design * (weights * chance * (1 - chance))[:, None]))
    expected = bread @ meat @ bread / np.log(10) ** 2
    np.testing.assert_allclose(found.covariance, expected[[0, 0, 1], [0, 1, 1]], rtol=1e-4)


def test_as_many_copies_of_each_comparison_make_no_interval_narrower():
    rng = np.random.default_rng(1)
    pairs = np.array([[a, b] for a in range(40) for b in range(a)])
    own, others = rng.normal(3, 1, 40), rng.normal(0, 1, len(pairs))
    once = fitted(ScoreSet(own, others, np.arange(40), pairs))
    five = fitted(
        ScoreSet(np.repeat(own, 5), np.repeat(others, 5), np.repeat(np.arange(40), 5), np.repeat(pairs, 5, 0))
    )
    assert (five.evidence(1).high - five.evidence(1).low) > 0.95 * (once.evidence(1).high - once.evidence(1).low)


def test_evidence_in_words_and_back():
    found = fitted(made_up())
    assert LikelihoodRatio.from_document(found.to_document()) == found
    middle = found.evidence(2.0, prior=0.01)
    assert middle.low < middle.log10_lr < middle.high
    assert middle.posterior == pytest.approx(posterior(middle.log10_lr, 0.01))
    assert "With the stated prior of 0.01" in middle.words()
    assert not re.search("strong|moderate|weak", middle.words())  # the scales of words differ
    assert "Without a prior this is no probability" in found.evidence(2.0).words()
    with pytest.raises(InputError, match="not the document of a likelihood ratio"):
        LikelihoodRatio.from_document({"slope": 1})
