"""Looking at one network while it looks at faces: everything that inspection finds, as one value and one page."""

from faceloupe.looking.look import Look, look
from faceloupe.looking.model import Model
from faceloupe.looking.opening import open_model

__all__ = ["Look", "Model", "look", "open_model"]
