"""One way to ask any network: a torch module, with gradients, or whatever can only be run."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.inspection.attribution.targets import Target

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["BATCH", "Access", "RunNetwork", "TorchNetwork", "access", "target_values"]

BATCH = 32  # faces at once: bounds the memory

Faces = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RunNetwork:
    """A network that can be run and nothing else: ``run(faces (N, C, H, W)) -> outputs (N, K)``."""

    network: Any

    def outputs(self, faces: Faces) -> Floats:
        """Return the outputs (N, K) for faces (N, C, H, W)."""
        return np.asarray(self.network.run(faces), dtype=np.float64).reshape(len(faces), -1)

    @property
    def can_be_redrawn(self) -> bool:
        """Whether its weights can be reached."""
        return hasattr(self.network, "randomised")

    def redrawn(self, seed: int) -> "RunNetwork":
        """Return the network with weights re-drawn from their own layer."""
        return RunNetwork(self.network.randomised(seed))

    @contextmanager
    def left_as_found(self) -> Iterator[None]:
        """Do nothing: running changes nothing."""
        yield


@dataclass(frozen=True, slots=True, eq=False)
class TorchNetwork:
    """A torch module that runs with parameters which are lent to it for each call; its own are never touched."""

    module: "nn.Module"
    parameters: "dict[str, Tensor]"

    def __call__(self, faces: "Tensor") -> "Tensor":
        """Return the outputs (N, K) for faces (N, C, H, W), with gradients."""
        import torch

        # A copy: a first layer that works in place would overwrite the faces.
        outputs = torch.func.functional_call(self.module, self.parameters, (faces.clone(),))
        if not isinstance(outputs, torch.Tensor):
            raise InputError(f"network: expected one that answers with a tensor (N, K), got {type(outputs)}")
        return outputs.reshape(len(faces), -1)

    def tensor(self, faces: Faces) -> "Tensor":
        """Return a copy in the network's precision and on its device."""
        import torch

        like = next(iter(self.parameters.values()), torch.empty(0))
        return torch.tensor(faces, dtype=like.dtype, device=like.device)

    def outputs(self, faces: Faces) -> Floats:
        """Return the outputs (N, K) for faces (N, C, H, W)."""
        import torch

        try:
            with torch.no_grad():
                return self(self.tensor(faces)).double().cpu().numpy()
        except RuntimeError as error:
            raise InputError(f"the network cannot run on faces of shape {faces.shape[1:]}: {error}") from error

    can_be_redrawn = True

    def redrawn(self, seed: int) -> "TorchNetwork":
        """Return the network with every parameter tensor's numbers in another order."""
        import torch

        generator = torch.Generator().manual_seed(seed)

        def shuffled(values: "Tensor") -> "Tensor":
            order = torch.randperm(values.numel(), generator=generator)
            return values.flatten()[order.to(values.device)].view_as(values)

        return TorchNetwork(self.module, {name: shuffled(values) for name, values in self.parameters.items()})

    @contextmanager
    def left_as_found(self) -> Iterator[None]:
        """Work in evaluation mode, with gradients, and restore modes and random state whatever happens."""
        import torch

        modes = {module: module.training for module in self.module.modules()}
        device = self.tensor(np.empty(0, np.float32)).device
        try:
            self.module.eval()
            with (
                torch.random.fork_rng([device] if device.type == "cuda" else []),
                torch.inference_mode(mode=False),
                torch.enable_grad(),
            ):
                yield
        finally:
            for module, training in modes.items():
                module.training = training


Access: TypeAlias = RunNetwork | TorchNetwork


def access(network: Any) -> Access:
    """Return a network in a form that the methods can ask.

    Raises
    ------
    InputError
        If it is neither a torch module nor has a method ``run``.
    """
    if hasattr(network, "named_modules"):
        return TorchNetwork(network, {name: values.detach() for name, values in network.named_parameters()})
    if callable(getattr(network, "run", None)):
        return RunNetwork(network)
    hint = "; pass its network_" if hasattr(network, "network_") else ""
    raise InputError(f"network: expected a torch.nn.Module or an object with run(faces), got {type(network)}{hint}")


def target_values(network: Access, target: Target, faces: Iterable[Faces]) -> Floats:
    """Return the target's value on each face (C, H, W); the faces are made and run BATCH at a time."""
    waiting, values = iter(faces), []
    while batch := list(islice(waiting, BATCH)):
        values.append(target.of(network.outputs(np.stack(batch))))
    return np.concatenate(values)
