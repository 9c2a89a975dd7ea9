"""A look in words, made from its numbers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from faceloupe.inspection.arithmetic import evenly
from faceloupe.inspection.attribution.attribute import Attribution
from faceloupe.inspection.attribution.method_names import name_of
from faceloupe.inspection.attribution.targets import THRESHOLDS, taken_for
from faceloupe.numerals import counted, listed, three_figures

if TYPE_CHECKING:
    from faceloupe.looking.look import Look

NAMED = 6  # layers that are not counted


def lead(look: "Look") -> Iterator[str]:
    """Yield sentences on the network, its answers, and the places that they rest on."""
    yield _network(look)
    yield _answers(look)
    if look.attributions:
        yield _evidence(look)
    if look.other:
        yield f"Beside it: {_network(look.other)} {_answers(look.other)}"
        if look.other.attributions:
            yield _evidence(look.other)


def answer_of(look: "Look", place: int) -> tuple[str, float, float | None]:
    """Return the class that a face is taken for, the number that says so, and its probability where it is one's.

    Of a network with one number, which is evidence for the second of two classes.
    """
    values = look.outputs[place]
    chosen = taken_for(values, look.unit)
    name = look.model.classes[chosen] if chosen < len(look.model.classes) else f"class {chosen}"
    value = float(values[0] if len(values) == 1 else values[chosen])
    if look.unit != "logit":
        probability = value if look.unit == "probability" else float(np.exp(value))
        return name, value, 1 - probability if len(values) == 1 and chosen == 0 else probability
    if not look.model.classes:
        return name, value, None
    logits = np.array([0.0, abs(value)]) if len(values) == 1 else values
    return name, value, float(1 / np.exp(logits - logits.max()).sum())  # the softmax of the largest


def target_of(look: "Look", place: int) -> str:
    """Return the answer that the attributions of a face explain, with the names of this look."""
    if look.is_template:
        return f"cosine with the template of {look.photographs[look.partner(place)].name}"
    name, value, _ = answer_of(look, place)
    if look.outputs.shape[1] > 1 or look.unit != "logit":
        return f"{look.unit} of {name}"
    return f"evidence for {name} ({'the logit' if value > 0 else 'minus the logit'})"


def where_most(attribution: Attribution) -> str:
    """Return the place of the largest value of a map, in pixels of the face, counted from 1 as the page does."""
    row, column = np.unravel_index(int(attribution.map.argmax()), attribution.map.shape)
    rows, columns = attribution.placement.rows, attribution.placement.columns
    return f"row {rows[row] + 1:.0f}, column {columns[column] + 1:.0f}"


def _network(look: "Look") -> str:
    height, width = look.model.extent
    anatomy, count = look.anatomy, look.outputs.shape[1]
    uncounted = ""
    if anatomy.not_counted:
        more = ", …" if len(anatomy.not_counted) > NAMED else ""
        uncounted = f" (not counted: {listed(evenly(anatomy.not_counted, NAMED))}{more})"
    return (
        f"**{look.model.name}** takes a face of {height}×{width} pixels in "
        f"{'colour' if look.model.colour else 'grey'} and answers with {_kind_of_answer(look, count)}. It has "
        f"**{counted(anatomy.parameters, 'parameter')}** in {counted(len(anatomy.layers), 'layer')} and does "
        f"**{counted(anatomy.multiply_adds, 'multiply-add')}** a face{uncounted}."
    )


def _kind_of_answer(look: "Look", count: int) -> str:
    guessed = "" if look.model.answers else ", as far as their number tells"
    if look.is_template:
        return f"{count:,} numbers, a template{guessed}"
    if count == 1:
        first, second = look.model.classes or ("class 0", "class 1")
        return f"one {look.unit}: above {three_figures(THRESHOLDS[look.unit])} for {second}, below for {first}"
    kind = "numbers" if look.unit == "logit" else "log-probabilities" if look.unit[0] == "l" else "probabilities"
    return f"{count:,} {kind}, one for each class{guessed}"


def _answers(look: "Look") -> str:
    if look.is_template:
        return _similarities(look)
    answers = []
    for place, photograph in enumerate(look.shown):
        name, value, sure = answer_of(look, place)
        probability = "" if sure is None else f", probability {100 * sure:.1f} %"
        answers.append(f"{photograph.name} for **{name}** ({three_figures(value)}{probability})")
    more = len(look.photographs) - len(look.shown)
    return f"It takes {listed(answers)}{f'; {more} more in the table' if more else ''}."


def _similarities(look: "Look") -> str:
    if len(look.photographs) < 2:
        return "A template says something beside another one only, and one face was given."
    pairs = [
        f"{look.photographs[place].name} and {look.photographs[0].name} have a cosine of "
        f"**{three_figures(look.cosines[0, place])}**"
        for place in range(1, len(look.shown))
    ]
    return f"The templates of {listed(pairs)}."


def _evidence(look: "Look") -> str:
    failed = [attribution for attribution in look.attributions.values() if attribution.warning]
    checked = [attribution for attribution in look.attributions.values() if attribution.certificate]
    places = {photograph.name: place for place, photograph in enumerate(look.photographs)}
    (name, method), attribution = next(iter(look.attributions.items()))
    sentence = (
        f"The {target_of(look, places[name])} is {three_figures(attribution.value)} for {name}. By {name_of(method)}, "
        f"it rests most on what lies around {where_most(attribution)}: {three_figures(float(attribution.map.max()))} "
        f"{attribution.unit}."
    )
    if not attribution.map.any():
        sentence = f"Nothing of {name} moves its answer: {attribution.warning or 'the map is 0 everywhere'}."
    if not checked:
        return f"{sentence} The maps are not checked."
    verdict = "each passed its checks" if not failed else f"**{len(failed)} failed**: read the warning before the map"
    return f"{sentence} {counted(len(checked), 'map')} drawn; {verdict}."
