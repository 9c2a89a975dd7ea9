"""Two recognisers on the same comparisons: differences and intervals against what is known of made-up scores."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from faceloupe.errors import InputError
from faceloupe.scores import ScoreSet, paired_differences

PEOPLE = 60
PAIRS = np.array([[a, b] for a in range(PEOPLE) for b in range(a)])
OWN = np.repeat(np.arange(PEOPLE), 4)


def two(seed, gain=0.0, shared=0.9):
    """Scores of two recognisers that share most of what makes a comparison hard; the second is better by `gain`."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=PEOPLE)
    common = rng.normal(2.5, 1, len(OWN)) + 0.5 * hard[OWN], rng.normal(0, 1, len(PAIRS))
    sets = []
    for more in (0.0, gain):
        mated, non_mated = (shared * each + (1 - shared) * rng.normal(size=len(each)) for each in common)
        sets.append(ScoreSet(mated + more, non_mated, OWN, PAIRS))
    return sets


def test_one_recogniser_cannot_be_told_from_itself():
    first, _ = two(0)
    for each in paired_differences(first, first, (1e-2,), samples=50):
        assert (each.difference, each.low, each.high, each.better) == (0, 0, 0, "cannot be told apart")


def test_a_better_one_is_told_by_every_rate_and_in_both_directions():
    first, second = two(0, gain=1.0)
    assert {each.better for each in paired_differences(first, second, (1e-2,), samples=100)} == {"second"}
    assert {each.better for each in paired_differences(second, first, (1e-2,), samples=100)} == {"first"}


def test_rates_are_those_of_scikit_learn():
    first, second = two(1, gain=0.3)
    fnmr, eer, area = paired_differences(first, second, (1e-2,), samples=20)
    labels = np.repeat([1, 0], [len(OWN), len(PAIRS)])
    for scores, value in ((first, area.first), (second, area.second)):
        assert value == pytest.approx(roc_auc_score(labels, np.concatenate([scores.mated, scores.non_mated])))
    threshold = np.sort(first.non_mated)[-int(0.01 * len(PAIRS))]
    assert fnmr.first == pytest.approx((first.mated < threshold).mean(), abs=0.01)
    assert eer.what == "EER"


def test_the_interval_of_the_auc_is_delong_s_where_nobody_comes_twice():
    """DeLong, DeLong & Clarke-Pearson 1988, by the covariance of placements; each person is in one comparison."""
    rng = np.random.default_rng(2)
    mated, other = rng.multivariate_normal([2, 2.2], [[1, 0.7], [0.7, 1]], 300).T
    strangers, others = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 400).T
    sides = np.arange(300, 1100).reshape(400, 2)
    sets = [ScoreSet(m, n, np.arange(300), sides) for m, n in ((mated, strangers), (other, others))]
    area = paired_differences(*sets, (), samples=1)[-1]
    v10 = np.array([[(n < m).mean() for m in each.mated] for each in sets for n in [each.non_mated]])
    v01 = np.array([[(each.mated > n).mean() for n in each.non_mated] for each in sets])
    covariance = np.cov(v10) / 300 + np.cov(v01) / 400
    deviation = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert (area.high - area.low) / 2 == pytest.approx(stats.norm.ppf(0.975) * deviation, rel=0.02)


def test_five_people_decide_nothing():
    rng = np.random.default_rng(3)
    mated, non_mated = rng.normal(5, 0.3, len(OWN)), rng.normal(0, 1, len(PAIRS))
    worse = np.where(OWN < 5, -5.0, mated)
    first, second = (ScoreSet(own, non_mated, OWN, PAIRS) for own in (mated, worse))
    fnmr = paired_differences(first, second, (1e-2,), samples=200)[0]
    assert fnmr.n_people == 5
    assert fnmr.low > 0
    assert fnmr.better == "cannot be told apart"


def test_other_comparisons_are_refused():
    first, second = two(0)
    with pytest.raises(InputError, match="same comparisons in the same order"):
        paired_differences(first, ScoreSet(second.mated, second.non_mated, OWN[::-1], PAIRS), (1e-2,))
    with pytest.raises(InputError, match="give both ScoreSets their subjects"):
        paired_differences(first, ScoreSet(second.mated, second.non_mated), (1e-2,))
    with pytest.raises(InputError, match="samples"):
        paired_differences(first, second, (1e-2,), samples=0)
