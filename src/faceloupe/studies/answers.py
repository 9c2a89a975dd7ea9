"""The tutorial's five questions, each with a short answer made from what was measured."""

import math
from collections.abc import Iterator

from faceloupe.numerals import decimals
from faceloupe.studies.findings import Findings
from faceloupe.studies.labels import share
from faceloupe.studies.statements import LITTLE

ALIKE = 0.9  # correlation from which filters are spoken of as those that training began with


def answers(findings: Findings) -> Iterator[dict[str, str]]:
    """Yield each question with its answer, and the section of the page that shows why."""
    for section, question, answer in (
        ("strengths", "What are the strengths and drawbacks of a CNN against a fully-connected network?", _strengths),
        ("failing", "Does the FCNN do worse because it overfits?", _overfitting),
        ("separating", "What does a CNN learn?", _learning),
        ("filters", "How is a filter applied?", _applying),
        ("layers", "What does each layer do to the data?", _layers),
    ):
        yield {"section": section, "question": question, "answer": answer(findings)}


def _strengths(findings: Findings) -> str:
    fcnn, cnn = (findings.anatomy(name) for name in ("fcnn", "cnn"))
    lost = {name: findings.mean_of(findings.loss_under_shift(name, 8.0)).estimate for name in ("fcnn", "cnn")}
    unseen = ": that advantage is not seen here" if lost["cnn"] >= lost["fcnn"] else ""
    return (
        "In theory a CNN finds small patterns wherever they lie, with few weights, and pays for it in work. Here it "
        f"has {cnn.parameters:,} parameters, the FCNN {fcnn.parameters:,}, and it does "
        f"{cnn.multiply_adds / fcnn.multiply_adds:.0f} times as many multiplications. With the mean pixel subtracted, "
        f"moving each face by 8 pixels costs the CNN {decimals(100 * lost['cnn'], 1)} points of accuracy, and the "
        f"FCNN {decimals(100 * lost['fcnn'], 1)}{unseen}."
    )


def _overfitting(findings: Findings) -> str:
    overfitted = findings.share(findings.fits("fcnn", "none", held_out=True), findings.overfitted("fcnn", "none"))
    dead = findings.unfitted("fcnn", "none")
    no = "**No.** " if dead.low > 0.5 else ""
    return (
        f"{no}To overfit is to learn the training faces and fail on others: trained on pixels as they are, the FCNN "
        f"did so in {share(overfitted.estimate)} of fits. In {share(dead.estimate)} all of its hidden units are dead, "
        "so that it learned nothing at all."
    )


def _learning(findings: Findings) -> str:
    alike = findings.mean(findings.controls("cnn", "centre"), "filter_correlation").estimate
    pixels, hidden = (
        findings.mean(findings.probe("cnn", "centre", layer), "accuracy").estimate
        for layer in ("pixels", "hidden_relu")
    )
    learned = "To weigh what its filters show, rather than the filters: after" if alike > ALIKE else "After"
    easier = "so its layers make that easier" if hidden > pixels + LITTLE else "so its layers do not make that easier"
    return (
        f"{learned} training with the mean pixel subtracted, the filters correlate {alike:.2f} with the random numbers "
        f"they began as. A straight cut tells the two people apart in {share(hidden)} of held-out captures by the "
        f"output of its hidden layer, and in {share(pixels)} by the bare pixels, {easier}."
    )


def _applying(findings: Findings) -> str:
    layers = {layer.name: layer for layer in findings.anatomy("cnn").layers}
    rows, columns, filters = layers["conv"].output_shape
    return (
        "It is laid on a patch of 8x8 pixels. Each weight is multiplied with the pixel under it, and the 64 products "
        f"and a bias are added up. Then it moves on by one pixel: {rows}x{columns} sums make one map, and {filters} "
        f"filters make {filters} maps."
    )


def _layers(findings: Findings) -> str:
    shapes = {layer.name: layer.output_shape for layer in findings.anatomy("cnn").layers}
    face, conv, pool = (" x ".join(map(str, shape)) for shape in (findings.image_shape, shapes["conv"], shapes["pool"]))
    return (
        f"The convolution makes {conv} numbers of the {face} pixels; the ReLU sets those below 0 to 0; the pooling "
        f"keeps the largest of each 4x4, {pool}; the hidden layer weighs these {math.prod(shapes['pool'])} and leaves "
        f"{shapes['hidden'][-1]}; the output weighs those and leaves 1, whose sign is the answer."
    )
