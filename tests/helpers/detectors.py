"""Small detectors in ONNX files that see the same face whatever they are shown, with outputs like those published."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIZE = (96, 128)  # height and width
BOX = np.array([40.0, 20.0, 72.0, 60.0])  # left, top, right, bottom
POINTS = np.array([[48.0, 34], [62, 33], [56, 42], [50, 50], [61, 50]])


def constant(outputs):
    """A network that puts out the same numbers whatever it is shown."""
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
    ]
    weights = [numpy_helper.from_array(np.float32(0), "nothing")]
    shown = []
    for place, values in enumerate(outputs):
        weights.append(numpy_helper.from_array(np.asarray(values, np.float32), f"values{place}"))
        nodes.append(helper.make_node("Add", [f"values{place}", "zero"], [f"output{place}"]))
        shown.append(helper.make_tensor_value_info(f"output{place}", TensorProto.FLOAT, np.shape(values)))
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, *SIZE])
    graph = helper.make_graph(nodes, "detector", [picture], shown, weights)
    opset = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def scrfd(stride=16, anchors=2):
    """A face at the anchor of row 2 and column 3, and a weaker copy of it at the same place."""
    scores, boxes, points = [], [], []
    for each in (8, 16, 32):
        count = -(-SIZE[0] // each) * -(-SIZE[1] // each) * anchors
        scores.append(np.zeros((count, 1)))
        boxes.append(np.zeros((count, 4)))
        points.append(np.zeros((count, 10)))
        if each == stride:
            row, column = 2, 3
            centre = np.array([column, row]) * stride
            for copy in range(anchors):
                place = (row * -(-SIZE[1] // each) + column) * anchors + copy
                scores[-1][place] = 0.95 - 0.1 * copy
                boxes[-1][place] = np.concatenate([centre - BOX[:2], BOX[2:] - centre]) / stride
                points[-1][place] = (POINTS - centre).ravel() / stride
    return [*scores, *boxes, *points]


def retinaface(logits):
    """A face at the second anchor of row 2 and column 3 at a stride of 16: 128 pixels, its middle at (56, 40)."""
    counts = [-(-SIZE[0] // stride) * -(-SIZE[1] // stride) * 2 for stride in (8, 16, 32)]
    place = counts[0] + (2 * -(-SIZE[1] // 16) + 3) * 2 + 1
    middle, side = np.array([56.0, 40.0]), 128.0
    classes = np.tile([4.0, -4.0] if logits else [0.99, 0.01], (sum(counts), 1))
    classes[place] = [-1.5, 1.5] if logits else [0.05, 0.95]
    boxes, points = np.zeros((sum(counts), 4)), np.zeros((sum(counts), 10))
    centre, extent = (BOX[:2] + BOX[2:]) / 2, BOX[2:] - BOX[:2]
    boxes[place] = np.concatenate([(centre - middle) / side / 0.1, np.log(extent / side) / 0.2])
    points[place] = ((POINTS - middle) / side / 0.1).ravel()
    return [boxes[None], classes[None], points[None]]
