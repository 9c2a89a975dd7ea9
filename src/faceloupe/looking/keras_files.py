"""Sequential networks in files of Keras (``.keras``), read as numbers: Keras is not needed, and no code in it runs."""

import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.documents import parse_json
from faceloupe.errors import InputError, extra

if TYPE_CHECKING:
    from torch import nn

LARGEST = 2**29  # bytes of a part: 134 million weights
EXPORT = "in Keras, model.export('net.onnx', format='onnx') makes an ONNX file of any network: give that"
SLOPE = 0.2  # of the activation "leaky_relu" of Keras

Arrays = list[NDArray[np.float32]]


def read_keras(path: Path) -> "tuple[nn.Sequential, tuple[int, int, int]]":
    """Return the network of a ``.keras`` file as a torch module, and the shape (C, H, W) of its faces.

    Maps have their channels last in Keras and first in torch; the weights of the layer after a flattening are put in
    that order. A sigmoid or softmax at the end is left out, so that the network answers with logits. Raises InputError
    if it is not such a file, or its network is not one layer after another of those that are known; UnavailableError if
    h5py is missing.
    """
    try:
        with zipfile.ZipFile(path) as file:
            described = parse_json(_part(file, "config.json"))
            weights = _weights(_part(file, "model.weights.h5"))
        return _network(described, weights)
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{path} is not a readable .keras file: {problem}") from problem
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from problem
    except (KeyError, TypeError, ValueError, IndexError, RuntimeError) as problem:
        raise InputError(f"{path}: its layers and its weights do not fit each other ({problem!r})") from problem


def _part(file: zipfile.ZipFile, name: str) -> bytes:
    if name not in file.namelist():
        raise InputError(f"it is not a readable .keras file: there is no {name} in it")
    if file.getinfo(name).file_size > LARGEST:
        raise InputError(f"{name} is larger than {LARGEST:,} bytes")
    return file.read(name)


def _weights(content: bytes) -> dict[str, Arrays]:
    """Return the arrays of each layer by the layer's name; links out of the file are not followed."""
    with extra("keras"):
        import h5py

    weights: dict[str, Arrays] = {}
    with h5py.File(BytesIO(content), "r") as file:
        layers = file["layers"]
        for key in layers:
            if not isinstance(layers.get(key, getlink=True), h5py.HardLink) or "vars" not in layers[key]:
                continue
            variables = layers[key]["vars"]
            numbered = [variables[number] for number in sorted(variables, key=int)]
            if any(array.external or array.is_virtual or array.nbytes > LARGEST for array in numbered):
                raise InputError("its weights lie outside the file, or are too large")
            if any(array.dtype.kind != "f" for array in numbered):
                raise InputError(f"its weights are whole numbers, as after quantisation, which are not read; {EXPORT}")
            arrays = [np.asarray(array, dtype=np.float32) for array in numbered]
            weights[str(variables.attrs.get("name", key))] = arrays
    return weights


def _network(
    described: Mapping[str, Any], weights: Mapping[str, Arrays]
) -> "tuple[nn.Sequential, tuple[int, int, int]]":
    import torch
    from torch import nn

    if described.get("class_name") != "Sequential":
        raise InputError(f"only Sequential networks of Keras are read, not {described.get('class_name')}; {EXPORT}")
    layers = [(layer["class_name"], layer["config"]) for layer in described["config"]["layers"]]
    shape: list[int] = layers[0][1]["batch_shape"] if layers and layers[0][0] == "InputLayer" else []
    if len(shape) != 4 or None in shape[1:]:
        raise InputError("the network does not begin with keras.Input((height, width, channels))")
    height, width, channels = shape[1:]
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    output, spatial = torch.zeros(1, channels, height, width), None
    last = len(layers) - 1
    for place, (kind, config) in enumerate(layers[1:], start=1):
        name = str(config["name"]).replace(".", "_")
        for suffix, module in _modules(kind, config, weights.get(config["name"], []), output.shape, spatial):
            if isinstance(module, nn.Sigmoid | nn.Softmax):
                if place != last:
                    raise InputError(f"layer {name!r}: a sigmoid or softmax before the end is not read")
                continue
            if isinstance(module, nn.Flatten) and output.ndim == 4:
                spatial = output.shape[1:]
            if isinstance(module, nn.Linear):
                spatial = None
            key = name + suffix
            modules[f"{key}_" if key in modules else key] = module.eval()
            with torch.no_grad():
                output = module(output)
    if output.ndim != 2 or (spatial and spatial[1:] != (1, 1)):
        raise InputError(f"the network does not end in a dense layer or a global pooling; {EXPORT}")
    return nn.Sequential(modules), (channels, height, width)


def _modules(
    kind: str, config: Mapping[str, Any], arrays: Arrays, shape: "tuple[int, ...]", spatial: "tuple[int, ...] | None"
) -> "Iterator[tuple[str, nn.Module]]":
    """Yield a layer's modules, each with what its name ends in; `spatial` is the shape of maps that were flattened."""
    from torch import nn

    if config.get("data_format", "channels_last") != "channels_last":
        raise InputError(f"layer {config['name']!r} has its channels first; only channels last are read")
    match kind:
        case "Conv2D":
            yield "", _convolution(config, arrays, shape[1])
        case "Dense" if len(shape) == 2:
            yield "", _dense(arrays, spatial)
        case "BatchNormalization" if config["axis"] in (-1, len(shape) - 1):
            yield "", _normalisation(config, arrays, shape, spatial)
        case "GlobalAveragePooling2D" | "GlobalMaxPooling2D":
            yield "", nn.AdaptiveAvgPool2d(1) if "Average" in kind else nn.AdaptiveMaxPool2d(1)
            yield "_flat", nn.Flatten()
        case "MaxPooling2D" | "AveragePooling2D":
            if config["padding"] != "valid":
                raise InputError(
                    f"layer {config['name']!r}: pooling with padding {config['padding']!r} is not read; {EXPORT}"
                )
            make = nn.MaxPool2d if kind.startswith("Max") else nn.AvgPool2d
            yield "", make(tuple(config["pool_size"]), tuple(config["strides"]))
        case "Flatten":
            yield "", nn.Flatten()
        case "Dropout":
            yield "", nn.Dropout(config["rate"])
        case "ReLU" | "LeakyReLU" if not config.get("threshold") and config.get("max_value") is None:
            slope = config.get("negative_slope") or 0.0
            yield "", nn.LeakyReLU(slope) if slope else nn.ReLU()
        case "Softmax" if config["axis"] in (-1, 1):
            yield "", nn.Softmax(1)
        case "Activation":
            yield from _activation(config["activation"], config["name"], "")
        case _:
            raise InputError(f"layer {config['name']!r}, {kind}, is not read; {EXPORT}")
    if kind in ("Conv2D", "Dense"):
        yield from _activation(config["activation"], config["name"], "_")


def _convolution(config: Mapping[str, Any], arrays: Arrays, channels: int) -> "nn.Conv2d":
    import torch
    from torch import nn

    if config["groups"] != 1 or set(config["dilation_rate"]) != {1}:
        raise InputError(f"layer {config['name']!r}: groups and dilation are not read; {EXPORT}")
    size, stride = tuple(config["kernel_size"]), tuple(config["strides"])
    odd = all(side % 2 for side in size) and set(stride) == {1}
    if config["padding"] == "same" and not odd:
        raise InputError(f"layer {config['name']!r}: padding 'same' is read for odd kernels with stride 1; {EXPORT}")
    layer = nn.Conv2d(channels, config["filters"], size, stride, config["padding"], bias=config["use_bias"])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(arrays[0].transpose(3, 2, 0, 1).copy()))
        if layer.bias is not None:
            layer.bias.copy_(torch.from_numpy(arrays[1]))
    return layer


def _dense(arrays: Arrays, spatial: "tuple[int, ...] | None") -> "nn.Linear":
    """Return a dense layer; its weights are of (height, width, channels) in Keras where maps were flattened."""
    import torch
    from torch import nn

    weights = _channels_first(arrays[0], spatial) if spatial else arrays[0]
    layer = nn.Linear(weights.shape[0], weights.shape[1], bias=len(arrays) > 1)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights.T.copy()))
        if len(arrays) > 1:
            layer.bias.copy_(torch.from_numpy(arrays[1]))
    return layer


def _normalisation(
    config: Mapping[str, Any], arrays: Arrays, shape: "tuple[int, ...]", spatial: "tuple[int, ...] | None"
) -> "nn.BatchNorm1d | nn.BatchNorm2d":
    """Return a batch normalisation; Keras keeps scale, offset, mean and variance, the first two where they are used."""
    import torch
    from torch import nn

    layer = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(shape[1], eps=config["epsilon"])
    numbers = iter(arrays)
    targets = (layer.weight if config["scale"] else None, layer.bias if config["center"] else None)
    with torch.no_grad():
        for target in (*targets, layer.running_mean, layer.running_var):
            if target is not None:
                values = next(numbers)
                target.copy_(torch.from_numpy((_channels_first(values, spatial) if spatial else values).copy()))
    return layer


def _channels_first(numbers: NDArray[np.float32], spatial: "tuple[int, ...]") -> NDArray[np.float32]:
    """Return numbers, of flattened maps with channels last along the first axis, in the order with channels first."""
    channels, height, width = spatial
    return numbers.reshape(height, width, channels, -1).transpose(2, 0, 1, 3).reshape(numbers.shape)


def _activation(name: Any, layer: str, joint: str) -> "Iterator[tuple[str, nn.Module]]":
    from torch import nn

    functions: dict[str, nn.Module] = {
        "relu": nn.ReLU(), "leaky_relu": nn.LeakyReLU(SLOPE), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid(),
        "softmax": nn.Softmax(1),
    }  # fmt: skip
    if name == "linear":
        return
    if name not in functions:
        raise InputError(
            f"layer {layer!r}: the activation {name!r} is not read; those known are {', '.join(functions)}; {EXPORT}"
        )
    yield (f"{joint}{name}" if joint else ""), functions[name]
