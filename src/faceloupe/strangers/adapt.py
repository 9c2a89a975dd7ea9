"""A head for a fixed embedder, learned from one's own labelled faces, and kept only if it helps with other people."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.embedders import DEFAULT, open_embedder
from faceloupe.errors import InputError
from faceloupe.evaluation.datasets import TEST, TRAIN, Data, LabelledPhotographs, open_data
from faceloupe.evaluation.embedding import embed_captures
from faceloupe.evaluation.evaluate import audit_data, failures
from faceloupe.evaluation.failures import Failure
from faceloupe.pages import Shown
from faceloupe.progress import Progress
from faceloupe.recognition.adapted import AdaptedEmbedder, unit_vectors, write_adapted
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.engines import Engine
from faceloupe.recognition.search import Faces
from faceloupe.strangers.choosing import (
    Fold,
    best_recipe,
    compare_recipes,
    cosines,
    folds_of,
    scores_of_choice,
    sides_of,
)
from faceloupe.strangers.cohort import normalised
from faceloupe.strangers.gain import Gain, gain_of
from faceloupe.strangers.heads import Recipe, fit_head

Floats = NDArray[np.float32]
Labels = NDArray[np.intp]

PEOPLE = 20
"""The fewest people with two photographs or more: for fewer an interval says nothing."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Adaptation(Shown):
    """The result of adapting an embedder.

    Attributes
    ----------
    source : str
        Description of the data learned from.
    base : str
        Name of the embedder underneath.
    photographs, people : int
        Numbers of photographs and people learned from in the end.
    measured_on : str
        Description of the comparisons that the gain was measured on.
    rates : dict of Recipe to float
        The equal error rate of each recipe by cross-validation among the people learned from.
    chosen : Recipe
        The one of the lowest.
    gain : Gain
        Gain of the whole procedure, the choice included, on people whom neither head nor choice had seen.
    with_cohort : Gain
        Gain of the base's own scores there when normalised against a cohort of the people learned from.
    embedder : AdaptedEmbedder or None
        None where the gain is not sure.
    failed : tuple of Failure
        Photographs that gave no template.
    notes : tuple of str
        Further remarks on the data.
    """

    source: str
    base: str
    photographs: int
    people: int
    measured_on: str
    rates: dict[Recipe, float]
    chosen: Recipe
    gain: Gain
    with_cohort: Gain
    embedder: AdaptedEmbedder | None
    failed: tuple[Failure, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Adaptation({self.words()[0]})"

    def words(self) -> tuple[str, str, str]:
        """Return the verdict, the gain that it rests on, and what a cohort would bring."""
        verdict = (
            f"**Keep {self.embedder.name}**: it distinguishes people who had no part in it better."
            if self.embedder
            else f"**No gain, keep {self.base}**: whether a head distinguishes other people better is not sure."
        )
        cohort = "gains as well" if self.with_cohort.is_sure else "brings no sure gain"
        return (
            verdict,
            f"{self.gain.words()}; measured on {self.measured_on}.",
            f"Normalising the scores of {self.base} against a cohort instead (AS-norm) {cohort}: "
            f"{self.with_cohort.words()}.",
        )

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary, schema ``faceloupe.adaptation/1``."""
        return {
            "schema": "faceloupe.adaptation/1",
            "lead": list(self.words()),
            "source": self.source,
            "base": self.base,
            "photographs": self.photographs,
            "people": self.people,
            "measured_on": self.measured_on,
            "recipes": [{"recipe": str(recipe), "eer": rate} for recipe, rate in self.rates.items()],
            "chosen": str(self.chosen),
            "gain": self.gain.to_document(),
            "with_cohort": self.with_cohort.to_document(),
            "kept": self.embedder is not None,
            "embedder": self.embedder and {"name": self.embedder.name, "sha256": self.embedder.sha256},
            "failures": [{"photograph": failure.photograph, "reason": failure.reason} for failure in self.failed],
            "notes": list(self.notes),
        }

    def save(self, folder: Path, base: str) -> None:
        """Write the adapted embedder into a folder that exists, so that ``--embedder FOLDER`` opens it.

        Parameters
        ----------
        folder : Path
        base : str
            The embedder underneath: a name, or the path of its folder.

        Raises
        ------
        InputError
            If there was no sure gain, and so there is nothing to write.
        """
        if self.embedder is None:
            raise InputError(f"no gain was certain, and nothing was written: keep {self.base}")
        write_adapted(folder, self.embedder, base, self.to_document())


def adapt(
    data: Data,
    embedder: str | Embedder = DEFAULT,
    *,
    faces: Faces | None = None,
    detector: Detector | None = None,
    draws: int = 500,
    seed: int = 0,
    engine: Engine = "openvino",
    cached: bool = True,
    progress: Progress | None = None,
) -> Adaptation:
    """Learn a head for an embedder, and say whether it helps with people whom it did not learn from.

    Recipes (:data:`faceloupe.strangers.heads.RECIPES`) are compared by cross-validation over people. What the whole
    procedure gains is measured on people who had no part in it: of a folder by splitting its people once more around
    the choice (nested cross-validation), of pairs in "train" and "test" (LFW View 1) on those of "test". The head that
    is kept is made of everybody learned from, by the recipe that did best among them.

    Parameters
    ----------
    data : "lfw-view1", "orl", path or LabelledPhotographs
        As :func:`faceloupe.evaluation.evaluate` takes it; subjects must be known.
    embedder : str or Embedder
        Embedder to adapt.
    faces, detector, engine, cached
        As for :func:`faceloupe.evaluation.evaluate`.
    draws : int
        Draws of subjects, for the interval of the gain.
    seed : int
        Seed of the folds and draws.
    progress : callable, optional
        Called with (done, whole) during the photographs, and then again during the folds.

    Raises
    ------
    InputError
        If there are fewer than twenty people with two photographs, whom photographs show is not known, or an argument
        or the data are not as described.
    UnavailableError
        If weights, packages or data are missing.
    """
    base = open_embedder(embedder, engine=engine) if isinstance(embedder, str) else embedder
    if isinstance(base, AdaptedEmbedder):
        raise InputError(f"{base.name} is adapted already; adapt {base.base.name}, the embedder underneath")
    labelled = open_data(data)
    subjects = labelled.subjects
    if subjects is None or labelled.templates is not None:
        raise InputError(f"{labelled.source}: the subject of each photograph is not known; give a folder NAME/*.jpg")
    search = labelled.search(faces, detector)
    captures = embed_captures(labelled.paths, [base], search, cached=cached, progress=progress)
    failed = tuple(failures(labelled, captures))
    labelled, usable, notes = audit_data(labelled, captures)
    usable = usable[~captures.failed(base.name)[usable]]
    vectors = captures.vectors[base.name]
    plan = _plan(labelled, usable, subjects, seed)
    gain, with_cohort = _gains(vectors, subjects, plan, draws, seed, progress)
    folds = plan.folds if len(plan.folds) > 1 else folds_of(plan.learned, subjects, seed)
    rates = compare_recipes(vectors, subjects, folds)
    recipe = best_recipe(rates)
    head = fit_head(recipe, vectors[plan.learned], subjects[plan.learned])
    return Adaptation(
        labelled.source,
        base.name,
        len(plan.learned),
        len(np.unique(subjects[plan.learned])),
        plan.measured_on,
        rates,
        recipe,
        gain,
        with_cohort,
        AdaptedEmbedder(base, head, recipe.kind) if gain.is_sure else None,
        failed,
        (*(f"{file.path}: {file.reason}." for file in labelled.skipped), *notes),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """The captures that the final head learns from, the folds on which the gain is measured, and these in words."""

    learned: Labels
    folds: list[Fold]
    measured_on: str


def _plan(data: LabelledPhotographs, usable: Labels, subjects: Labels, seed: int) -> _Plan:
    if data.pairs is None or not data.pairs.has_parts:
        _check_people(data, usable, subjects)
        folds = folds_of(usable, subjects, seed)
        return _Plan(usable, folds, f"all people of {data.source}, each of them while others were learned from")
    sides = {fold: data.pairs.captures[data.pairs.in_fold(fold)] for fold in (TRAIN, TEST)}
    learned = np.intersect1d(sides[TRAIN], usable)
    learned = learned[~np.isin(subjects[learned], subjects[sides[TEST]])]
    _check_people(data, learned, subjects)
    pairs = sides[TEST][np.isin(sides[TEST], usable).all(axis=1)]
    return _Plan(learned, [Fold(learned, pairs)], f"the pairs of {TEST} of {data.source}")


def _gains(
    vectors: Floats, subjects: Labels, plan: _Plan, draws: int, seed: int, progress: Progress | None
) -> tuple[Gain, Gain]:
    """Return the gain of the heads, each chosen and fitted on other people, and that of a cohort."""
    sides = sides_of(plan.folds, subjects)
    adapted = []
    for done, scores in enumerate(scores_of_choice(vectors, subjects, plan.folds, seed + 1), start=1):
        adapted.append(scores)
        if progress:
            progress(done, len(plan.folds))
    before = np.concatenate([cosines(vectors, fold.pairs) for fold in plan.folds])
    cohorts = [normalised(vectors, fold.pairs, _means(vectors, subjects, fold)) for fold in plan.folds]
    gain, with_cohort = (
        gain_of(sides, before, np.concatenate(after), draws=draws, seed=seed) for after in (adapted, cohorts)
    )
    return gain, with_cohort


def _check_people(data: LabelledPhotographs, captures: Labels, subjects: Labels) -> None:
    several = int((np.unique(subjects[captures], return_counts=True)[1] > 1).sum())
    if several < PEOPLE:
        raise InputError(
            f"{data.source}: {several} people have two usable photographs or more; adapting takes {PEOPLE}, for "
            "of fewer nobody can tell whether it helps with others"
        )


def _means(vectors: Floats, subjects: Labels, fold: Fold) -> Floats:
    """Return the mean vector of each person learned from."""
    units, people = unit_vectors(vectors[fold.learned]), subjects[fold.learned]
    return np.stack([units[people == person].mean(axis=0) for person in np.unique(people)]).astype(np.float32)
