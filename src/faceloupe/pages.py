"""From a finished result to its page: one list of who writes which page, and how results show themselves in a notebook.

A result is numbers, and its ``to_document()`` gives them. Its page is made from it and from nothing else, by a writer
that stands beside its feature and is loaded when it is asked for.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from faceloupe.errors import InputError

if TYPE_CHECKING:
    from faceloupe.report.drawing import Drawing

SCHEMA = "faceloupe.page/1"
"""Schema of every page."""

WRITERS = {
    "Study": "faceloupe.studies.article.write_article",
    "Comparison": "faceloupe.studies.comparison.article.write_article",
    "Look": "faceloupe.looking.article.write_article",
    "Explanation": "faceloupe.explaining.article.write_article",
    "Evaluation": "faceloupe.evaluation.article.write_article",
    "Bundle": "faceloupe.evaluation.bundle.stored_page",
    "ScoreEvaluation": "faceloupe.evaluation.score_evaluation.write_score_article",
    "Adaptation": "faceloupe.strangers.article.write_adaptation",
    "StrangersTraining": "faceloupe.strangers.training_article.write_training",
    "FaceSet": "faceloupe.faces.views.faces_section",
    "Split": "faceloupe.faces.views.split_section",
    "History": "faceloupe.training.views.history_section",
    "Filters": "faceloupe.training.views.filters_section",
    "People": "faceloupe.collection.article.write_article",
    "IdentifiedClip": "faceloupe.video.article.write_article",
    "Anatomy": "faceloupe.inspection.views.anatomy.anatomy_section",
    "Trace": "faceloupe.inspection.views.trace.trace_section",
    "Attribution": "faceloupe.inspection.views.attribution.attribution_section",
    "Patches": "faceloupe.inspection.views.units.patches_section",
    "UnitReport": "faceloupe.inspection.views.units.units_section",
    "ShiftSensitivity": "faceloupe.inspection.views.shifts.shifts_section",
    "Separability": "faceloupe.inspection.views.representations.separability_section",
    "Similarity": "faceloupe.inspection.views.representations.similarity_section",
    "LayerSimilarity": "faceloupe.inspection.views.representations.layer_similarity_section",
    "Projection": "faceloupe.inspection.views.representations.projection_section",
}
"""Class of a result -> its writer, a function that returns a page, or one section of a page with nothing else on it."""


def page(result: Any, **choices: Any) -> dict[str, Any]:
    """Return the page of a result as a plain document.

    Parameters
    ----------
    result : Study, Look, Explanation, Evaluation, Anatomy, Trace, Attribution, ...
        Any result of faceloupe that has a page (:data:`WRITERS` lists them).
    **choices
        Choices of its writer: ``show_faces`` for a study and an evaluation.

    Returns
    -------
    dict
        Schema ``faceloupe.page/1``, which :func:`faceloupe.render_page` turns into HTML and
        :func:`faceloupe.save_figures` into files. ``evidence`` holds the numbers, as ``to_document()`` gives them.

    Raises
    ------
    InputError
        If there is no page for this result, or its writer knows no such choice.

    Examples
    --------
    >>> from faceloupe import anatomy, page, render_page
    >>> from faceloupe.training.networks import CNN
    >>> render_page(page(anatomy(CNN((64, 64)), (64, 64))))[:15]
    '<!doctype html>'
    """
    name = type(result).__name__
    if name not in WRITERS:
        raise InputError(f"page: expected a result that has a page ({', '.join(WRITERS)}); got {type(result)}")
    module, _, function = WRITERS[name].rpartition(".")
    write: Callable[..., dict[str, Any]] = getattr(import_module(module), function)
    try:
        written = write(result, **choices)
    except TypeError as problem:
        if "unexpected keyword argument" in str(problem) and choices:
            raise InputError(f"page: the page of {name} cannot be asked for {', '.join(choices)}") from problem
        raise
    if "sections" in written:
        return {"schema": SCHEMA, **written}
    return {"schema": SCHEMA, "title": written["heading"], "lead": [], "sections": [written],
            "evidence": result.to_document()}  # fmt: skip


class Shown:
    """A result that people look at: a notebook shows its page in a frame, and :meth:`plot` draws it."""

    __slots__ = ()

    def plot(self, **choices: Any) -> "Drawing":
        """Return the charts and pictures of the result as a Matplotlib figure; without any, its words.

        Choices are those of :func:`page`. Of a page of several sections it draws what the page names for that. A
        notebook shows the figure as it is returned, without ``%matplotlib inline``. It belongs to the caller: pyplot
        does not know it.
        """
        from faceloupe.report.figures import draw_blocks

        document = page(self, **choices)
        blocks = [block for section in document["sections"] for block in section["blocks"]]
        chosen = document.get("plot")
        return draw_blocks(block for block in blocks if chosen is None or block.get("id") in chosen)

    def _repr_html_(self) -> str:
        from faceloupe.report.fragment import render_fragment, render_framed_page

        document = page(self)
        if len(document["sections"]) == 1 and not document["lead"]:
            return render_fragment(document["sections"][0])
        return render_framed_page(document)

    def _repr_png_(self) -> bytes:
        return self.plot().png()
