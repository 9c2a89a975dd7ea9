"""Small ONNX files made by hand, and torch networks written as ONNX operator by operator."""

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn


def write(path, nodes, weights=None, given=(1, 1, 8, 8), answers=None, weights_as_inputs=False, kind=TensorProto.FLOAT):
    """Write nodes [(op, inputs, outputs, attributes)] that read `image`; the last output is the answer."""
    weights = weights or {}
    inputs = [helper.make_tensor_value_info("image", kind, given)]
    if weights_as_inputs:
        types = {name: helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in weights.items()}
        inputs += [helper.make_tensor_value_info(name, types[name], value.shape) for name, value in weights.items()]
    graph = helper.make_graph(
        [helper.make_node(op, taken, made, name=made[0], **settings) for op, taken, made, settings in nodes],
        "made by hand",
        inputs,
        [helper.make_tensor_value_info(name, kind, None) for name in answers or nodes[-1][2][:1]],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=3 if weights_as_inputs else 8)
    onnx.save_model(model, path)
    return path


def of_layers(path, layers, given, before="image", save=True):
    """Write torch layers {name: module} as a chain of operators of the same names; return the path, or the parts."""
    nodes, weights = [], {}
    for name, layer in layers.items():
        op, used, settings = _operator(layer)
        held = {f"{name}.{key}": value.detach().numpy() for key, value in used.items()}
        weights |= held
        nodes.append((op, [before, *held], [name], settings))
        before = name
    return write(path, nodes, weights, given) if save else (nodes, weights)


def block_as_onnx(path, block, given):
    """Write a Block of `toy_networks` as operators."""
    chains = [
        (("stem",), "image"),
        (("first", "relu", "second", "norm"), "stem"),
        (("short",), "stem"),
        (("pool", "flat", "dense"), "sum"),
    ]
    nodes, held = [], {}
    for names, before in chains:
        if before == "sum":
            nodes.append(("Add", ["norm", "short"], ["sum"], {}))
        more, used = of_layers(None, {name: getattr(block, name) for name in names}, None, before, save=False)
        nodes, held = nodes + more, held | used
    return write(path, nodes, held, given)


def _operator(layer):
    match layer:
        case nn.Conv2d():
            used = {"weight": layer.weight} | ({} if layer.bias is None else {"bias": layer.bias})
            settings = {"group": layer.groups, "strides": layer.stride, "dilations": layer.dilation}
            return "Conv", used, settings | {"kernel_shape": layer.kernel_size, "pads": [*layer.padding] * 2}
        case nn.BatchNorm2d() | nn.BatchNorm1d():
            held = {"scale": layer.weight, "shift": layer.bias, "mean": layer.running_mean, "var": layer.running_var}
            return "BatchNormalization", held, {"epsilon": layer.eps}
        case nn.Linear():
            used = {"weight": layer.weight} | ({} if layer.bias is None else {"bias": layer.bias})
            return "Gemm", used, {"transB": 1}
        case nn.PReLU():
            return "PRelu", {"slope": layer.weight[:, None, None]}, {}
        case nn.LeakyReLU():
            return "LeakyRelu", {}, {"alpha": layer.negative_slope}
        case nn.ReLU6():
            return "Clip", {"low": torch.tensor(0.0), "high": torch.tensor(6.0)}, {}
        case nn.MaxPool2d() | nn.AvgPool2d():
            sizes = [(size, size) for size in (layer.kernel_size, layer.stride)]
            settings = {"kernel_shape": sizes[0], "strides": sizes[1], "ceil_mode": int(layer.ceil_mode)}
            return "MaxPool" if isinstance(layer, nn.MaxPool2d) else "AveragePool", {}, settings
        case nn.AdaptiveAvgPool2d():
            return "GlobalAveragePool", {}, {}
    return {nn.ReLU: "Relu", nn.Sigmoid: "Sigmoid", nn.Flatten: "Flatten", nn.Dropout: "Dropout"}[type(layer)], {}, {}
