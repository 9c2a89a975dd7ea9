"""An evaluation in one file: page, numbers, scores, and what they were made with, sealed so that changes show.

A bundle is a ZIP file. ``manifest.json`` names every other file with its SHA-256 and has the provenance; ``page.json``
is the page; ``scores/N-*.npy`` are the scores of each recogniser with the numbers of the people compared; ``seal.json``
holds the checksum of the manifest, and its signature if a key was given. Nobody's name is with the scores, but the page
names photographs.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.documents import json_text, parse_json
from faceloupe.errors import InputError
from faceloupe.evaluation.comparisons import NEVER
from faceloupe.evaluation.evaluate import Evaluation
from faceloupe.files import open_regular, write_whole
from faceloupe.pages import Shown, page
from faceloupe.scores.rates import auc, det_curve, fmr, fnmr
from faceloupe.scores.sets import ScoreSet
from faceloupe.seals import check_seals, read_secret, seals_of

SCHEMA = "faceloupe.bundle/1"
MANIFEST, PAGE, SEAL = "manifest.json", "page.json", "seal.json"
ARRAYS = ("mated", "non_mated", "mated_subjects", "non_mated_subjects")
MOST_BYTES, MOST_FILES = 2**31, 1000
MOST_OF_PAGE, MOST_VALUES = 2**28, 2**24  # of a page, which holds every number of an evaluation
FIRST = (1980, 1, 1, 0, 0, 0)  # of every file in it, so that equal content makes equal bytes


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bundle(Shown):
    """An evaluation as it was bundled, whole and unchanged.

    Attributes
    ----------
    page : dict
        The page as it was.
    scores : dict of label to ScoreSet
        Scores of the comparisons that could be made.
    provenance : dict
        Time, command, versions and data of the evaluation.
    signed : bool
        Whether its signature was checked with a key.
    """

    page: dict[str, Any]
    scores: dict[str, ScoreSet]
    provenance: dict[str, Any]
    signed: bool

    def __repr__(self) -> str:
        signed = "signature checked" if self.signed else "checksums right, signature not checked"
        return f"Bundle({self.page['title']}, {', '.join(self.scores)}, made {self.provenance['made']}; {signed})"

    def to_document(self) -> dict[str, Any]:
        """Return the numbers of the evaluation, schema ``faceloupe.evaluation/2``."""
        evidence: dict[str, Any] = self.page["evidence"]
        return evidence


def stored_page(bundle: Bundle) -> dict[str, Any]:
    """Return the page of a bundle as it was made."""
    return bundle.page


def is_bundle(path: str | Path) -> bool:
    """Return whether a file is called like a bundle."""
    file = Path(path).expanduser()
    return file.suffix.lower() == ".zip" and file.is_file()


def write_bundle(path: Path, evaluation: Evaluation, *, key: Path | None = None, show_faces: bool = False) -> None:
    """Write an evaluation into one file, whole or not at all.

    Parameters
    ----------
    path : Path
    evaluation : Evaluation
    key : Path, optional
        A file of 32 bytes or more that signs it.
    show_faces : bool
        As for the page.

    Raises
    ------
    InputError
        If the key cannot be used.
    """
    secret = None if key is None else read_secret(key)
    files = {PAGE: json_text(page(evaluation, show_faces=show_faces)).encode()}
    for number, scores in enumerate(evaluation.scores.values()):
        for name in ARRAYS:
            if (values := getattr(scores, name)) is not None:
                files[_array_name(number, name)] = _npy(values)
    manifest = json_text(
        {
            "schema": SCHEMA,
            "provenance": evaluation.provenance.to_document(),
            "recognisers": [
                {"label": label, "failed_mated": scores.failed_mated, "failed_non_mated": scores.failed_non_mated}
                for label, scores in evaluation.scores.items()
            ],
            "files": {name: sha256(content).hexdigest() for name, content in files.items()},
        },
        indent=1,
    ).encode()
    members = {MANIFEST: manifest, SEAL: json_text(dict(seals_of(manifest, secret))).encode(), **files}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, FIRST), content, zipfile.ZIP_DEFLATED)
    write_whole(path, buffer.getvalue())


def read_bundle(path: str | Path, *, key: Path | None = None) -> Bundle:
    """Return the content of a bundle, once every checksum is right and its rates are those of its scores.

    Of a recogniser that compared every two captures as well as a list of pairs, the scores, and so EER and AUC, are
    those of every two; the rates of the list are covered by the checksums alone.

    Parameters
    ----------
    path : path
    key : Path, optional
        The file of the key that signed it; without one a signature is not checked.

    Raises
    ------
    InputError
        If it is no bundle, was changed or cut short, is not signed with this key, or its page tells other error rates
        than its scores have.
    """
    file = Path(path).expanduser()
    secret = None if key is None else read_secret(key)
    try:
        return _verified(_unpack(file), secret)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as problem:
        raise InputError(f"{file} is not a bundle of an evaluation, or is damaged: {problem}") from problem
    except InputError as problem:
        raise InputError(f"{file} is not accepted: {problem}") from problem
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, MemoryError) as problem:
        raise InputError(f"{file} is not a bundle of an evaluation: {type(problem).__name__} {problem}") from problem


def _unpack(path: Path) -> dict[str, bytes]:
    with open_regular(path, MOST_BYTES) as file, zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if len(set(names)) != len(names) or len(names) > MOST_FILES:
            raise InputError("it names a file twice, or too many")
        if sum(member.file_size for member in members) > MOST_BYTES:
            raise InputError(f"unpacked it has more than {MOST_BYTES:,} bytes")
        return {member.filename: _read(archive, member) for member in members}


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        return file.read(member.file_size)


def _verified(files: Mapping[str, bytes], secret: bytes | None) -> Bundle:
    manifest = parse_json(files[MANIFEST])
    if manifest.get("schema") != SCHEMA:
        raise InputError(f"its schema is {manifest.get('schema')!r}; expected {SCHEMA!r}")
    check_seals(files[MANIFEST], parse_json(files[SEAL]), secret)
    if set(files) != {MANIFEST, SEAL, *manifest["files"]}:
        raise InputError("it holds other files than its manifest names")
    for name, digest in manifest["files"].items():
        if sha256(files[name]).hexdigest() != digest:
            raise InputError(f"{name} was changed after the bundle was written")
    scores = {
        recogniser["label"]: _scores(files, number, recogniser)
        for number, recogniser in enumerate(manifest["recognisers"])
    }
    document = parse_json(files[PAGE], max_bytes=MOST_OF_PAGE, max_values=MOST_VALUES)
    if [recogniser["label"] for recogniser in document["evidence"]["recognisers"]] != list(scores) or not document[
        "title"
    ]:
        raise InputError("its page is of other recognisers than its scores, or has no title")
    for recogniser in document["evidence"]["recognisers"]:
        _check_rates(recogniser, scores[recogniser["label"]])
    return Bundle(document, scores, manifest["provenance"], secret is not None)


def _check_rates(recogniser: Mapping[str, Any], scores: ScoreSet) -> None:
    """Check that the numbers are those of the scores: EER, AUC, and both rates at every threshold fixed beforehand."""
    most = recogniser["every_two"] or recogniser["main"]
    failures = np.full(scores.failed_mated, NEVER), np.full(scores.failed_non_mated, NEVER)
    all_scores = ScoreSet(np.append(scores.mated, failures[0]), np.append(scores.non_mated, failures[1]))
    for name, value in (("eer", det_curve(all_scores).eer.rate), ("auc", auc(all_scores))):
        if not isclose(most[name], value, abs_tol=1e-9):
            raise InputError(f"the {name.upper()} of {recogniser['label']} on its page is not that of its scores")
    for entry in recogniser["operating_points"]:
        point = entry["here"]
        page_rates = point["fmr"], point["fnmr"]
        score_rates = fmr(scores, point["threshold"]), fnmr(scores, point["threshold"])
        if not all(
            isclose(first, second, abs_tol=1e-12) for first, second in zip(page_rates, score_rates, strict=True)
        ):
            what = f"the rates of {recogniser['label']} at {point['threshold']:.4f}"
            raise InputError(f"{what} on its page are not those of its scores")


def _scores(files: Mapping[str, bytes], number: int, recogniser: Mapping[str, Any]) -> ScoreSet:
    arrays = {name: _from_npy(files.get(_array_name(number, name))) for name in ARRAYS}
    return ScoreSet(**arrays, failed_mated=recogniser["failed_mated"], failed_non_mated=recogniser["failed_non_mated"])  # type: ignore[arg-type]


def _array_name(number: int, name: str) -> str:
    return f"scores/{number}-{name}.npy"


def _npy(values: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _from_npy(content: bytes | None) -> NDArray[Any] | None:
    if content is None:
        return None
    loaded: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return loaded
