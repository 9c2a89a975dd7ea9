"""The plan of a comparison: its networks, each by its sentence or a given name, and its pairs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from faceloupe.errors import InputError
from faceloupe.faces.faceset import FaceSet
from faceloupe.studies.plan import StudyPlan, make_plan
from faceloupe.training.language import parse_network
from faceloupe.training.networks import SmallNetwork
from faceloupe.training.specs import NetworkSpec, Training

NAMED = re.compile(r"\s*([\w .+-]{1,40}?)\s*=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ComparedNetwork:
    """One of the networks that are compared.

    Attributes
    ----------
    name : str
        Its sentence, or what it was called.
    spec : NetworkSpec
        With its way of training whole.
    preprocess : tuple of str
        Preprocessing that it is fitted with: the sentence's, or else the comparison's.
    """

    name: str
    spec: NetworkSpec
    preprocess: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """Everything that decides a comparison's numbers, besides the faces.

    Attributes
    ----------
    study : StudyPlan
        Pairs of people, seeds, shifts, splits: as in a study.
    networks : tuple of ComparedNetwork
    """

    study: StudyPlan
    networks: tuple[ComparedNetwork, ...]

    def to_document(self) -> dict[str, Any]:
        """Return the plan as JSON holds it."""
        sentences = {network.name: [str(network.spec), list(network.preprocess)] for network in self.networks}
        return {**self.study.to_document(), "networks": sentences}


def plan_comparison(networks: Sequence[str], faces: FaceSet, **options: Any) -> ComparisonPlan:
    """Read the networks and draw the pairs; options are those of :func:`~faceloupe.studies.plan.make_plan`."""
    plan = make_plan(faces, **options)  # which fits both kinds; here it is what was asked for
    plan = replace(plan, preprocess=tuple(dict.fromkeys(options.get("preprocess", plan.preprocess))))
    height, width = faces.images.shape[1:3]
    return ComparisonPlan(plan, read_networks(networks, plan.epochs, plan.preprocess, (height, width)))


def read_networks(
    texts: Sequence[str], epochs: int, preprocess: Sequence[str], image_shape: tuple[int, int]
) -> tuple[ComparedNetwork, ...]:
    """Read ``SENTENCE`` or ``NAME=SENTENCE`` for each of two networks or more.

    Parameters
    ----------
    texts : sequence of str
    epochs, preprocess
        For networks whose sentences do not say theirs.
    image_shape : (int, int)
        Height and width of the faces that they must be able to read.

    Raises
    ------
    InputError
        If there are fewer than two, two have one name, or a sentence cannot be read or does not fit the faces.

    Examples
    --------
    >>> [network.name for network in read_networks(["small=dense 4", "dense 8; epochs 5"], 20, ["none"], (64, 64))]
    ['small', 'dense 8; epochs 5']
    """
    if len(texts) < 2:
        raise InputError(f"A comparison takes two networks or more; got {len(texts)}.")
    networks = tuple(_read(text, epochs, tuple(preprocess)) for text in texts)
    names = [network.name for network in networks]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"Two networks are called {twice!r}; give each a name of its own: name=sentence.")
    for network in networks:
        SmallNetwork(network.spec, image_shape)
    return networks


def _read(text: str, epochs: int, preprocess: tuple[str, ...]) -> ComparedNetwork:
    named = NAMED.fullmatch(text) if isinstance(text, str) else None
    name, sentence = (named[1], named[2]) if named else (None, text)
    spec, other = (parse_network(sentence, Training(epochs=epochs, preprocess=kind)) for kind in ("none", "centre"))
    stated = spec.training.preprocess == other.training.preprocess
    kinds = (spec.training.preprocess,) if stated else preprocess
    plain = str(replace(spec, training=replace(spec.training, preprocess="none"))) if not stated else str(spec)
    return ComparedNetwork(name or plain, spec, kinds)
