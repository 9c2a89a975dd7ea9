"""Two people before the camera: their faces, found in photographs that are not kept."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import ImageError, InputError
from faceloupe.faces.faceset import FaceSet, Skipped
from faceloupe.faces.pixels import LUMA, to_square
from faceloupe.web.recogniser import Recogniser
from faceloupe.web.studies import FEWEST, TWO_PEOPLE, ToStudy, ToStudyTwo

SIDE = 64  # pixels: the tutorial's


def study_of_two(body: ToStudyTwo) -> ToStudy:
    """Return the study that is made of two people: one pair, with every seed."""
    return ToStudy(data=TWO_PEOPLE, pairs=1, seeds=body.seeds)


async def faces_of_two(recogniser: Recogniser, body: ToStudyTwo) -> FaceSet:
    """Return the central face of each photograph, aligned, grey, 64×64; photographs without a face are left out.

    Raises InputError if both have the same name, or too few photographs of one show a face; HTTPProblem if all places
    of the recogniser are taken.
    """
    names = [body.first_name.strip(), body.second_name.strip()]
    if names[0] == names[1] or not all(names):
        raise InputError(f"expected two names that differ; got {names[0]!r} and {names[1]!r}")
    images, subject, captures, skipped = [], [], [], []
    for person, photographs in enumerate((body.first, body.second)):
        faces = [await _face(recogniser, content) for content in photographs]
        for number, face in enumerate(faces, start=1):
            capture = f"photograph {number} of the {('first', 'second')[person]}"  # kept with the study: no name
            if isinstance(face, str):
                skipped.append(Skipped(capture, face))
            else:
                images.append(face)
                subject.append(person)
                captures.append(capture)
        _check(names[person], faces)
    return FaceSet(
        np.stack(images), np.array(subject), tuple(names), tuple(captures), TWO_PEOPLE, "personal data of the two",
        tuple(skipped),
    )  # fmt: skip


async def _face(recogniser: Recogniser, content: bytes) -> NDArray[np.float32] | str:
    """Return a photograph's central face, or why there is none."""
    try:
        photograph = await recogniser.photograph(content, "a photograph", faces="central")
    except ImageError as problem:
        return problem.reason
    return to_square(photograph.chips[0].image @ LUMA, SIDE) if photograph.chips else "no face found"


def _check(name: str, faces: Sequence[NDArray[np.float32] | str]) -> None:
    reasons = [face for face in faces if isinstance(face, str)]
    if len(faces) - len(reasons) < FEWEST:
        raise InputError(
            f"{name}: {len(faces) - len(reasons)} of {len(faces)} photographs show a face, and a study needs {FEWEST}; "
            f"of the others it was said: {'; '.join(dict.fromkeys(reasons))}. Look into the camera, in more light"
        )
