"""What the tensors of one run of a torch network see of the image, through the functions between its layers too."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from faceloupe.inspection.fields import Field, Window, joined, mixed
from faceloupe.inspection.layers import IMAGE

__all__ = ["Origin", "Origins"]

# Functions that make each number from the numbers at the same place; a name with a final _ works in place.
_PLACE_BY_PLACE = {
    *("add", "clamp", "clone", "contiguous", "detach", "div", "dropout", "elu", "float", "gelu", "hardsigmoid"),
    *("hardswish", "hardtanh", "leaky_relu", "maximum", "minimum", "mul", "neg", "prelu", "relu", "relu6", "rsub"),
    *("selu", "sigmoid", "silu", "softplus", "sub", "tanh", "to", "true_divide"),
}
# Of them, those that hand on the very tensor where there is nothing to do.
_HANDING_ON = {"contiguous", "dropout", "float", "to"}
_SAME_NUMBERS = {"flatten", "reshape", "squeeze", "unsqueeze", "view"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a tensor comes from: what it sees of the image, and the layer that made it, if a layer did."""

    field: Field | None = None
    maker: str | None = None


class Origins(TorchFunctionMode):
    """Follows, while it is entered, every function that torch calls; a tensor's identity tells where it comes from.

    Attributes
    ----------
    read : set of str
        The layers whose outputs a function outside the layers reads.
    """

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        super().__init__()
        # The tensors are kept beside their origins, so that no identity is used twice during the run.
        self._known: dict[int, tuple[Tensor, Origin]] = {}
        self._constants = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
        self._in_layer = False
        self.read: set[str] = set()
        self._set(image, Origin(Field.of_image((image.shape[2], image.shape[3])), IMAGE))

    def of(self, tensor: Tensor) -> Origin:
        """Return where a tensor comes from."""
        return self._known.get(id(tensor), (tensor, Origin()))[1]

    def enter(self, given: Tensor) -> Origin:
        """Begin a layer; return where its input comes from, which a layer that works in place will change."""
        self._in_layer = True
        return self.of(given)

    def leave(self, output: Tensor, origin: Origin) -> None:
        """End a layer and say where its output comes from."""
        self._in_layer = False
        self._set(output, origin)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function and note where its result comes from."""
        del types
        kwargs = kwargs or {}
        given = [tensor for tensor in _tensors((args, kwargs)) if id(tensor) not in self._constants]
        # Read now: a function that works in place changes the first of them.
        before, shapes = [self.of(tensor) for tensor in given], [tuple(tensor.shape) for tensor in given]
        fields = [origin.field for origin in before]
        output = func(*args, **kwargs)
        if given and output is given[0] and func.__name__ in _HANDING_ON:
            return output
        if func is Tensor.__setitem__:
            self._set(args[0], Origin())
        for tensor in _tensors(output):
            if given:
                alone = isinstance(output, Tensor)
                followed = _followed(func.__name__, args, kwargs, fields, shapes, tensor) if alone else None
                self._set(tensor, Origin(followed or mixed(fields)))
                self.read |= {origin.maker for origin in before if origin.maker and not self._in_layer}
            else:
                self._constants[id(tensor)] = tensor
        return output

    def _set(self, tensor: Tensor, origin: Origin) -> None:
        self._known[id(tensor)] = (tensor, origin)


def _followed(
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    fields: Sequence[Field | None],
    shapes: Sequence[tuple[int, ...]],
    output: Tensor,
) -> Field | None:
    """Return what the output of a known function sees; None for an unknown one."""
    name = name.strip("_")
    first = fields[0]
    if first is None:
        return None
    if name in _PLACE_BY_PLACE:
        return joined(fields, output.shape)
    if name == "cat":
        axis = _named(("dim",), args, kwargs).get("dim", 0) % output.ndim
        return joined(fields, output.shape) if first.places and axis not in first.places else None
    if name in _SAME_NUMBERS:
        return first.reshaped(shapes[0], output.shape)
    if name == "pad":
        given = _named(("pad", "mode"), args, kwargs)
        before = (*given["pad"][::2], 0)  # the last axis comes first
        return first.padded(before[1::-1], output.shape[2:]) if given.get("mode", "constant") == "constant" else None
    if name in {"max_pool2d", "avg_pool2d"}:
        return first.after(_pool_windows(name, args, kwargs), output.shape[2:])
    if name == "mean" and _averages_maps(_named(("dim",), args, kwargs).get("dim"), len(shapes[0])):
        return first.pooled(keep_axes=output.ndim == 4)
    if name == "adaptive_avg_pool2d" and output.shape[2:] == (1, 1):
        return first.pooled(keep_axes=True)
    return None


def _named(names: Sequence[str], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments after the tensor by their names."""
    return dict(zip(names, args[1:], strict=False)) | kwargs


def _pool_windows(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Window]:
    names = ("kernel_size", "stride", "padding", "dilation")
    given = _named(names if name == "max_pool2d" else names[:3], args, kwargs)
    kernel = given["kernel_size"]
    settings = [kernel, given.get("stride") or kernel, given.get("dilation", 1), given.get("padding", 0)]
    rows, columns = zip(*[(s, s) if isinstance(s, int) else tuple(s) for s in settings], strict=True)
    return [Window(*rows), Window(*columns)]


def _averages_maps(axes: Any, ndim: int) -> bool:
    return ndim == 4 and isinstance(axes, tuple | list) and {axis % 4 for axis in axes} == {2, 3}


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(tuple(value.values()))
