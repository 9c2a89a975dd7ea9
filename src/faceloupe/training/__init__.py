"""Small networks in a sentence: one fit, many fits at once, and scikit-learn classifiers that can be saved."""

from faceloupe.errors import extra

with extra("study"):
    import sklearn  # noqa: F401 - so that its absence is told once, in words
    import torch  # noqa: F401

from faceloupe.training.deep import DeepCNN, DeepCNNClassifier
from faceloupe.training.ensemble import ManyFits, fit_many, initial_weights, predict_many
from faceloupe.training.estimators import CNNClassifier, FCNNClassifier, NetworkClassifier
from faceloupe.training.filters import Filters
from faceloupe.training.fit import Scores, batch_orders, evaluate, fit_network
from faceloupe.training.history import History
from faceloupe.training.language import CNN_SENTENCE, FCNN_SENTENCE, parse_network
from faceloupe.training.loading import load_network
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
