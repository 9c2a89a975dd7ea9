"""Running a torch network so that every layer can be watched, and leaving it as it was found."""

import random
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from faceloupe.errors import InputError
from faceloupe.inspection.failures import CODE_FAILS, cannot_run
from faceloupe.inspection.torch_networks.operators import (
    LIKENING,
    REPEATABLE,
    SHAPED,
    Operator,
    name_of_function,
    operator_of,
    tensors_held,
    tensors_of,
    with_tensors,
)
from faceloupe.inspection.torch_networks.rectifying import Rectifying

Buffers: TypeAlias = dict[str, tuple[Tensor, Tensor] | None]  # each with a copy of its numbers

# Modules that use what is inside them without calling it: they are one layer, as is what keeps quantised weights.
WHOLE = (nn.MultiheadAttention,)
QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized")

# Several threads may look into one network at once. Module -> how many runs hold it in evaluation mode, and before the
# first whether it was in training, and its buffers with their numbers; how many watch it, and the hooks for them all.
_RESTING: WeakKeyDictionary[nn.Module, tuple[int, bool, Buffers]] = WeakKeyDictionary()
_HOOKED: WeakKeyDictionary[nn.Module, tuple[int, tuple[RemovableHandle, ...]]] = WeakKeyDictionary()
_LOCK = threading.Lock()
_OF_THREAD = threading.local()  # .watchers: of this thread, the last one within the others


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One run of a layer: a module, or a function that no module of a layer calls.

    `name` and `kind` are "conv2.relu" and "ReLU", of a function "relu()" and "relu"; the second run of a name is
    "relu() (2)". `given` is the first tensor that it took, `output` the first that it made; `again` runs it on another
    tensor in place of `given`.
    """

    name: str
    kind: str
    module: nn.Module | None
    given: Tensor | None
    output: Tensor
    again: Callable[[Tensor], Any]

    def check_numbers(self) -> None:
        """Raise InputError if the layer ran within torch.vmap, where its output has neither its batch nor numbers."""
        if torch._C._functorch.is_functorch_wrapped_tensor(self.output):
            raise InputError(
                f"the network runs {self.name} within torch.vmap or another transform of torch.func, where what it "
                "puts out cannot be read. Let it take the whole batch instead; attributions by occlusion and "
                "correlation work as it is"
            )


class Visitor:
    """A listener to a run; this one ignores everything."""

    def reads(self, _tensors: Sequence[Tensor]) -> Any:
        """Return what to remember of tensors that a layer or function is about to take, and may change in place."""

    def function(
        self, operator: Operator, remembered: Any, carried: Sequence[Tensor], output: Any, *, within: bool
    ) -> None:
        """Hear of a function that worked on the image, `within` a layer or not."""

    def after(self, _call: Call, _remembered: Any) -> Tensor | None:
        """Hear of a layer that ended; a tensor that is returned goes on in place of its output."""


class _Watcher(TorchFunctionMode):
    """Reports to a visitor the leaf modules of a network, and the functions between them, that its thread runs."""

    def __init__(self, network: nn.Module, constants: Iterable[Tensor], visitor: Visitor) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.names = {id(module): name for name, module in leaves(network)}
        # Tensors that do not depend on the image; they are kept, so that no identity is used twice during the run.
        self._constants = {id(tensor): tensor for tensor in constants}
        self._visitor = visitor
        self._begun: list[Any] = []  # what is remembered of each layer that has begun and not ended
        self._rectifying = Rectifying(self._constants)
        self._deaf = False  # while the visitor itself calls functions

    def enter(self, taken: Any) -> None:
        """Begin a module's run."""
        self._begun.append(self._visitor.reads([*islice(tensors_of(taken), 1)]))

    def leave(self, module: nn.Module, taken: Any, output: Any) -> Tensor | None:
        """End a module's run; the output is None where it failed."""
        remembered = self._begun.pop()
        made = next(tensors_of(output), None)
        if self._begun or made is None:
            return None
        given = next(tensors_of(taken), None)
        kind = parametrize.type_before_parametrizations(module).__name__
        call = Call(self._called(self.names[id(module)]), kind, module, given, made, module.forward)
        self._deaf = True
        try:
            changed = self._visitor.after(call, remembered)
        finally:
            self._deaf = False
        return changed if isinstance(output, Tensor) else None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function, as a layer if it is one."""
        del types
        kwargs = kwargs or {}
        if self._deaf:
            return func(*args, **kwargs)
        name = name_of_function(func)
        read = () if name in SHAPED else args[:1] if name in LIKENING else (args, kwargs)
        carried = [tensor for tensor in tensors_of(read) if id(tensor) not in self._constants]
        carried.sort(key=lambda tensor: tensor.dtype == torch.bool)  # what a mask chooses from comes first
        if not carried:
            output = func(*args, **kwargs)
            self._constants |= {id(tensor): tensor for tensor in tensors_of(output)}
            return output
        operator = operator_of(name, args, kwargs, carried)
        remembered = self._visitor.reads(carried)
        output = func(*args, **kwargs)
        written = args[0] if name == "setitem" else output
        base = getattr(written, "_base", None)
        if base is not None and id(base) in self._constants:
            written = (written, base)  # it was written into a part of a constant
        made = next(tensors_of(written), None)
        if made is None:  # a shape, a number
            return output
        for tensor in tensors_of(written):
            self._constants.pop(id(tensor), None)
        if name in REPEATABLE and (isinstance(output, Tensor) or output is None):
            rectifies = self._rectifying.is_relu(func, args, kwargs, made)
        else:
            rectifies = False
            self._rectifying.forget()
        operator = replace(operator, output=tuple(made.shape), rectifies=rectifies)
        is_layer = (made.is_floating_point() or made.is_complex()) and operator.is_layer
        self._visitor.function(operator, remembered, carried, written, within=bool(self._begun) or is_layer)
        if self._begun or not is_layer:
            return output

        def again(other: Tensor) -> Any:
            given = with_tensors((args, list(kwargs.values())), lambda each: other if each is carried[0] else each)
            return func(*given[0], **dict(zip(kwargs, given[1], strict=True)))

        call = Call(self._called(f"{name}()"), name, None, carried[0], made, again)
        changed = self._visitor.after(call, remembered)
        return output if changed is None else changed

    def _called(self, name: str) -> str:
        self.calls[name] += 1
        return name if self.calls[name] == 1 else f"{name} ({self.calls[name]})"


@contextmanager
def watched(network: nn.Module, visitor: Visitor) -> Iterator[Counter[str]]:
    """Tell a visitor of every layer that this thread runs within; yield how often each ran."""
    watcher = _Watcher(network, tensors_held(network), visitor)
    watchers = vars(_OF_THREAD).setdefault("watchers", [])
    modules = [module for _, module in leaves(network)]
    with _LOCK:
        for module in modules:
            count, handles = _HOOKED.get(module, (0, ()))
            handles = handles or (
                module.register_forward_pre_hook(_entered, with_kwargs=True),
                module.register_forward_hook(_left, with_kwargs=True, always_call=True),
            )
            _HOOKED[module] = count + 1, handles
    watchers.append(watcher)
    try:
        with watcher:
            yield watcher.calls
    finally:
        watchers.remove(watcher)
        with _LOCK:
            for module in modules:
                count, handles = _HOOKED.pop(module)
                if count > 1:
                    _HOOKED[module] = count - 1, handles
                    continue
                for handle in handles:
                    handle.remove()


def _entered(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    watcher = _watcher_of(module)
    if watcher:
        watcher.enter((args, kwargs))


def _left(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Tensor | None:
    watcher = _watcher_of(module)
    return watcher.leave(module, (args, kwargs), output) if watcher else None


def _watcher_of(module: nn.Module) -> _Watcher | None:
    """Return the watcher of a module in this thread."""
    watchers: list[_Watcher] = vars(_OF_THREAD).get("watchers", [])
    return watchers[-1] if watchers and id(module) in watchers[-1].names else None


def observe(network: nn.Module, batch: Tensor, visitor: Visitor) -> None:
    """Run a network once, in evaluation mode and without gradients, and tell a visitor of every layer.

    Modes, hooks, gradients and the random state are restored whatever happens. Raises InputError if the network cannot
    run on the batch; the message says how far it came.
    """
    with at_rest(network), torch.no_grad(), watched(network, visitor) as calls:
        try:
            output = network(batch.to(*device_and_precision(network)))
            if isinstance(output, Iterator):  # a generator has not run before it is asked
                deque(output, maxlen=0)
        except CODE_FAILS as error:
            reached = f"it ran {', '.join(calls)} and then stopped" if calls else "its first layer did not run"
            raise cannot_run(f"on a batch of shape {tuple(batch.shape)}; {reached}", error) from error


@contextmanager
def at_rest(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, and restore modes, buffers and random states whatever happens.

    Several threads may do so at once: the last to leave a module, and the last to leave any network, restores what the
    first found. Raises InputError if the network cannot be looked into.
    """
    _check_watchable(network)
    modules = list(network.modules())
    with _LOCK:
        held = [_RESTING.get(module) or (0, module.training, _buffers(module)) for module in modules]
        _PROCESS.enter()
        for module, (entered, training, buffers) in zip(modules, held, strict=True):
            _RESTING[module] = entered + 1, training, buffers
            module.training = False
    try:
        yield
    finally:
        with _LOCK:
            left = []
            for module in modules:
                entered, training, buffers = _RESTING.pop(module)
                if entered > 1:
                    _RESTING[module] = entered - 1, training, buffers
                    continue
                module.training = training
                left.append((module, buffers))
            for module, buffers in left:
                _put_back(module, buffers)
            _PROCESS.leave()


class _Process:
    """State of the process that a network may change: random states, torch's default type, its compiler's stance."""

    def __init__(self) -> None:
        self._entered = 0
        self._restore = ExitStack()
        self._is_eager = False

    def enter(self) -> None:
        """Remember it all, unless somebody else has."""
        if not self._entered:
            self._restore.callback(random.setstate, random.getstate())
            self._restore.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002 - of others' code
            self._restore.callback(torch.set_rng_state, torch.get_rng_state())
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                self._restore.callback(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
            self._restore.callback(torch.set_default_dtype, torch.get_default_dtype())
        # Compiled layers, which cannot be watched, run as they were written. There are some only where the compiler is
        # loaded, and loading it takes seconds.
        if not self._is_eager and "torch._dynamo" in sys.modules:
            self._restore.enter_context(torch.compiler.set_stance("force_eager"))
            self._is_eager = True
        self._entered += 1

    def leave(self) -> None:
        """Put it back, unless somebody else looks into a network still."""
        self._entered -= 1
        if not self._entered:
            self._restore.close()
            self._is_eager = False


_PROCESS = _Process()


def _buffers(module: nn.Module) -> Buffers:
    """Return the buffers of a module itself, None for those that are not filled yet."""
    held = module._buffers.items()
    return {name: None if buffer is None else (buffer, buffer.detach().clone()) for name, buffer in held}


@torch.no_grad()
def _put_back(module: nn.Module, buffers: Buffers) -> None:
    """Give a module the buffers that it had, and those their numbers."""
    for name in module._buffers.keys() - buffers.keys():
        del module._buffers[name]
    for name, held in buffers.items():
        module._buffers[name] = None if held is None else _restored(*held)


def _restored(buffer: Tensor, numbers: Tensor) -> Tensor:
    """Return a buffer with the numbers it had; a new one where those cannot be written into it."""
    try:
        if buffer.layout != torch.strided or not torch.equal(buffer, numbers):
            buffer.copy_(numbers)
    except RuntimeError:  # it has another shape now, or is of a kind that nothing is written into
        return numbers
    return buffer


def device_and_precision(network: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Return the device and the kind of a network's numbers: a CPU and float32 where it has none."""
    numbers = (tensor for tensor in network.parameters() if tensor.is_floating_point())
    like = next(numbers, torch.empty(0, device="cpu"))
    return like.device, like.dtype


def _check_watchable(network: nn.Module) -> None:
    if any(held.is_meta for held in tensors_held(network)):
        raise InputError("this network is on torch's meta device, where it has no weights; load them first")
    if any(is_lazy(held) for held in tensors_held(network)):
        raise InputError(
            "this network has lazy layers, whose weights do not exist before it ran once; run it on a batch of faces "
            "of its size first, such as network(torch.zeros(1, 3, 64, 64)), and train it"
        )
    if any(isinstance(module, torch.jit.ScriptModule) for module in network.modules()):
        raise InputError(
            "this network is TorchScript, or a part of it, and its layers cannot be watched: give the module that it "
            "was made of, or export it with torch.onnx.export and give the ONNX file"
        )


def leaves(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Go through the modules that are layers, with their names: those without parts, and those used as a whole.

    A network that has no parts itself is written with functions, which are its layers; one of torch's own is a layer.
    """
    passed: set[int] = set()
    waiting = [("", network)]
    while waiting:
        name, module = waiting.pop()
        if id(module) in passed:
            continue
        passed.add(id(module))
        # What makes the weights of a module from others (weight or spectral norm) is not part of the network.
        made = parametrize.is_parametrized(module)
        parts = [part for part in module.named_children() if not (made and part[0] == "parametrizations")]
        if isinstance(module, WHOLE) or type(module).__module__.startswith(QUANTISED) or not parts:
            if name or type(module).__module__.startswith("torch."):
                yield name or type(module).__name__, module
        else:
            waiting += [(f"{name}.{key}" if name else key, part) for key, part in reversed(parts)]
