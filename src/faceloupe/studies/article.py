"""The study's page as a plain document: sections, figures and words, all made from the trials."""

from collections.abc import Iterator
from typing import Any

from faceloupe.blocks import Block, section, text
from faceloupe.faces import SHOWABLE
from faceloupe.studies.charts import dots_chart, forest_chart, line_chart, share
from faceloupe.studies.checks import check_statements
from faceloupe.studies.findings import Findings, as_document
from faceloupe.studies.fits import equal_side, one_thread
from faceloupe.studies.loupe import loupe_document
from faceloupe.studies.portraits import Portraits
from faceloupe.studies.run import Study
from faceloupe.studies.statements import Statement
from faceloupe.studies.tables import (
    LABELS,
    SHORT,
    controls_table,
    dead_units_table,
    differences_table,
    people_table,
    summary_table,
)

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
                "tutorial", "The experiment, as the tutorial runs it", _tutorial(study, findings, portraits, shown)
            ),
            section("pairs", "What really happens, over many people and seeds", _pairs(findings)),
            section("place", "Moved, turned, covered, brightened", _robustness(findings)),
            section("captures", "How many captures a person", _learning(findings)),
            section("controls", "Controls", _controls(findings)),
            section("everyone", f"All {study.faces.n_subjects} people at once", _people(findings)),
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
        f"locality. We ran it again on **{len(plan.pairs)} pairs of people with {plan.seeds} seeds each**, and "
        "looked inside."
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


def _tutorial(study: Study, findings: Findings, portraits: Portraits, show_faces: bool) -> Iterator[Block]:
    first, second = study.plan.people
    n = int(findings.captures[[first, second]].sum())
    yield text(
        f"Two people, subjects {first + 1} and {second + 1} of {study.faces.n_subjects}; {n} captures of "
        f"{findings.image_shape[0]}x{findings.image_shape[1]} pixels, all for training; {study.plan.epochs} epochs "
        f"in batches of {study.plan.batch_size}, RMSprop."
    )
    if show_faces:
        yield portraits.people()
    for name in ("fcnn", "cnn"):
        yield summary_table(name, findings.anatomy(name))
    yield from _epochs(study, findings)
    yield text(
        "What the networks learned in one of these fits (seed 0)"
        + (", and what the CNN makes of a face. " if show_faces else ". ")
        + "A filter whose feature map is 0 everywhere after the ReLU, for every training capture, is dead."
    )
    for kind in study.plan.preprocess:
        yield portraits.filters(kind)
    if show_faces:
        for kind in study.plan.preprocess:
            yield from portraits.feature_maps(kind)
        for kind in study.plan.preprocess:
            yield portraits.fcnn_weights(kind)


def _epochs(study: Study, findings: Findings) -> Iterator[Block]:
    for column, label, limits in (
        ("train_loss", "training loss", None),
        ("train_accuracy", "training accuracy", [0.0, 1.0]),
    ):
        series = []
        for name in ("fcnn", "cnn"):
            for kind in study.plan.preprocess:
                epochs, runs = findings.epochs(name, kind, column)
                style = name if kind == study.plan.preprocess[0] else f"{name}-alt"
                series.append(
                    {
                        "name": f"{LABELS[name]}, {SHORT[kind]}",
                        "style": style,
                        "x": epochs.tolist(),
                        "y": runs.mean(axis=0).tolist(),
                        "lo": runs.min(axis=0).tolist(),
                        "hi": runs.max(axis=0).tolist(),
                    }
                )
        last = {item["name"]: item["y"][-1] for item in series}
        written = "; ".join(
            f"{name} {value:.3f}" if limits is None else f"{name} {share(value)}" for name, value in last.items()
        )
        yield {
            "type": "chart",
            "id": f"epochs-{column.replace('_', '-')}",
            "title": f"{label.capitalize()} by epoch, the tutorial’s pair",
            "caption": f"Mean of n = {study.plan.seeds} seeds; bands run from the lowest to the highest. Each point "
            "is the mean over an epoch’s captures, each before the update that it took part in, as Keras prints it. "
            "In the last epoch: "
            f"{written}." + (" A loss of 0.693 is that of answering one half to every face." if limits is None else ""),
            "mark": "line",
            "x": {"label": "epoch"},
            "y": {"label": label, "unit": "%" if limits else "nats", "range": limits},
            "series": series,
            "reference": [{"y": 0.5, "label": "chance"} if limits else {"y": 0.6931, "label": "ln 2"}],
        }


def _pairs(findings: Findings) -> Iterator[Block]:
    plan = findings.plan
    yield text(
        f"One run shows one run. Here are {len(plan.pairs)} pairs of people, drawn at random, with {plan.seeds} "
        "seeds each. A seed draws the split, the initial weights and the order of the captures; both networks get "
        "the same split and order, so that their difference is paired. Intervals are 95 %, from a bootstrap over "
        "pairs and, within them, seeds. Where all fits gave the same number the bootstrap has no spread to see: an "
        "interval without width then means no more than that."
    )
    for held_out, column, what in ((False, "train_accuracy", "training accuracy, all captures"),
                                   (True, "accuracy", "accuracy on the half held out")):  # fmt: skip
        groups = {
            (f"{LABELS[name]}, {SHORT[kind]}", name if kind == plan.preprocess[0] else f"{name}-alt"): findings.fits(
                name, kind, held_out=held_out
            )
            for kind in plan.preprocess
            for name in ("fcnn", "cnn")
        }
        means = {name: findings.mean(trials, column) for (name, _), trials in groups.items()}
        yield dots_chart(
            f"pairs-{column.replace('_', '-')}",
            f"{what[0].upper()}{what[1:]}",
            "Each dot is one fit; the bar is the mean with its interval. "
            + "; ".join(f"{name} {mean.text(percent=True)}" for name, mean in means.items())
            + ".",
            groups,
            column,
            what,
        )
    yield differences_table(findings)
    yield dead_units_table(findings)
    if {"none", "centre"} <= set(plan.preprocess):
        repaired = {
            name: findings.difference(
                findings.fits(name, "centre", held_out=True), findings.fits(name, "none", held_out=True), "accuracy"
            )
            for name in ("fcnn", "cnn")
        }
        yield text(
            "**The repair.** A ReLU unit whose input is above 0 for no face is dead: it puts out 0 and passes no "
            "gradient. No pixel is below 0 in a photograph, so a step that lowers a unit’s input for one face lowers "
            "it for all of them, and may silence the unit for good. Subtracting the mean pixel takes that common "
            "push away."
        )
        yield forest_chart(
            "repair",
            "Held-out accuracy gained by subtracting the mean pixel",
            "Same pairs, splits, initial weights and batches; only the mean pixel of the training captures is "
            "subtracted. "
            + "; ".join(f"{LABELS[name]} {gain.text(percent=True, signed=True)}" for name, gain in repaired.items())
            + ".",
            {LABELS[name]: interval for name, interval in repaired.items()},
            "gain in accuracy",
        )


def _robustness(findings: Findings) -> Iterator[Block]:
    plan = findings.plan
    yield text(
        f"Networks trained on centred pixels and unshifted faces ({len(plan.some_pairs)} pairs × {plan.side_seeds} "
        "seeds), asked about held-out captures that were changed. **Accuracy** asks whether the answer is right; "
        "**consistency** whether it is the answer that the same network gave to the unchanged capture. A network "
        "that always gives one answer is consistent and useless: read the two together."
    )
    for condition, title, axis in (
        ("shift x", "shifted sideways", ("shift to the right", "pixels")),
        ("shift y", "shifted up and down", ("shift down", "pixels")),
        ("rotation", "turned", ("counter-clockwise", "degrees")),
        ("occlusion", "partly covered", ("side of the covered square", "pixels")),
        ("brightness", "darkened and brightened", ("added to every pixel", "% of the range")),
    ):
        for column in ("accuracy", "consistency"):
            curves = {
                (LABELS[name], style): findings.robustness(name, condition, column)
                for name, style in (("fcnn", "fcnn"), ("cnn", "cnn"), ("cnn-global", "other"))
            }
            worst = curves["CNN", "cnn"].amounts[-1]
            yield line_chart(
                f"{condition.replace(' ', '-')}-{column}",
                f"{column.capitalize()} on captures {title}",
                f"At {worst:.0f} {axis[1]}: "
                + "; ".join(f"{label} {curve.at(worst).text(percent=True)}" for (label, _), curve in curves.items())
                + ".",
                curves,
                axis,
                column,
            )


def _learning(findings: Findings) -> Iterator[Block]:
    plan = findings.plan
    curves = {
        ("FCNN, centred", "fcnn"): findings.learning("fcnn", "centre"),
        ("CNN, centred", "cnn"): findings.learning("cnn", "centre"),
        ("FCNN, raw", "fcnn-alt"): findings.learning("fcnn", "none"),
        ("CNN, raw", "cnn-alt"): findings.learning("cnn", "none"),
        ("nearest neighbour", "other"): findings.learning("1-nn", "none"),
    }
    most = curves["CNN, centred", "cnn"].amounts[-1]
    yield line_chart(
        "learning-curve",
        "Accuracy on held-out captures against captures per person",
        f"n = {_fewest(findings)} pairs × {plan.side_seeds} seeds; the bands are 95 % intervals. From one capture "
        f"per person to {most:.0f}: "
        + "; ".join(
            f"{name} {share(curve.intervals[0].estimate)} to {share(curve.intervals[-1].estimate)}"
            for (name, _), curve in curves.items()
        )
        + ".",
        curves,
        ("training captures per person", ""),
        "accuracy",
    )


def _controls(findings: Findings) -> Iterator[Block]:
    yield text(
        "A control changes one thing that should matter if the explanation is right, or should not. Shuffled labels "
        "must bring held-out accuracy down to chance, 50 %. One fixed permutation of all pixels must not hurt a "
        "network that knows no neighbours. The FCNN with as few parameters as the CNN sees faces that were averaged "
        f"down to {equal_side(findings.image_shape)}x{equal_side(findings.image_shape)} pixels."
    )
    yield controls_table(findings)


def _people(findings: Findings) -> Iterator[Block]:
    yield text(
        "Telling two people apart is the smallest task there is. Here every network and baseline must name one of "
        f"{len(findings.captures)} people, trained on {findings.half} captures of each and asked about the others. "
        "The tutorial’s networks have four hidden units to do it with."
    )
    yield people_table(findings)


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


def _fewest(findings: Findings) -> str:
    """Return how many pairs are behind each point of the learning curve: fewer where captures run out."""
    counts = [interval.n for interval in findings.learning("cnn", "centre").intervals]
    return f"{counts[0]}" if min(counts) == counts[0] else f"{counts[0]} (at the right end {counts[-1]})"
