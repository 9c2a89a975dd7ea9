"""The anatomy of a torch network: its leaf modules, and the functions between them, as they ran."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from faceloupe.inspection.arithmetic import channels_last
from faceloupe.inspection.collector import LayerCollector
from faceloupe.inspection.fields import Field, mixed
from faceloupe.inspection.layers import IMAGE, Anatomy
from faceloupe.inspection.torch_networks.operators import HANDING_ON, Operator, tensors_of
from faceloupe.inspection.torch_networks.running import Call, Visitor, device_and_precision, observe


def torch_anatomy(network: nn.Module, image_shape: tuple[int, int, int]) -> Anatomy:
    """Take a torch network for captures of shape (C, H, W) apart; see :func:`faceloupe.inspection.anatomy.anatomy`."""
    channels, height, width = image_shape
    device, precision = device_and_precision(network)
    image = torch.zeros(1, *image_shape, dtype=precision, device=device)
    run = _Run(image)
    observe(network, image, run)
    for name in run.read:
        run.layers.read(name)
    held = _parameters(network.modules())
    return Anatomy(
        input_shape=(height, width, channels),
        layers=run.layers.finished(),
        parameters=sum(size for size, _ in held.values()),
        parameter_bytes=sum(size * each for size, each in held.values()),
        gaps=tuple(run.gaps),
    )


@dataclass(frozen=True, slots=True)
class _Origin:
    """The origin of a tensor: what it sees of the image, and the layer that made it, if a layer did."""

    field: Field | None = None
    maker: str | None = None


class _Run(Visitor):
    """Turns what ran into layers; a tensor's identity tells where it comes from.

    A function outside the layers reads the outputs of the layers in `read`; before those in `gaps` something ran that
    cannot be seen.
    """

    def __init__(self, image: Tensor) -> None:
        self.layers = LayerCollector()
        self.read: set[str] = set()
        # The tensors are kept beside their origins, so that no identity is used twice during the run.
        self._known: dict[int, tuple[Tensor, _Origin]] = {}
        self._operators: list[Operator] = []  # of the layer that runs
        self.gaps: list[str] = []
        self._gap = False
        self._rectified: Tensor | None = None  # what the last function made, if it was a ReLU
        self._set(image, _Origin(Field.of_image((image.shape[2], image.shape[3])), IMAGE))

    def reads(self, tensors: Sequence[Tensor]) -> list[tuple[_Origin, tuple[int, ...]]]:
        # What torch does not show, such as TorchScript, NumPy or a compiled function, made them.
        self._gap |= bool(tensors) and not any(id(tensor) in self._known for tensor in tensors)
        return [(self._known.get(id(tensor), (tensor, _Origin()))[1], tuple(tensor.shape)) for tensor in tensors]

    def function(
        self, operator: Operator, remembered: Any, carried: Sequence[Tensor], output: Any, *, within: bool
    ) -> None:
        if output is carried[0] and operator.name in HANDING_ON:
            return
        fields = [origin.field for origin, _ in remembered]
        if operator.name == "setitem":
            self._set(output, _Origin())
        else:
            for tensor in tensors_of(output):
                single = tensor is output
                self._set(tensor, _Origin(operator.field(fields) if single else mixed(fields)))
        if within:
            self._operators.append(operator)
            self._rectified = output if operator.rectifies else None
        else:
            self.read |= {origin.maker for origin, _ in remembered if origin.maker}

    def after(self, call: Call, remembered: Any) -> None:
        call.check_numbers()
        operators, self._operators = self._operators, []
        rectified, self._rectified = self._rectified, None
        [(origin, given), *_] = remembered or [(_Origin(), ())]
        if self._gap:
            self.gaps.append(call.name)
            self._gap = False
        is_followed = id(call.output) in self._known
        field = self._known[id(call.output)][1].field if is_followed else None
        weighted = [operator for operator in operators if operator.weights]
        products = [operator.products for operator in operators]
        is_counted = is_followed and None not in products
        # Of a layer that does more, the windows do not slide over what it took.
        shape = tuple(call.output.shape)
        windows = [operator.windows for operator in operators if operator.windows and operator.output == shape]
        if field is None and origin.field and getattr(call.module, "padding_mode", "zeros") != "zeros" and windows:
            # It pads by other numbers than zeros, as an operator of its own; its windows reach no further for that.
            padded = zip(windows[0], weighted[0].given[2:], given[2:], strict=True)
            windows = [[replace(window, padding=(wide - size) // 2) for window, wide, size in padded]]
            field = origin.field.after(windows[0], call.output.shape[2:])
        self._set(call.output, _Origin(field, call.name))
        self.layers.add(
            name=call.name,
            kind=call.kind,
            source=origin.maker,
            input_shape=channels_last(given),
            output_shape=channels_last(call.output.shape),
            sizes=_parameters(call.module.modules()) if call.module is not None else _sizes(operators[0].parameters),
            weights=weighted[0].weights if len(weighted) == 1 else None,
            biased=len(weighted) == 1 and weighted[0].is_biased,
            products=[each for some in products for each in some or ()] if is_counted else None,
            windows=windows[0] if len(windows) == 1 else [],
            field=field,
            rectifies=rectified is call.output,
            output_bytes=call.output.numel() * call.output.element_size(),
        )

    def _set(self, tensor: Tensor, origin: _Origin) -> None:
        self._known[id(tensor)] = (tensor, origin)


def _parameters(modules: Any) -> dict[int, tuple[int, int]]:
    """Return the size of each parameter, and the bytes of each number, by the parameter's identity."""
    sizes: dict[int, tuple[int, int]] = {}
    for module in modules:
        sizes |= _sizes(module.parameters(recurse=False))
        packed = getattr(module, "_packed_params", None)
        held: Any = getattr(packed, "_packed_params", packed)  # of a dense layer in a module of its own
        if hasattr(held, "unpack"):
            sizes |= {id(held) + place: (tensor.numel(), tensor.element_size())
                      for place, tensor in enumerate(tensors_of(held.unpack()))}  # fmt: skip
    return sizes


def _sizes(parameters: Any) -> dict[int, tuple[int, int]]:
    return {id(parameter): (parameter.numel(), parameter.element_size()) for parameter in parameters}
