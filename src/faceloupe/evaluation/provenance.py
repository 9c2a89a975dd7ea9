"""The versions, settings and data of an evaluation: enough to repeat it, and to see that the data are the same."""

import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from faceloupe.evaluation.datasets import LabelledPhotographs

PACKAGES = (
    "faceloupe", "numpy", "scipy", "pillow", "opencv-python-headless", "opencv-python", "openvino", "onnxruntime",
    "torch", "scikit-learn",
)  # fmt: skip
BY_HAND = "faceloupe.evaluate(...) in Python"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Time, command, versions and data of an evaluation.

    Attributes
    ----------
    made : str
        The date and time in UTC, ISO 8601.
    command : str
        As it was typed, or that it was called from Python.
    data_sha256 : str
        See :func:`data_digest`.
    versions : dict of str to str
        Python, and the packages that numbers depend on as far as they are installed.
    engine : str
        Engine that ran the published networks.
    machine : str
        Operating system and processor.
    detector_sha256 : str
        SHA-256 of the detector's weights.
    """

    made: str
    command: str
    data_sha256: str
    versions: dict[str, str]
    engine: str
    machine: str
    detector_sha256: str

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary."""
        return asdict(self)


def provenance_of(
    data: LabelledPhotographs,
    digests: Sequence[str],
    *,
    engine: str,
    command: str,
    detector_sha256: str,
) -> Provenance:
    """Return what is known now.

    Parameters
    ----------
    data : LabelledPhotographs
    digests : sequence of str, (N,)
        SHA-256 of each photograph; empty where it could not be read.
    engine : str
    command : str
        As it was typed.
    """
    return Provenance(
        datetime.now(UTC).isoformat(timespec="seconds"),
        command or BY_HAND,
        data_digest(data, digests),
        {"python": platform.python_version(), **dict(_installed())},
        engine,
        f"{platform.system()} {platform.machine()}",
        detector_sha256,
    )


def data_digest(data: LabelledPhotographs, digests: Sequence[str]) -> str:
    """Return one SHA-256 of the photographs and their labels, wherever they lie and whatever they are called.

    It is of one line per photograph, its SHA-256 and that of the first photograph of the same subject, sorted; and then
    one line per listed pair, the SHA-256 of both, 1 or 0, and the fold, in the order of the list.
    """
    subjects = range(len(digests)) if data.subjects is None else data.subjects.tolist()
    first: dict[int, str] = {}
    for subject, digest in sorted(zip(subjects, digests, strict=True), key=lambda line: line[1]):
        first.setdefault(subject, digest)
    lines = sorted(f"{digest} {first[subject]}" for subject, digest in zip(subjects, digests, strict=True))
    if data.pairs is not None:
        folds = data.pairs.folds or ("",) * len(data.pairs.same)
        listed = zip(data.pairs.captures.tolist(), data.pairs.same.tolist(), folds, strict=True)
        lines += [
            f"{digests[first_capture]} {digests[second_capture]} {int(same)} {fold}"
            for (first_capture, second_capture), same, fold in listed
        ]
    return sha256("\n".join(lines).encode()).hexdigest()


def _installed() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            yield name, version(name)
