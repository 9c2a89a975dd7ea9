"""The study's page as a plain document: sections, figures and words, all made from the trials."""

from collections.abc import Iterator
from typing import Any

from faceloupe.blocks import Block, section, text
from faceloupe.faces import SHOWABLE
from faceloupe.numerals import counted
from faceloupe.studies import sections
from faceloupe.studies.charts import share
from faceloupe.studies.checks import check_statements
from faceloupe.studies.findings import Findings, as_document
from faceloupe.studies.fits import one_thread
from faceloupe.studies.loupe import loupe_document
from faceloupe.studies.portraits import Portraits
from faceloupe.studies.run import Study
from faceloupe.studies.statements import Statement

__all__ = ["SCHEMA", "write_article"]

SCHEMA = "faceloupe.study/1"


@one_thread()  # as in the trials, so that the pictures are of the same fits
def write_article(study: Study, *, show_faces: bool | None = None) -> dict[str, Any]:
    """Return the document of a finished study.

    Parameters
    ----------
    study : Study
    show_faces : bool, optional
        Whether the page may show captures and what the networks make of them; None is yes for Olivetti and ORL and no
        for all others. If not, the document holds no picture
        and no weights in which somebody could be recognised: of both networks only the CNN's small filters are left.

    Returns
    -------
    dict
        What :func:`faceloupe.report.render_page` draws and ``--json`` prints.
    """
    shown = study.faces.source in SHOWABLE if show_faces is None else show_faces
    findings = Findings(study.plan, study.trials, study.faces.images.shape[1:], study.faces.captures_per_subject)
    portraits = Portraits(study.plan, study.faces)
    statements = check_statements(findings)
    return {
        "schema": SCHEMA,
        "title": "Does a CNN beat a fully-connected network on faces?",
        "lead": list(_lead(study, findings)),
        "sections": [
            section(
                "tutorial",
                "The experiment, as the tutorial runs it",
                sections.tutorial(study, findings, portraits, show_faces=shown),
            ),
            section("pairs", "What really happens, over many people and seeds", sections.pairs(findings)),
            section("place", "Moved, turned, covered, brightened", sections.robustness(findings)),
            section("captures", "How many captures a person", sections.learning(findings)),
            section("controls", "Controls", sections.controls(findings)),
            section("everyone", f"All {study.faces.n_subjects} people at once", sections.people(findings)),
            section("statements", "The tutorial’s statements, checked", _statements(statements)),
            section("method", "How this was measured", _method(study)),
        ],
        "evidence": _evidence(findings, statements),
        "networks": portraits.networks() if shown else {},
        **({"loupe": loupe_document(study.plan, study.faces)} if shown else {}),
        "provenance": _provenance(study, shown),
    }


def _lead(study: Study, findings: Findings) -> Iterator[str]:
    plan = study.plan
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


def _statements(statements: list[Statement]) -> Iterator[Block]:
    counts = {
        verdict: sum(statement.verdict == verdict for statement in statements)
        for verdict in ("supported", "not shown", "contradicted")
    }
    yield text(
        f"Of {len(statements)} statements, "
        + ", ".join(f"**{count} {'are' if count != 1 else 'is'} {verdict}**" for verdict, count in counts.items())
        + ". A verdict on what was measured rests on whether a 95 % interval lies on one side of what the statement "
        "says; each was taken by itself, without allowance for how many there are."
    )
    yield from (statement.to_document() for statement in statements)


def _method(study: Study) -> Iterator[Block]:
    plan, data = study.plan, study.manifest["data"]
    if data["note"]:
        yield text(f"**{data['note']}**")
    yield text(
        f"Faces: {data['source']}; {data['captures']} captures of {data['subjects']} subjects. "
        f"{len(data['skipped'])} files were skipped, and {len(data['duplicates'])} groups of captures have the same "
        "pixels."
    )
    possible = data["subjects"] * (data["subjects"] - 1) // 2
    yield text(
        f"{len(plan.pairs)} of {possible} pairs; {len(study.trials):,} rows in `trials.csv`, from which every "
        "measured figure is computed. The bootstrap takes pairs as independent, but pairs share people and fits "
        f"share captures: read the intervals as being about these {data['subjects']} people, photographed and "
        "cropped like this, and as somewhat too narrow for others. Nothing here says how a network does on strangers."
    )
    yield text(
        "Both networks begin from Glorot uniform weights and zero biases and are trained with RMSprop as Keras "
        f"defines it (learning rate {plan.learning_rate:g}, ρ 0.9, ε 1e-7). The mean pixel comes from the training "
        "captures alone."
    )


def _evidence(findings: Findings, statements: list[Statement]) -> dict[str, Any]:
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


def _provenance(study: Study, show_faces: bool) -> dict[str, Any]:
    manifest = study.manifest
    return {
        "made by": f"faceloupe {manifest['versions']['faceloupe']}",
        "when": manifest["created"],
        "command": manifest["command"],
        "faces": manifest["data"]["source"],
        "licence of the faces": manifest["data"]["licence"],
        "digest of the faces (SHA-256)": manifest["data"]["digest"],
        "versions": ", ".join(f"{name} {number}" for name, number in manifest["versions"].items()),
        "machine": manifest["machine"],
        "this file holds": "captures of two people, what networks make of them, and networks trained on them"
        if show_faces
        else "no faces",
    }
