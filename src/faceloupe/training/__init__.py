"""The networks: one fit, many fits at once, and scikit-learn classifiers that can be saved."""

from faceloupe.training.deep import DeepCNN, DeepCNNClassifier
from faceloupe.training.ensemble import ManyFits, fit_many, initial_weights, predict_many
from faceloupe.training.estimators import CNNClassifier, FCNNClassifier
from faceloupe.training.fit import History, RMSprop, batch_orders, evaluate, fit_network
from faceloupe.training.networks import CNN, FCNN, initialise
from faceloupe.training.preprocessing import Preprocessing, fit_preprocessing
from faceloupe.training.saving import load_network

__all__ = [
    "CNN",
    "FCNN",
    "CNNClassifier",
    "DeepCNN",
    "DeepCNNClassifier",
    "FCNNClassifier",
    "History",
    "ManyFits",
    "Preprocessing",
    "RMSprop",
    "batch_orders",
    "evaluate",
    "fit_many",
    "fit_network",
    "fit_preprocessing",
    "initial_weights",
    "initialise",
    "load_network",
    "predict_many",
]
