"""Opening the network to look at: saved by faceloupe, an ONNX file, or made by a function of the user's."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.files import sha256_of
from faceloupe.inspection.onnx_networks.network import OnnxNetwork
from faceloupe.looking.factories import model_of_function, model_of_module
from faceloupe.looking.model import LONGEST, Model, ModelOptions
from faceloupe.recognition.weights import SFACE

if TYPE_CHECKING:
    from torch import nn

    from faceloupe.looking.model import Classifier

NOT_ALIGNED = "It was trained on chips aligned by five points of the face. Nothing is aligned here: give aligned chips."
WEIGHTS_ONLY = (".safetensors", ".pt", ".pth", ".bin", ".pkl", ".ckpt")
KERAS = (".h5", ".hdf5")
TO_ONNX = "in Keras, keras.models.load_model({!r}).export('net.onnx', format='onnx') makes an ONNX file; give that"

Floats = NDArray[np.float32]
ModelLike: TypeAlias = "Model | Classifier | nn.Module | OnnxNetwork | str | os.PathLike[str]"


def open_model(
    model: ModelLike,
    *,
    weights: str | os.PathLike[str] | None = None,
    size: int | tuple[int, int] | None = None,
    pixels: str | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    bgr: bool = False,
    answers: str | None = None,
) -> Model:
    """Open a network to look at.

    Parameters
    ----------
    model : path, "module:function", classifier, torch.nn.Module or OnnxNetwork
        A folder that a classifier's ``save`` wrote; an ONNX file; a Sequential network of Keras (``.keras``); a
        function without arguments that returns a torch module, of a module in the current folder or an installed one.
        The last runs that code.
    weights : path, optional
        Weights of the torch module: a safetensors file, or one of ``torch.save``, from which only numbers are read.
    size : int or (int, int), optional
        Side, or height and width, of its faces, where the network does not say.
    pixels : {"0..1", "0..255", "-1..1", "imagenet"}, optional
        What the network expects black and white to be; 0..1 if not given. SFace, known by its SHA-256, takes 0..255;
        "imagenet" is 0..1 with the mean and standard deviation of ImageNet's colours.
    mean, std : float or one per channel, optional
        Numbers to subtract from those pixels, and then to divide by, in the network's order of channels.
    bgr : bool
        Whether it expects blue first.
    answers : {"classes", "template"}, optional
        Meaning of its numbers. If not given, 64 numbers or more, a power of two, are taken for a template. A classifier
        of this package answers with classes and has its own size and preprocessing.

    Raises
    ------
    InputError
        If there is no such network, its code fails, its weights do not fit, or an option does not apply.
    UnavailableError
        If an ONNX file is given and the packages that read it are missing.
    """
    if isinstance(model, Model):
        return model
    options = ModelOptions(weights, size, pixels, bgr, answers, mean, std)
    options.check()
    if isinstance(model, str | os.PathLike):
        path = Path(model)
        if path.is_dir():
            return _saved(path, options)
        if path.suffix.lower() == ".keras" and path.is_file():
            return _keras(path, options)
        return _onnx(path, options) if path.is_file() else model_of_function(str(model), options)
    if isinstance(model, OnnxNetwork):
        return _onnx(model, options)
    if hasattr(model, "network_") and not isinstance(model, type):
        kind = type(model).__name__
        return _classifier(cast("Classifier", model), kind, f"a {kind} in memory", "", options)
    of_keras = any(kind.__module__.startswith("keras") for kind in type(model).__mro__)
    if hasattr(model, "named_modules") and not (
        of_keras or isinstance(model, type)
    ):  # on torch, a network of Keras is a module too
        kind = type(model).__name__
        return model_of_module(model, kind, f"a torch module, {kind}, in memory", options)
    if isinstance(model, type):
        raise InputError(f"model: {model.__name__} is a class; give a network, such as {model.__name__}()")
    hint = f"; save it as 'net.keras' and give that, or {TO_ONNX.format('net.keras')}" if of_keras else ""
    raise InputError(f"model: expected a path, 'module:function', a classifier or a network; got {type(model)}{hint}")


def _saved(folder: Path, options: ModelOptions) -> Model:
    from faceloupe.training.loading import load_network
    from faceloupe.training.saving import WEIGHTS

    classifier = load_network(folder)
    name = folder.resolve().name
    return _classifier(
        classifier, name, f"{type(classifier).__name__} saved in {folder}", sha256_of(folder / WEIGHTS), options
    )


def _classifier(classifier: "Classifier", name: str, origin: str, digest: str, options: ModelOptions) -> Model:
    from sklearn.utils.validation import check_is_fitted

    from faceloupe.training.deep import DeepCNNClassifier

    check_is_fitted(classifier)
    options.refuse(
        f"{name} is a classifier of this package and has its own weights, size and preprocessing",
        *("weights", "size", "pixels", "bgr", "answers", "mean", "std"),
    )
    deep = isinstance(classifier, DeepCNNClassifier)
    step = classifier.preprocessing_
    in_words = {"none": "as they are, from 0 to 1", "centre": f"less their mean in training, {step.mean:.3f}",
            "standardise": f"less their mean in training, {step.mean:.3f}, divided by {step.scale:.3f}"}  # fmt: skip
    both_ways = "As a classifier it adds the answer to the mirror image; here the network is looked at by itself."
    return Model(
        name=name,
        network=classifier.network_,
        extent=classifier.image_shape_,
        colour=False,
        prepare=classifier.prepare,
        pixels=f"grey pixels {in_words[step.kind]}{', resized to 64×64' if deep else ''}",
        answers="classes",
        origin=origin,
        classes=tuple(map(str, classifier.classes_)),
        digest=digest,
        notes=(both_ways,) if deep else (),
        classifier=classifier,
    )


def _keras(path: Path, options: ModelOptions) -> Model:
    from faceloupe.looking.keras_files import read_keras

    options.refuse(f"{path.name} holds its weights and its size", "weights", "size")
    network, (channels, height, width) = read_keras(path)
    return options.model(
        channels,
        name=path.stem,
        network=network,
        extent=(height, width),
        origin=f"the Keras file {path}",
        digest=sha256_of(path),
        notes=("It was read from a file of Keras as numbers alone. A sigmoid or softmax at its end is left out.",),
    )


def _onnx(source: Path | OnnxNetwork, options: ModelOptions) -> Model:
    if isinstance(source, Path) and source.suffix.lower() in WEIGHTS_ONLY:
        raise InputError(
            f"{source} holds weights without a network, or code; give the function that makes the network, "
            "'module:function', with its weights as safetensors"
        )
    if isinstance(source, Path) and source.suffix.lower() in KERAS:
        raise InputError(f"{source} is a file of Keras; {TO_ONNX.format(str(source))}")
    network = source if isinstance(source, OnnxNetwork) else OnnxNetwork(source)
    channels, *extent = network.input_shape
    options.refuse(f"{network.path.name} is an ONNX file and holds its weights", "weights")
    if any(None not in pair and len({*pair}) > 1 for pair in zip(extent, options.extent, strict=True)):
        size = "×".join(map(str, extent))
        raise InputError(f"{network.path.name} takes faces of {size} pixels and no other size, not {options.size}")
    if None in extent and options.size is None:
        raise InputError(f"{network.path.name} takes faces of any size; give one, in pixels (size, --size)")
    height, width = (length or side or 0 for length, side in zip(extent, options.extent, strict=True))
    if max(height, width) > LONGEST:
        raise InputError(f"{network.path.name} takes faces of {height:,}×{width:,} pixels; at most {LONGEST:,} a side")
    is_sface = network.sha256 == SFACE.sha256
    return options.model(
        channels or 3,
        "0..255" if is_sface else "0..1",
        answers="template" if is_sface else None,
        name="SFace" if is_sface else network.path.stem,
        network=network,
        extent=(height, width),
        origin=f"the ONNX file {network.path}",
        digest=network.sha256,
        notes=(NOT_ALIGNED,) if is_sface else (),
    )
