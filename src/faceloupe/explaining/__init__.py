"""Why two photographs do, or do not, show one person: what of either face a recogniser's score rests on."""

from faceloupe.explaining.explanation import Explanation, Side, explain
from faceloupe.explaining.others import Neighbour, Others

__all__ = ["Explanation", "Neighbour", "Others", "Side", "explain"]
