"""The section of an evaluation's page for an auditor: what ISO/IEC 19795-1 asks a report to state, item by item."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from faceloupe.blocks import Block, table, text
from faceloupe.evaluation.baselines import FITTED
from faceloupe.evaluation.rates_in_words import failures_words, rate_between, rate_in, unbroken
from faceloupe.evaluation.results import RecogniserResult
from faceloupe.numerals import counted, three_figures
from faceloupe.recognition.provenance import provenance_of
from faceloupe.recognition.weights import YUNET
from faceloupe.scores.intervals import SHARING

if TYPE_CHECKING:
    from faceloupe.evaluation.evaluate import Evaluation

UNSTATED = "not stated: it comes without a manifest"
UNKNOWN = "**Not in the data: state it beside this report.** "
ORIGINS = {"chosen": "chosen on the development side", "given": "given with the request", "published": "published"}


def reporting_section(evaluation: "Evaluation") -> Iterator[Block]:
    """Yield the table of items, the model cards, and how to repeat it."""
    provenance = evaluation.provenance
    yield text(
        "ISO/IEC 19795-1:2021 says what a report of a biometric performance test must state. The items below are "
        "answered from what was measured; what faceloupe cannot know is said to be missing."
    )
    for item, answer in _items(evaluation).items():
        yield text(f"**{item}.** {answer}")
    for recogniser in evaluation.recognisers:
        yield _card(recogniser, evaluation)
    yield table(
        "repeat",
        "To repeat it.",
        {"what": "left", "value": "left"},
        [
            ["made", provenance.made],
            ["command", f"`{provenance.command}`"],
            ["data, SHA-256", f"`{provenance.data_sha256}`"],
            ["detector, SHA-256", f"`{provenance.detector_sha256}`"],
            *(
                [f"{recogniser.label}, SHA-256", f"`{recogniser.sha256 or 'fitted here'}`"]
                for recogniser in evaluation.recognisers
            ),
            ["engine", provenance.engine],
            ["machine", provenance.machine],
            ["versions", ", ".join(f"{name} {number}" for name, number in provenance.versions.items())],
            ["seed", str(evaluation.plan.seed)],
        ],
        "The digest is of the photographs' bytes and their labels, wherever they lie and whatever they are called.",
    )


def _items(evaluation: "Evaluation") -> dict[str, str]:
    most, search = evaluation.parts.test.most, evaluation.search
    detector = search.detector or YUNET
    n_mated = int(most.same.sum())
    return {
        "System tested": f"{', '.join(recogniser.label for recogniser in evaluation.recognisers)}; faces found by "
        f"{detector.name}. Model cards are below.",
        "Kind of evaluation": "Technology evaluation, offline: an algorithm compares stored photographs. Nobody was "
        "captured for it.",
        "Who": _people(evaluation),
        "Captures": _captures(evaluation),
        "Time between captures": f"{UNKNOWN}Faces age: error rates of photographs years apart are higher.",
        "Size": f"{counted(len(evaluation.parts.test.captures), 'capture')} measured; {most.what}: {n_mated:,} mated "
        f"and {len(most.same) - n_mated:,} non-mated comparisons.",
        "Protocol": _protocol(evaluation),
        "Failures to acquire": "; ".join(
            f"{recogniser.label}: {_not_acquired(recogniser)}" for recogniser in evaluation.recognisers
        ),
        "Failures to enrol": "; ".join(
            f"{recogniser.label}: {failures_words(recogniser.failures.enrol)} people"
            for recogniser in evaluation.recognisers
        ),
        "Quality thresholds": f"A face counts from a detection score of {search.min_score:g} and "
        f"{search.min_size:g} pixels on; beyond that no capture was refused for its quality.",
        "Decision thresholds, fixed before the test": _thresholds(evaluation),
        "Error rates": "; ".join(filter(None, map(_rates, evaluation.recognisers)))
        or "Those that take no threshold, above.",
        "Uncertainty": f"95 % intervals: {SHARING} (Korn & Graubard 1998; Fafchamps & Gubert "
        "2007); bands around curves and differences of recognisers by drawing subjects again. None covers people or "
        "cameras unlike these.",
        "Cases left out": f"{counted(len(evaluation.notes), 'remark')}, under “What failed”."
        if evaluation.notes
        else "None.",
        "Groups of people": "Measured, see above."
        if any(recogniser.groups for recogniser in evaluation.recognisers)
        else "Not measured: the data name no groups (`groups.csv`). Error rates differ between groups of people.",
        "Random choices": f"{evaluation.plan.draws} galleries; seed {evaluation.plan.seed}.",
        "Not tested": "Presentation attacks (ISO/IEC 30107-3), capture devices, the time that people take, and the "
        "system around the algorithm.",
    }


def _people(evaluation: "Evaluation") -> str:
    groups = [group for group in evaluation.data.groups if group]
    people = counted(len(evaluation.data.names), "person", "people") if evaluation.data.names else "People"
    if not groups:
        return f"{people}, {evaluation.data.source}. {UNKNOWN}Age, sex, origin, and how people were chosen."
    shares = ", ".join(f"{group} {groups.count(group):,}" for group in sorted(set(groups)))
    return f"{people}, {evaluation.data.source}. Captures by group, as a file says: {shares}."


def _captures(evaluation: "Evaluation") -> str:
    measures = "; ".join(
        f"{name} {three_figures(middle)} ({three_figures(low)} to {three_figures(high)})"
        for name, (low, middle, high) in evaluation.quality.items()
    )
    return (
        f"{evaluation.data.counted()}. Median, and 5th to 95th percentile: {measures or 'no face'}. "
        f"{UNKNOWN}Cameras, lighting, and what people were told to do."
    )


def _protocol(evaluation: "Evaluation") -> str:
    development = evaluation.parts.development
    chosen = (
        f"thresholds were chosen and embedders fitted on {len(development.captures):,} captures of other people"
        if development
        else "nothing was chosen or fitted on other people of these data"
    )
    return f"{evaluation.parts.test.main.what[0].upper()}{evaluation.parts.test.main.what[1:]} were compared; {chosen}."


def _not_acquired(recogniser: RecogniserResult) -> str:
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in recogniser.failures.kinds.items())
    return f"{failures_words(recogniser.failures.acquire)} captures{f' ({kinds})' if kinds else ''}"


def _thresholds(evaluation: "Evaluation") -> str:
    lines = [
        f"{recogniser.label} ≥ {check.point.threshold:.4f} for an FMR of {unbroken(check.point.target_fmr)}, "
        f"{ORIGINS[check.origin]}"
        for recogniser in evaluation.recognisers
        for check in recogniser.point_checks
    ]
    return "; ".join(lines) or "None: only rates that take no threshold, and thresholds found on the test itself (TAR)."


def _rates(recogniser: RecogniserResult) -> str:
    lines = [
        f"{recogniser.label} ≥ {check.point.threshold:.4f}: "
        f"FMR {rate_in(check.on_test.fmr, check.on_test.fmr_interval)}, "
        f"FNMR {rate_between(check.on_test.fnmr, check.on_test.fnmr_interval)}"
        for check in recogniser.point_checks
    ]
    return "; ".join(lines)


def _card(recogniser: RecogniserResult, evaluation: "Evaluation") -> Block:
    weights, detector = provenance_of(recogniser.sha256), evaluation.search.detector or YUNET
    training_data = "the development side of these data" if recogniser.label in FITTED else UNSTATED
    detector_weights = provenance_of(detector.sha256)
    detector_origin = f"{detector_weights.words()}; {detector_weights.source}" if detector_weights else UNSTATED
    return table(
        f"card-{evaluation.recognisers.index(recogniser)}",
        f"Model card: {recogniser.label}.",
        {"item": "left", "answer": "left"},
        [
            ["what it is", f"{recogniser.origin}; {recogniser.dimensions:,} numbers a face, compared by the cosine"],
            ["weights, SHA-256", f"`{recogniser.sha256}`"],
            ["source", weights.source if weights else recogniser.origin],
            ["licence of the weights", weights.licence if weights else UNSTATED],
            ["training data", weights.training_data if weights else training_data],
            ["detector", f"{detector.name}, SHA-256 `{detector.sha256}`; {detector_origin}"],
            ["meant for", "comparing faces of photographs like those measured, at a threshold measured on such"],
            ["not meant for", "deciding alone about a person; photographs, ages or groups of people not measured here"],
            ["measured", _rates(recogniser) or rate_between(recogniser.main.eer.rate, recogniser.main.eer_interval)],
        ],
    )
