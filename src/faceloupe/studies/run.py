"""Carry a study out: on several cores, with progress, kept as it goes."""

import os
import platform
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from faceloupe.errors import InputError, StudyError
from faceloupe.faces.faceset import FaceSet
from faceloupe.faces.sources import load_faces
from faceloupe.pages import Shown
from faceloupe.progress import Progress
from faceloupe.studies.checks import check_statements
from faceloupe.studies.experiments import Outcome, cost, run_task, tasks_of
from faceloupe.studies.findings import Findings
from faceloupe.studies.fits import one_thread
from faceloupe.studies.folder import SCHEMA, StudyFolder
from faceloupe.studies.kept import KeptFits
from faceloupe.studies.lead import lead, numbers
from faceloupe.studies.plan import StudyPlan, Task, make_plan
from faceloupe.studies.trials import Trials

IN_A_PIPE = None  # to joblib: no file for large arrays, which would keep the faces where the process is killed
LIBRARIES = ("faceloupe", "torch", "numpy", "scikit-learn", "scipy", "pillow")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Study(Shown):
    """A finished study: all that its page shows, and nothing to be trained any more.

    Attributes
    ----------
    plan : StudyPlan
    trials : Trials
        Everything that was measured.
    fits : KeptFits
        The networks of the tutorial's pair, with its captures: biometric data.
    folder : Path
        Folder that keeps it.
    manifest : dict
        As it is in the folder: of the first call, if this one went on.
    seconds : float
        Seconds that this call worked; what an earlier call had finished took no time in it.
    """

    plan: StudyPlan
    trials: Trials
    fits: KeptFits
    folder: Path
    manifest: dict[str, Any]
    seconds: float = 0.0

    @property
    def findings(self) -> Findings:
        """Its figures with intervals, computed from the trials."""
        data = self.manifest["data"]
        captures = np.array(data["captures_per_subject"])
        return Findings(self.plan, self.trials, tuple(data["shape"]), captures, self.manifest["command"])

    def to_document(self) -> dict[str, Any]:
        """Return the main figures as a plain dictionary, schema ``faceloupe.study/2``, as ``study --json`` prints it.

        ``lead`` says the most important of them in sentences; :func:`faceloupe.page` makes the page.
        """
        findings = self.findings
        return {
            "schema": "faceloupe.study/2",
            "lead": list(lead(findings, self.manifest["data"]["source"].split(",")[0])),
            **numbers(findings, check_statements(findings)),
        }

    def __repr__(self) -> str:
        size = f"{len(self.plan.pairs)} pairs × {self.plan.seeds} seeds"
        return f"Study({len(self.trials):,} trials, {size}, in {self.folder})"


def open_study(folder: str | Path) -> Study:
    """Open a finished study; nothing is trained.

    Parameters
    ----------
    folder : str or Path
        Folder where :func:`study` or ``faceloupe study`` kept it.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        If the folder holds no study, or one that is not finished, or of another version, or a file is damaged.

    Examples
    --------
    >>> from faceloupe import open_study, page, render_page  # doctest: +SKIP
    >>> html = render_page(page(open_study("my-study")))  # doctest: +SKIP
    """
    directory = StudyFolder(Path(folder))
    manifest = directory.manifest()
    if manifest.get("finished") is None:
        raise StudyError(f"The study in {folder} is not finished. Go on with it: the same command with --resume.")
    with directory.readable():
        _check_described(manifest)
        plan = StudyPlan.from_document(manifest["plan"])
        return Study(plan, directory.trials(), KeptFits(plan, directory.arrays()), directory.path, manifest)


def study(
    faces: FaceSet | str | Path = "olivetti",
    folder: str | Path = "study",
    *,
    resume: bool = False,
    n_jobs: int = -1,
    progress: Progress | None = None,
    **options: Any,
) -> Study:
    """Plan a study and carry it out.

    Parameters
    ----------
    faces : FaceSet, str or Path
        The faces, or what :func:`~faceloupe.faces.load_faces` takes.
    folder, resume, n_jobs, progress
        As in :func:`run_study`.
    **options
        As in :func:`~faceloupe.studies.plan.make_plan`: ``people``, ``pairs``, ``seeds``, ``epochs``, ``preprocess``,
        ``full``, ``seed``.

    Returns
    -------
    Study

    Examples
    --------
    >>> from faceloupe import load_faces, study  # doctest: +SKIP
    >>> study(load_faces("orl"), "my-study", pairs=4, seeds=2)  # doctest: +SKIP
    """
    chosen = faces if isinstance(faces, FaceSet) else load_faces(faces)
    plan = make_plan(chosen, **options)
    return run_study(plan, chosen, folder, resume=resume, n_jobs=n_jobs, progress=progress)


def run_study(
    plan: StudyPlan,
    faces: FaceSet,
    folder: str | Path,
    *,
    resume: bool = False,
    command: str = "",
    note: str = "",
    asked: dict[str, Any] | None = None,
    n_jobs: int = -1,
    progress: Progress | None = None,
) -> Study:
    """Carry out a plan, or what is left of it.

    Parameters
    ----------
    plan : StudyPlan
        From :func:`~faceloupe.studies.plan.make_plan` for the same faces.
    faces : FaceSet
    folder : str or Path
        Folder that keeps the study.
    resume : bool
        Go on with the study in the folder.
    command, note : str
        For the manifest: how it was called, and what a reader should know of the faces.
    asked : dict, optional
        For the manifest too: what somebody asked for, in their own words, who will read it there again.
    n_jobs : int
        Processes, as joblib counts them; within ``joblib.parallel_config`` its backend is used.
    progress : callable, optional
        Called at the start and after each task with the work done and the whole work, in the units of
        :func:`~faceloupe.studies.experiments.cost`.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        If ``n_jobs`` is 0.
    StudyError
        If the folder holds another study, or this one without ``resume``, or cannot be written to, or another process
        works on it.
    """
    started, directory = perf_counter(), StudyFolder(Path(folder))
    trials, manifest = carry_out(
        tasks_of(plan), partial(run_task, plan, faces), directory, describe(plan, faces, command, note, asked),
        resume=resume, n_jobs=n_jobs, progress=progress, cost=partial(cost, plan),
    )  # fmt: skip
    fits = KeptFits(plan, directory.arrays())
    return Study(plan, trials, fits, directory.path, manifest, perf_counter() - started)


def estimate_seconds(plan: StudyPlan, faces: FaceSet, n_jobs: int = -1) -> float:
    """Return about how long a study will take on this machine, by timing a small piece of its main work.

    Measured on two machines it was within a third of the truth; what else runs on the machine is not foreseen.
    """
    from joblib import effective_n_jobs

    task = Task("pairs", plan.pairs[0])
    with one_thread():
        run_task(replace(plan, seeds=1, epochs=1), faces, task)  # loads the libraries
        started = perf_counter()
        run_task(plan, faces, task)
    unit = (perf_counter() - started) / cost(plan, task)
    cores: int = effective_n_jobs(n_jobs)
    return unit * sum(cost(plan, each) for each in tasks_of(plan)) / cores


def describe(plan: StudyPlan, faces: FaceSet, command: str, note: str, asked: dict[str, Any] | None) -> dict[str, Any]:
    """Return the manifest: what decides the numbers, and what else somebody who doubts them would ask."""
    return {
        "schema_version": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": None,
        "command": command,
        "asked": asked,
        "plan": plan.to_document(),
        "data": {
            "source": faces.source,
            "licence": faces.licence,
            "note": note,
            "digest": faces.digest,
            "captures": len(faces),
            "subjects": faces.n_subjects,
            "shape": list(faces.images.shape[1:]),
            "captures_per_subject": faces.captures_per_subject.tolist(),
            "skipped": [[skipped.path, skipped.reason] for skipped in faces.skipped],
            "duplicates": [list(group) for group in faces.duplicates],
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def _check_described(manifest: Mapping[str, Any]) -> None:
    """Raise TypeError or KeyError unless what is shown of a manifest is there, as :func:`describe` writes it."""
    words = [*provenance(manifest).values(), manifest["data"]["note"], manifest["finished"]]
    sizes = [*manifest["data"]["shape"], *manifest["data"]["captures_per_subject"]]
    sizes += [manifest["data"]["captures"], manifest["data"]["subjects"]]
    if not all(isinstance(word, str) for word in words) or not all(type(size) is int for size in sizes):
        raise TypeError("manifest.json holds other kinds of values than a study writes")
    for pair in manifest["data"]["skipped"]:
        _, _ = pair


def provenance(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return what a page's foot says of where its numbers come from, by a manifest of :func:`describe`."""
    return {
        "made by": f"faceloupe {manifest['versions']['faceloupe']}",
        "when": manifest["created"],
        "command": manifest["command"],
        "faces": manifest["data"]["source"],
        "licence of the faces": manifest["data"]["licence"],
        "digest of the faces (SHA-256)": manifest["data"]["digest"],
        "versions": ", ".join(f"{name} {number}" for name, number in manifest["versions"].items()),
        "machine": manifest["machine"],
    }


def carry_out(
    tasks: Sequence[Task],
    work: Callable[[Task], Outcome],
    directory: StudyFolder,
    manifest: dict[str, Any],
    *,
    resume: bool,
    n_jobs: int,
    progress: Progress | None,
    cost: Callable[[Task], float] = lambda _: 1,
) -> tuple[Trials, dict[str, Any]]:
    """Do the tasks that a folder does not hold yet, keep each result there, and return all trials and the manifest.

    Parameters and errors are those of :func:`run_study`; ``work`` does a task on one core, ``cost`` says how long it
    takes beside others.
    """
    if n_jobs == 0:
        raise InputError("n_jobs must be a number of processes, or -1 for one per core; got 0.")
    tell: Progress = progress or (lambda _done, _whole: None)
    with directory.locked():
        directory.begin(manifest, resume=resume)
        done = directory.finished_tasks()
        left = [task for task in tasks if task.key not in done]
        total = sum(map(cost, tasks))
        worked = total - sum(map(cost, left))
        tell(worked, total)
        with one_thread(), _results(work, left, n_jobs) as results:  # for workers in this process too
            for task, outcome in results:
                directory.add(task, outcome.trials, outcome.arrays)
                worked += cost(task)
                tell(worked, total)
        return directory.finish(tasks)


@contextmanager
def _results(
    work: Callable[[Task], Outcome], tasks: list[Task], n_jobs: int
) -> Iterator[Iterator[tuple[Task, Outcome]]]:
    """Give each task with its outcome as soon as it is done, in any order; stop the workers on leaving."""
    from joblib import Parallel, delayed

    jobs = [delayed(_work)(work, task) for task in tasks]
    try:
        results = Parallel(n_jobs=n_jobs, return_as="generator_unordered", max_nbytes=IN_A_PIPE)(jobs)
    except ValueError:  # a backend that gives results back all together, as Ray's does
        results = _in_turn(jobs, n_jobs)
    try:
        yield results
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # joblib's, that tasks were cancelled: here that is the wish
            results.close()


def _in_turn(jobs: list[Any], n_jobs: int) -> Iterator[tuple[Task, Outcome]]:
    """Yield results of as many jobs as there are workers, and then of the next: what is done can be kept meanwhile."""
    from joblib import Parallel, effective_n_jobs

    workers = effective_n_jobs(n_jobs)
    for start in range(0, len(jobs), workers):
        yield from Parallel(n_jobs=n_jobs, max_nbytes=IN_A_PIPE)(jobs[start : start + workers])


def _work(work: Callable[[Task], Outcome], task: Task) -> tuple[Task, Outcome]:
    with one_thread():
        return task, work(task)
