"""Captures of faces: loaded, split into training and held-out, and changed in known ways.

Pillow, scikit-learn and SciPy are imported where they are used.
"""

from faceloupe.faces import perturbations
from faceloupe.faces.faceset import FaceSet, Skipped
from faceloupe.faces.images import read_image
from faceloupe.faces.pixels import LUMA
from faceloupe.faces.sources import GREY_SETS, SHOWABLE, load_faces
from faceloupe.faces.splits import Split, leaks, split_by_capture, split_by_subject

__all__ = [
    "GREY_SETS",
    "LUMA",
    "SHOWABLE",
    "FaceSet",
    "Skipped",
    "Split",
    "leaks",
    "load_faces",
    "perturbations",
    "read_image",
    "split_by_capture",
    "split_by_subject",
]
