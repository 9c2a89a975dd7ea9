"""Networks that a function of the user's makes, and torch modules at large."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from faceloupe.errors import InputError, extra
from faceloupe.files import sha256_of
from faceloupe.looking.model import Asked, Model

if TYPE_CHECKING:
    from torch import nn

__all__ = ["made", "of_module"]


def made(text: str, asked: Asked) -> Model:
    """Make a network with a function of the user's, "module:function"; this runs that code.

    Raises
    ------
    InputError
        If there is no such function, it fails or returns something else, or the weights do not fit.
    """
    module_name, colon, name = text.partition(":")
    if not (colon and name.isidentifier() and all(part.isidentifier() for part in module_name.split("."))):
        raise InputError(
            f"there is no file or folder {text!r}; a MODEL is a folder saved by faceloupe, an ONNX file, or "
            "module:function, such as mynets:build"
        )
    with _current_folder_importable():
        try:
            module = importlib.import_module(module_name)
        except Exception as problem:  # somebody else's code
            raise InputError(
                f"{module_name} cannot be imported, from {Path.cwd()} or what is installed: {problem!r}"
            ) from problem
        makers = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        if name not in makers:
            raise InputError(f"{module_name} has no function {name!r}; it has {', '.join(makers) or 'none'}")
        try:
            network = getattr(module, name)()
        except Exception as problem:  # somebody else's code
            raise InputError(f"{text}() failed: {problem!r}") from problem
    if not hasattr(network, "named_modules"):
        raise InputError(f"{text}() returned a {type(network).__name__}; expected a torch.nn.Module")
    return of_module(network, text, f"a torch module made by {text}()", asked)


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def of_module(network: "nn.Module", name: str, origin: str, asked: Asked) -> Model:
    """Take a torch module, with weights from a file if there is one.

    Raises
    ------
    InputError
        If its size is not given, or the weights do not fit.
    """
    digest, told = "", "its weights as they were made"
    if asked.weights is not None:
        digest, told = _load_weights(network, Path(asked.weights)), f"weights of {asked.weights}"
    if asked.size is None:
        raise InputError(f"{name} does not say how large its faces are; give the size in pixels (size, --size)")
    channels = _channels(network, asked.size)
    prepare, pixels = asked.scaling(channels)
    return Model(
        name=name,
        network=network,
        extent=(asked.size, asked.size),
        colour=channels == 3,
        prepare=prepare,
        pixels=pixels,
        answers=asked.answers,
        origin=f"{origin}, {told}",
        digest=digest,
    )


def _load_weights(network: "nn.Module", path: Path) -> str:
    """Load a safetensors file into a module and return its SHA-256."""
    with extra("study"):
        import safetensors.torch
        from safetensors import SafetensorError

    if not path.is_file():
        raise InputError(f"there is no file of weights {str(path)!r}")
    try:
        network.load_state_dict(safetensors.torch.load_file(path))
    except SafetensorError as problem:
        raise InputError(f"{path} is no safetensors file, or damaged: {problem}") from problem
    except RuntimeError as problem:
        raise InputError(f"the weights in {path} do not fit the network: {problem}") from problem
    return sha256_of(path)


def _channels(network: "nn.Module", size: int) -> int:
    """Return the channels that the first layer with weights reads."""
    from torch import nn

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            return layer.in_channels
        if isinstance(layer, nn.Linear):
            return max(1, layer.in_features // size**2)
    return 3
