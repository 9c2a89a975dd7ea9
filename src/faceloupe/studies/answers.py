"""The tutorial's five questions, each with a short answer made from what was measured."""

import math
from collections.abc import Iterator

from faceloupe.blocks import Block
from faceloupe.numerals import counted, decimals
from faceloupe.studies.findings import FAILED, Findings
from faceloupe.studies.fits import FROZEN
from faceloupe.studies.labels import share, size_text
from faceloupe.studies.statements import LITTLE


def answers(findings: Findings) -> Block:
    """Return each question with its answer, and the section of the page that shows why."""
    return {
        "type": "answers",
        "id": "questions",
        "heading": "The tutorial’s five questions",
        "items": [
            {"section": section, "question": question, "answer": "".join(answer(findings))}
            for section, question, answer in (
                ("strengths", "What are the strengths and drawbacks of a CNN?", _strengths),
                ("failing", "Does the FCNN do worse because it overfits?", _overfitting),
                ("separating", "What does a CNN learn?", _learning),
                ("filters", "How is a filter applied?", _applying),
                ("layers", "What does each layer do to the data?", _layers),
            )
        ],
    }


def _strengths(findings: Findings) -> Iterator[str]:
    fcnn, cnn = (findings.anatomy(name) for name in ("fcnn", "cnn"))
    lost = {name: findings.mean_of(findings.loss_under_shift(name, 8.0)).estimate for name in ("fcnn", "cnn")}
    yield (
        f"In theory, it finds small patterns wherever they lie. It has {cnn.parameters:,} parameters, the FCNN "
        f"{fcnn.parameters:,}, but does {cnn.multiply_adds / fcnn.multiply_adds:.0f} times the multiplications. "
    )
    yield "Yet a" if lost["cnn"] >= lost["fcnn"] else "A"
    yield (
        f" shift by 8 pixels costs it {decimals(100 * lost['cnn'], 1)} points of held-out accuracy and the FCNN "
        f"{decimals(100 * lost['fcnn'], 1)} (mean pixel subtracted)."
    )


def _overfitting(findings: Findings) -> Iterator[str]:
    overfitted = findings.share(findings.fits("fcnn", "none", held_out=True), findings.overfitted("fcnn", "none"))
    dead = findings.unfitted("fcnn", "none")
    if dead.low > 0.5:
        yield "**No.** "
    yield (
        "To overfit is to learn the training faces and fail on others; with pixels as they are, "
        f"{share(overfitted.estimate)} of its fits do so. Trained on all captures, {share(dead.estimate)} of its fits "
        "end with all hidden units dead and learn nothing."
    )


def _learning(findings: Findings) -> Iterator[str]:
    trained, frozen = (findings.controls("cnn", "centre", control) for control in ("", FROZEN))
    alone, both = (findings.mean(fits, "accuracy").estimate for fits in (frozen, trained))
    alike = findings.mean(trained, "filter_correlation").estimate
    pixels, hidden = (
        findings.mean(findings.probe("cnn", "centre", layer), "accuracy").estimate
        for layer in ("pixels", "hidden_relu")
    )
    yield "To weigh what its filters show: with these" if alone > FAILED else "With its filters"
    yield (
        f" frozen at their random start, it recognises {share(alone)} of held-out captures (mean pixel subtracted). "
        f"Trained too, they bring it to {share(both)} and correlate {decimals(alike)} with that start. A straight cut "
        f"gets {share(hidden)} of these right after its hidden layer and {share(pixels)} on the bare pixels: its "
        f"layers {'make' if hidden > pixels + LITTLE else 'do not make'} that easier."
    )


def _applying(findings: Findings) -> Iterator[str]:
    conv = next(layer for layer in findings.anatomy("cnn").layers if layer.name == "conv")
    rows, columns, filters = conv.output_shape
    kernel = [window.kernel for window in conv.windows]
    yield (
        f"Each of its {size_text(kernel)} weights is multiplied with the pixel below; the {math.prod(kernel)} "
        f"products and a bias are added up. Moved {counted(conv.windows[0].stride, 'pixel')} at a time, it makes "
        f"a map of {size_text((rows, columns))} sums; {filters} filters make {filters} maps."
    )


def _layers(findings: Findings) -> Iterator[str]:
    layers = {layer.name: layer for layer in findings.anatomy("cnn").layers}
    conv, pool, hidden = (layers[name].output_shape for name in ("conv", "pool", "hidden"))
    kernel, window = (size_text(window.kernel for window in layers[name].windows) for name in ("conv", "pool"))
    yield (
        f"Convolution makes {size_text(conv)} sums, each of {kernel} of the face’s {size_text(findings.image_shape)} "
        f"pixels. ReLU sets to 0 what is below 0. Pooling keeps the largest of each {window}: {size_text(pool)} "
        f"numbers. Flattening writes them into one row of {math.prod(pool)}. The hidden layer makes {hidden[-1]} "
        "weighted sums, then ReLU again. The output is 1 weighted sum; its sign is the answer."
    )
