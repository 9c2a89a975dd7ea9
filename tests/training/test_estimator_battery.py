"""scikit-learn's own checks of an estimator, on the tutorial's settings; none is declared as failing."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from faceloupe.training import CNNClassifier, FCNNClassifier


@pytest.mark.filterwarnings(
    "ignore:(kernel|pool)_size=. is larger:UserWarning"
)  # the battery's faces have 2 to 10 pixels
@parametrize_with_checks([FCNNClassifier(), CNNClassifier()])
def test_scikit_learn_accepts_the_classifier(estimator, check):
    check(estimator)
