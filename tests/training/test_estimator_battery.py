"""scikit-learn's own checks of an estimator, with larger batches and steps than by default: fewer fit their blobs."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from faceloupe.training import CNNClassifier, DeepCNNClassifier, FCNNClassifier, NetworkClassifier

QUICK = {"epochs": 8, "batch_size": 20, "learning_rate": 0.02}
MIRRORED = "(a, b) and (b, a) get one answer: a face and its mirror image do, and the battery's faces are 1x2 pixels"
EXPECTED_FAILURES = {
    "DeepCNNClassifier": {"check_classifiers_train": MIRRORED},
}


@pytest.mark.filterwarnings(
    "ignore:.(conv|pool).* is larger than what reaches it:UserWarning"
)  # the battery's faces have 2 to 10 pixels
@parametrize_with_checks(
    [
        NetworkClassifier(**QUICK),
        NetworkClassifier("dense 8 tanh, batchnorm, dense 4 leaky; optimiser adam", **QUICK),
        FCNNClassifier(**QUICK),
        CNNClassifier(**QUICK),
        DeepCNNClassifier(epochs=1),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES.get(type(estimator).__name__, {}),
)
def test_scikit_learn_accepts_the_classifier(estimator, check):
    check(estimator)
