"""Small networks in ONNX files, whose vectors NumPy can make too."""

from hashlib import sha256

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 8


def projection(channels=3, side=SIDE, dimensions=4, *, batch="faces", written_in=False, layout="NCHW", seed=0):
    """Return the bytes of a network that multiplies all pixels with a matrix, and the matrix.

    With `written_in` the number of faces is a constant of the network, as exporters leave it.
    """
    matrix = np.random.default_rng(seed).normal(size=(channels * side * side, dimensions)).astype(np.float32)
    shape = [batch, channels, side, side] if layout == "NCHW" else [batch, side, side, channels]
    flat = [numpy_helper.from_array(np.array([1, matrix.shape[0]]), "shape")] if written_in else []
    flatten = (
        helper.make_node("Reshape", ["face", "shape"], ["flat"])
        if written_in
        else helper.make_node("Flatten", ["face"], ["flat"])
    )
    graph = helper.make_graph(
        [flatten, helper.make_node("MatMul", ["flat", "matrix"], ["vector"])],
        "projection",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [batch, dimensions])],
        [numpy_helper.from_array(matrix, "matrix"), *flat],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString(), matrix


def fields(content, **more):
    """Return the fields of a manifest for a network."""
    return {
        "name": "toy",
        "size": SIDE,
        "points": "none",
        "licence": "CC0",
        "training_data": "none: drawn at random",
        "source": "these tests",
        "sha256": sha256(content).hexdigest(),
        **more,
    }


def two_outputs(content):
    """Return a network with a second output, its vector doubled."""
    model = onnx.load_from_string(content)
    model.graph.node.append(helper.make_node("Add", ["vector", "vector"], ["doubled"]))
    model.graph.output.append(helper.make_tensor_value_info("doubled", TensorProto.FLOAT, ["faces", 4]))
    return model.SerializeToString()
