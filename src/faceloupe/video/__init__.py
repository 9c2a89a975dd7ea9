"""Clips: their frames, the faces in them followed over time, and one answer for each person that is seen.

``identify_clip`` is the whole way; ``open_clip`` gives the frames. PyAV decodes (the extra ``video``); it is imported
where it is used.
"""

from faceloupe.video.frames import Clip, Frame, open_clip
from faceloupe.video.identified import IdentifiedClip
from faceloupe.video.identify import identify_clip
from faceloupe.video.people import Person
from faceloupe.video.sampling import Sampling
from faceloupe.video.tracks import Track

__all__ = ["Clip", "Frame", "IdentifiedClip", "Person", "Sampling", "Track", "identify_clip", "open_clip"]
