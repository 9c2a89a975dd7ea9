"""Settings of the search for faces in a photograph, and the choice among those found."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from faceloupe.errors import InputError
from faceloupe.recognition.detections import Detector

Which = Literal["all", "one", "central"]

DETECTION_SIDE = 640
"""Pixels of the longer side of a photograph as the detector sees it, at most.

Measured on crops of LFW scaled to each size: faces from 23 pixels to the whole of a 640-pixel picture are found (100 %
score 0.6 or more; at 19 pixels 98 %, at 15 84 %); faces that fill a picture of 1,280 pixels are missed in 58 %."""

CROWD_SIDES = (DETECTION_SIDE, 1600)
"""The sides at which a photograph is looked at; the second where every face is meant, or the first shows none.

Measured on 200 crops of LFW enlarged to 2,400 pixels: the second look changes none of the faces that the first finds,
and adds 11 (not all may be faces). Of 20 LFW photographs in one of 8,064 x 6,048, faces about 100 pixels wide, the
first look finds none, both together 18 faces."""

MIN_SCORE = 0.6
"""The least detection score of a face that counts."""

MIN_SIZE = 20.0
"""The least shorter side of the box of a face that counts, in pixels."""

LOOKS = 4
"""Version of the search for faces: templates that another version made are made anew."""

FAINT = 0.1
"""The least score of a detection that a detector reports."""


@dataclass(frozen=True, slots=True)
class FaceSearch:
    """The faces of a photograph that are meant, and how they are looked for.

    Wherever ``faces`` is asked for, "all", "one" or "central" alone is short for a search with the other values as
    they are here: ``faces="central"`` is ``faces=FaceSearch("central")``.

    Parameters
    ----------
    which : {"all", "one", "central"}
        All faces; one, where of several the dominant one is taken, and it is said so, or a problem if none is; or the
        one nearest the photograph's centre. A face dominates if it weighs 1.5 times as much as every other: as much as
        it is wide, and a quarter less in a corner of the photograph than in the middle.
    min_score : float
        The least detection score of a face that counts, from 0.1 to 1.
    min_size : float
        The least shorter side of its box, in pixels of the photograph.
    max_side : int or tuple of int, optional
        Pixels of the longer side that the detector sees. The smallest face found is about 20 pixels there, 3 % of the
        photograph's longer side; raise it for small faces in a large photograph. The time grows with its square, and
        faces that fill the photograph are missed above about 800. Of several, the smallest finds what it finds alone,
        and each larger one, where the photograph is larger than the one before, adds small faces that lie elsewhere;
        where one face is meant only if there is none yet. By default 640 and 1600.
    turned : bool
        Look again at turned copies where no face is sure, see :func:`faceloupe.recognition.detect`.
    detector : Detector, optional
        Detector, such as an :class:`OnnxDetector`; by default YuNet, with which the published thresholds were
        measured. Scores of another mean something else: `min_score` and what counts as sure are YuNet's.

    Raises
    ------
    InputError
        If a value is not as described.
    """

    which: Which = "all"
    min_score: float = MIN_SCORE
    min_size: float = MIN_SIZE
    max_side: int | tuple[int, ...] | None = None
    turned: bool = True
    detector: Detector | None = None

    def __post_init__(self) -> None:
        if self.which not in get_args(Which):
            raise InputError(f'faces: expected "all", "one", "central" or a FaceSearch, got {self.which!r}')
        if not FAINT <= self.min_score <= 1:
            raise InputError(f"min_score: expected a number from {FAINT} to 1, got {self.min_score}")
        if not self.min_size >= 0:
            raise InputError(f"min_size: expected 0 or more pixels, got {self.min_size}")
        if not self.sides or self.sides[0] < 32:
            raise InputError(f"max_side: expected at least 32 pixels, got {self.max_side}")

    @classmethod
    def of(cls, faces: "Faces") -> "FaceSearch":
        """Return the search that "all", "one" or "central" is short for; a search as it is."""
        return faces if isinstance(faces, FaceSearch) else cls(faces)

    @classmethod
    def of_one_face(cls, faces: "Faces") -> "FaceSearch":
        """Return the search for the one face that is meant.

        Raises
        ------
        InputError
            If all faces are.
        """
        search = cls.of(faces)
        if search.which == "all":
            raise InputError(f'faces: expected "one" or "central" where one face is meant, got {faces!r}')
        return search

    @property
    def sides(self) -> tuple[int, ...]:
        """The sides at which a photograph is looked at, the smallest first."""
        if self.max_side is None:
            return CROWD_SIDES
        return (self.max_side,) if isinstance(self.max_side, int) else tuple(sorted(self.max_side))

    def all_faces(self) -> "FaceSearch":
        """Return the same search for all faces."""
        return replace(self, which="all", max_side=self.sides)


Faces: TypeAlias = FaceSearch | Which
"""The faces that are meant: a word, or a search with all its settings."""
