"""The networks that can be looked into: torch modules, and ONNX files, opened or by their path."""

from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

from faceloupe.inspection.onnx_networks.network import OnnxNetwork

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Network", "OpenNetwork", "opened"]

OpenNetwork: TypeAlias = "nn.Module | OnnxNetwork"
Network: TypeAlias = "OpenNetwork | str | PathLike[str]"


def opened(network: Network) -> OpenNetwork:
    """Return the network itself, or the one in the file of this path.

    Raises
    ------
    InputError
        If the file is none that :class:`OnnxNetwork` reads.
    UnavailableError
        If an ONNX file is given and the packages that read it are missing.
    """
    return OnnxNetwork(network) if isinstance(network, str | PathLike) else network
