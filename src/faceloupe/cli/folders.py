"""Folders of photographs as faces to train on: found, aligned and cropped where that can be done and is not refused."""

from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.terminal import say
from faceloupe.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from faceloupe.faces.faceset import FaceSet
    from faceloupe.recognition.detections import Detector

Crop = Annotated[
    bool | None,
    typer.Option(
        "--crop/--no-crop",
        help="Find, align and cut out the face of each photograph of a folder. By default where a picture is larger "
        "than such a crop, 112 pixels, and the extra recognition is installed.",
    ),
]


def is_folder(data: str) -> bool:
    """Return whether data is a folder of somebody's own, and no data set by its name."""
    from faceloupe.faces.sources import GREY_SETS

    return data not in (*GREY_SETS, "lfw")


def refuse_crop(crop: bool | None) -> None:
    """Raise InputError if faces are to be cut out of a data set."""
    if crop:
        raise InputError("--crop is for a folder of photographs; the data sets are taken as published.")


def load_folder(
    data: str, crop: bool | None, size: int = 64, detector: "Detector | None" = None
) -> "tuple[FaceSet, str]":
    """Load a folder, the faces cut out unless that is not wanted, or cannot be and was not asked for.

    Returns
    -------
    FaceSet
    str
        What was done, for whoever reads of these faces later; it is said on stderr too.
    """
    from faceloupe.faces.sources import load_faces

    if crop is False:
        return load_faces(data, size=size), ""
    try:
        from faceloupe.recognition.face_crops import FaceCrop

        cut = FaceCrop(always=bool(crop), detector=detector)
        faces = load_faces(data, size=size, crop=cut)
    except UnavailableError as missing:
        if crop:
            raise
        note = "Photographs were taken as they are, for no face could be looked for."
        say(f"{note} {missing}")
        return load_faces(data, size=size), note
    if cut.cropped:
        say(f"{cut.words()} --no-crop takes photographs as they are.")
    return faces, cut.words()
