"""Rates agree with scikit-learn, and with what can be worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import det_curve, roc_auc_score

from faceloupe.evaluation.comparisons import Comparisons, every_two, score
from faceloupe.evaluation.verification import fold_accuracy_of, split_accuracy, verification


def listed(mated, non_mated):
    """Return comparisons of angles that give these scores, subjects not known."""
    scores = [*mated, *non_mated]
    vectors = [vector for one in scores for vector in ((1, 0), (one, np.sqrt(1 - one**2)))]
    pairs = np.arange(2 * len(scores)).reshape(-1, 2)
    same = np.arange(len(scores)) < len(mated)
    return np.float32(vectors), Comparisons("listed", pairs, same, None)


def compared_of(mated, non_mated, failed=()):
    vectors, comparisons = listed(mated, non_mated)
    return score(vectors, np.isin(np.arange(len(vectors)), failed), comparisons)


def test_rates_agree_with_scikit_learn(made_up):
    vectors, subjects = made_up
    compared = score(vectors, np.zeros(120, bool), every_two("all", np.arange(120), subjects))
    found = verification(compared)
    truth = np.repeat([1, 0], [compared.scores.n_mated, compared.scores.n_non_mated])
    values = np.concatenate([compared.scores.mated, compared.scores.non_mated])
    assert found.auc == pytest.approx(roc_auc_score(truth, values))
    fmr, fnmr, _ = det_curve(truth, values)
    nearest = np.abs(fmr - fnmr).argmin()
    assert found.eer.rate == pytest.approx((fmr[nearest] + fnmr[nearest]) / 2, abs=2e-3)
    for tar in found.tars[:2]:
        assert tar.tar == pytest.approx(1 - fnmr[fmr <= tar.far].min())
        assert tar.interval.low <= tar.tar <= tar.interval.high
    assert found.tars[2].tar is None
    assert found.tars[2].needed == 30_000
    assert found.band is None  # twelve people
    assert found.eer.rate in found.eer_interval
    assert found.auc in found.auc_interval
    assert found.to_document()["eer"] == found.eer.rate


def test_a_band_takes_twenty_people():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(20), 4)
    vectors = rng.normal(size=(20, 16))[subjects] + 0.8 * rng.normal(size=(80, 16))
    vectors = np.float32(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    compared = score(vectors, np.zeros(80, bool), every_two("all", np.arange(80), subjects))
    band = verification(compared).band
    assert band.fmr[0] == pytest.approx(3 / compared.scores.n_non_mated)
    assert (band.low <= band.fnmr).all()


def test_a_failure_is_a_missed_match_in_every_rate():
    mated, non_mated = np.linspace(0.5, 0.9, 10), np.linspace(-0.5, 0.4, 300)
    clean, broken = verification(compared_of(mated, non_mated)), verification(compared_of(mated, non_mated, failed=[0]))
    assert (clean.auc, clean.tars[0].tar) == (1, 1)
    assert broken.auc == pytest.approx(0.9)
    assert broken.tars[0].tar == pytest.approx(0.9)
    assert (broken.n_mated, broken.failed_mated, broken.failed_non_mated) == (10, 1, 0)


def test_without_subjects_there_is_no_band():
    assert verification(compared_of([0.9], [0.1])).band is None


def test_accuracy_at_a_threshold_from_elsewhere():
    train = compared_of([0.6, 0.7, 0.8], [0.1, 0.2, 0.3])  # any threshold from 0.3 to 0.6 is best
    test = compared_of([0.9, 0.2], [0.1, 0.8])
    found = split_accuracy(train, test)
    assert 0.3 < found.threshold <= 0.6
    assert (found.train, found.test, found.n_train, found.n_test) == (1, 0.5, 6, 4)
    assert split_accuracy(train, compared_of([0.9, 0.8], [0.1, 0.2], failed=[0])).test == 0.75
    assert "50.00 % of 4 pairs" in repr(found)


def test_folds_take_turns():
    compared = compared_of([0.9, 0.8, 0.3], [0.1, 0.2, 0.6])
    found = fold_accuracy_of(compared, ("a", "a", "b", "a", "a", "b"))
    assert found.folds.tolist() == ["a", "b"]
    # Fold b's own pair is the wrong way round, so that any threshold errs; those of fold a are told apart by both.
    assert found.accuracies[1] == 0
    failed = fold_accuracy_of(compared_of([0.9, 0.8, 0.3], [0.1, 0.2, 0.6], failed=[0]), ("a", "a", "b", "a", "a", "b"))
    assert failed.n_failed == 1
