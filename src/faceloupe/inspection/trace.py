"""The trace of a network: every layer's output for some captures, with the network left as it was."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from faceloupe.inspection.captures import batch_of
from faceloupe.inspection.networks import FittedClassifier, Network, resolve_network
from faceloupe.inspection.onnx_networks.network import OnnxNetwork
from faceloupe.inspection.outputs import Trace

if TYPE_CHECKING:
    from torch import Tensor


def trace(network: Network, images: "ArrayLike | Tensor", layers: Iterable[str] | None = None) -> Trace:
    """Run captures through a network and keep the output of every layer, or of some.

    Parameters
    ----------
    network : torch.nn.Module, fitted classifier, OnnxNetwork or path of an .onnx file
        The layers are those of :func:`~faceloupe.inspection.anatomy.anatomy`. A torch network runs in evaluation mode
        without gradients; mode, hooks, gradients and random state are as before afterwards. Several threads may look
        into one network at once.
    images : array or tensor, shape (N, C, H, W)
        Prepared as the network was trained. A classifier takes faces as its ``fit`` does and prepares them itself.
    layers : names, optional
        Only these are kept, so that a deep network and many captures fit into memory. Of complex numbers the magnitude
        is.

    Raises
    ------
    InputError
        If `images` is not four-dimensional, is empty or holds other than finite numbers, the network cannot run on it,
        or a name is that of no layer.
    UnavailableError
        If an ONNX file is given and the packages that read it are missing.
    """
    if isinstance(network, FittedClassifier):
        images = network.prepare(images)
    network, batch = resolve_network(network), batch_of(images, "images")
    if isinstance(network, OnnxNetwork):
        return network.trace(batch, layers)
    from faceloupe.inspection.torch_networks.trace import torch_trace

    return torch_trace(network, batch, layers)
