"""Clips: their frames, the faces in them followed over time, and one answer for each person that is seen.

PyAV decodes (the extra ``video``); it is imported where it is used.
"""

from faceloupe.video.frames import Clip, Frame, open_clip
from faceloupe.video.sampling import Sampling

__all__ = ["Clip", "Frame", "Sampling", "open_clip"]
