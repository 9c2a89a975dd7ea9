"""One way to ask any network: a torch module, with gradients, or whatever can only be run."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.inspection.attribution.targets import Target, Unit
from faceloupe.inspection.failures import CODE_FAILS, cannot_run

if TYPE_CHECKING:
    from torch import Tensor, nn

BATCH = 32  # faces at once: bounds the memory
# Share of the largest output by which the same face may answer otherwise in a batch; in half precision 20 times that.
ROUNDING = 1e-3

Faces = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RunNetwork:
    """A network that can be run and nothing else: ``run(faces (N, C, H, W)) -> outputs (N, K)``."""

    network: Any
    at_once: int = BATCH

    def outputs(self, faces: Faces) -> Floats:
        """Return the outputs (N, K) for faces (N, C, H, W)."""
        try:
            return np.asarray(self.network.run(faces), dtype=np.float64).reshape(len(faces), -1)
        except CODE_FAILS as error:
            raise cannot_run(f"on faces of shape {faces.shape[1:]}", error) from error

    def unit(self, _face: Faces) -> Unit:
        """Return the unit of its numbers, by how it ends."""
        unit: Unit = getattr(self.network, "unit", "logit")
        return unit

    def chosen(self, _face: Faces) -> str:
        """Return which of several outputs the answer is; "" where that needs no word."""
        return getattr(self.network, "chosen", "")

    @property
    def can_be_redrawn(self) -> bool:
        """True if its weights can be reached."""
        return hasattr(self.network, "randomised")

    def redrawn(self, seed: int) -> "RunNetwork":
        """Return the network with the values of every weight tensor in another order."""
        return replace(self, network=self.network.randomised(seed))

    def normalised_by_its_batch(self) -> "RunNetwork":
        """Return the network: its normalisations cannot be reached."""
        return self

    @contextmanager
    def left_as_found(self) -> Iterator[None]:
        """Do nothing: running changes nothing."""
        yield


@dataclass(frozen=True, slots=True, eq=False)
class TorchNetwork:
    """A torch module, asked with gradients; nothing is ever written into it.

    At most `at_once` faces go into one batch: 1 where a network's answer depends on the faces beside it.
    """

    module: "nn.Module"
    at_once: int = BATCH

    def __call__(self, faces: "Tensor") -> "Tensor":
        """Return the outputs (N, K) for faces (N, C, H, W), with gradients."""
        return self.answer(faces)[0]

    def answer(self, faces: "Tensor") -> "tuple[Tensor, str]":
        """Return the outputs (N, K), with gradients, and which of several outputs that is, "" for the only one."""
        from faceloupe.inspection.torch_networks.answers import answer_in

        try:
            # A copy: a first layer that works in place would overwrite the faces.
            return answer_in(self.module(faces.clone()), len(faces))
        except CODE_FAILS as error:
            raise cannot_run(f"on faces of shape {tuple(faces.shape[1:])}", error) from error

    def tensor(self, faces: Faces) -> "Tensor":
        """Return a copy in the network's precision and on its device."""
        import torch

        from faceloupe.inspection.torch_networks.running import device_and_precision

        device, precision = device_and_precision(self.module)
        return torch.tensor(np.ascontiguousarray(faces), dtype=precision, device=device)

    def outputs(self, faces: Faces) -> Floats:
        """Return the outputs (N, K) for faces (N, C, H, W)."""
        import torch

        with torch.no_grad():
            return self(self.tensor(faces)).double().cpu().numpy()

    def unit(self, face: Faces) -> Unit:
        """Return the unit of its numbers, by how it ends."""
        import torch

        from faceloupe.inspection.torch_networks.answers import Endings
        from faceloupe.inspection.torch_networks.running import watched

        endings = Endings()
        pixels = self.tensor(face[None])  # made before: what is made within does not carry the image
        with torch.no_grad():
            with watched(self.module, endings):
                answer = self(pixels)
            return endings.unit_of(answer)

    def chosen(self, face: Faces) -> str:
        """Return which of several outputs the answer is; "" where it is the only one."""
        import torch

        with torch.no_grad():
            return self.answer(self.tensor(face[None]))[1]

    @property
    def can_be_redrawn(self) -> bool:
        """True if the module can be copied, so that its weights can be reordered."""
        try:
            _copied(self.module)
        except CODE_FAILS:
            return False
        return True

    def redrawn(self, seed: int) -> "TorchNetwork":
        """Return a copy of the network with the values of every parameter tensor in another order."""
        import torch

        generator, module = torch.Generator().manual_seed(seed), _copied(self.module)
        for parameter in module.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.data = parameter.data.flatten()[order].view_as(parameter)
        return replace(self, module=module)

    def normalised_by_its_batch(self) -> "TorchNetwork":
        """Return the network itself, or a copy whose batch normalisations measure what they see; all at once then."""
        from torch.nn.modules.batchnorm import _BatchNorm

        if not any(isinstance(part, _BatchNorm) for part in self.module.modules()):
            return self
        module = _copied(self.module)
        for part in module.modules():
            if isinstance(part, _BatchNorm):
                part.train()
        return replace(self, module=module)

    @contextmanager
    def left_as_found(self) -> Iterator[None]:
        """Work in evaluation mode, with gradients, and restore modes and random state whatever happens."""
        import torch

        from faceloupe.inspection.torch_networks.running import at_rest

        with at_rest(self.module), torch.inference_mode(mode=False), torch.enable_grad():
            yield


Access: TypeAlias = RunNetwork | TorchNetwork


def access(network: Any) -> Access:
    """Return a network in a form that the methods can ask.

    Raises InputError if it is neither a torch module nor has a method ``run``.
    """
    if hasattr(network, "named_modules"):
        return TorchNetwork(network)
    if callable(getattr(network, "run", None)):
        return RunNetwork(network)
    hint = "; pass its network_" if hasattr(network, "network_") else ""
    raise InputError(f"network: expected a torch.nn.Module or an object with run(faces), got {type(network)}{hint}")


def settled(network: Access, face: Faces, other: Faces) -> Access:
    """Return a network that is asked for one face at a time where a batch would change its answer.

    Raises InputError if it answers the same face otherwise each time.
    """
    alone, again = network.outputs(face[None]), network.outputs(face[None])
    if not np.isfinite(alone).all():
        return network
    limit = ROUNDING * max(float(np.abs(alone).max()), 1e-6)
    if isinstance(network, TorchNetwork):
        limit *= 20 if network.tensor(face[:1]).element_size() < 4 else 1
    if not np.allclose(alone, again, rtol=0, atol=limit, equal_nan=True):
        raise InputError(
            "the network answers the same face otherwise each time: dropout or noise stays on in evaluation mode; "
            "switch it off, for a map of one answer would say nothing of the next"
        )
    try:
        together = network.outputs(np.stack([face, other]))[:1]
    except InputError:
        return replace(network, at_once=1)  # made for one face
    same = np.allclose(alone, together, rtol=0, atol=limit, equal_nan=True)
    return network if same else replace(network, at_once=1)


def target_values(network: Access, target: Target, faces: Iterable[Faces]) -> Floats:
    """Return the target's value on each face (C, H, W); the faces are made and run some at a time."""
    waiting, values = iter(faces), []
    while batch := list(islice(waiting, network.at_once)):
        values.append(target.of(network.outputs(np.stack(batch))))
    return np.concatenate(values)


def _copied(module: "nn.Module") -> "nn.Module":
    """Return a copy that shares nothing with a module."""
    from faceloupe.inspection.torch_networks.operators import tensors_held

    # Weights made of others (weight normalisation) are part of a graph, which Python's copy refuses.
    copies = {id(tensor): tensor.detach().clone() for tensor in tensors_held(module) if not tensor.is_leaf}
    return deepcopy(module, copies)
