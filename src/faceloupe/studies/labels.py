"""The names of networks and preprocessing as a study writes them, and shares as they read."""

from collections.abc import Iterable

from faceloupe.numerals import decimals
from faceloupe.studies.statistics import Estimate

LABELS = {
    "fcnn": "FCNN",
    "cnn": "CNN",
    "fcnn-equal": "FCNN, as few parameters as the CNN",
    "fcnn-wide": "FCNN, 16 times as many parameters",
    "fcnn-slow": "FCNN, a tenth of the learning rate",
    "fcnn-leaky": "FCNN, leaky ReLU",
    "fcnn-he": "FCNN, He initialisation",
    "1-nn": "nearest neighbour on pixels",
    "pca-logistic": "PCA + logistic regression",
    "pca-svm": "PCA + linear SVM",
    "lda": "linear discriminant analysis",
    "deep": "our deep network",
}
PIXELS = {"none": "pixels as they are", "centre": "mean pixel subtracted", "standardise": "pixels standardised"}
SHORT = {"none": "raw", "centre": "centred", "standardise": "standardised"}


def share(value: float) -> str:
    """Return a share in per cent as it reads: 93.8 %."""
    return f"{decimals(100 * value, 1)} %"


def size_text(sides: Iterable[int]) -> str:
    """Return a size or a shape as it reads: 8 × 8, 57 × 57 × 4."""
    return " × ".join(map(str, sides))


def in_points(interval: Estimate) -> str:
    """Return a difference of shares in points, without its sign."""
    return f"{decimals(100 * interval.estimate, 1)} points"
