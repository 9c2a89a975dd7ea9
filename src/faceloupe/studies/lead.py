"""A study in a few sentences, and in its main numbers."""

from collections.abc import Iterator, Sequence
from typing import Any

from faceloupe.numerals import counted, decimals
from faceloupe.studies.findings import Findings, as_document
from faceloupe.studies.labels import share
from faceloupe.studies.plan import COMPARED
from faceloupe.studies.statements import CONFIDENCE, LITTLE, Statement, ahead
from faceloupe.studies.statistics import mean_over_pairs


def lead(findings: Findings, source: str) -> Iterator[str]:
    """Yield the question, and the answer on these faces."""
    plan = findings.plan
    yield (
        "A tutorial trains two small networks to tell two people apart: a fully-connected network (FCNN) and a "
        "convolutional network (CNN). The FCNN does much worse. The tutorial asks why."
    )
    dead = {name: findings.unfitted(name, "none") for name in ("fcnn", "cnn")}
    answer = (
        f"Trained again on **{counted(len(plan.pairs), 'pair')} of people from {source}**, with "
        f"{counted(plan.seeds, 'seed')} each and pixels as they are, all hidden units are dead in "
        f"**{share(dead['fcnn'].estimate)} of the FCNN’s fits** {dead['fcnn'].range_text(percent=True)} and in "
        f"{share(dead['cnn'].estimate)} of the CNN’s {dead['cnn'].range_text(percent=True)}: they put out 0, whatever "
        "face is shown."
    )
    if dead["fcnn"].low > 0.5:
        answer += " Such a network has not overfitted; it has learned nothing."
    yield answer
    fcnn, cnn = (findings.fits(name, "centre", held_out=True) for name in ("fcnn", "cnn"))
    gap = mean_over_pairs(cnn.grid("accuracy") - fcnn.grid("accuracy"), confidence=CONFIDENCE)
    gain = findings.difference(fcnn, findings.fits("fcnn", "none", held_out=True), "accuracy")
    means = {"FCNN": findings.mean(fcnn, "accuracy"), "CNN": findings.mean(cnn, "accuracy")}
    change = "Subtracting the mean pixel repairs it" if gain.low > LITTLE else "Subtracting the mean pixel was tried"
    yield (
        f"{change}: the FCNN then recognises **{share(means['FCNN'].estimate)} of captures that it was not trained "
        f"on** and the CNN {share(means['CNN'].estimate)}. On these faces, framed like this, "
        f"{ahead(gap)} (CNN minus FCNN: {decimals(100 * gap.estimate, 1, signed=True)} points "
        f"{gap.range_text(percent=True, signed=True)}; brackets hold an interval)."
    )


def numbers(findings: Findings, statements: Sequence[Statement]) -> dict[str, Any]:
    """Return the verdicts and the main figures as plain values."""
    figures: dict[str, Any] = {
        "statements": [
            {
                "id": statement.id,
                "manner": statement.manner,
                "claim": statement.claim,
                "judged": [judgement.to_document() for judgement in statement.judged],
            }
            for statement in statements
        ]
    }
    for kind in dict.fromkeys((*COMPARED, *findings.plan.preprocess)):
        for name in ("fcnn", "cnn"):
            all_of_them, half = (findings.fits(name, kind, held_out=held_out) for held_out in (False, True))
            figures[f"{name}/{kind}"] = {
                "train_accuracy": as_document(findings.mean(all_of_them, "train_accuracy")),
                "held_out_accuracy": as_document(findings.mean(half, "accuracy")),
                "all_hidden_dead": as_document(findings.unfitted(name, kind)),
                "learned_every_capture": as_document(findings.fitted(name, kind)),
                "overfitted": as_document(findings.share(half, findings.overfitted(name, kind))),
            }
    return figures
