"""The tutorial's questions and statements on the results of training, checked on the study's fits."""

from collections.abc import Iterator

from faceloupe.numerals import decimals
from faceloupe.studies.charts import forest_chart
from faceloupe.studies.findings import CHANCE_LOSS, FAILED, LEARNED, Findings
from faceloupe.studies.labels import LABELS, PIXELS, share, size_text
from faceloupe.studies.networks import equal_side
from faceloupe.studies.plan import COMPARED
from faceloupe.studies.statements import (
    LITTLE,
    MUCH,
    OFTEN,
    Figure,
    Judgement,
    Statement,
    ahead,
    judge,
    judge_share,
    percent_figure,
)


def training_accuracy(findings: Findings) -> Iterator[Statement]:
    """Compare how well both networks learn their training captures."""
    fits = {(name, kind): findings.fits(name, kind, held_out=False) for name in ("fcnn", "cnn") for kind in COMPARED}
    grids = {key: trials.grid("train_accuracy") for key, trials in fits.items()}
    means = {key: findings.mean(trials, "train_accuracy") for key, trials in fits.items()}
    wins = findings.superiority(fits["cnn", "none"], fits["fcnn", "none"], "train_accuracy")
    raw, centred = (means["cnn", kind].estimate - means["fcnn", kind].estimate for kind in COMPARED)
    yield Statement(
        "training-accuracy",
        "says",
        "The FCNN’s training accuracy is much lower than the CNN’s.",
        tuple(
            judge(findings, PIXELS[kind], "CNN minus FCNN", grids["cnn", kind] - grids["fcnn", kind], MUCH)
            for kind in COMPARED
        ),
        f"Trained on all captures, pixels as they are, the FCNN gets {share(means['fcnn', 'none'].estimate)} of them "
        f"right and the CNN {share(means['cnn', 'none'].estimate)}; with the mean pixel subtracted, "
        f"{share(means['fcnn', 'centre'].estimate)} and {share(means['cnn', 'centre'].estimate)}."
        + " The brightness of the pixels made the difference, not the kind of network."
        * (abs(centred) < LITTLE < abs(raw)),
        (
            *(
                percent_figure(f"{LABELS[name]}, {PIXELS[kind]}", means[name, kind])
                for kind in COMPARED
                for name in ("fcnn", "cnn")
            ),
            Figure(
                "fits with the CNN ahead, pixels as they are", f"{wins.estimate:.2f}", wins.range_text(), wins.n_text()
            ),
        ),
    )


def overfitting(findings: Findings) -> Iterator[Statement]:
    """Ask of each network and preprocessing whether it learned and failed, or never learned."""
    cells = [(name, kind) for name in ("fcnn", "cnn") for kind in COMPARED]
    fits = {cell: findings.fits(*cell, held_out=True) for cell in cells}
    flags = {cell: fits[cell].grid(findings.overfitted(*cell)) for cell in cells}
    raw = fits["fcnn", "none"]
    never = findings.share(raw, (raw.column("accuracy") < FAILED) & (raw.column("train_accuracy") < LEARNED))
    dead = findings.unfitted("fcnn", "none", held_out=True)
    loss = findings.mean(raw, "train_loss")
    yield Statement(
        "overfitting",
        "asks",
        "Does the network often overfit? (Asked of the FCNN.)",
        tuple(
            judge_share(findings, f"{LABELS[name]}, {PIXELS[kind]}", "fits that overfit", flags[name, kind], OFTEN)
            for name, kind in cells
        ),
        f"To overfit is to learn the training captures (at least {100 * LEARNED:.0f} % right) and to fail on others "
        f"(below {100 * FAILED:.0f} %); often is in a third of fits. Half of the captures were held out. With pixels "
        f"as they are, {share(never.estimate)} of the FCNN’s fits failed without having learned, the opposite of "
        f"overfitting; in {share(dead.estimate)} every hidden unit is dead.",
        (
            percent_figure("FCNN, pixels as they are: never learned and failed", never),
            percent_figure("FCNN, pixels as they are: all hidden units dead", dead),
            Figure(
                f"FCNN, pixels as they are: mean training loss, nats (answering one half costs {CHANCE_LOSS:.3f})",
                f"{loss.estimate:.3f}", loss.range_text(), loss.n_text(),
            ),
            *(
                percent_figure(f"{LABELS[name]}, {PIXELS[kind]}: held out minus training", findings.mean_of(
                    fits[name, kind].grid("accuracy") - fits[name, kind].grid("train_accuracy")), signed=True)
                for name, kind in cells
            ),
        ),
    )  # fmt: skip


def number_of_parameters(findings: Findings) -> Iterator[Statement]:
    """Change the number of parameters both ways, and whatever else might repair the FCNN."""
    raw = findings.controls("fcnn", "none")
    side = equal_side(findings.image_shape)
    equal, wide = (findings.anatomy(name).parameters for name in ("fcnn-equal", "fcnn-wide"))
    changes = {
        f"as few parameters as the CNN ({equal:,})": findings.controls("fcnn-equal", "none"),
        f"16 times as many parameters ({wide:,})": findings.controls("fcnn-wide", "none"),
        "a tenth of the learning rate": findings.controls("fcnn-slow", "none"),
        "leaky ReLU": findings.controls("fcnn-leaky", "none"),
        "He initialisation": findings.controls("fcnn-he", "none"),
        "mean pixel subtracted": findings.controls("fcnn", "centre"),
    }
    gains = {label: findings.difference(trials, raw, "train_accuracy") for label, trials in changes.items()}
    few, many = (findings.controls(name, "none").grid("train_accuracy") for name in ("fcnn-equal", "fcnn-wide"))
    fewer, more = (decimals(100 * gain.estimate, 1, signed=True) for gain in list(gains.values())[:2])
    repairs = [label for label, gain in gains.items() if gain.low > MUCH]
    remedy = f"More than {100 * MUCH:.0f} points are gained by each of: {', '.join(repairs)}." if repairs else (
        f"Nothing that was tried gains more than {100 * MUCH:.0f} points.")  # fmt: skip
    yield Statement(
        "number-of-parameters",
        "says",
        "The FCNN fails because it has too many parameters.",
        (judge(findings, "FCNN, pixels as they are", "accuracy with few minus with many", few - many, MUCH),),
        f"If that were so, fewer would help and more would harm. With as few as the CNN’s, its training accuracy "
        f"changes by {fewer} points, with 16 times as many by {more}. {remedy}"
        + " With each of these, some hidden unit stays alive more often."
        * (len(repairs) > 1),
        tuple(percent_figure(f"changed by: {label}", gain, signed=True) for label, gain in gains.items()),
        forest_chart(
            "number-of-parameters-chart",
            "What one change does to the FCNN’s training accuracy",
            "Each row changes one thing: the number of parameters, the [[learning rate]], the ReLU, the "
            "[[initialisation]] or the pixels. Differences from the FCNN on pixels as they are; "
            f"{gains['He initialisation'].n_text()}. Fewer parameters here also mean smaller faces, "
            f"{size_text((side, side))} pixels.",
            gains,
            "change in training accuracy",
        ),
    )


def applies(findings: Findings) -> Iterator[Statement]:
    """Ask both networks about captures that they have not seen."""
    yield Statement(
        "applies",
        "says",
        "The CNN can apply what it learned to new captures.",
        tuple(
            judge_share(
                findings, f"{LABELS[name]}, {PIXELS[kind]}", "held-out captures right",
                findings.fits(name, kind, held_out=True).grid("accuracy"), FAILED,
            )
            for name in ("cnn", "fcnn") for kind in COMPARED
        ),
        f"Half of the captures of the same two people were held out. The limit of {100 * FAILED:.0f} % right is half "
        "way between chance and all. The FCNN is asked the same.",
    )  # fmt: skip


def better(findings: Findings) -> Iterator[Statement]:
    """Compare both networks on held-out captures."""
    grids = {
        (name, kind): findings.fits(name, kind, held_out=True).grid("accuracy")
        for name in ("fcnn", "cnn")
        for kind in COMPARED
    }
    judged: list[Judgement] = [
        judge(findings, PIXELS[kind], "CNN minus FCNN, held out", grids["cnn", kind] - grids["fcnn", kind], LITTLE)
        for kind in COMPARED
    ]
    raw, centred = (ahead(judgement.estimate) for judgement in judged if judgement.estimate)
    answer = f"With pixels as they are, {raw}; with the mean pixel subtracted, {centred}"
    if raw == centred:
        answer = f"With pixels as they are and with the mean pixel subtracted, {raw}"
    yield Statement(
        "better",
        "says",
        "On faces, the CNN does better than the FCNN.",
        tuple(judged),
        f"Better is by more than {100 * LITTLE:.0f} points of held-out accuracy. {answer}. Both answers depend on the "
        "data and on how the faces are cut.",
    )
