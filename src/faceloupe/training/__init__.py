"""Small networks in a sentence: one fit, many fits at once, and scikit-learn classifiers that can be saved.

The classifiers are loaded on first use: scikit-learn takes a second to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from faceloupe.errors import extra

with extra("study"):
    import torch  # noqa: F401 - so that its absence is told once, in words

if TYPE_CHECKING:
    from faceloupe.training.deep import DeepCNN, DeepCNNClassifier
    from faceloupe.training.estimators import CNNClassifier, FCNNClassifier, NetworkClassifier
    from faceloupe.training.loading import load_network
from faceloupe.training.ensemble import ManyFits, fit_many, initial_weights, predict_many
from faceloupe.training.filters import Filters
from faceloupe.training.fit import Scores, batch_orders, evaluate, fit_network
from faceloupe.training.history import History
from faceloupe.training.language import CNN_SENTENCE, FCNN_SENTENCE, parse_network
from faceloupe.training.networks import CNN, FCNN, SmallNetwork, initialise
from faceloupe.training.optimisers import RMSprop
from faceloupe.training.preprocessing import Preprocessing, fit_preprocessing
from faceloupe.training.specs import Augmentation, NetworkSpec, Training

__all__ = [
    "CNN",
    "CNN_SENTENCE",
    "FCNN",
    "FCNN_SENTENCE",
    "Augmentation",
    "CNNClassifier",
    "DeepCNN",
    "DeepCNNClassifier",
    "FCNNClassifier",
    "Filters",
    "History",
    "ManyFits",
    "NetworkClassifier",
    "NetworkSpec",
    "Preprocessing",
    "RMSprop",
    "Scores",
    "SmallNetwork",
    "Training",
    "batch_orders",
    "evaluate",
    "fit_many",
    "fit_network",
    "fit_preprocessing",
    "initial_weights",
    "initialise",
    "load_network",
    "parse_network",
    "predict_many",
]

_LATER = {
    **dict.fromkeys(("DeepCNN", "DeepCNNClassifier"), "deep"),
    **dict.fromkeys(("CNNClassifier", "FCNNClassifier", "NetworkClassifier"), "estimators"),
    "load_network": "loading",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'faceloupe.training' has no attribute {name!r}")
    with extra("study"):
        return getattr(import_module(f"faceloupe.training.{_LATER[name]}"), name)
