"""A study's folder: results are written as they come, and a study that was stopped goes on where it was.

``manifest.json``  what decides the numbers (plan, faces), what may matter (versions, machine, command line)
``trials.csv``     every trial
``tasks.done``     the tasks whose trials are all in ``trials.csv``, a line each, written after them

A task counts once its line in ``tasks.done`` has reached the disk. Rows of a task that was cut off are dropped on
resuming and the task is done again, so that no trial is lost or repeated.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from faceloupe.documents import read_json, write_json
from faceloupe.errors import StudyError
from faceloupe.files import write_whole
from faceloupe.studies.plan import Task
from faceloupe.studies.trials import Trial, Trials, read_csv, write_csv

__all__ = ["SCHEMA", "StudyFolder"]

SCHEMA = 1
LEFTOVERS = {"trials.csv": write_csv([], header=True), "tasks.done": ""}  # of a study stopped before its manifest
DECISIVE = ("schema_version", "plan", "data")  # parts of the manifest that must agree to go on


class StudyFolder:
    """The files of one study.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._trials = path / "trials.csv"
        self._done = path / "tasks.done"
        self._manifest = path / "manifest.json"

    def begin(self, manifest: dict[str, Any], *, resume: bool) -> dict[str, Any]:
        """Start a study here, or make ready to go on with the one that is here, and return its manifest.

        Raises
        ------
        StudyError
            If the folder holds a study and ``resume`` is not set, or another study than the one asked for.
        """
        if not self._manifest.exists():
            self._start(manifest)
        elif not resume:
            raise StudyError(
                f"{self.path} already holds a study. Go on with it (--resume), or choose another folder (--out)."
            )
        else:
            self._check_same(manifest)
            self._drop_unfinished()
        kept: dict[str, Any] = read_json(self._manifest)
        return kept

    def finished_tasks(self) -> set[str]:
        """Return the keys of the tasks that are done."""
        text = self._done.read_text() if self._done.exists() else ""
        return set(text[: text.rfind("\n") + 1].split())  # a line without its end was cut off

    def trials(self) -> Trials:
        """Return the trials of the finished tasks, in the order in which they came."""
        done = self.finished_tasks()
        whole = self._trials.read_text().rpartition("\n")[0]
        # A row that was cut off belongs to a task that is not done; its number of cells may be short, so drop it
        # unread.
        return Trials(row for row in read_csv(whole, skip_torn=True) if row.task in done)

    def add(self, task: Task, trials: Iterable[Trial]) -> None:
        """Keep a task's trials for good."""
        _append(self._trials, write_csv(trials, header=False))
        _append(self._done, f"{task.key}\n")

    def finish(self, tasks: Sequence[Task]) -> Trials:
        """Put the trials into the order of the tasks, whatever order they came in, and return them."""
        place = {task.key: index for index, task in enumerate(tasks)}
        trials = Trials(sorted(self.trials(), key=lambda trial: place[trial.task]))
        write_whole(self._trials, write_csv(trials, header=True).encode())
        return trials

    def _start(self, manifest: dict[str, Any]) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            strangers = sorted(item.name for item in self.path.iterdir() if not _is_leftover(item))
            if strangers:
                raise StudyError(
                    f"{self.path} is not empty (it holds {strangers[0]!r}) and holds no study; choose another folder "
                    "(--out)."
                )
            for name, text in LEFTOVERS.items():
                write_whole(self.path / name, text.encode())
            write_json(self._manifest, manifest)  # last: with it the folder is a study
        except OSError as problem:
            raise StudyError(f"The study cannot be written to {self.path}: {problem}.") from problem

    def _check_same(self, asked: dict[str, Any]) -> None:
        here = read_json(self._manifest)
        for part in DECISIVE:
            there, wanted = (_decisive(manifest.get(part)) for manifest in (here, asked))
            if there != wanted:
                raise StudyError(
                    f"{self.path} holds another study: its {part} differs ({_difference(there, wanted)}). Ask for "
                    "the same study to go on with it, or choose another folder (--out)."
                )

    def _drop_unfinished(self) -> None:
        done = self.finished_tasks()
        write_whole(self._trials, write_csv(self.trials(), header=True).encode())
        write_whole(self._done, "".join(f"{key}\n" for key in sorted(done)).encode())


def _append(path: Path, text: str) -> None:
    """Add text to a file and wait until it is on the disk."""
    with path.open("a") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _is_leftover(item: Path) -> bool:
    """Return whether a stopped start left the file; a hidden one may be a half-written file and is in nobody's way."""
    return item.name.startswith(".") or (item.name in LEFTOVERS and item.read_text() == LEFTOVERS[item.name])


def _decisive(part: Any) -> Any:
    """Return a part of the manifest without the note, which changes no number."""
    return {name: value for name, value in part.items() if name != "note"} if isinstance(part, dict) else part


def _difference(here: Any, asked: Any) -> str:
    if isinstance(here, dict) and isinstance(asked, dict):
        name = next(key for key in {**asked, **here} if here.get(key) != asked.get(key))
        here, asked = f"{name} {here.get(name)!r:.60}", f"{asked.get(name)!r:.60}"
    return f"there {here}, asked for {asked}"
