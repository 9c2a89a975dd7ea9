"""Layers asked for by name, and the errors that name those there are."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeVar

from faceloupe.errors import InputError

T = TypeVar("T")


def named(layers: Mapping[str, T], name: str) -> T:
    """Return the value of the layer of this name; the KeyError for another lists the names."""
    if name not in layers:
        raise KeyError(f"no layer {name!r}; the layers are {', '.join(layers)}")
    return layers[name]


def chosen_layers(names: Iterable[str] | None, available: Sequence[str]) -> list[str]:
    """Return the names asked for, or all for None, in the order of `available`.

    Raises InputError if no name is given, or one is none of the available; the message lists them, the closest first.
    """
    if names is None:
        return list(available)
    asked_for = list(names)
    if not asked_for:
        raise InputError("layers: expected names, got none; leave the argument out for all layers")
    for name in asked_for:
        if name not in available:
            close = get_close_matches(name, available, n=5)
            others = [other for other in available if other not in close]
            raise InputError(f"layers: there is no layer {name!r}; the layers are {', '.join([*close, *others])}")
    return [name for name in available if name in asked_for]
