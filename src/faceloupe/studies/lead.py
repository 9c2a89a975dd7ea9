"""A study in a few sentences, and in its main numbers."""

from collections.abc import Iterator
from typing import Any

from faceloupe.numerals import counted
from faceloupe.studies.charts import share
from faceloupe.studies.findings import Findings, as_document
from faceloupe.studies.statements import Statement

__all__ = ["lead", "numbers"]


def lead(findings: Findings) -> Iterator[str]:
    """Yield what was asked, and what came out, in words."""
    plan = findings.plan
    yield (
        "A tutorial trains a fully-connected network (FCNN) and a small convolutional network (CNN) to tell two "
        "people apart, once, and concludes that the FCNN overfits, having too many parameters and no sense of "
        f"locality. We ran it again on **{counted(len(plan.pairs), 'pair')} of people with "
        f"{counted(plan.seeds, 'seed')} each**, and looked inside."
    )
    if "none" not in plan.preprocess:
        return
    dead = {name: findings.unfitted(name, "none") for name in ("fcnn", "cnn")}
    yield (
        f"With pixels as they are, **all hidden units are dead in {share(dead['fcnn'].estimate)} of the FCNN’s "
        f"fits** {dead['fcnn'].range_text(percent=True)} and in {share(dead['cnn'].estimate)} of the CNN’s "
        f"{dead['cnn'].range_text(percent=True)}; {dead['cnn'].n_text()}. Such a network gives every face the same "
        "answer: it has not overfitted, it has learned nothing."
    )
    if "centre" not in plan.preprocess:
        return
    fcnn, cnn = (findings.fits(name, "centre", held_out=True) for name in ("fcnn", "cnn"))
    gap = findings.difference(fcnn, cnn, "accuracy")
    gain = findings.difference(fcnn, findings.fits("fcnn", "none", held_out=True), "accuracy")
    change = "One change repairs it" if gain.low > 0 else "One change was tried as a repair"
    better = "more than" if gap.low > 0 else "less than" if gap.high < 0 else "not distinguishable from"
    yield (
        f"{change}: subtract the mean pixel. Then the FCNN learns all its training captures in "
        f"{share(findings.fitted('fcnn', 'centre', held_out=True).estimate)} of fits and recognises "
        f"**{share(findings.mean(fcnn, 'accuracy').estimate)} of held-out captures**, "
        f"{gain.text(percent=True, signed=True)}, against pixels as they are. That is {better} the CNN’s "
        f"{share(findings.mean(cnn, 'accuracy').estimate)} after the same change (FCNN minus CNN: "
        f"{gap.text(percent=True, signed=True)})."
    )


def numbers(findings: Findings, statements: list[Statement]) -> dict[str, Any]:
    """Return the main figures for machines."""
    found: dict[str, Any] = {"statements": {one.id: one.verdict for one in statements}}
    for kind in findings.plan.preprocess:
        for name in ("fcnn", "cnn"):
            all_of_them, half = (findings.fits(name, kind, held_out=held_out) for held_out in (False, True))
            found[f"{name}/{kind}"] = {
                "train_accuracy": as_document(findings.mean(all_of_them, "train_accuracy")),
                "held_out_accuracy": as_document(findings.mean(half, "accuracy")),
                "all_hidden_dead": as_document(findings.unfitted(name, kind)),
                "learned_every_capture": as_document(findings.fitted(name, kind)),
            }
    return found
