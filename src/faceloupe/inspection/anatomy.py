"""The anatomy of a network, layer by layer, with the arithmetic written out.

Shapes are written height × width × channels, as textbooks and Keras print them (57×57×4); a
:class:`~faceloupe.inspection.trace.Trace` of the same network holds channel-first arrays.
"""

from collections.abc import Sequence

import numpy as np

from faceloupe.errors import InputError
from faceloupe.inspection.layers import Anatomy
from faceloupe.inspection.networks import FittedClassifier, Network, resolve_network
from faceloupe.inspection.onnx_networks.anatomy import onnx_anatomy
from faceloupe.inspection.onnx_networks.network import OnnxNetwork


def anatomy(network: Network, image_shape: Sequence[int] | None = None) -> Anatomy:
    """Take a network apart: shapes, parameters, multiply-adds, memory and receptive fields, layer by layer.

    The network runs once on an image of zeros; a torch network runs in evaluation mode and is left as it was found.
    Receptive fields follow Dumoulin & Visin (arXiv:1603.07285) and Araujo, Norris & Sim (Distill 2019,
    doi:10.23915/distill.00021).

    The layers of a torch network are its leaf modules and the functions between them that compute. What only moves,
    compares, adds or averages (the sum of a residual block) is followed for the receptive field, but is not a layer. In
    an ONNX graph every operator is one.

    Parameters
    ----------
    network : torch.nn.Module, fitted classifier, OnnxNetwork or path of an .onnx file
        Takes a batch (1, C, H, W).
    image_shape : (H, W) or (C, H, W)
        The shape of one capture; (H, W) means one channel. A classifier knows its own.

    Raises
    ------
    InputError
        If `image_shape` is not a shape of an image, or the network cannot run on it.
    UnavailableError
        If an ONNX file is given and the packages that read it are missing.
    """
    if image_shape is None:
        image_shape = network.image_shape_ if isinstance(network, FittedClassifier) else ()
    shape = _checked_shape(image_shape)
    network = resolve_network(network)
    if isinstance(network, OnnxNetwork):
        return onnx_anatomy(network, shape)
    from faceloupe.inspection.torch_networks.anatomy import torch_anatomy

    return torch_anatomy(network, shape)


def _checked_shape(image_shape: Sequence[int]) -> tuple[int, int, int]:
    shape = tuple(image_shape)
    are_sizes = all(isinstance(size, int | float | np.number) and size == int(size) and size >= 1 for size in shape)
    if len(shape) not in (2, 3) or not are_sizes:
        raise InputError(f"image_shape: expected (H, W) or (C, H, W) of positive integers, got {image_shape!r:.60}")
    channels, height, width = map(int, (1, *shape) if len(shape) == 2 else shape)
    return channels, height, width
