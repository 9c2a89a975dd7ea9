"""The steps of the tutorial, in its order: what is asked, the answer, the picture, the arithmetic, the statistics."""

from collections.abc import Iterator, Mapping

from faceloupe.blocks import Block, fold, live, switch, text
from faceloupe.numerals import counted
from faceloupe.studies.charts import epochs_chart, line_chart
from faceloupe.studies.findings import Findings
from faceloupe.studies.labels import LABELS, share
from faceloupe.studies.pictures import (
    draw_fcnn_weights,
    draw_feature_maps,
    draw_filters,
    draw_learned_filters,
    draw_people,
    draw_step,
)
from faceloupe.studies.run import Study
from faceloupe.studies.statements import LITTLE, Statement
from faceloupe.studies.tables import (
    dead_units_table,
    deeds_table,
    points_table,
    reached_table,
    summary_table,
)

CONDITIONS = {
    "shift x": ("sideways", ("shift to the right", "pixels")),
    "shift y": ("up and down", ("shift down", "pixels")),
    "rotation": ("turned", ("counter-clockwise", "degrees")),
    "occlusion": ("covered", ("side of the covered square", "pixels")),
    "brightness": ("brightness", ("added to every pixel", "% of the range")),
}


class Lesson:
    """The blocks of each step.

    Parameters
    ----------
    study : Study
    findings : Findings
        Findings of the study.
    statements : mapping of str to Statement
        The tutorial's questions and statements, by id.
    show_faces : bool
        Whether faces, and what networks make of them, may be shown.
    """

    def __init__(
        self, study: Study, findings: Findings, statements: Mapping[str, Statement], *, show_faces: bool
    ) -> None:
        self.study, self.findings, self.show_faces = study, findings, show_faces
        self._statements = statements

    def _judged(self, *ids: str) -> Iterator[Block]:
        yield from (self._statements[id_].to_document() for id_ in ids)

    def task(self) -> Iterator[Block]:
        """Yield steps 0 to 3: two parts, two people."""
        plan, (first, second) = self.study.plan, self.study.plan.people
        yield text(
            "The tutorial says that a [[CNN|convolutional network]] has two parts: one that extracts features, and one "
            "that does the task with them. That is true of how it is laid out; whether the features are **learned** is "
            "the question of step 10."
        )
        yield text(
            f"The task is the smallest there is: two people, subjects {first + 1} and {second + 1} of "
            f"{len(self.findings.captures)}, {len(self.study.fits.labels)} [[captures|capture]] of "
            f"{self.findings.image_shape[0]}x{self.findings.image_shape[1]} pixels. Here half of them are "
            f"[[held out]], and the whole is repeated with {counted(len(plan.pairs), 'pair')} of people."
        )
        if self.show_faces:
            yield draw_people(plan, self.study.fits)

    def networks(self) -> Iterator[Block]:
        """Yield steps 4 and 5: the two networks, and what they reach."""
        fcnn, cnn = (self.findings.anatomy(name) for name in ("fcnn", "cnn"))
        plan = self.study.plan
        yield text(
            "The [[FCNN|fully-connected network]] has four [[hidden units|hidden unit]] that each see every pixel, "
            f"and {fcnn.parameters:,} [[parameters|parameter]]. The CNN slides four [[filters|filter]] of 8x8 over the "
            f"face, keeps the largest number of each 4x4 window ([[pooling]]), and has {cnn.parameters:,}."
        )
        yield text(
            "Both end in one number, the [[logit]], below 0 for the first person and above 0 for the second, and train "
            f"for {plan.epochs} [[epochs|epoch]], {plan.batch_size} captures at a time. The tutorial looks at [[loss]] "
            "and accuracy on the training faces alone; here the held-out ones stand beside them. Each network is "
            "trained on pixels as they are (charts say raw) and with the [[mean pixel]] subtracted (centred)."
        )
        yield reached_table(self.findings)
        yield fold(
            "The arithmetic: both networks layer by layer", [summary_table("fcnn", fcnn), summary_table("cnn", cnn)]
        )
        yield fold("How the tutorial’s pair trained, epoch by epoch", self._epochs())

    def strengths(self) -> Iterator[Block]:
        """Yield step 6: strengths and drawbacks."""
        yield text(
            "The tutorial asks for the theoretical strengths and drawbacks of CNNs against fully-connected networks on "
            "pictures. In theory a CNN sees small patterns wherever they lie, with few [[weights|weight]] used many "
            "times; it pays in work, and in what pooling throws away. An FCNN sees the whole picture at once, with a "
            "weight for every pixel. Not all of this shows in networks so small:"
        )
        yield points_table(self.findings)

    def sizes(self) -> Iterator[Block]:
        """Yield step 7: sizes and efficiency."""
        yield text(
            "The tutorial compares the sizes and concludes that the CNN is the more efficient extractor of features, "
            "having fewer parameters. But parameters are not work: a weight that is used at every place is counted "
            "once and multiplied many times (a [[multiply-add]]). From here on each claim of the tutorial has its "
            "[[verdict]]:"
        )
        yield from self._judged("efficient", "slips")

    def failing(self) -> Iterator[Block]:
        """Yield step 8, first half: why the FCNN fails."""
        dead = self.findings.unfitted("fcnn", "none")
        yield text(
            "The tutorial says one should find the FCNN’s [[training accuracy]] much lower, and asks whether that is "
            "due to [[overfitting]]. A network that overfits has a **high** training accuracy: what is low on the "
            "training faces has not been learned at all."
        )
        no = "**No, it did not overfit.** " if dead.low > 0.5 else ""
        yield text(
            f"{no}Nothing was learned because the hidden units died: in {share(dead.estimate)} of the FCNN’s fits, "
            "trained on all captures as in the tutorial, all four are [[dead|dead unit]]. No pixel is below 0, so a "
            "step that lowers a unit’s sum for one face lowers it for all, and may silence the unit for good. "
            "Subtracting the mean pixel takes that common push away."
        )
        yield from self._judged("training-accuracy", "overfitting", "number-of-parameters")
        yield fold("Dead units, before and after training", [dead_units_table(self.findings)])
        if self.show_faces:
            yield fold(
                "What the FCNN’s hidden units look like",
                [draw_fcnn_weights(self.study.fits, kind) for kind in ("none", "centre")],
            )

    def seeing(self) -> Iterator[Block]:
        """Yield step 8, second half: what the CNN does better."""
        yield text(
            "The tutorial answers that the FCNN misses a pattern that lies elsewhere, while the CNN catches small "
            "patterns wherever they are, and so applies what it learned to new faces. Each half of that is a claim of "
            "its own, and is tested on networks that have learned the task."
        )
        yield from self._judged("applies", "better", "location")
        yield self._robustness()
        yield from self._judged("local-patterns")

    def separating(self) -> Iterator[Block]:
        """Yield step 9: what the layers do to the classes."""
        fcnn, cnn, pixels = (
            self.findings.mean(self.findings.probe(name, "centre", layer), "accuracy").estimate
            for name, layer in (("fcnn", "hidden_relu"), ("cnn", "hidden_relu"), ("fcnn", "pixels"))
        )
        if max(fcnn, cnn) > pixels + LITTLE:
            conclusion = "And a cut through the bare pixels gets {}: passing the layers makes them more separable."
        else:
            conclusion = "But a cut through the bare pixels gets {}: the layers do not **make** them so."
        yield text(
            "The tutorial asks what a CNN learns, and says that an [[MLP|fully-connected network]] learns to make the "
            "two people [[linearly separable]]. With the mean pixel subtracted, a [[straight cut|linear "
            f"probe]] through the output of the FCNN’s hidden layer gets {share(fcnn)} of held-out captures right, "
            f"through the CNN’s {share(cnn)}. {conclusion.format(share(pixels))} Step 10 asks what the filters add."
        )
        yield from self._judged("separable")

    def filters(self) -> Iterator[Block]:
        """Yield step 10: the filters."""
        yield text(
            "The tutorial shows the four filters and asks how one is applied. Laid on the upper left corner of the "
            "face, each weight is multiplied with the pixel under it and the products are added up (a dot product); "
            "then the filter moves on by one pixel, row by row: one [[feature map]] a filter."
        )
        if self.show_faces:
            yield live("convolution", [draw_step(self.study.fits, "centre")])
        yield draw_filters(self.study.fits, "centre")
        yield draw_learned_filters(self.study.fits)
        yield from self._judged("learned-filters")
        yield fold("The filters with pixels as they are", [draw_filters(self.study.fits, "none")])

    def layers(self) -> Iterator[Block]:
        """Yield step 11: what each layer does to the data."""
        yield text(
            "The tutorial shows what the convolution and the pooling put out, after the [[ReLU]], and asks what each "
            "layer did to the data. Layer by layer, for one face:"
        )
        yield deeds_table(self.findings)
        if self.show_faces:
            yield draw_feature_maps(self.study.fits, "centre")
            yield fold("The same with pixels as they are", [draw_feature_maps(self.study.fits, "none")])
        yield from self._judged("hidden-layers")

    def _epochs(self) -> Iterator[Block]:
        for column, label in (("train_loss", "training loss"), ("train_accuracy", "training accuracy")):
            yield epochs_chart(self.findings, column, label)

    def _robustness(self) -> Block:
        """Return one chart with a switch for what is done to the captures."""
        return switch(
            "robustness",
            "What is done to the held-out captures",
            {name: [self._curve(condition, name, axis)] for condition, (name, axis) in CONDITIONS.items()},
        )

    def _curve(self, condition: str, name: str, axis: tuple[str, str]) -> Block:
        curves = {
            (LABELS[network], style): self.findings.robustness(network, condition, "accuracy")
            for network, style in (("fcnn", "orange"), ("cnn", "blue"))
        }
        worst = curves["CNN", "blue"].amounts[-1]
        return line_chart(
            condition.replace(" ", "-"),
            f"Accuracy on changed held-out captures: {name}",
            f"Mean pixel subtracted, trained on unchanged faces. At {worst:.0f} {axis[1]}: "
            + "; ".join(
                f"{label} {share(end.estimate)} {end.range_text(percent=True)}"
                for (label, _), curve in curves.items()
                for end in [curve.at(worst)]
            )
            + f". Bands are 95 % intervals, {curves['CNN', 'blue'].at(worst).n_text()}.",
            curves,
            axis,
            "accuracy",
        )
