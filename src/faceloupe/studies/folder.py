"""A study's folder: results are written as they come, and a study that was stopped goes on where it was.

``manifest.json``  what decides the numbers (plan, faces), what may matter (versions, machine, command line), and when
                   the study was finished
``trials.csv``     every trial
``tutorial.safetensors``, ``filters.safetensors``
                   the fits that the page shows, with the faces of the tutorial's pair: for the owner's eyes only
``tasks.done``     the tasks whose trials are all in ``trials.csv``, a line each, written after them
``.lock``          held by the process that works on the study

A task counts once its line in ``tasks.done`` has reached the disk. Rows of a task that was cut off are dropped on
resuming and the task is done again, so that no trial is lost or repeated.
"""

import csv
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from numpy.typing import NDArray

from faceloupe.documents import read_json, write_json
from faceloupe.errors import InputError, StudyError
from faceloupe.files import naming, read_bytes, write_whole
from faceloupe.studies.plan import Task
from faceloupe.studies.trials import Trial, Trials, read_csv, write_csv

SCHEMA = 3
LEFTOVERS = {"trials.csv": write_csv([], header=True), "tasks.done": ""}  # of a study stopped before its manifest
LOCK = ".lock"
KEPT = ("tutorial.safetensors", "filters.safetensors")
DECISIVE = ("schema_version", "plan", "data")  # parts of the manifest that must agree to go on
MOST_BYTES = 1 << 29
"""What is read of a file: the trials of all 780 pairs of ORL with 8 seeds are far fewer."""


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

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the study to this process; the system gives it free when the process ends, however it ends.

        Raises
        ------
        StudyError
            If another process works on it, or the folder cannot be made.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK, mode=0o600)
            lock.acquire(timeout=0)
        except Timeout:
            raise StudyError(
                f"Another process works on the study in {self.path}. Wait for it, or stop it: what it has done is kept."
            ) from None
        except OSError as problem:
            raise StudyError(f"The study cannot be written to {self.path}: {problem}.") from problem
        try:
            yield
        finally:
            lock.release()

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
            with self.readable():
                done, trials = self.finished_tasks(), self.trials()
            write_whole(self._trials, write_csv(trials, header=True).encode())
            write_whole(self._done, "".join(f"{key}\n" for key in sorted(done)).encode())
        return self.manifest()

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Raise StudyError for files within that are not as a study leaves them: missing, damaged, of other values."""
        try:
            yield
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, csv.Error) as problem:
            raise StudyError(
                f"The study in {self.path} is damaged ({problem!r:.300}). Make it again in another folder (--out)."
            ) from problem

    def finished_tasks(self) -> set[str]:
        """Return the keys of the tasks that are done."""
        text = read_bytes(self._done, MOST_BYTES).decode() if self._done.exists() else ""
        return set(text[: text.rfind("\n") + 1].split())  # a line without its end was cut off

    def trials(self) -> Trials:
        """Return the trials of the finished tasks, in the order in which they came."""
        done = self.finished_tasks()
        complete = read_bytes(self._trials, MOST_BYTES).decode().rpartition("\n")[0]
        # A row that was cut off belongs to a task that is not done; its number of cells may be short, so drop it
        # unread.
        return Trials(row for row in read_csv(complete, skip_torn=True) if row.task in done)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest.

        Raises
        ------
        StudyError
            If the folder holds no study, or one of another version.
        """
        if not self._manifest.is_file():
            raise StudyError(f"{self.path} holds no study: there is no manifest.json in it.")
        with self.readable():
            read: dict[str, Any] = read_json(self._manifest)
            version = read.get("schema_version")
        if version != SCHEMA:
            raise StudyError(
                f"The study in {self.path} was made by another version of faceloupe (its files have the version "
                f"{version!r:.20}, this one reads {SCHEMA}). Make it again: its manifest says how."
            )
        return read

    def add(self, task: Task, trials: Iterable[Trial], arrays: dict[str, NDArray[Any]]) -> None:
        """Keep what a task left for good."""
        if arrays:
            from safetensors.numpy import save

            write_whole(self.path / f"{task.experiment}.safetensors", save(arrays))
        _append(self._trials, write_csv(trials, header=False))
        _append(self._done, f"{task.key}\n")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that tasks left.

        Raises
        ------
        StudyError
            If a file of them is missing or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        arrays: dict[str, NDArray[Any]] = {}
        for name in KEPT:
            try:
                arrays |= load(read_bytes(self.path / name, MOST_BYTES))
            except (OSError, InputError, SafetensorError, KeyError) as problem:
                raise StudyError(
                    f"{self.path / name}, the fits that the page shows, cannot be read: {problem}."
                ) from problem
        return arrays

    def finish(self, tasks: Sequence[Task]) -> tuple[Trials, dict[str, Any]]:
        """Put the trials into the order of the tasks, whatever order they came in; then say that the study is whole.

        Returns
        -------
        Trials
        dict
            The manifest, with the time in ``finished``.
        """
        place = {task.key: index for index, task in enumerate(tasks)}
        with self.readable():
            trials = Trials(sorted(self.trials(), key=lambda trial: place[trial.task]))
        write_whole(self._trials, write_csv(trials, header=True).encode())
        manifest = self.manifest()
        if manifest["finished"] is None:
            manifest["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
            write_json(self._manifest, manifest)
        return trials, manifest

    def erase(self) -> None:
        """Erase the study: its trials, its networks, its page and the faces in them.

        Raises
        ------
        StudyError
            If another process works on it.
        """
        with self.locked():
            for item in self.path.iterdir():
                if item.is_dir() and not item.is_symlink():
                    shutil.rmtree(item)
                elif item.name != LOCK:
                    item.unlink()
        shutil.rmtree(self.path)  # with the lock's file, which Windows does not erase while it is held

    def _start(self, manifest: dict[str, Any]) -> None:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        here = self.manifest()
        for part in DECISIVE:
            there, wanted = (_decisive(manifest.get(part)) for manifest in (here, asked))
            if there != wanted:
                raise StudyError(
                    f"{self.path} holds another study: its {part} differs ({_difference(there, wanted)}). Ask for "
                    "the same study to go on with it, or choose another folder (--out)."
                )


def _append(path: Path, text: str) -> None:
    """Add text to a file and wait until it is on the disk."""
    with naming(path), path.open("ab") as file:  # bytes: on Windows text would get other ends of lines
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _is_leftover(item: Path) -> bool:
    """Return whether a stopped start left the file; a hidden one may be a half-written file and is in nobody's way."""
    return item.name.startswith(".") or (item.name in LEFTOVERS and _holds(item, LEFTOVERS[item.name]))


def _holds(path: Path, text: str) -> bool:
    try:
        return read_bytes(path, len(text)) == text.encode()
    except (InputError, OSError):
        return False


def _decisive(part: Any) -> Any:
    """Return a part of the manifest without the note, which changes no number."""
    return {name: value for name, value in part.items() if name != "note"} if isinstance(part, dict) else part


def _difference(here: Any, asked: Any) -> str:
    if isinstance(here, dict) and isinstance(asked, dict):
        name = next(key for key in {**asked, **here} if here.get(key) != asked.get(key))
        here, asked = f"{name} {here.get(name)!r:.60}", f"{asked.get(name)!r:.60}"
    return f"there {here}, asked for {asked}"
