"""The summary of a network: a value that a child makes, for the server opens none."""

from dataclasses import dataclass

from faceloupe.inspection.layers import Anatomy


@dataclass(frozen=True, slots=True, repr=False)
class NetworkSummary:
    """The summary of a network; see :class:`faceloupe.looking.model.Model`.

    Attributes
    ----------
    name, extent, colour, answers, digest
        As in the model.
    n_classes : int
        Classes that have a name.
    template : bool
        Whether it answers with a template, or seems to.
    methods : tuple of str
        Methods of attribution that work on it.
    anatomy : Anatomy
    """

    name: str
    extent: tuple[int, int]
    colour: bool
    answers: str | None
    digest: str
    n_classes: int
    template: bool
    methods: tuple[str, ...]
    anatomy: Anatomy
