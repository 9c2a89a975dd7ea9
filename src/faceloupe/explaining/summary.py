"""An explanation in words, made from its numbers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from faceloupe.explaining.others import Others
from faceloupe.inspection.attribution.attribute import Attribution
from faceloupe.numerals import counted, decimals
from faceloupe.recognition.remarks import answer_in_words

if TYPE_CHECKING:
    from faceloupe.explaining.explanation import ExplainedFace, Explanation

NAMES = ("A", "B")  # of the two photographs
LETTERS = 24  # of a file's name under a picture
SLIGHT = 0.005  # cosine; less is 0.00

# (x, y) in pixels of the chip; right and left are the subject's.
PLACES = {
    "the forehead": (56, 26), "the hair over the forehead": (56, 6), "the bridge of the nose": (56, 50),
    "the right eye": (38, 52), "the left eye": (74, 52), "the right temple": (14, 46), "the left temple": (98, 46),
    "the nose": (56, 72), "the right cheek": (32, 74), "the left cheek": (80, 74), "the mouth": (56, 92),
    "the right side of the jaw": (22, 96), "the left side of the jaw": (90, 96), "the chin": (56, 108),
}  # fmt: skip


def lead(explanation: "Explanation") -> Iterator[str]:
    """Yield the answer, what it rests on, how far that can be believed, and what else to know."""
    decision = explanation.decision
    yield answer_in_words(decision.score, decision.point)
    yield f"A is {explanation.a.photograph.path}, B is {explanation.b.photograph.path}. {decision.meaning()}"
    yield f"{' '.join(map(_rests, NAMES, explanation.sides))} {_belief(explanation)}"
    if explanation.others is not None:
        yield others_words(explanation.others, decision.score)
    yield from (f"Caution: {words}." for words in decision.warnings)


def short_name(name: str) -> str:
    """Return a file's name as it goes under a picture: its beginning and its end."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS // 2]}…{name[-LETTERS // 2 + 1 :]}"


def place_words(attribution: Attribution, place: int) -> str:
    """Return which part of an upright face lies at a place of a map, counted along its rows."""
    row, column = np.unravel_index(place, attribution.map.shape)
    at = np.array([attribution.placement.columns[column], attribution.placement.rows[row]])
    return min(PLACES, key=lambda name: float(np.linalg.norm(at - PLACES[name])))


def others_words(others: Others, score: float) -> str:
    """Return a gallery's judgement of a score."""
    left_out = ""
    if others.matching:
        verb = "matches" if len(others.matching) == 1 else "match"
        left_out = f" Left out: {', '.join(others.matching)}, who {verb} one of the two faces."
    if others.nearest is None:
        return f"Nobody of the gallery is left to compare with.{left_out}"
    like_a, like_b = others.nearest
    verb = "matches" if others.compared == 1 else "match"
    return (
        f"Beside the {counted(others.compared, 'subject')} of the gallery who {verb} neither face: most like A is "
        f"{like_a.name} ({decimals(like_a.score)}), most like B {like_b.name} ({decimals(like_b.score)}). The pair has "
        f"{decimals(score)}; {_rank(max(like_a.as_alike, like_b.as_alike))}.{left_out}"
    )


def _rests(name: str, side: "ExplainedFace") -> str:
    attribution = side.attribution
    if not attribution.map.any():
        return f"Nothing of {name} moves the score."
    places = int(attribution.map.argmax()), int(attribution.map.argmin())
    most, least = (float(attribution.map.flat[place]) for place in places)
    likeness = f"nothing of {name} adds to the score"
    if most >= SLIGHT:
        likeness = f"of {name}, the likeness rests most on {place_words(attribution, places[0])} ({decimals(most)})"
    against = "nothing speaks against it"
    if least <= -SLIGHT:
        against = f"{place_words(attribution, places[1])} speaks most against it ({decimals(least)})"
    return f"{likeness[0].upper()}{likeness[1:]}; {against}."


def _belief(explanation: "Explanation") -> str:
    unit = f"The numbers are {explanation.a.attribution.unit}; right and left are the subject's own"
    verdicts = [side.attribution.verdict for side in explanation.sides]
    failed = [name for name, words in zip(NAMES, verdicts, strict=True) if words == "failed"]
    if failed:
        return f"{unit}. **The map of {' and that of '.join(failed)} failed its checks**: do not rely on it."
    return f"{unit}. {'Both maps passed their checks' if 'passed' in verdicts else 'The maps were not checked'}."


def _rank(as_alike: int) -> str:
    if not as_alike:
        return "nobody comes up to that with either face"
    verb = "comes" if as_alike == 1 else "come"
    return f"{counted(as_alike, 'subject')} {verb} up to that with one of its faces"
