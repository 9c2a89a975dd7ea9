"""The steps of the tutorial, in its order: what is asked, the answer, the picture, the arithmetic, the statistics."""

from collections.abc import Iterator, Mapping

from faceloupe.blocks import Block, fold, live, switch, text
from faceloupe.numerals import counted
from faceloupe.studies.charts import epochs_chart, line_chart
from faceloupe.studies.findings import Findings
from faceloupe.studies.labels import LABELS, share, size_text
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
    window_of,
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
        """Yield steps 0 to 5: two parts, two people, the two networks and what they reach."""
        plan, (first, second) = self.study.plan, self.study.plan.people
        yield text(
            "The tutorial says that a [[CNN|convolutional network]] has two parts: one extracts features, the other "
            "does the task with them. So it is laid out; whether the features are **learned** is the question of "
            "step 10."
        )
        if self.show_faces:
            yield draw_people(plan, self.study.fits)
        yield text(
            f"The task is to tell two people apart: subjects {first + 1} and {second + 1} of "
            f"{len(self.findings.captures)}, by {len(self.study.fits.labels)} [[captures|capture]] of "
            f"{size_text(self.findings.image_shape)} pixels. Here half of them are [[held out]], and all is repeated "
            f"with {counted(len(plan.pairs), 'pair')} of people."
        )
        fcnn, cnn = (self.findings.anatomy(name) for name in ("fcnn", "cnn"))
        kernel, window = (size_text(window_of(cnn, name)) for name in ("conv", "pool"))
        yield text(
            "The [[FCNN|fully-connected network]] has four [[hidden units|hidden unit]] that each see every pixel: "
            f"{fcnn.parameters:,} [[parameters|parameter]]. The CNN slides four [[filters|filter]] of {kernel} over "
            f"the face and keeps the largest number of each {window} window ([[pooling]]); four hidden units see what "
            f"is left: {cnn.parameters:,} parameters."
        )
        yield text(
            "Both end in one number, the [[logit]], below 0 for the first person and above 0 for the second. They "
            f"train for {plan.epochs} [[epochs|epoch]], {plan.batch_size} captures at a time, on pixels as they are "
            "(raw in the charts) or with the [[mean pixel]] subtracted (centred). The tutorial gives [[loss]] and "
            "accuracy on the training faces alone."
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
            "pictures. A CNN looks for small patterns everywhere with the same few [[weights|weight]]; an FCNN has a "
            "weight for every pixel and sees the picture as a whole. In theory, and as measured on these two:"
        )
        yield points_table(self.findings)

    def sizes(self) -> Iterator[Block]:
        """Yield step 7: sizes and efficiency."""
        yield text(
            "The tutorial compares the sizes and concludes that the CNN extracts features more efficiently. But "
            "parameters are not work: a weight that is used at every place is counted once and multiplied many times "
            "(each time a [[multiply-add]]). From here on, each claim of the tutorial has its [[verdict]]:"
        )
        yield from self._judged("efficient", "slips")

    def failing(self) -> Iterator[Block]:
        """Yield step 8, first half: why the FCNN fails."""
        dead = self.findings.unfitted("fcnn", "none")
        yield text(
            "The tutorial says one should find the FCNN’s [[training accuracy]] much lower, and asks whether that is "
            "due to [[overfitting]]. But a network that overfits has a **high** training accuracy: one that is low on "
            "the training faces has not learned them."
        )
        no = "**No, it did not overfit.** " if dead.low > 0.5 else ""
        yield text(
            f"{no}Trained on all captures, pixels as they are, {share(dead.estimate)} of the FCNN’s fits end with all "
            "four hidden units [[dead|dead unit]]. No pixel is below 0, so a step that lowers a unit’s sum for one "
            "face lowers it for all, and may silence the unit for good. Subtracting the mean pixel takes that common "
            "push away."
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
            "patterns wherever they are, and so applies what it learned to new faces. Each part of that is a claim of "
            "its own:"
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
            conclusion = "A cut through the bare pixels gets {}: passing the layers makes them more separable."
        else:
            conclusion = "But a cut through the bare pixels gets {}: the layers do not **make** them so."
        yield text(
            "The tutorial asks what a CNN learns, and says that an [[MLP|fully-connected network]] learns to make the "
            "two people [[linearly separable]]. With the mean pixel subtracted, a [[straight cut|linear probe]] "
            f"through the output of the hidden layer gets {share(fcnn)} of held-out captures right in the FCNN and "
            f"{share(cnn)} in the CNN. {conclusion.format(share(pixels))}"
        )
        yield from self._judged("separable")

    def filters(self) -> Iterator[Block]:
        """Yield step 10: the filters."""
        yield text(
            "The tutorial shows the four filters and asks how one is applied. It is laid on the upper left corner of "
            "the face; each weight is multiplied with the pixel under it, and the products are added up (a dot "
            "product). Then it moves on by one pixel, row by row, and so makes one [[feature map]]."
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
            "The tutorial shows the outputs of the convolution and of the pooling, both after the [[ReLU]], and asks "
            "what each layer did to the data. For one face:"
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
            "Accuracy on held-out captures that were changed",
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
            f"Accuracy on held-out captures that were changed: {name}",
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
