"""An explanation's page as a plain document."""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from faceloupe.blocks import Block, pictures, section, table, text
from faceloupe.explaining.drawing import draw_alignment, draw_region, draw_share
from faceloupe.explaining.explanation import ExplainedFace, Explanation
from faceloupe.explaining.summary import NAMES, lead, others_words, short_name
from faceloupe.inspection.attribution.method_names import name_of
from faceloupe.numerals import decimals
from faceloupe.recognition.limits import QualityLimits, limits_of
from faceloupe.recognition.provenance import provenance_of
from faceloupe.recognition.quality import Quality
from faceloupe.recognition.thresholds import point_in_words

# Label with its unit, value, decimals, and the limits of enrolment in words.
MEASURES: tuple[tuple[str, Callable[[Quality], float], int, Callable[[QualityLimits], str]], ...] = (
    ("distance of the eyes, pixels", lambda face: face.eye_distance, 0, lambda least: f"≥ {least.eye_distance:g}"),
    ("sharpness, grey levels of 255", lambda face: face.sharpness, 1, lambda least: f"≥ {least.sharpness:g}"),
    ("brightness, from 0 black to 1 white", lambda face: face.brightness, 2,
     lambda limits: f"{limits.darkest:g} to {limits.brightest:g}"),
    ("clipped, share of the face", lambda face: face.clipped, 2, lambda most: f"≤ {most.clipped:g}"),
    ("turned to the side (yaw), degrees", lambda face: face.pose.yaw, 0, lambda most: f"± {most.yaw:g}"),
    ("turned up (pitch), degrees", lambda face: face.pose.pitch, 0, lambda most: f"± {most.pitch:g}"),
    ("tilted (roll), degrees", lambda face: face.pose.roll, 0, lambda _: "–"),
    ("detection score, from 0 to 1", lambda face: face.detection_score, 2,
     lambda least: f"≥ {least.detection_score:g}"),
    ("length of the embedding", lambda face: face.embedding_norm or 0, 1,
     lambda least: f"≥ {least.embedding_norm:g}" if least.embedding_norm else "–"),
)  # fmt: skip


def write_article(explanation: Explanation) -> dict[str, Any]:
    """Return the page of an explanation; its picture is that of both faces and their maps."""
    sections = [
        section("why", "What the score rests on", _why(explanation)),
        section("belief", "How far the maps can be believed", _belief(explanation)),
        section("threshold", "What the threshold means", map(text, point_in_words(explanation.decision.point))),
        section("others", "The score beside other people’s", _others(explanation)),
        section("faces", "The faces: where they were found, and how they were aligned", _faces(explanation)),
    ]
    first, second = (side.photograph.path.stem for side in explanation.sides)
    return {
        "title": f"Why {first} and {second} {'match' if explanation.decision.match else 'do not match'}",
        "lead": list(lead(explanation)),
        "sections": [part for part in sections if part["blocks"]],
        "plot": ["why", "maps"],
        "evidence": explanation.to_document(),
        "provenance": _provenance(explanation),
    }


def _sides(explanation: Explanation) -> Iterator[tuple[str, ExplainedFace]]:
    return zip(NAMES, explanation.sides, strict=True)


def _why(explanation: Explanation) -> Iterator[Block]:
    for name, side in _sides(explanation):
        if side.attribution.warning:
            yield text(f"**Warning, {name}:** {side.attribution.warning}.")
    score, threshold = decimals(explanation.decision.score), decimals(explanation.decision.point.threshold)
    unit = explanation.a.attribution.unit
    regions = {
        f"{name}: {short_name(side.name)}": (draw_region(side.image, side.chip), f"Photograph {name}, around the face")
        for name, side in _sides(explanation)
    }
    shares = {
        f"{name}: {_checks(side)}": (
            draw_share(side.chip, side.attribution, explanation.limit),
            f"The aligned face of {name} in grey under its map: {_range(side)}",
        )
        for name, side in _sides(explanation)
    }
    yield pictures(
        "why",
        f"Score {score}, threshold {threshold}: {'match' if explanation.decision.match else 'no match'}",
        "Above: where the face was found, with the detector’s landmarks. Below: the aligned faces in grey. **Orange** "
        "makes the two alike for this recogniser, **blue** makes them differ; each face’s map is made while the other "
        f"one’s template stays as it is. A colour is full at {decimals(explanation.limit)} {unit}, on both faces: no "
        "map is stretched to look strong.",
        regions | shares,
        scale={"kind": "photograph"},
        columns=2,
    )
    rows, columns = explanation.a.attribution.map.shape
    yield pictures(
        "maps",
        f"The maps alone, by {name_of(explanation.a.attribution.method)}",
        f"A number is the {unit}. The maps are of the score; the threshold moves none of it. {rows}×{columns} numbers "
        "each, drawn at the size of the aligned face, linear in between; raw, on one scale.",
        {name: (side.attribution.on_face(), f"Map of {name}: {_range(side)}") for name, side in _sides(explanation)},
        scale={"kind": "diverging", "limit": explanation.limit, "unit": unit},
        columns=2,
    )


def _checks(side: ExplainedFace) -> str:
    verdict = side.attribution.verdict
    return f"checks {verdict}" if side.attribution.certificate else verdict


def _belief(explanation: Explanation) -> Iterator[Block]:
    yield text(
        "A map that looks convincing may say nothing of the recogniser. So each is checked: it must change when the "
        "recogniser’s weights are put in random order, and the score must fall faster when the face is covered where "
        "the map is highest first than with the same map laid elsewhere. A pass says that the map belongs to this "
        "recogniser and this pair. It does not say that the recogniser is right."
    )
    for name, side in _sides(explanation):
        certificate = side.attribution.certificate
        reasons = "".join(f"{reason[0].upper()}{reason[1:]}. " for reason in certificate.reasons) if certificate else ""
        covered = side.attribution.baseline.replace("the face's mean,", "its own mean colour, RGB")
        yield text(f"**{name}: {_checks(side)}.** {reasons}Where it is covered, a face becomes {covered}.")


def _others(explanation: Explanation) -> Iterator[Block]:
    if explanation.others is None:
        return
    if explanation.others.nearest is None:
        yield text(others_words(explanation.others, explanation.decision.score))
        return
    yield table(
        "others",
        "Scores beside the pair’s.",
        {"face": "left", "the pair": "right", "most alike who matches neither": "left", "score": "right"},
        [
            [name, decimals(explanation.decision.score), nearest.name, decimals(nearest.score)]
            for name, nearest in zip(NAMES, explanation.others.nearest, strict=True)
        ],
        f"The threshold is {decimals(explanation.decision.point.threshold)}. Of a subject’s references, the one "
        "most like the face counts.",
    )


def _faces(explanation: Explanation) -> Iterator[Block]:
    yield pictures(
        "alignment",
        "The faces as the recogniser gets them",
        "Turned, moved and scaled so that the five landmarks (discs) come as near as they can to the reference points "
        "(crosses) that the recogniser was trained on. What stays between them is this face’s shape, and its pose.",
        {
            f"{name}: {decimals(side.misalignment, 1)} pixels off": (
                draw_alignment(side.chip),
                f"The aligned face of {name}; its landmarks lie {decimals(side.misalignment, 1)} pixels of 112 from "
                "the reference points",
            )
            for name, side in _sides(explanation)
        },
        scale={"kind": "photograph"},
        columns=2,
    )
    limits = limits_of(explanation.a.template.embedder)
    rows = [
        [label, *(decimals(value(side.template.quality), digits) for side in explanation.sides), limit(limits)]
        for label, value, digits, limit in MEASURES
    ]
    off = [decimals(side.misalignment, 1) for side in explanation.sides]
    yield table(
        "quality",
        "What was measured on each face, and what enrolment asks for.",
        {"measure": "left", **dict.fromkeys(NAMES, "right"), "enrolment": "right"},
        [*rows, ["landmarks off their points, pixels of 112", *off, "–"]],
        "None of these alone says whether a comparison will succeed.",
    )
    for name, side in _sides(explanation):
        short = "; ".join(side.shortcomings)
        yield text(f"**{name}** falls short: {short}." if short else f"**{name}** is fit for enrolment.")


def _range(side: ExplainedFace) -> str:
    values, unit = side.attribution.map, side.attribution.unit
    return f"from {decimals(float(values.min()), 3)} to {decimals(float(values.max()), 3)}, {unit}"


def _provenance(explanation: Explanation) -> dict[str, Any]:
    facts: dict[str, Any] = {"made by": f"faceloupe {version('faceloupe')}"}
    for name, side in _sides(explanation):
        width, height = side.photograph.size
        facts[name] = f"{side.name}, {width}×{height} pixels"
        facts[f"{name}, SHA-256"] = side.photograph.sha256
    facts["recogniser"] = explanation.a.template.embedder
    facts["recogniser’s weights, SHA-256"] = explanation.a.template.sha256
    if weights := provenance_of(explanation.a.template.sha256):
        facts |= {"recogniser’s licence": weights.licence, "recogniser was trained on": weights.training_data}
    return facts
