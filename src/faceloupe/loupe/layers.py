"""The layers of a network as the loupe reads them; in a page they compute without PyTorch."""

from collections.abc import Callable, Iterable
from typing import Any

from faceloupe.errors import InputError

Document = dict[str, Any]


def loupe_layers(modules: Iterable[tuple[str, Any]]) -> list[Document]:
    """Return the layers of a network that runs its modules, (name, torch module), one after another.

    Each has its ``kind`` ("convolution", "pooling", "activation", "normalisation", "dropout", "flatten" or "dense"),
    its ``name``, by which its weights begin, and what its weights do not tell: stride, padding, size. Raises InputError
    if the loupe does not compute such a layer; the message names it and says why.
    """
    return [_layer(name, module) for name, module in modules]


def _layer(name: str, module: Any) -> Document:
    # By its name, for PyTorch need not be loaded; what has a `forward` of its own computes something else.
    kind: Any = next((kind for kind in type(module).__mro__ if kind.__name__ in _READERS), None)
    if kind is None or (kind.__name__ != "Dropout" and type(module).forward is not kind.forward):
        raise InputError(
            f"The loupe does not compute layer {name!r}, {type(module).__name__}. It knows convolutions, max and "
            "average pooling, ReLU, leaky ReLU, tanh, batch normalisation, dropout, flatten and dense layers in a row."
        )
    required, read = _READERS[kind.__name__]
    for attribute, value in required.items():
        given = getattr(module, attribute)
        if given != value and given != (value, value):  # a size may be one number or two
            raise InputError(f"The loupe computes layer {name!r} with {attribute} {value} alone, and it has {given}.")
    return {"name": name, **read(name, module)}


def _convolution(name: str, module: Any) -> Document:
    padding = module.padding
    if padding == "same":
        if any(side % 2 == 0 for side in module.kernel_size):
            raise InputError(f"Layer {name!r} pads one side more than the other; the loupe pads both alike.")
        padding = [side // 2 for side in module.kernel_size]
    return {
        "kind": "convolution",
        "stride": list(module.stride),
        "padding": [0, 0] if padding == "valid" else list(padding),
    }


def _pooling(_name: str, module: Any) -> Document:
    size, stride = (
        list(side) if isinstance(side, tuple | list) else [side, side] for side in (module.kernel_size, module.stride)
    )
    return {"kind": "pooling", "size": size, "stride": stride, "average": hasattr(module, "divisor_override")}


_NORMALISATION: tuple[Document, Callable[[str, Any], Document]] = (
    {"affine": True, "track_running_stats": True},
    lambda _, module: {"kind": "normalisation", "epsilon": module.eps},
)
# Class -> what its attributes must be, and how what its weights do not tell is read.
_READERS: dict[str, tuple[Document, Callable[[str, Any], Document]]] = {
    "Conv2d": ({"dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}, _convolution),
    "MaxPool2d": ({"padding": 0, "dilation": 1, "ceil_mode": False}, _pooling),
    "AvgPool2d": ({"padding": 0, "ceil_mode": False, "divisor_override": None}, _pooling),
    "AdaptiveAvgPool2d": ({"output_size": 1}, lambda _, __: {"kind": "pooling", "average": True}),
    "AdaptiveMaxPool2d": ({"output_size": 1}, lambda _, __: {"kind": "pooling", "average": False}),
    "ReLU": ({}, lambda _, __: {"kind": "activation", "function": "relu"}),
    "LeakyReLU": ({}, lambda _, module: {"kind": "activation", "function": "leaky", "slope": module.negative_slope}),
    "Tanh": ({}, lambda _, __: {"kind": "activation", "function": "tanh"}),
    "BatchNorm1d": _NORMALISATION,
    "BatchNorm2d": _NORMALISATION,
    "Dropout": ({}, lambda _, module: {"kind": "dropout", "rate": module.p}),
    "Flatten": ({"start_dim": 1, "end_dim": -1}, lambda _, __: {"kind": "flatten"}),
    "Linear": ({}, lambda _, __: {"kind": "dense"}),
}
