"""Attribution: maps of the pixels that an answer rests on, and whether they can be believed."""

from faceloupe.inspection.attribution.attribute import Attribution, attribute
from faceloupe.inspection.attribution.certificate import Certificate
from faceloupe.inspection.attribution.methods import METHODS

__all__ = ["METHODS", "Attribution", "Certificate", "attribute"]
