"""Carry a comparison out: on several cores, with progress, kept as it goes, as a study is."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from faceloupe.faces.faceset import FaceSet
from faceloupe.faces.sources import load_faces
from faceloupe.pages import Shown
from faceloupe.progress import Progress
from faceloupe.studies.comparison.findings import differences, reached
from faceloupe.studies.comparison.networks import ComparisonPlan, plan_comparison
from faceloupe.studies.experiments import Outcome, conditions, half
from faceloupe.studies.fits import fit_group
from faceloupe.studies.folder import StudyFolder
from faceloupe.studies.groups import FitGroup, answers
from faceloupe.studies.plan import StudyPlan, Task
from faceloupe.studies.run import carry_out, describe
from faceloupe.studies.trials import Trial, Trials


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Shown):
    """A finished comparison of networks.

    Attributes
    ----------
    plan : ComparisonPlan
    trials : Trials
        Everything that was measured; ``network`` is each network's name.
    folder : Path
        Folder of ``trials.csv`` and ``manifest.json``.
    manifest : dict
        As it is in the folder.
    seconds : float
        Seconds that this call worked.
    """

    plan: ComparisonPlan
    trials: Trials
    folder: Path
    manifest: dict[str, Any]
    seconds: float

    def __repr__(self) -> str:
        study = self.plan.study
        size = f"{len(self.plan.networks)} networks, {len(study.pairs)} pairs × {study.seeds} seeds"
        return f"Comparison({size}, {len(self.trials):,} trials, in {self.folder})"

    def to_document(self) -> dict[str, Any]:
        """Return the networks, what each reached, and how they differ, as a plain dictionary."""
        return {
            "schema": "faceloupe.comparison/1",
            "plan": self.plan.to_document(),
            "data": self.manifest["data"],
            "trials": len(self.trials),
            "networks": [asdict(row) for row in reached(self.plan, self.trials)],
            "differences": [asdict(row) for row in differences(self.plan, self.trials)],
        }


def compare_networks(
    networks: Sequence[str],
    faces: FaceSet | str | Path = "olivetti",
    folder: str | Path = "comparison",
    *,
    resume: bool = False,
    n_jobs: int = -1,
    progress: Progress | None = None,
    **options: Any,
) -> Comparison:
    """Train any small networks on many pairs of people and seeds, and compare them.

    Parameters
    ----------
    networks : sequence of str
        Two sentences of the language of networks or more, each also as ``"name=sentence"``.
    faces, folder, resume, n_jobs, progress, **options
        As in :func:`faceloupe.studies.study`.

    Returns
    -------
    Comparison

    Examples
    --------
    >>> compare_networks(["dense 4 relu", "dense 4 leaky"], "orl", pairs=8)  # doctest: +SKIP
    """
    chosen = faces if isinstance(faces, FaceSet) else load_faces(faces)
    plan = plan_comparison(networks, chosen, **options)
    return run_comparison(plan, chosen, folder, resume=resume, n_jobs=n_jobs, progress=progress)


def run_comparison(
    plan: ComparisonPlan,
    faces: FaceSet,
    folder: str | Path,
    *,
    resume: bool = False,
    command: str = "",
    note: str = "",
    n_jobs: int = -1,
    progress: Progress | None = None,
) -> Comparison:
    """Carry a plan out, or what is left of it; parameters and errors are those of :func:`run_study`."""
    started, directory = perf_counter(), StudyFolder(Path(folder))
    about = describe(plan, faces, command, note, None)  # type: ignore[arg-type]  # its document is all that counts
    trials, manifest = carry_out(
        tasks_of(plan),
        partial(run_task, plan, faces),
        directory,
        about,
        resume=resume,
        n_jobs=n_jobs,
        progress=progress,
    )
    return Comparison(plan, trials, directory.path, manifest, perf_counter() - started)


def tasks_of(plan: ComparisonPlan) -> list[Task]:
    """Return the tasks, the longest first."""
    study, places = plan.study, range(len(plan.networks))
    return [
        *(Task("people", None, f"{place}:{split}") for place in places for split in range(study.network_splits)),
        *(Task("pairs", pair, str(place)) for pair in study.pairs for place in places),
        *(Task("learning", pair, str(place)) for pair in study.pairs[: study.learning_pairs] for place in places),
    ]


def run_task(plan: ComparisonPlan, faces: FaceSet, task: Task) -> Outcome:
    """Carry out one task."""
    network = plan.networks[int(task.variant.split(":")[0])]
    people = tuple(range(faces.n_subjects)) if task.people is None else task.people
    chosen = faces.select(people)
    fit = partial(
        fit_group, plan.study, chosen.images, chosen.subject, people, network.spec, preprocess=network.preprocess
    )
    trials = _EXPERIMENTS[task.experiment](plan.study, task, chosen, fit)
    return Outcome([replace(trial, network=network.name, task=task.key) for trial in trials])


Fit = Callable[..., FitGroup]


def _pairs(plan: StudyPlan, task: Task, faces: FaceSet, fit: Fit) -> list[Trial]:  # noqa: ARG001
    """Train on half of the captures; ask about the others, as they are and changed."""
    group = fit(seeds=range(plan.seeds), captures=half(faces.subject))
    before = answers(group.logits(faces.images))
    changed = conditions(plan, (faces.images.shape[1], faces.images.shape[2]))
    return group.trials("pairs") + [
        trial
        for condition, amount, change in changed
        for trial in group.conditions("robustness", condition, amount, group.logits(change(faces.images)), before)
    ]


def _learning(plan: StudyPlan, task: Task, faces: FaceSet, fit: Fit) -> list[Trial]:  # noqa: ARG001
    captures = range(1, int(np.bincount(faces.subject).min()), plan.learning_step)
    groups = (fit(seeds=range(plan.learning_seeds), captures=count) for count in captures)
    return [trial for group in groups for trial in group.trials("learning")]


def _people(plan: StudyPlan, task: Task, faces: FaceSet, fit: Fit) -> list[Trial]:  # noqa: ARG001
    return fit(seeds=[int(task.variant.split(":")[1])], captures=half(faces.subject)).trials("people")


_EXPERIMENTS = {"pairs": _pairs, "learning": _learning, "people": _people}
