"""Face recognition with convolutional networks that you can see through.

The names below are loaded on first use, so that importing faceloupe loads neither PyTorch nor scikit-learn.
"""

from importlib import import_module

TYPE_CHECKING = False  # to load typing would take longer than all else until a command answers to Ctrl-C
if TYPE_CHECKING:
    from typing import Any

    from faceloupe.errors import FaceloupeError, GalleryError, ImageError, InputError, StudyError, UnavailableError
    from faceloupe.evaluation import Evaluation, calibrate, evaluate
    from faceloupe.explaining import Explanation, explain
    from faceloupe.faces import FaceSet, Split, load_faces, split_by_capture, split_by_subject
    from faceloupe.gallery import Candidates, Gallery, open_gallery
    from faceloupe.inspection import Anatomy, Attribution, OnnxNetwork, Trace, anatomy, attribute, probe, trace
    from faceloupe.looking import Look, look
    from faceloupe.pages import page
    from faceloupe.recognition import Decision, FaceSearch, Photograph, SFace, Template, recognise, verify
    from faceloupe.report import render_page, save_figures
    from faceloupe.scores import OperatingPoint
    from faceloupe.studies import Study, Trials, open_study, study
    from faceloupe.training import (
        CNNClassifier,
        DeepCNNClassifier,
        FCNNClassifier,
        NetworkClassifier,
        load_network,
    )
    from faceloupe.widget import LoupeWidget

_HOMES = {
    "errors": ("FaceloupeError", "GalleryError", "ImageError", "InputError", "StudyError", "UnavailableError"),
    "faces": ("FaceSet", "Split", "load_faces", "split_by_capture", "split_by_subject"),
    "inspection": ("Anatomy", "Attribution", "OnnxNetwork", "Trace", "anatomy", "attribute", "probe", "trace"),
    "looking": ("Look", "look"),
    "recognition": ("Decision", "FaceSearch", "Photograph", "SFace", "Template", "recognise", "verify"),
    "gallery": ("Candidates", "Gallery", "open_gallery"),
    "scores": ("OperatingPoint",),
    "explaining": ("Explanation", "explain"),
    "evaluation": ("Evaluation", "calibrate", "evaluate"),
    "pages": ("page",),
    "report": ("render_page", "save_figures"),
    "studies": ("Study", "Trials", "open_study", "study"),
    "training": ("CNNClassifier", "DeepCNNClassifier", "FCNNClassifier", "NetworkClassifier", "load_network"),
    "widget": ("LoupeWidget",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022 - in the order of _HOMES, by what a user does first
    "FaceloupeError", "GalleryError", "ImageError", "InputError", "StudyError", "UnavailableError",
    "FaceSet", "Split", "load_faces", "split_by_capture", "split_by_subject",
    "Anatomy", "Attribution", "OnnxNetwork", "Trace", "anatomy", "attribute", "probe", "trace",
    "Look", "look",
    "Decision", "FaceSearch", "Photograph", "SFace", "Template", "recognise", "verify",
    "Candidates", "Gallery", "open_gallery", "OperatingPoint",
    "Explanation", "explain", "Evaluation", "calibrate", "evaluate",
    "page", "render_page", "save_figures",
    "Study", "Trials", "open_study", "study",
    "CNNClassifier", "DeepCNNClassifier", "FCNNClassifier", "NetworkClassifier", "load_network",
    "LoupeWidget",
]  # fmt: skip


def __getattr__(name: str) -> "Any":
    if name not in _HOME_OF:
        raise AttributeError(f"module 'faceloupe' has no attribute {name!r}")
    return getattr(import_module(f"faceloupe.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
