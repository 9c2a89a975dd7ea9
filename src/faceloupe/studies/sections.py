"""The sections of a study's page that show what was measured."""

from collections.abc import Iterator

from faceloupe.blocks import Block, text
from faceloupe.numerals import counted
from faceloupe.studies.charts import dots_chart, forest_chart, line_chart, share
from faceloupe.studies.findings import Findings
from faceloupe.studies.fits import equal_side
from faceloupe.studies.portraits import Portraits
from faceloupe.studies.run import Study
from faceloupe.studies.tables import (
    LABELS,
    SHORT,
    controls_table,
    dead_units_table,
    differences_table,
    people_table,
    summary_table,
)

__all__ = ["controls", "learning", "pairs", "people", "robustness", "tutorial"]


def tutorial(study: Study, findings: Findings, portraits: Portraits, *, show_faces: bool) -> Iterator[Block]:
    """Yield the networks layer by layer, how they are trained, and what they learned."""
    first, second = study.plan.people
    n = int(findings.captures[[first, second]].sum())
    yield text(
        f"Two people, subjects {first + 1} and {second + 1} of {study.faces.n_subjects}; {n} captures of "
        f"{findings.image_shape[0]}x{findings.image_shape[1]} pixels, all for training; "
        f"{counted(study.plan.epochs, 'epoch')} in batches of {study.plan.batch_size}, RMSprop."
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
            "caption": f"Mean of n = {counted(study.plan.seeds, 'seed')}; bands run from the lowest to the "
            "highest. Each point is the mean over an epoch’s captures, each before the update that it took part in, as "
            f"Keras prints it. In the last epoch: {written}."
            + (" A loss of 0.693 is that of answering one half to every face." if limits is None else ""),
            "mark": "line",
            "x": {"label": "epoch"},
            "y": {"label": label, "unit": "%" if limits else "nats", "range": limits},
            "series": series,
            "reference": [{"y": 0.5, "label": "chance"} if limits else {"y": 0.6931, "label": "ln 2"}],
        }


def pairs(findings: Findings) -> Iterator[Block]:
    """Yield how the networks do over many pairs of people and seeds, and what subtracting the mean pixel changes."""
    plan = findings.plan
    yield text(
        f"One run shows one run. Here are {counted(len(plan.pairs), 'pair')} of people, drawn at random, with "
        f"{counted(plan.seeds, 'seed')} each. A seed draws the split, the initial weights and the order of the "
        "captures; both networks get the same split and order, so that their difference is paired. Intervals are 95 %, "
        "from a bootstrap over pairs and, within them, seeds. Where all fits gave the same number the "
        "bootstrap has no spread to see: an interval without width then means no more than that."
    )
    yield _dots(findings, "train_accuracy", "training accuracy, all captures", held_out=False)
    yield _dots(findings, "accuracy", "accuracy on the half held out", held_out=True)
    yield differences_table(findings)
    yield dead_units_table(findings)
    if {"none", "centre"} <= set(plan.preprocess):
        yield from _repair(findings)


def _dots(findings: Findings, column: str, what: str, *, held_out: bool) -> Block:
    """Return each fit of the networks as a dot."""
    kinds = findings.plan.preprocess
    groups = {
        (f"{LABELS[name]}, {SHORT[kind]}", name if kind == kinds[0] else f"{name}-alt"): findings.fits(
            name, kind, held_out=held_out
        )
        for kind in kinds
        for name in ("fcnn", "cnn")
    }
    means = {name: findings.mean(trials, column) for (name, _), trials in groups.items()}
    return dots_chart(
        f"pairs-{column.replace('_', '-')}",
        f"{what[0].upper()}{what[1:]}",
        "Each dot is one fit; the bar is the mean with its interval. "
        + "; ".join(f"{name} {mean.text(percent=True)}" for name, mean in means.items())
        + ".",
        groups,
        column,
        what,
    )


def _repair(findings: Findings) -> Iterator[Block]:
    """Yield what subtracting the mean pixel gains each network."""
    gains = {
        LABELS[name]: findings.difference(
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
        + "; ".join(f"{label} {gain.text(percent=True, signed=True)}" for label, gain in gains.items())
        + ".",
        gains,
        "gain in accuracy",
    )


def robustness(findings: Findings) -> Iterator[Block]:
    """Yield what a change of the captures costs the networks."""
    plan = findings.plan
    yield text(
        f"Networks trained on centred pixels and unshifted faces ({counted(len(plan.some_pairs), 'pair')} × "
        f"{counted(plan.side_seeds, 'seed')}), asked about held-out captures that were changed. **Accuracy** asks "
        "whether the answer is right; **consistency** whether it is the answer that the same network gave to the "
        "unchanged capture. A network that always gives one answer is consistent and useless: read the two together."
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


def learning(findings: Findings) -> Iterator[Block]:
    """Yield how accuracy grows with captures per person."""
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
        f"n = {_fewest(findings)} pairs × {counted(plan.side_seeds, 'seed')}; the bands are 95 % intervals. From one "
        f"capture per person to {most:.0f}: "
        + "; ".join(
            f"{name} {share(curve.intervals[0].estimate)} to {share(curve.intervals[-1].estimate)}"
            for (name, _), curve in curves.items()
        )
        + ".",
        curves,
        ("training captures per person", ""),
        "accuracy",
    )


def controls(findings: Findings) -> Iterator[Block]:
    """Yield what changes one thing that should matter, or should not."""
    yield text(
        "A control changes one thing that should matter if the explanation is right, or should not. Shuffled labels "
        "must bring held-out accuracy down to chance, 50 %. One fixed permutation of all pixels must not hurt a "
        "network that knows no neighbours. The FCNN with as few parameters as the CNN sees faces that were averaged "
        f"down to {equal_side(findings.image_shape)}x{equal_side(findings.image_shape)} pixels."
    )
    yield controls_table(findings)


def people(findings: Findings) -> Iterator[Block]:
    """Yield how everybody is told apart at once."""
    yield text(
        "Telling two people apart is the smallest task there is. Here every network and baseline must name one of "
        f"{len(findings.captures)} people, trained on {findings.half} captures of each and asked about the others. "
        "The tutorial’s networks have four hidden units to do it with."
    )
    yield people_table(findings)


def _fewest(findings: Findings) -> str:
    """Return how many pairs are behind each point of the learning curve: fewer where captures run out."""
    counts = [interval.n for interval in findings.learning("cnn", "centre").intervals]
    return f"{counts[0]}" if min(counts) == counts[0] else f"{counts[0]} (at the right end {counts[-1]})"
