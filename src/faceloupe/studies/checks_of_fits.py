"""The tutorial's statements on what the networks do, checked on the study's fits."""

from collections.abc import Iterator

from faceloupe.blocks import Block
from faceloupe.studies.charts import dots_chart, forest_chart, line_chart, share
from faceloupe.studies.findings import CHANCE_LOSS, Findings
from faceloupe.studies.fits import PERMUTED, SHUFFLED, equal_side
from faceloupe.studies.statements import Figure, Statement, Verdict, percent_figure, points, what_settles
from faceloupe.studies.statistics import Estimate, cluster_bootstrap, paired_difference

__all__ = ["local_patterns", "location", "number_of_parameters", "overfitting", "separable", "training_accuracy"]

MUCH = 0.10  # "much" lower or better: ten points of accuracy
LITTLE = 0.05  # a loss of less than five points is none to speak of
SHIFT = 8.0  # pixels, one eighth of a face of 64
FAILED = 0.75  # held-out accuracy below which a network has failed: half way between chance and perfect
FITTED = 0.95  # training accuracy from which a network has learned its captures
PROBED = {
    "pixels": "pixels",
    "conv_relu": "convolution, after ReLU",
    "pool": "pooling",
    "hidden": "hidden layer, before ReLU",
    "hidden_relu": "hidden layer",
}


def training_accuracy(findings: Findings) -> Iterator[Statement]:
    """Check whether the FCNN learns its training captures much worse."""
    if "none" not in findings.plan.preprocess:
        return
    cnn, fcnn = (findings.fits(name, "none", held_out=False) for name in ("cnn", "fcnn"))
    gap = findings.difference(cnn, fcnn, "train_accuracy")
    wins = findings.superiority(cnn, fcnn, "train_accuracy")
    verdict: Verdict = "supported" if gap.low > MUCH else "contradicted" if gap.high < MUCH else "not shown"
    yield Statement(
        "training-accuracy",
        "The fully-connected network's training accuracy is much lower than the CNN's.",
        verdict,
        "With pixels as they are, the CNN's training accuracy minus the FCNN's is "
        f"{gap.text(percent=True, signed=True)}; much is taken as {100 * MUCH:.0f} points. On the same pair and "
        f"seed the CNN is the better one with a probability of {wins.estimate:.2f} {wins.range_text()}, ties "
        "counting half.",
        (
            percent_figure("FCNN, training accuracy", findings.mean(fcnn, "train_accuracy")),
            percent_figure("CNN, training accuracy", findings.mean(cnn, "train_accuracy")),
            percent_figure("CNN − FCNN", gap, signed=True),
            Figure("P(CNN > FCNN)", f"{wins.estimate:.2f}", wins.range_text(), wins.n_text()),
        ),
        what_settles(verdict, findings, findings.pairs_to_settle(cnn, fcnn, "train_accuracy", MUCH)),
        dots_chart(
            "training-accuracy-dots",
            "Training accuracy, all captures, pixels as they are",
            "Each dot is one fit of one pair of people. A network that gives every face the same answer lands at 50 "
            "%, where both people have as many captures.",
            {("FCNN", "fcnn"): fcnn, ("CNN", "cnn"): cnn},
            "train_accuracy",
            "training accuracy",
        ),
    )


def overfitting(findings: Findings) -> Iterator[Statement]:
    """Check whether the FCNN learned and failed, or never learned."""
    if "none" not in findings.plan.preprocess:
        return
    fits = findings.fits("fcnn", "none", held_out=True)
    failed = fits.column("accuracy") < FAILED
    learned = fits.column("train_accuracy") >= FITTED
    overfitted = findings.share(fits, failed & learned)
    never_learned = findings.share(fits, failed & ~learned)
    dead = findings.unfitted("fcnn", "none", held_out=True)
    shares = {
        "learned and failed": overfitted,
        "never learned and failed": never_learned,
        "all hidden units dead": dead,
    }
    loss = findings.mean(fits, "train_loss")
    verdict: Verdict = (
        "contradicted"
        if never_learned.low > overfitted.high
        else "supported"
        if overfitted.low > never_learned.high
        else "not shown"
    )
    yield Statement(
        "overfitting",
        "The fully-connected network fails because it overfits.",
        verdict,
        "To overfit is to learn the training captures and fail on others. With pixels as they are and half of the "
        f"captures held out, {share(overfitted.estimate)} of the fits learned (at least {100 * FITTED:.0f} % of the "
        f"training captures right) and failed (below {100 * FAILED:.0f} % of the held-out ones); "
        f"{share(never_learned.estimate)} failed without having learned. The mean training loss of all fits is "
        f"{loss.estimate:.3f}; answering one half to every face costs {CHANCE_LOSS:.3f}. In {share(dead.estimate)} "
        "of the fits every hidden unit is dead.",
        (
            *(percent_figure(label, found) for label, found in shares.items()),
            Figure("mean training loss, nats", f"{loss.estimate:.3f}", loss.range_text(), loss.n_text()),
        ),
        what_settles(verdict, findings, None),
        _fates_chart(shares),
    )


def _fates_chart(shares: dict[str, Estimate]) -> Block:
    return forest_chart(
        "overfitting-chart",
        "What became of the FCNN's fits, pixels as they are",
        "Shares of all fits, with 95 % intervals. A fit may be in none of the rows: it learned and did not fail.",
        shares,
        "share of fits",
        reference=(),
    )


def number_of_parameters(findings: Findings) -> Iterator[Statement]:
    """Check what fewer parameters change, and what centring changes."""
    raw, small, centred = (
        findings.fits(name, kind, held_out=True, experiment="controls")
        for name, kind in (("fcnn", "none"), ("fcnn-equal", "none"), ("fcnn", "centre"))
    )
    fewer = findings.difference(small, raw, "train_accuracy")
    repair = findings.difference(centred, raw, "train_accuracy")
    left = findings.difference(centred, small, "train_accuracy")
    equal = findings.anatomy("fcnn-equal")
    side = equal_side(findings.image_shape)
    verdict: Verdict = (
        "contradicted" if left.low > MUCH else "supported" if fewer.low > MUCH > repair.high else "not shown"
    )
    yield Statement(
        "number-of-parameters",
        "The fully-connected network fails because it has too many parameters.",
        verdict,
        f"Fewer parameters: on faces averaged down to {side}x{side} pixels the FCNN has {equal.parameters:,}, about "
        f"the CNN's {findings.anatomy('cnn').parameters:,}, and its training accuracy changes by "
        f"{fewer.text(percent=True, signed=True)}. All {findings.anatomy('fcnn').parameters:,} parameters, but the "
        f"mean pixel subtracted: {repair.text(percent=True, signed=True)}. The second change minus the first is "
        f"{left.text(percent=True, signed=True)}; a change counts from {100 * MUCH:.0f} points.",
        (
            percent_figure("FCNN", findings.mean(raw, "train_accuracy")),
            percent_figure(f"FCNN with {equal.parameters:,} parameters", findings.mean(small, "train_accuracy")),
            percent_figure("FCNN, mean pixel subtracted", findings.mean(centred, "train_accuracy")),
            percent_figure("changed by fewer parameters", fewer, signed=True),
            percent_figure("changed by subtracting the mean", repair, signed=True),
        ),
        what_settles(verdict, findings, findings.pairs_to_settle(centred, small, "train_accuracy", MUCH)),
        forest_chart(
            "number-of-parameters-chart",
            "What one change does to the FCNN's training accuracy",
            f"Differences from the FCNN on pixels as they are, with 95 % intervals; {fewer.n_text()}. Fewer "
            f"parameters here also mean smaller faces, {side}x{side} pixels.",
            {"as few parameters as the CNN": fewer, "mean pixel subtracted": repair},
            "change in training accuracy",
        ),
    )


def location(findings: Findings) -> Iterator[Statement]:
    """Check what a shift costs each network."""
    losses = {name: findings.loss_under_shift(name, SHIFT) for name in ("fcnn", "cnn", "cnn-global")}
    cost = {name: cluster_bootstrap(grid) for name, grid in losses.items()}
    gap = paired_difference(losses["fcnn"], losses["cnn"])
    spared = cost["cnn"].high < LITTLE
    still = {name: findings.robustness(name, "shift x", "accuracy").at(0.0).estimate for name in losses}
    verdict: Verdict = (
        "supported"
        if gap.low > 0 and spared
        else "contradicted"
        if cost["cnn"].low > LITTLE or gap.high < 0
        else "not shown"
    )
    yield Statement(
        "location",
        "The fully-connected network is sensitive to where the face is, and the CNN is not.",
        verdict,
        f"A shift by {SHIFT:.0f} of {findings.image_shape[1]} pixels (mean of left, right, up and down) costs the "
        f"FCNN {points(cost['fcnn'])} of its {share(still['fcnn'])} held-out accuracy and the CNN "
        f"{points(cost['cnn'])} of its {share(still['cnn'])}; the FCNN's loss minus the CNN's is "
        f"{gap.text(percent=True, signed=True)}. Less than {100 * LITTLE:.0f} points would be no loss to speak of. "
        "The convolution moves with the face, but the flattened vector gives every position a weight of its own. "
        "With one pooling window over the whole map position is lost, and the CNN loses "
        f"{points(cost['cnn-global'])} of {share(still['cnn-global'])}.",
        (
            *(
                percent_figure(f"{label}, accuracy lost", cost[name], signed=True)
                for name, label in (("fcnn", "FCNN"), ("cnn", "CNN"), ("cnn-global", "CNN, global pooling"))
            ),
            percent_figure("FCNN − CNN", gap, signed=True),
        ),
        what_settles(verdict, findings, None),
        _shift_chart(findings, gap.n_text()),
    )


def _shift_chart(findings: Findings, n: str) -> Block:
    return line_chart(
        "location-chart",
        "Accuracy on held-out captures, shifted sideways",
        f"Networks trained on centred pixels and unshifted faces, {n}. Bands are 95 % intervals.",
        {
            ("FCNN", "fcnn"): findings.robustness("fcnn", "shift x", "accuracy"),
            ("CNN", "cnn"): findings.robustness("cnn", "shift x", "accuracy"),
            ("CNN, global pooling", "other"): findings.robustness("cnn-global", "shift x", "accuracy"),
        },
        ("shift to the right", "pixels"),
        "accuracy",
    )


def local_patterns(findings: Findings) -> Iterator[Statement]:
    """Check what a fixed permutation of the pixels costs each network."""
    intact, permuted = (
        {
            name: findings.fits(name, "centre", held_out=True, experiment="controls", control=control)
            for name in ("fcnn", "cnn")
        }
        for control in ("", PERMUTED)
    )
    cost = {name: findings.difference(intact[name], permuted[name], "accuracy") for name in intact}
    verdict: Verdict = (
        "supported" if cost["cnn"].low > 0 else "contradicted" if cost["cnn"].high < LITTLE else "not shown"
    )
    yield Statement(
        "local-patterns",
        "The CNN builds on local patterns: which pixels are neighbours matters to it.",
        verdict,
        "Put the pixels of all faces in one other random order: every pixel is still there, but none has its "
        f"neighbours. Held-out accuracy lost by it: the CNN’s {cost['cnn'].text(percent=True, signed=True)}; that "
        f"of the FCNN, which knows no neighbours, {cost['fcnn'].text(percent=True, signed=True)}. Less than "
        f"{100 * LITTLE:.0f} points would be no loss to speak of.",
        (
            percent_figure("CNN, lost by permuting", cost["cnn"], signed=True),
            percent_figure("FCNN, lost by permuting", cost["fcnn"], signed=True),
        ),
        what_settles(verdict, findings, findings.pairs_to_settle(intact["cnn"], permuted["cnn"], "accuracy")),
        forest_chart(
            "local-patterns-chart",
            "Held-out accuracy lost when all pixels change places",
            f"Intact minus permuted, mean pixel subtracted, with 95 % intervals; {cost['cnn'].n_text()}.",
            {"CNN": cost["cnn"], "FCNN": cost["fcnn"]},
            "accuracy lost",
        ),
    )


def separable(findings: Findings) -> Iterator[Statement]:
    """Check how linearly separable the classes are, layer by layer."""
    found = {name: findings.mean(findings.probe(name), "accuracy") for name in PROBED}
    control = {name: findings.mean(findings.probe(name, SHUFFLED), "accuracy") for name in PROBED}
    gain = findings.difference(findings.probe("hidden_relu"), findings.probe("pixels"), "accuracy")
    verdict: Verdict = "supported" if gain.low > 0 else "contradicted" if gain.high < 0 else "not shown"
    sizes = {name: int(findings.probe(name).rows[0].amount) for name in PROBED}
    n = " or ".join(map(str, sorted(findings.probe("pixels").values("n_held_out"))))
    yield Statement(
        "separable",
        "The hidden layers make the classes linearly separable.",
        verdict,
        f"A linear probe, cross-validated on the {n} held-out captures of a pair, tells the two people apart in "
        f"{share(found['pixels'].estimate)} of cases from the pixels and in {share(found['hidden_relu'].estimate)} "
        f"from the hidden layer: the layers add {gain.text(percent=True, signed=True)}. Without cross-validation "
        f"the number would say nothing: {n} captures in {sizes['pixels']:,} numbers can nearly always be cut in any "
        f"two groups. On shuffled labels the probe gets {share(control['pixels'].estimate)} from the pixels and "
        f"{share(control['hidden_relu'].estimate)} from the hidden layer.",
        tuple(
            Figure(
                f"{label}, d = {sizes[name]:,}",
                f"{share(found[name].estimate)}, shuffled {share(control[name].estimate)}",
                found[name].range_text(percent=True),
                found[name].n_text(),
            )
            for name, label in PROBED.items()
        ),
        what_settles(
            verdict,
            findings,
            findings.pairs_to_settle(findings.probe("hidden_relu"), findings.probe("pixels"), "accuracy"),
        ),
        _layers_chart(found, control, gain.n_text()),
    )


def _layers_chart(found: dict[str, Estimate], control: dict[str, Estimate], n: str) -> Block:
    return forest_chart(
        "separable-chart",
        "A linear probe's accuracy on held-out captures, layer by layer",
        f"CNN, mean pixel subtracted, {n}. Cross-validated; beside it the same probe on shuffled labels.",
        {label: found[name] for name, label in PROBED.items()},
        "probe accuracy",
        control={label: control[name] for name, label in PROBED.items()},
        reference=[{"x": 0.5, "label": "chance"}],
    )
