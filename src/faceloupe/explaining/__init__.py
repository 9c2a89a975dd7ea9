"""Why two photographs do, or do not, show one person: what of either face a recogniser's score rests on."""

from faceloupe.explaining.explanation import ExplainedFace, Explanation, explain
from faceloupe.explaining.others import Neighbour, Others

__all__ = ["ExplainedFace", "Explanation", "Neighbour", "Others", "explain"]
