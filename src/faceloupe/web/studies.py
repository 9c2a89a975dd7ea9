"""The studies in the server's folder, and the faces that studies and trainings may use."""

import csv
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from faceloupe.documents import read_json
from faceloupe.errors import InputError
from faceloupe.faces.faceset import FaceSet
from faceloupe.faces.sources import GREY_SETS, load_faces
from faceloupe.files import read_bytes
from faceloupe.numerals import counted
from faceloupe.pages import page
from faceloupe.progress import Progress
from faceloupe.report.page import write_page
from faceloupe.web.children import InChild
from faceloupe.web.jobs import Work
from faceloupe.web.problems import HTTPProblem
from faceloupe.web.uploads import Photo, RequestBody

if TYPE_CHECKING:
    from faceloupe.studies.plan import StudyPlan

CALL = "POST /api/v1/studies"
"""How a study begun here was called, as its manifest says; what was sent stands beside it."""

MOST_OF_PAGE, MOST_OF_TRIALS = 2**27, 2**28
"""Bytes that are read of a page, and of trials, at most; a study with more trials is passed over."""

MANIFEST, TRIALS, REPORT = "manifest.json", "trials.csv", "report.html"

TWO_PEOPLE = "two people, photographed here"
"""The data of a study whose photographs were sent with it; they are not kept."""

FEWEST, MOST = 4, 30
"""Photographs of each of the two."""

KINDS_OF_PEOPLE = {"people": "all", "pairs": "pairs"}
"""Experiments of which an unfinished study tells what they have reached, and whom their fits tell apart."""


class ToStudy(RequestBody):
    """A study to carry out; what is left out is as `faceloupe study` has it."""

    data: str = Field(default="orl", max_length=255, description="Name of the faces, from the list at /data.")
    pairs: int | None = Field(default=None, ge=1, le=10_000, description="Pairs of people; 24 if left out.")
    seeds: int = Field(default=8, ge=1, le=1000, description="Fits of each network for each pair.")
    epochs: int = Field(default=20, ge=1, le=1000, description="Epochs of each fit.")
    preprocess: list[Literal["none", "centre", "standardise"]] = Field(
        default=["none", "centre"], min_length=1, max_length=3, description="What is done to the pixels before a fit."
    )

    def words(self) -> str:
        """Return the study's task, in short."""
        return _plan_words(self.pairs, self.seeds, self.epochs, self.data)


class ToStudyTwo(RequestBody):
    """Two people to study, by photographs that were taken for that."""

    first_name: str = Field(min_length=1, max_length=200)
    second_name: str = Field(min_length=1, max_length=200)
    first: list[Photo] = Field(min_length=FEWEST, max_length=MOST, description="Photographs of the first alone.")
    second: list[Photo] = Field(min_length=FEWEST, max_length=MOST, description="Photographs of the second alone.")
    seeds: int = Field(default=8, ge=2, le=100, description="Fits of each network.")


class DataSources:
    """Faces by name: the two data sets, and the folders of photographs, NAME/SUBJECT/*.jpg, in one folder.

    Raises InputError if it is not a folder.
    """

    def __init__(self, folder: Path | None) -> None:
        if folder is not None and not folder.is_dir():
            raise InputError(f"{folder} is not a folder; data are folders in a folder, NAME/SUBJECT/*.jpg")
        self._folder = folder

    def names(self) -> list[str]:
        """Return the names of the data, the data sets first."""
        return [*GREY_SETS, *self._own()]

    def load(self, name: str) -> FaceSet:
        """Return the faces of this name, grey, 64×64; from a folder, the subjects that a study can use.

        Raises InputError if there are none of this name, or they cannot be used; UnavailableError if a data set is not
        on this machine.
        """
        from faceloupe.studies.plan import CAPTURES  # with it comes PyTorch

        own = self._own()
        if name not in GREY_SETS and name not in own:
            raise InputError(f"data: expected one of {', '.join(self.names())}; got {name!r}")
        return load_faces(own[name]).with_captures(CAPTURES) if name in own else load_faces(name)

    def _own(self) -> dict[str, Path]:
        folders = sorted(self._folder.iterdir()) if self._folder else []
        return {
            folder.name: folder
            for folder in folders
            if folder.is_dir() and folder.name not in GREY_SETS and not folder.name.startswith(".")
        }


@dataclass(frozen=True, slots=True, repr=False)
class SavedStudy:
    """A study's folder.

    Attributes
    ----------
    id : str
        The folder's name.
    path : Path
    manifest : Manifest
    """

    id: str
    path: Path
    manifest: "Manifest"

    @property
    def state(self) -> Literal["whole", "begun"]:
        """The state of the study: "whole" once it has its page."""
        return "whole" if (self.path / REPORT).is_file() else "begun"

    def page(self) -> str:
        """Return the page of the study; raise HTTPProblem if it is not finished, or its page is damaged."""
        if self.state == "begun":
            raise HTTPProblem("conflict", f"study {self.id} is not finished: resume it, or wait for it")
        try:
            return read_bytes(self.path / REPORT, MOST_OF_PAGE).decode()
        except (InputError, UnicodeDecodeError) as problem:
            raise HTTPProblem("conflict", f"the page of study {self.id} is damaged ({problem})") from problem

    @property
    def resumable(self) -> bool:
        """True if it was begun here, with data that are still here, and is not finished."""
        request = self.manifest.asked
        return self.state == "begun" and request is not None and request.data != TWO_PEOPLE

    def request(self) -> ToStudy:
        """Return the request that began it; raise HTTPProblem if it was not begun here, or its photographs are gone."""
        call, request = self.manifest.command, self.manifest.asked
        if request is None:
            raise HTTPProblem("conflict", f"study {self.id} was begun by {call!r}: go on with it there, with --resume")
        if request.data == TWO_PEOPLE:
            raise HTTPProblem("conflict", "the photographs of this study were not kept: delete it, and take new ones")
        return request

    def to_document(self) -> dict[str, Any]:
        """Return a short description."""
        plan, data = self.manifest.plan, self.manifest.data
        rows = (self.path / TRIALS).read_bytes().count(b"\n") - 1  # without the heads of the columns
        return {
            "id": self.id,
            "state": self.state,
            "resumable": self.resumable,
            "created": self.manifest.created.isoformat(),
            "trials": max(rows, 0),
            "so_far": self._so_far() if self.state == "begun" else [],
            "words": _plan_words(len(plan.pairs), plan.seeds, plan.epochs, data.source),
        }

    def _so_far(self) -> list[dict[str, Any]]:
        """Return the results of the fits on all people and on pairs so far, by network and treatment of pixels."""
        reached: dict[tuple[str, str, str], list[float]] = {}
        with (self.path / TRIALS).open(encoding="utf-8", errors="replace", newline="") as file, suppress(csv.Error):
            for row in csv.DictReader(file):
                people, accuracy = KINDS_OF_PEOPLE.get(row.get("experiment") or ""), _share(row.get("accuracy"))
                if people and accuracy is not None and row.get("task"):  # the last column: the row is whole
                    key = people, row.get("network") or "", row.get("preprocess") or ""
                    reached.setdefault(key, []).append(accuracy)
        return [
            {**dict(zip(("people", "network", "preprocess"), key, strict=True)), "fits": len(accuracies),
             "accuracy": fmean(accuracies)}
            for key, accuracies in reached.items()
        ]  # fmt: skip

    def __repr__(self) -> str:
        return f"SavedStudy({self.id}, {self.state})"


class _Plan(BaseModel):
    pairs: list[Any]
    seeds: int
    epochs: int


class _Data(BaseModel):
    source: str


class Manifest(BaseModel):
    """The part of a study's manifest that is read here; the file is not trusted."""

    command: str
    created: AwareDatetime
    plan: _Plan
    data: _Data
    asked: ToStudy | None = None


def _share(text: str | None) -> float | None:
    try:
        share = float(text or "nan")
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None


def _plan_words(pairs: int | None, seeds: int, epochs: int, data: str) -> str:
    size = f"{counted(seeds, 'seed')}" if pairs is None else f"{counted(pairs, 'pair')} × {counted(seeds, 'seed')}"
    return f"{size}, {counted(epochs, 'epoch')}, {data}"


class Studies:
    """The studies of a folder, which need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[SavedStudy]:
        """Return every study, the newest first. What is not a study is passed over."""
        folders = self.folder.iterdir() if self.folder.is_dir() else ()
        studies = [study for study in map(_read, folders) if study]
        return sorted(studies, key=lambda study: (study.manifest.created, study.id), reverse=True)

    def get(self, study: str) -> SavedStudy:
        """Return a study; raise HTTPProblem if there is none with this id, which is only compared, never opened."""
        match = next((candidate for candidate in self.all() if candidate.id == study), None)
        if match is None:
            raise HTTPProblem("not-found", "no study has this id")
        return match

    def remove(self, study: str) -> None:
        """Erase a study: its trials, its networks, its page and the faces in them.

        Raises HTTPProblem if there is none with this id; StudyError if another process works on it, such as ``faceloupe
        study`` in a terminal.
        """
        path = self.get(study).path
        from faceloupe.studies.folder import StudyFolder  # with it comes PyTorch

        StudyFolder(path).erase()

    def new_id(self) -> str:
        """Return an id for a study that begins now."""
        return f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}-{secrets.token_hex(4)}"

    def work(self, study: str, request: ToStudy, faces: FaceSet, *, resume: bool) -> Work:
        """Return the job that carries a study out, or what is left of it, and writes its page.

        One core stays free, so that recognition is still answered.

        Raises InputError if there are too few faces for the request.
        """
        from faceloupe.studies.plan import make_plan

        plan = make_plan(
            faces, pairs=request.pairs, seeds=request.seeds, epochs=request.epochs, preprocess=request.preprocess
        )
        return InChild(carry_out, plan, faces, self.folder / study, resume, request.model_dump())


def carry_out(
    plan: "StudyPlan", faces: FaceSet, folder: Path, resume: bool, request: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    """Carry a study out, or what is left of it, and write its page, as a child does."""
    from faceloupe.studies.run import run_study

    own = request["data"] == TWO_PEOPLE
    cores = max(1, (os.cpu_count() or 1) - 1)
    study = run_study(plan, faces, folder, resume=resume, command=CALL, asked=request, n_jobs=cores, progress=progress)
    document = page(study, show_faces=own or None)  # the two see their own faces
    write_page(folder / REPORT, document)
    return document


def _read(folder: Path) -> SavedStudy | None:
    try:
        if not stat.S_ISREG((about := (folder / TRIALS).stat()).st_mode) or about.st_size > MOST_OF_TRIALS:
            return None
        return SavedStudy(folder.name, folder, Manifest.model_validate(read_json(folder / MANIFEST)))
    except (InputError, ValidationError, OSError):  # another folder, or one that is being made or removed
        return None
