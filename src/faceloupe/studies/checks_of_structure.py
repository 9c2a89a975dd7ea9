"""The tutorial's statements on how the networks are built, checked on the live networks."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from faceloupe.numerals import counted
from faceloupe.studies.charts import KINDS
from faceloupe.studies.findings import Findings
from faceloupe.studies.statements import Figure, Statement, Verdict

__all__ = ["cheaper", "fewer_parameters", "hidden_layers", "pooling_stride", "relu"]


def fewer_parameters(findings: Findings) -> Iterator[Statement]:
    """Check the number of parameters."""
    fcnn, cnn = findings.anatomy("fcnn"), findings.anatomy("cnn")
    yield Statement(
        "fewer-parameters",
        "The CNN has fewer parameters than the fully-connected network.",
        "supported" if cnn.parameters < fcnn.parameters else "contradicted",
        f"{cnn.parameters:,} against {fcnn.parameters:,}: the FCNN has {fcnn.parameters / cnn.parameters:.1f} times "
        "as many. Counted in the live networks.",
        (
            Figure("CNN, parameters", cnn.parameter_arithmetic),
            Figure("FCNN, parameters", fcnn.parameter_arithmetic),
        ),
    )


def cheaper(findings: Findings) -> Iterator[Statement]:
    """Check multiply-adds, seconds and bytes."""
    fcnn, cnn = findings.anatomy("fcnn"), findings.anatomy("cnn")
    work = cnn.multiply_adds / fcnn.multiply_adds
    slow, quick = findings.seconds("cnn"), findings.seconds("fcnn")
    time = float(np.median(slow) / np.median(quick))
    verdict: Verdict = (
        "contradicted" if work > 1 and time > 1 else "supported" if work < 1 and time < 1 else "not shown"
    )
    timed = f"n = {len(slow)} fits; median, lowest and highest"
    yield Statement(
        "cheaper",
        "With fewer parameters, the CNN is the more efficient network.",
        verdict,
        f"The number of parameters is not the amount of work: for one face the CNN does {work:.1f} times the "
        f"multiply-adds of the FCNN, and one fit of it takes {time:.1f} times as long (on all captures of the "
        f"tutorial's pair, {counted(findings.plan.epochs, 'epoch')}, one fit after another). It needs "
        f"{cnn.parameter_bytes / fcnn.parameter_bytes:.2f} times the memory for parameters and "
        f"{cnn.output_bytes / fcnn.output_bytes:.1f} times for the outputs of its layers.",
        (
            Figure("CNN, multiply-adds a face", cnn.multiply_add_arithmetic),
            Figure("FCNN, multiply-adds a face", fcnn.multiply_add_arithmetic),
            Figure("CNN, seconds a fit", f"{np.median(slow):.3f}", _range(slow), timed),
            Figure("FCNN, seconds a fit", f"{np.median(quick):.3f}", _range(quick), timed),
            Figure("CNN, bytes of parameters and of outputs", f"{cnn.parameter_bytes:,} and {cnn.output_bytes:,}"),
            Figure("FCNN, bytes of parameters and of outputs", f"{fcnn.parameter_bytes:,} and {fcnn.output_bytes:,}"),
        ),
        "Work and time disagree here; say which of them counts." if verdict == "not shown" else None,
    )


def pooling_stride(findings: Findings) -> Iterator[Statement]:
    """Check how far the pooling window moves."""
    layers = {layer.name: layer for layer in findings.anatomy("cnn").layers}
    conv, pool = layers["conv"], layers["pool"]
    rows, columns = pool.unseen
    step = (pool.stride or (0, 0))[0]
    yield Statement(
        "pooling-stride",
        "The pooling window moves with a stride of 1.",
        "supported" if step == 1 else "contradicted",
        f"It moves by its own width, {step}: {conv.output_shape[0]} rows become {pool.output_shape[0]}, because "
        f"{conv.output_shape[0]} = {step}·{pool.output_shape[0]} + {rows}. Each output is the largest of "
        f"{step * step} values. Of the convolution's output the last rows and columns are never looked at where "
        f"they fill no window: here {rows} and {columns}.",
        (
            Figure("stride", str(step)),
            Figure("output", "x".join(map(str, pool.output_shape))),
            Figure("unseen rows and columns", f"{rows} and {columns}"),
        ),
    )


def hidden_layers(findings: Findings) -> Iterator[Statement]:
    """Check how many hidden layers there are."""
    hidden = [layer for layer in findings.anatomy("cnn").layers if layer.name == "hidden"]
    units = hidden[0].output_shape[-1]
    yield Statement(
        "hidden-layers",
        "The flattened vector passes through four hidden layers.",
        "supported" if len(hidden) == 4 else "contradicted",
        f"Hidden layers: {len(hidden)}, of {units} units and {hidden[0].parameter_arithmetic} parameters; then "
        "comes the output unit. Counted in the live network.",
        (Figure("hidden layers", str(len(hidden))), Figure("units in it", str(units))),
    )


def relu(findings: Findings) -> Iterator[Statement]:
    """Check what a ReLU puts out, and what dies of it."""
    fits = {kind: findings.fits("fcnn", kind, held_out=False) for kind in findings.plan.preprocess}
    dead = {
        f"dead of the FCNN's 4 hidden units, {KINDS[kind]}, {when} training": findings.mean(trials, column)
        for kind, trials in fits.items()
        for when, column in (("before", "dead_hidden_start"), ("after", "dead_hidden"))
    }
    yield Statement(
        "relu",
        "A ReLU puts out only what is above 0.",
        "supported",
        "That is its definition, max(0, x). The other side of it: a unit whose input is above 0 for no face puts "
        "out nothing and passes no gradient, so that training no longer changes its weights. Such a unit is dead.",
        tuple(Figure(label, f"{mean.estimate:.2f}", mean.range_text(), mean.n_text()) for label, mean in dead.items()),
    )


def _range(values: np.ndarray[Any, Any]) -> str:
    return f"[{values.min():.3f}, {values.max():.3f}]"
