"""The layers of a network as the loupe reads them; in a page they compute without PyTorch."""

from collections.abc import Callable, Iterable
from typing import Any

from faceloupe.errors import InputError

Document = dict[str, Any]


def loupe_layers(modules: Iterable[tuple[str, Any]]) -> list[Document]:
    """Return the layers of a network that runs its modules one after another.

    Parameters
    ----------
    modules : iterable of (str, torch module)
        As ``network.named_children()`` of a ``torch.nn.Sequential`` gives them.

    Returns
    -------
    list of dict
        Each with its ``kind`` ("convolution", "pooling", "activation", "normalisation", "dropout", "flatten" or
        "dense"), its ``name``, by which its weights begin, and what its weights do not tell: stride, padding, size.

    Raises
    ------
    InputError
        If the loupe does not compute such a layer; the message names it and says why.
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
    return {"name": name, **_READERS[kind.__name__](name, module)}


def _convolution(name: str, module: Any) -> Document:
    _need(name, module, dilation=(1, 1), groups=1, padding_mode="zeros")
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


def _max_pooling(name: str, module: Any) -> Document:
    _need(name, module, padding=0, dilation=1, ceil_mode=False)
    return _pooling(module, average=False)


def _average_pooling(name: str, module: Any) -> Document:
    _need(name, module, padding=0, ceil_mode=False, divisor_override=None)
    return _pooling(module, average=True)


def _global_pooling(name: str, module: Any) -> Document:
    _need(name, module, output_size=1)
    return {"kind": "pooling", "average": "Avg" in type(module).__name__}


def _pooling(module: Any, *, average: bool) -> Document:
    size, stride = _pair(module.kernel_size), _pair(module.stride)
    return {"kind": "pooling", "size": size, "stride": stride, "average": average}


def _normalisation(name: str, module: Any) -> Document:
    _need(name, module, affine=True, track_running_stats=True)
    return {"kind": "normalisation", "epsilon": module.eps}


def _flatten(name: str, module: Any) -> Document:
    _need(name, module, start_dim=1, end_dim=-1)
    return {"kind": "flatten"}


_READERS: dict[str, Callable[[str, Any], Document]] = {
    "Conv2d": _convolution,
    "MaxPool2d": _max_pooling,
    "AvgPool2d": _average_pooling,
    "AdaptiveAvgPool2d": _global_pooling,
    "AdaptiveMaxPool2d": _global_pooling,
    "ReLU": lambda _, __: {"kind": "activation", "function": "relu"},
    "LeakyReLU": lambda _, module: {"kind": "activation", "function": "leaky", "slope": module.negative_slope},
    "Tanh": lambda _, __: {"kind": "activation", "function": "tanh"},
    "BatchNorm1d": _normalisation,
    "BatchNorm2d": _normalisation,
    "Dropout": lambda _, module: {"kind": "dropout", "rate": module.p},
    "Flatten": _flatten,
    "Linear": lambda _, __: {"kind": "dense"},
}


def _need(name: str, module: Any, **wanted: Any) -> None:
    """Refuse a module whose attributes are not as wanted; a size may be one number or two."""
    for attribute, value in wanted.items():
        given = getattr(module, attribute)
        if given != value and given != (value, value):
            raise InputError(f"The loupe computes layer {name!r} with {attribute} {value} alone, and it has {given}.")


def _pair(size: Any) -> list[int]:
    return list(size) if isinstance(size, tuple | list) else [size, size]
