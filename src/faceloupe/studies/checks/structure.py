"""The tutorial's statements on how the networks are built, counted in the live networks."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from faceloupe.numerals import counted
from faceloupe.studies.findings import Findings
from faceloupe.studies.statements import Figure, Statement, counted_fact


def slips(findings: Findings) -> Iterator[Statement]:
    """Look at the biases of a layer, and at how the pooling window moves."""
    (hidden,) = (layer for layer in findings.anatomy("fcnn").layers if layer.name == "hidden")
    layers = {layer.name: layer for layer in findings.anatomy("cnn").layers}
    conv, pool = layers["conv"], layers["pool"]
    rows, columns = pool.unseen
    step, units = (pool.stride or (0, 0))[0], hidden.output_shape[-1]
    yield Statement(
        "slips",
        "says",
        "A layer has one bias; the pooling window moves by 1 and takes the largest of 4 values.",
        (
            counted_fact(units == 1, "one bias a layer"),
            counted_fact(step == 1, "the window moves by 1"),
            counted_fact(step * step == 4, "the largest of 4 values"),
        ),
        "These are slips: the sizes that the tutorial arrives at are right. Each unit and each filter has a bias of "
        f"its own. The window moves by its own width, {step}, and takes the largest of {step * step}: "
        f"{conv.output_shape[0]} rows become {pool.output_shape[0]}, for {conv.output_shape[0]} = "
        f"{step}·{pool.output_shape[0]} + {rows}; {counted(rows, 'row')} and {counted(columns, 'column')} at the end "
        "are never looked at.",
        (Figure("FCNN’s hidden layer", hidden.parameter_arithmetic),),
    )


def efficient(findings: Findings) -> Iterator[Statement]:
    """Compare parameters, multiply-adds, seconds and bytes."""
    fcnn, cnn = findings.anatomy("fcnn"), findings.anatomy("cnn")
    work = cnn.multiply_adds / fcnn.multiply_adds
    slow, quick = findings.seconds("cnn"), findings.seconds("fcnn")
    time = float(np.median(slow) / np.median(quick))
    timed = f"n = {len(slow)} fits; median, lowest and highest"
    yield Statement(
        "efficient",
        "says",
        "The CNN has fewer parameters, and so is the more efficient network; many parameters make training slow.",
        (
            counted_fact(cnn.parameters < fcnn.parameters, "fewer parameters"),
            counted_fact(cnn.parameter_bytes < fcnn.parameter_bytes, "less memory for parameters"),
            counted_fact(work < 1, "fewer multiply-adds a face"),
            counted_fact(bool(slow.max() < quick.min()) or time < 1, "less time a fit"),
        ),
        f"It has {cnn.parameters:,} parameters, the FCNN {fcnn.parameters:,}. But each filter is used at every place: "
        f"for one face the CNN does **{work:.0f} times the multiply-adds**, one fit takes {time:.1f} times as long, "
        f"and the outputs of its layers take {cnn.output_bytes / fcnn.output_bytes:.1f} times the memory.",
        (
            Figure("CNN, parameters", cnn.parameter_arithmetic),
            Figure("FCNN, parameters", fcnn.parameter_arithmetic),
            Figure("CNN, multiply-adds a face", cnn.multiply_add_arithmetic),
            Figure("FCNN, multiply-adds a face", fcnn.multiply_add_arithmetic),
            Figure("CNN, seconds a fit", f"{np.median(slow):.3f}", _range(slow), timed),
            Figure("FCNN, seconds a fit", f"{np.median(quick):.3f}", _range(quick), timed),
            Figure("CNN, bytes of parameters and of outputs", f"{cnn.parameter_bytes:,} and {cnn.output_bytes:,}"),
            Figure("FCNN, bytes of parameters and of outputs", f"{fcnn.parameter_bytes:,} and {fcnn.output_bytes:,}"),
        ),
    )


def hidden_layers(findings: Findings) -> Iterator[Statement]:
    """Count the hidden layers."""
    hidden = [layer for layer in findings.anatomy("cnn").layers if layer.name == "hidden"]
    units = hidden[0].output_shape[-1]
    yield Statement(
        "hidden-layers",
        "says",
        "The flattened numbers pass through four hidden layers.",
        (counted_fact(len(hidden) == 4),),
        f"Written into one row ([[flattened|flatten]]), they pass through one hidden layer of {units} units, with "
        f"{hidden[0].parameter_arithmetic} parameters, and then through the output unit.",
    )


def _range(values: np.ndarray[Any, Any]) -> str:
    return f"[{values.min():.3f}, {values.max():.3f}]"
