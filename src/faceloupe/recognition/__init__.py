"""Recognising people: from a photograph to templates that can be compared.

``verify`` decides whether two photographs show one person, ``recognise`` goes through many. ``find_faces`` and
``template_of`` are the whole way for one; ``detect``, ``align``, ``templates_of`` and ``measure`` are its steps.
OpenCV, OpenVINO and pooch (the extra ``recognition``) are imported where they are used.
"""

from faceloupe.recognition.align import align
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.decisions import Decision, verify
from faceloupe.recognition.detect import detect
from faceloupe.recognition.detections import Detection
from faceloupe.recognition.embed import Embedder, SFace, templates_of
from faceloupe.recognition.limits import QualityLimits, shortcomings
from faceloupe.recognition.manifests import Manifest, read_manifest
from faceloupe.recognition.onnx_detector import OnnxDetector
from faceloupe.recognition.onnx_embedder import OnnxEmbedder
from faceloupe.recognition.photographs import Photograph, PhotoProblem
from faceloupe.recognition.quality import Pose, Quality, measure
from faceloupe.recognition.recognise import find_faces, recognise, template_of
from faceloupe.recognition.search import FaceSearch
from faceloupe.recognition.templates import Template, compare
from faceloupe.recognition.thresholds import published_point, published_points
from faceloupe.recognition.weights import WeightsFile, weights

__all__ = [
    "Decision",
    "Detection",
    "Embedder",
    "FaceChip",
    "FaceSearch",
    "Manifest",
    "OnnxDetector",
    "OnnxEmbedder",
    "PhotoProblem",
    "Photograph",
    "Pose",
    "Quality",
    "QualityLimits",
    "SFace",
    "Template",
    "WeightsFile",
    "align",
    "compare",
    "detect",
    "find_faces",
    "measure",
    "published_point",
    "published_points",
    "read_manifest",
    "recognise",
    "shortcomings",
    "template_of",
    "templates_of",
    "verify",
    "weights",
]
