"""Explanations of decisions: what in either face a recogniser's score rests on."""

from faceloupe.explaining.explanation import ExplainedFace, Explanation, explain
from faceloupe.explaining.others import Neighbour, Others

__all__ = ["ExplainedFace", "Explanation", "Neighbour", "Others", "explain"]
