"""The networks that can be looked into: torch modules, fitted classifiers, and ONNX files, opened or by their path."""

from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from numpy.typing import ArrayLike, NDArray

from faceloupe.inspection.onnx_networks.network import OnnxNetwork

if TYPE_CHECKING:
    from torch import nn


@runtime_checkable
class FittedClassifier(Protocol):
    """A fitted estimator of faceloupe.training: a network, the (height, width) of its faces, and how it reads them."""

    network_: Any
    image_shape_: tuple[int, int]

    def prepare(self, X: ArrayLike) -> NDArray[Any]:
        """Return faces (N, H, W) as the network reads them, (N, C, H, W)."""


OpenNetwork: TypeAlias = "nn.Module | OnnxNetwork"
Network: TypeAlias = "OpenNetwork | FittedClassifier | str | PathLike[str]"


def resolve_network(network: Network) -> OpenNetwork:
    """Return the network itself, that of a classifier, or the one in the file of this path.

    Raises InputError if the file is none that :class:`OnnxNetwork` reads; UnavailableError if an ONNX file is given and
    the packages that read it are missing.
    """
    if isinstance(network, str | PathLike):
        return OnnxNetwork(network)
    if isinstance(network, FittedClassifier):
        module: nn.Module = network.network_
        return module
    return network
