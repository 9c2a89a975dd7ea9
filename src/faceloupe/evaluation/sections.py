"""The sections of an evaluation's page."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from faceloupe.blocks import Block, pictures, table, text
from faceloupe.evaluation.charts import cmc_chart, det_chart, fpir_chart, reject_chart
from faceloupe.evaluation.embedding import Pixels, as_photo
from faceloupe.evaluation.evaluate import Evaluation
from faceloupe.evaluation.rates_in_words import between, failures_words, percent, rate_between, rate_in, unbroken
from faceloupe.evaluation.results import Pair, RecogniserResult
from faceloupe.evaluation.summary import names_of, summary, tar_words
from faceloupe.evaluation.verification import FARS, PEOPLE, Verification
from faceloupe.recognition.recognise import recognise
from faceloupe.scores.points import one_in

TARS = {f"TAR at FAR {100 * far:g} %": "right" for far in FARS}
NAMED = 200  # failures to acquire that are named
SHOWN = 20  # doubtful labels
DOUBTS = {"fits no other": "fits no other photograph of its person", "two names": "two names, perhaps one person"}
ERRORS = 5  # missed matches that it takes to say which measure of quality foresees them


def overview(evaluation: Evaluation) -> Iterator[Block]:
    """Yield all recognisers in one table, and what they are."""
    columns, rows = summary(evaluation)
    yield table(
        "summary",
        "All recognisers on the same faces.",
        {name: "right" if place else "left" for place, name in enumerate(columns)},
        rows,
        f"{evaluation.recognisers[0].main.what.capitalize()}. A comparison that could not be made counts as an error. "
        "TAR is 1 − FNMR; where none is given the comparisons do not support that FAR by the rule of 3. Rank 1: "
        "identification among the test subjects, one reference each.",
    )
    yield table(
        "recognisers",
        "What they are.",
        {"recogniser": "left", "made": "left", "numbers": "right", "weights, SHA-256": "left"},
        [
            [recogniser.label, recogniser.origin, recogniser.dimensions, f"`{recogniser.sha256[:16]}`"]
            for recogniser in evaluation.recognisers
        ],
    )
    for recogniser in evaluation.recognisers:
        yield from (text(f"**{recogniser.label}.** {note}") for note in recogniser.notes)


def verification(evaluation: Evaluation) -> Iterator[Block]:
    """Yield DET curves and rates, of the protocol's pairs and of every two captures."""
    main = [(recogniser, recogniser.main) for recogniser in evaluation.recognisers]
    more = [(recogniser, recogniser.every_two) for recogniser in evaluation.recognisers if recogniser.every_two]
    yield _det("det", "Missed matches against false matches", evaluation, main)
    yield _rates("rates", main)
    if more:
        yield _det("det-every-two", "The same with more comparisons", evaluation, more)
        yield _rates("rates-every-two", more)


def _det(id: str, title: str, evaluation: Evaluation, curves: Sequence[tuple[RecogniserResult, Verification]]) -> Block:  # noqa: A002
    if any(curve.band for _, curve in curves):
        return det_chart(id, title, evaluation, curves)
    return text(
        f"No DET curve is drawn: there are fewer than {PEOPLE} people, or the comparisons are too few for any of its "
        "FMRs."
    )


def _rates(id: str, curves: Sequence[tuple[RecogniserResult, Verification]]) -> Block:  # noqa: A002 - the document's own word
    first = curves[0][1]
    return table(
        id,
        f"{first.n_mated:,} mated and {first.n_non_mated:,} non-mated comparisons: {first.what}.",
        {"recogniser": "left", "EER": "right", "AUC": "right", **TARS},
        [
            [
                recogniser.label,
                rate_between(rates.eer.rate, rates.eer_interval),
                f"{rates.auc:.4f} [{rates.auc_interval.low:.4f}, {rates.auc_interval.high:.4f}]",
                *map(tar_words, rates.tars),
            ]
            for recogniser, rates in curves
        ],
        "With 95 % intervals; those of EER and TAR in per cent. Where no TAR is given: how many non-mated comparisons "
        "it takes by the rule of 3.",
    )


def points(evaluation: Evaluation) -> Iterator[Block]:
    """Yield the rates of chosen, given and published thresholds on the test side."""
    rows = [
        [
            recogniser.label,
            check.origin,
            unbroken(check.point.target_fmr),
            f"{check.point.threshold:.4f}",
            rate_in(check.on_test.fmr, check.on_test.fmr_interval),
            rate_between(check.on_test.fnmr, check.on_test.fnmr_interval),
            check.verdict,
        ]
        for recogniser in evaluation.recognisers
        for check in recogniser.point_checks
    ]
    if not rows:
        return
    first = next(recogniser.point_checks[0].on_test for recogniser in evaluation.recognisers if recogniser.point_checks)
    failed = f" {first.n_failed:,} more could not be made and are in neither rate." if first.n_failed else ""
    yield table(
        "points",
        "Thresholds chosen elsewhere, measured here.",
        {
            "recogniser": "left",
            "threshold": "left",
            "FMR asked for": "left",
            "score ≥": "right",
            "FMR here": "left",
            "FNMR here": "left",
            "its FMR": "left",
        },
        rows,
        f"{first.n_mated:,} mated and {first.n_non_mated:,} non-mated comparisons: {first.source}.{failed} Intervals "
        "are 95 %. “Chosen” thresholds are of the development side, of other people than those measured; “published” "
        "ones come with faceloupe; “given” ones with the request. The FMR asked for “does not hold” where the whole "
        "interval lies above it, “holds” where the measured rate is at most a tenth above it and the interval ends at "
        "twice it or below, and otherwise “cannot be told”: there are too few people or comparisons.",
    )


def identification(evaluation: Evaluation) -> Iterator[Block]:
    """Yield CMC, and FPIR with FNIR."""
    if any(recogniser.closed for recogniser in evaluation.recognisers):
        yield from _closed_set(evaluation)
        yield from _open_set(evaluation)


def _closed_set(evaluation: Evaluation) -> Iterator[Block]:
    closed = [(recogniser, recogniser.closed) for recogniser in evaluation.recognisers if recogniser.closed]
    yield cmc_chart(evaluation)
    yield table(
        "closed",
        f"Closed set: rank 1 over {evaluation.plan.draws} draws of the references.",
        {"recogniser": "left", "mean": "right", "95 %": "right", "lowest draw": "right", "highest draw": "right"},
        [
            [
                recogniser.label,
                percent(closed_set.mean(1)),
                between(closed_set.interval),
                percent(min(closed_set.at(1))),
                percent(max(closed_set.at(1))),
            ]
            for recogniser, closed_set in closed
        ],
        "The interval counts a person's probes, and those that one wrong person wins, as entangled.",
    )


def _open_set(evaluation: Evaluation) -> Iterator[Block]:
    open_sets = [(recogniser, recogniser.open) for recogniser in evaluation.recognisers if recogniser.open]
    if any(open_set.fnir.any() for _, open_set in open_sets):
        yield fpir_chart(evaluation)
    rows = [
        [
            recogniser.label,
            f"{open_set.at_threshold[0].threshold:.4f}",
            f"{percent(open_set.mean('fpir'))} {between(open_set.interval('fpir'))}",
            f"{percent(open_set.mean('fnir'))} {between(open_set.interval('fnir'))}",
        ]
        for recogniser, open_set in open_sets
        if open_set.at_threshold
    ]
    if rows:
        draw = open_sets[0][1].at_threshold[0] if open_sets[0][1].at_threshold else None
        counts = f" A draw has {draw.n_mated:,} probes of them and {draw.n_non_mated:,} of strangers." if draw else ""
        yield table(
            "open",
            "Open set: half of the people are strangers.",
            {"recogniser": "left", "score ≥": "right", "FPIR": "left", "FNIR": "left"},
            rows,
            f"{open_sets[0][1].n_subjects:,} subjects in the gallery, one reference each.{counts} The threshold is "
            f"that of the table above whose target comes nearest to an FMR of {one_in(evaluation.plan.fmr)}.",
        )


def failures(evaluation: Evaluation) -> Iterator[Block]:
    """Yield the photographs that gave no template, with the reasons."""
    yield table(
        "failure-rates",
        "Captures and people that could not be used, among those measured.",
        {"recogniser": "left", "failure to acquire": "left", "failure to enrol": "left"},
        [
            [recogniser.label, failures_words(recogniser.failures.acquire), failures_words(recogniser.failures.enrol)]
            for recogniser in evaluation.recognisers
        ],
        "A failure to acquire is a capture that gave no template; a failure to enrol a person of whom none did "
        "(ISO/IEC 19795-1). With 95 % intervals.",
    )
    if evaluation.failures:
        more = len(evaluation.failures) - NAMED
        yield table(
            "failures",
            f"Failures to acquire: {len(evaluation.failures):,} of {evaluation.data.counted().rpartition('of ')[2]}.",
            {"photograph": "left", "why": "left"},
            [[failure.photograph, failure.reason] for failure in evaluation.failures[:NAMED]],
            f"{more:,} more are in the document (`--json`)." if more > 0 else "",
        )
    for note in evaluation.notes[:NAMED]:
        yield text(note)


def quality(evaluation: Evaluation) -> Iterator[Block]:
    """Yield the worth of each measure of quality, for the first recogniser that erred often enough to tell."""
    for recogniser in evaluation.recognisers:
        if any(curve.at(0) * curve.n_mated >= ERRORS for curve in recogniser.rejection.values()):
            yield reject_chart(recogniser)
            return


def errors(evaluation: Evaluation, *, show_faces: bool) -> Iterator[Block]:
    """Yield the comparisons of the first recogniser that went most wrong, and their faces if asked for."""
    recogniser = evaluation.recognisers[0]
    kinds = {"one person, least alike": recogniser.worst.mated, "two people, most alike": recogniser.worst.non_mated}
    yield table(
        "worst",
        f"Where {recogniser.label} was most wrong, or nearest to it.",
        {"labelled as": "left", "photographs": "left", "score": "right"},
        [[kind, names_of(evaluation, pair[:2]), f"{pair[2]:.4f}"] for kind, pairs in kinds.items() for pair in pairs],
        "Look at these before you believe the rates: label errors gather here.",
    )
    if recogniser.doubts:
        yield table(
            "doubts",
            f"Labels to look at: what {recogniser.label} doubts.",
            {"doubt": "left", "photographs": "left", "score": "right", "usual": "right", "comparisons": "right"},
            [
                [
                    DOUBTS[doubt.kind],
                    names_of(evaluation, doubt.captures),
                    f"{doubt.score:.4f}",
                    f"{doubt.usual:.4f}",
                    doubt.n,
                ]
                for doubt in recogniser.doubts[:SHOWN]
            ],
            "“Fits no other”: the photograph is less like every other of its person than 1 in 100 strangers are "
            "(usual); shown with the one it is most like. “Two names”: more alike than a quarter of all photographs "
            "of one person (usual). Relatives and true lookalikes are among them: look, before a label is changed. "
            "Nothing was left out of any rate."
            + (
                f" {len(recogniser.doubts) - SHOWN:,} more are in the document."
                if len(recogniser.doubts) > SHOWN
                else ""
            ),
        )
    if show_faces:
        yield pictures(
            "worst-faces",
            "Their faces, as the recognisers saw them",
            "Aligned by five points, 112×112 pixels each. Labels in the order of the table.",
            _panels(evaluation, kinds),
            scale={"kind": "photograph"},
            columns=2,
        )


def speed(evaluation: Evaluation) -> Iterator[Block]:
    """Yield the speed at which photographs became templates, by step."""
    rate = evaluation.speed.per_second
    many = " by all recognisers together" if len(evaluation.recognisers) > 1 else ""
    sentence = (
        f"{evaluation.speed.photographs:,} photographs became templates{many} in "
        f"{evaluation.speed.seconds:.1f} s: **{rate:.1f} a second**, reading and detecting beside embedding."
        if rate
        else "All templates came from the cache; without it (`--no-cache`) the photographs a second stand here."
    )
    yield text(sentence)
    if evaluation.speed.stages:
        yield table(
            "speed",
            "Where the time goes.",
            {"stage": "left", "milliseconds a photograph": "right"},
            [[stage, f"{milliseconds:.2f}"] for stage, milliseconds in evaluation.speed.stages.items()],
            f"Each stage by itself on {evaluation.speed.sample} of the photographs, faces embedded together; on this "
            "machine, busy or not as it was.",
        )


def method(evaluation: Evaluation) -> Iterator[Block]:
    """Yield the method of measurement."""
    plan, test, development = evaluation.plan, evaluation.parts.test, evaluation.parts.development
    meant = {
        "central": "of several faces the one nearest the centre",
        "one": "of several faces the dominant one",
    }
    chosen = (
        f" On {len(development.captures):,} others of other people thresholds were chosen and embedders fitted."
        if development
        else " Nothing was chosen or fitted on other people."
    )
    yield text(
        f"{len(test.captures):,} captures were measured: {test.main.what}.{chosen} In a photograph was meant: "
        f"{meant[evaluation.search.which]}; detection score at least {evaluation.search.min_score:g}, box at "
        f"least {evaluation.search.min_size:g} pixels. Faces were found and aligned once: all got the same chips."
    )
    yield text(
        "A score is the cosine of two templates. A comparison with a photograph that gave no template has the lowest "
        "score in EER, AUC, TAR and DET, and is an error in accuracy and identification; the rates of operating points "
        "are of comparisons that could be made. FAR is FMR, and TAR is 1 − FNMR, as papers on LFW write them. "
        "Where subjects are known, all intervals count comparisons that share a person as fewer, and few people make "
        "them wide."
    )
    yield text(
        f"Galleries hold one reference a subject, drawn at random {plan.draws} times; seed {plan.seed}. "
        "Non-mated comparisons are of people taken as they come: relatives, twins, one age, sex or origin match more "
        "often, and error rates differ between groups of people. Nothing here checks that a face is alive."
    )


def _panels(
    evaluation: Evaluation, kinds: Mapping[str, tuple[Pair, ...]]
) -> dict[str, tuple[NDArray[np.float32], str]]:
    """Return a panel for each pair, its two chips side by side."""
    pairs = [(f"{kind}: {pair[2]:.2f}", pair) for kind, pairs in kinds.items() for pair in pairs]
    captures = sorted({capture for _, pair in pairs for capture in pair[:2]})
    photographs = recognise(
        [as_photo(evaluation.data.paths[capture]) for capture in captures], Pixels(), faces=evaluation.search
    )
    chips = {
        capture: photograph.chips[0].image
        for capture, photograph in zip(captures, photographs, strict=True)
        if photograph.chips
    }
    return {
        f"{place}. {label}": (
            np.hstack([chips[first], chips[second]]),
            f"Two faces: {names_of(evaluation, (first, second))}",
        )
        for place, (label, (first, second, _)) in enumerate(pairs, start=1)
        if first in chips and second in chips
    }
