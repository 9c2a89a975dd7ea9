"""Training of an embedder on labelled photographs: faces aligned, a network trained, a folder written."""

import io
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from faceloupe.documents import write_json
from faceloupe.embedders import TRAINED_MANIFEST, TRAINED_NETWORK
from faceloupe.errors import InputError
from faceloupe.evaluation.datasets import TEST, Data, LabelledPhotographs, open_data
from faceloupe.evaluation.embedding import as_photo, digest_of
from faceloupe.evaluation.failures import Failure
from faceloupe.evaluation.provenance import Provenance, provenance_of
from faceloupe.files import open_regular, write_whole
from faceloupe.numerals import counted
from faceloupe.pages import Shown, page
from faceloupe.progress import Progress
from faceloupe.recognition.chips import CHIP_SIDE
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.manifests import Manifest
from faceloupe.recognition.recognise import search_photos
from faceloupe.recognition.search import LOOKS, Faces, FaceSearch
from faceloupe.recognition.weights import YUNET
from faceloupe.report.page import write_page
from faceloupe.strangers.onnx_file import to_onnx
from faceloupe.strangers.training import StrangersPlan, TrainedNetwork, train_network

FACES, CHECKPOINT = "faces.npz", "checkpoint.pt"
"""Files in the folder of an unfinished training: the aligned faces, and all that the next epoch needs."""

MOST_BYTES = 64 << 30

Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StrangersTraining(Shown):
    """An embedder trained for strangers, with how it was made.

    Attributes
    ----------
    source : str
        Description of the data it was trained on.
    trained : TrainedNetwork
    manifest : Manifest
        Manifest of its ONNX file.
    alone : int
        Photographs of people who have no second one; not used.
    failed : tuple of Failure
        Photographs without one face.
    provenance : Provenance
    """

    source: str
    trained: TrainedNetwork
    manifest: Manifest
    alone: int
    failed: tuple[Failure, ...]
    provenance: Provenance

    def __repr__(self) -> str:
        return f"StrangersTraining({self.manifest.name}: {self.trained.words()})"

    def words(self) -> tuple[str, ...]:
        """Return the training, its result with other people and what it left out, in sentences."""
        left_out = []
        if self.alone:
            left_out.append(f"Not used: {counted(self.alone, 'photograph')} of people who have no other.")
        if self.failed:
            unusable = counted(len(self.failed), "photograph")
            left_out.append(f"Left out: {unusable} that cannot be read, or show no face or none that dominates others.")
        return (f"**{self.manifest.name}**: {self.trained.words()}.", *left_out)

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary, schema ``faceloupe.strangers_training/1``."""
        trained = self.trained
        return {
            "schema": "faceloupe.strangers_training/1",
            "lead": list(self.words()),
            "source": self.source,
            "embedder": self.manifest.to_document(),
            "plan": asdict(trained.plan),
            "people": trained.people,
            "photographs": trained.photographs,
            "held_out_people": trained.held_out_people,
            "held_out_photographs": trained.held_out_photographs,
            "alone": self.alone,
            "epochs": [asdict(epoch) for epoch in trained.epochs],
            "device": trained.device,
            "resumed": trained.resumed,
            "failures": [{"photograph": failure.photograph, "reason": failure.reason} for failure in self.failed],
            "provenance": self.provenance.to_document(),
        }


def train_for_strangers(
    data: Data,
    folder: Path,
    plan: StrangersPlan | None = None,
    *,
    faces: Faces | None = None,
    detector: Detector | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> StrangersTraining:
    """Train an embedder on labelled photographs and write it into a folder that ``--embedder`` opens.

    Faces are found and aligned first. While it trains, the folder holds them and a checkpoint, written whole after each
    epoch: called again with the same photographs and plan it goes on where it was stopped, however that was. Of both
    nothing is left when ``network.onnx``, ``training.json``, ``report.html`` and, last, ``manifest.toml`` are there.

    Parameters
    ----------
    data : "lfw-view1", "orl", path or LabelledPhotographs
        As :func:`faceloupe.evaluation.evaluate` takes it; subjects must be known. Of pairs in "train" and "test" (LFW
        View 1) nobody in "test" is learned from.
    folder : Path
        New or empty, or that of the same training unfinished; its parent must exist.
    plan : StrangersPlan, optional
    faces : {"one", "central"} or FaceSearch, optional
        Face of a photograph that is meant, as for :func:`faceloupe.evaluation.evaluate`.
    detector : Detector, optional
        Detector of the faces; by default YuNet.
    command : str
        As it was typed, for the report.
    progress : callable, optional
        Called with (done, whole) during the photographs, and then again during the training.

    Raises
    ------
    InputError
        If there are too few people, the folder holds something else, or an argument or the data are not as described.
    UnavailableError
        If weights, packages or data are missing.
    """
    plan = plan or StrangersPlan()
    _check_folder(folder)
    labelled = _learnable(open_data(data))
    subjects = labelled.subjects
    if subjects is None or labelled.templates is not None:
        raise InputError(f"{labelled.source}: the subject of each photograph is not known; give a folder NAME/*.jpg")
    search = labelled.search(faces, detector)
    folder.mkdir(mode=0o700, exist_ok=True)
    aligned = _align(labelled, search, folder / FACES, progress)
    usable = np.flatnonzero(aligned.has_face)
    trained = train_network(
        aligned.chips[usable], subjects[usable], plan, checkpoint=folder / CHECKPOINT, progress=progress
    )
    content, detector_sha256 = to_onnx(trained.network), (search.detector or YUNET).sha256
    training = StrangersTraining(
        labelled.source,
        trained,
        _manifest(labelled.source, trained, content),
        len(usable) - trained.photographs - trained.held_out_photographs,
        aligned.failed,
        provenance_of(labelled, aligned.digests, engine="PyTorch", command=command, detector_sha256=detector_sha256),
    )
    write_whole(folder / TRAINED_NETWORK, content)
    write_json(folder / "training.json", training.to_document())
    write_page(folder / "report.html", page(training))
    write_whole(folder / TRAINED_MANIFEST, training.manifest.to_toml().encode())
    for unfinished in (FACES, CHECKPOINT):
        (folder / unfinished).unlink(missing_ok=True)
    return training


@dataclass(frozen=True, slots=True, eq=False)
class _Aligned:
    """The chips of N photographs, (N, 112, 112, 3), which photographs have one, the hashes of all, and the failures."""

    chips: NDArray[np.uint8]
    has_face: NDArray[np.bool_]
    digests: tuple[str, ...]
    failed: tuple[Failure, ...]


def _check_folder(folder: Path) -> None:
    """Accept a new folder or that of an unfinished training, whose half-written files are removed."""
    for remnant in (*folder.glob(f".{FACES}.*"), *folder.glob(f".{CHECKPOINT}.*")):
        remnant.unlink()
    if (folder / TRAINED_MANIFEST).is_file() and not (folder / FACES).is_file():
        (folder / CHECKPOINT).unlink(missing_ok=True)  # killed between the last two removals
    if (folder / FACES).is_file():
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists already and holds no unfinished training; name a new folder")
    if not folder.absolute().parent.is_dir():
        raise InputError(f"{folder.parent} is not a folder; make it first")


def _learnable(data: LabelledPhotographs) -> LabelledPhotographs:
    """Return data without the people of "test"."""
    if data.pairs is None or not data.pairs.has_parts or data.subjects is None:
        return data
    tested = data.subjects[data.pairs.captures[data.pairs.in_fold(TEST)]]
    untested = np.flatnonzero(~np.isin(data.subjects, tested))
    return LabelledPhotographs(
        f"{data.source} without the people of {TEST}",
        tuple(data.paths[place] for place in untested),
        data.names,
        data.subjects[untested],
        central=data.central,
    )


def _align(data: LabelledPhotographs, search: FaceSearch, faces: Path, progress: Progress | None) -> _Aligned:
    """Find and align the face in each photograph, or read the faces that an unfinished training wrote to a file."""
    key = sha256("\n".join([repr(search), str(LOOKS), *map(str, data.paths)]).encode()).hexdigest()
    if faces.is_file():
        return _read_faces(faces, key, data)
    chips = np.zeros((len(data.paths), CHIP_SIDE, CHIP_SIDE, 3), np.uint8)
    digests, reasons = [], []
    for place, photograph in enumerate(search_photos(map(as_photo, data.paths), search)):
        digests.append(photograph.sha256)
        reasons.append(photograph.problem.reason if photograph.problem else "")
        if photograph.chips:
            chips[place] = np.rint(photograph.chips[0].image * 255)
        if progress:
            progress(place + 1, len(data.paths))
    content = io.BytesIO()
    np.savez(content, named=key, chips=chips, digests=np.array(digests), reasons=np.array(reasons))
    write_whole(faces, content.getvalue())
    return _with_failures(data, chips, digests, reasons)


def _read_faces(faces: Path, key: str, data: LabelledPhotographs) -> _Aligned:
    try:
        with open_regular(faces, MOST_BYTES) as file, np.load(file, allow_pickle=False) as arrays:
            written_key, digests = str(arrays["named"]), arrays["digests"].tolist()
            if written_key == key:
                aligned = _with_failures(data, arrays["chips"], digests, arrays["reasons"].tolist())
    except (BadZipFile, KeyError, ValueError) as problem:
        raise InputError(f"{faces} is damaged; remove {faces.parent} and begin anew") from problem
    if written_key != key or any(
        digest and digest != digest_of(path) for digest, path in zip(digests, data.paths, strict=True)
    ):
        raise InputError(
            f"{faces.parent} holds an unfinished training on other photographs or by another detector; name a new "
            "folder"
        )
    return aligned


def _with_failures(
    data: LabelledPhotographs, chips: NDArray[np.uint8], digests: list[str], reasons: list[str]
) -> _Aligned:
    failed = tuple(
        Failure("/".join(path.parts[-2:]), reason) for path, reason in zip(data.paths, reasons, strict=True) if reason
    )
    return _Aligned(chips, np.array([not reason for reason in reasons]), tuple(digests), failed)


def _manifest(source: str, trained: TrainedNetwork, content: bytes) -> Manifest:
    digest = sha256(content).hexdigest()
    return Manifest(
        name=f"strangers-{digest[:8]}",
        size=(CHIP_SIDE, CHIP_SIDE),
        licence="that of the photographs it was trained on",
        training_data=f"{source}: {trained.photographs} photographs of {trained.people} people",
        source=f"trained with faceloupe {version('faceloupe')}",
        sha256=digest,
        scale=1.0,
        flip=True,
    )
