"""Networks that a function of the user's makes, and torch modules at large."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceloupe.errors import InputError, extra
from faceloupe.files import sha256_of
from faceloupe.inspection.failures import CODE_FAILS
from faceloupe.looking.model import Model, ModelOptions

if TYPE_CHECKING:
    from torch import nn

CHECKPOINTS = ("state_dict", "model_state_dict", "model")  # where training scripts keep the weights among other things


def model_of_function(text: str, options: ModelOptions) -> Model:
    """Make a network with a function of the user's, "module:function"; this runs that code.

    Raises InputError if there is no such function, it fails or returns something else, or the weights do not fit.
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
        except CODE_FAILS as problem:
            raise InputError(
                f"{module_name} cannot be imported, from {Path.cwd()} or what is installed: {problem!r}"
            ) from problem
        makers = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        if name not in makers:
            raise InputError(f"{module_name} has no function {name!r}; it has {', '.join(makers) or 'none'}")
        try:
            maker = getattr(module, name)
            made = hasattr(maker, "named_modules") and not isinstance(maker, type)  # the network itself
            network = maker if made else maker()
        except CODE_FAILS as problem:
            raise InputError(f"{text}() failed: {problem!r}") from problem
    if not hasattr(network, "named_modules") or isinstance(network, type):
        raise InputError(f"{text}() returned a {type(network).__name__}; expected a torch.nn.Module")
    return model_of_module(network, text, f"a torch module made by {text}()", options)


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def model_of_module(network: "nn.Module", name: str, origin: str, options: ModelOptions) -> Model:
    """Take a torch module, with weights from a file if there is one.

    Raises InputError if its size is not given, or the weights do not fit.
    """
    network = getattr(network, "_orig_mod", network)  # what torch.compile was given: compiled layers cannot be watched
    digest, which = "", "its weights as they were made"
    notes: tuple[str, ...] = ()
    if options.weights is not None:
        path = Path(options.weights)
        (digest, notes), which = _load_weights(network, path), f"weights of {path}"
    height, width = options.extent
    if height is None or width is None:
        raise InputError(f"{name} does not say how large its faces are; give the size in pixels (size, --size)")
    return options.model(
        _channels(network, (height, width)),
        name=name,
        network=network,
        extent=(height, width),
        origin=f"{origin}, {which}",
        digest=digest,
        notes=notes,
    )


def _load_weights(network: "nn.Module", path: Path) -> tuple[str, tuple[str, ...]]:
    """Load a file of weights into a module; return its SHA-256 and what a reader must know of it."""
    if not path.is_file():
        raise InputError(f"there is no file of weights {str(path)!r}")
    with path.open("rb") as file:
        by_torch = file.read(4).startswith((b"PK\x03\x04", b"\x80"))
    weights = _of_torch_save(path) if by_torch else _of_safetensors(path)
    try:
        network.load_state_dict(_named_as_in(network, weights))
    except (RuntimeError, TypeError) as problem:
        raise InputError(f"the weights in {path} do not fit the network: {problem}") from problem
    how = f"The weights were read from {path.name}, a file of torch.save, as numbers alone: no code in it was run."
    return sha256_of(path), (how,) * by_torch


def _of_safetensors(path: Path) -> dict[str, Any]:
    with extra("study"):
        import safetensors.torch
        from safetensors import SafetensorError

    try:
        return safetensors.torch.load_file(path)
    except SafetensorError as problem:
        raise InputError(f"{path} is not a safetensors file, or is damaged: {problem}") from problem


def _of_torch_save(path: Path) -> dict[str, Any]:
    """Return the weights in a file of torch.save: a state_dict, or a checkpoint that holds one."""
    import torch

    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:  # whatever a pickle that is damaged or holds code ends with
        raise InputError(
            f"{path} is a file of torch.save that is damaged, or holds more than numbers, which would run code. Where "
            "you trust it, keep its weights alone: safetensors.torch.save_file(torch.load(path, weights_only=False)"
            ".state_dict(), 'net.safetensors')"
        ) from problem
    if isinstance(held, dict) and not _holds_tensors(held):
        within = {key: value for key, value in held.items() if isinstance(value, dict) and _holds_tensors(value)}
        held = next((within[key] for key in CHECKPOINTS if key in within), None) or (
            within.popitem()[1] if len(within) == 1 else held
        )
    if not isinstance(held, dict) or not _holds_tensors(held):
        raise InputError(f"{path} holds no state_dict; save one with torch.save(network.state_dict(), path)")
    return held


def _holds_tensors(held: dict[str, Any]) -> bool:
    import torch

    return bool(held) and all(isinstance(value, torch.Tensor) for value in held.values())


def _named_as_in(network: "nn.Module", weights: dict[str, Any]) -> dict[str, Any]:
    """Return weights without what all their names begin with, where the network has none of them as they are named.

    DataParallel, torch.compile and the classes that hold a network while it is trained put such words before.
    """
    own = network.state_dict().keys()
    while weights and own.isdisjoint(weights) and len({key.partition(".")[0] for key in weights}) == 1:
        shorter = {key.partition(".")[2]: value for key, value in weights.items()}
        if "" in shorter:
            break
        weights = shorter
    return weights


def _channels(network: "nn.Module", extent: tuple[int, int]) -> int:
    """Return the channels of an image that the network runs on: those that its first layer takes, 3 or 1."""
    import torch
    from torch import nn

    from faceloupe.inspection.torch_networks.running import Visitor, observe

    first = next((layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)), None)
    if isinstance(first, nn.Conv2d):
        taken = first.in_channels or 3  # 0 in a lazy layer
    else:
        taken = max(1, first.in_features // (extent[0] * extent[1])) if first else 3
    for channels in dict.fromkeys((taken, 3, 1)):
        try:
            observe(network, torch.zeros(1, channels, *extent), Visitor())
        except InputError:
            continue
        return channels
    return taken  # what is wrong shows when it runs on a face
