"""Explanations of a recogniser's answer on whether two photographs show one person."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.explaining.network import network_of
from faceloupe.explaining.others import Others, compare_with_others
from faceloupe.explaining.summary import lead
from faceloupe.faces.pixels import as_floats
from faceloupe.inspection.attribution.attribute import Attribution, attribute
from faceloupe.inspection.attribution.method_names import RUN_ONLY
from faceloupe.pages import Shown
from faceloupe.progress import Progress
from faceloupe.recognition.chips import REFERENCE_POINTS, FaceChip, landmarks_on_chip
from faceloupe.recognition.decisions import Decision, verify
from faceloupe.recognition.embed import Embedder, SFace
from faceloupe.recognition.limits import limits_of, shortcomings
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.photos import Photo, open_photo
from faceloupe.recognition.search import Faces
from faceloupe.recognition.templates import Template

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.scores.points import OperatingPoint

FULL = 0.1
"""Cosine at which the colour of a map is full; more only if a map goes beyond.

Occlusion maps of SFace on LFW reach 0.04 to 0.12: a faint map means that no part of the face counts for much.
"""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExplainedFace:
    """One of the two photographs, with the parts of its face that the score rests on.

    Attributes
    ----------
    photograph : Photograph
        The photograph with the one face that was compared.
    image : array of float32, (H, W, 3)
        All of it, RGB in [0, 1], upright.
    attribution : Attribution
        Attribution of the score to this face's chip, while the other's template stays as it is.
    """

    photograph: Photograph
    image: NDArray[np.float32]
    attribution: Attribution

    @property
    def name(self) -> str:
        """The name of the photograph's file."""
        return self.photograph.path.name

    @property
    def chip(self) -> FaceChip:
        """The face, aligned."""
        return self.photograph.chips[0]

    @property
    def template(self) -> Template:
        """The template of the face, with its quality."""
        return self.photograph.templates[0]

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """The reasons why the face is unfit for enrolment, in words; empty if it is fit."""
        return shortcomings(self.template.quality, limits_of(self.template.embedder))

    @property
    def misalignment(self) -> float:
        """Root mean square distance of the five landmarks from the reference points, in pixels of the chip."""
        off = landmarks_on_chip(self.chip) - np.array(REFERENCE_POINTS)
        return float(np.sqrt((off**2).sum(axis=1).mean()))

    def to_document(self) -> dict[str, Any]:
        """Return the numbers on this face as a plain dictionary."""
        return {
            "file": self.name,
            "detection": self.chip.detection.to_document(),
            "quality": self.template.quality.to_document(),
            "shortcomings": list(self.shortcomings),
            "misalignment": self.misalignment,
            "attribution": self.attribution.to_document(),
        }

    def __repr__(self) -> str:
        return f"ExplainedFace({self.name}: {self.attribution!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Explanation(Shown):
    """An explanation of why two photographs do, or do not, show one person; a notebook shows it as a page.

    Page, document and pictures show both faces: biometric data.

    Attributes
    ----------
    decision : Decision
        Score, threshold and what the threshold means.
    a, b : ExplainedFace
        The photographs, each with a map of the score over its face.
    others : Others or None
        The pair beside the people of a gallery; None without one.
    """

    decision: Decision
    a: ExplainedFace
    b: ExplainedFace
    others: Others | None = None

    @property
    def sides(self) -> tuple[ExplainedFace, ExplainedFace]:
        """Both photographs."""
        return self.a, self.b

    @property
    def limit(self) -> float:
        """Value at which a colour is full on both maps: 0.1, or the largest there is; no map is stretched up to it."""
        return max(FULL, *(float(np.abs(side.attribution.map).max()) for side in self.sides))

    def to_document(self) -> dict[str, Any]:
        """Return every number as ``explain --json`` prints it, schema ``faceloupe.explanation/2``.

        ``lead`` says the most important of them in sentences. It holds both maps, but neither faces nor templates;
        :func:`faceloupe.page` makes the page, which shows both faces.
        """
        return {
            "schema": "faceloupe.explanation/2",
            "lead": list(lead(self)),
            "decision": self.decision.to_document(),
            "faces": [side.to_document() for side in self.sides],
            "others": self.others.to_document() if self.others else None,
        }

    def __repr__(self) -> str:
        answer = "match" if self.decision.match else "no match"
        comparison = f", beside {self.others.compared:,} others" if self.others else ""
        return (
            f"Explanation({self.a.name} and {self.b.name}: {answer}, score {self.decision.score:.4f}; by "
            f"{self.a.attribution.method}{comparison})"
        )


def explain(
    first: Photo,
    second: Photo,
    *,
    point: "OperatingPoint | None" = None,
    embedder: Embedder | None = None,
    gallery: "Gallery | None" = None,
    method: str = "occlusion",
    faces: Faces = "one",
    certify: bool = True,
    progress: Progress | None = None,
) -> Explanation:
    """Explain why two photographs do, or do not, show one person for a recogniser.

    Explained is the score, the cosine of the two templates: on each face in turn, while the other's template stays as
    it is. Above 0 a map shows what makes the two alike, below what makes them differ.

    Parameters
    ----------
    first, second : path, bytes, PIL image, array, binary file object or Photograph
        The two photographs. The file of a Photograph is read again.
    point : OperatingPoint, optional
        The threshold. Otherwise the gallery's own, or else the published one of the embedder.
    embedder : Embedder, optional
        By default the gallery's, or else SFace, run by OpenVINO. Whether a map depends on what was learned is
        checked for SFace, where the package onnx is installed; of other embedders the weights cannot be reached.
    gallery : Gallery, optional
        An open one: its threshold and embedder are taken. Its subjects who are most like the two faces, but match
        neither, are named with their scores.
    method : {"occlusion", "correlation"}
        Method that makes the maps, see :func:`faceloupe.inspection.attribute`.
    faces : {"one", "central"} or FaceSearch
        Face to take: with "one" each photograph must show just one; "central" takes the one nearest the centre.
    certify : bool
        Whether to check the maps; that takes about 12 times as long as making them.
    progress : callable, optional
        Called with (done, whole), in faces that the embedder runs on.

    Raises
    ------
    ImageError
        If a photograph cannot be read, or shows no face, or several where one was meant.
    InputError
        If an option is not as described, the point is of another embedder, or none was published for this one.
    GalleryError
        If the gallery cannot be read, or has references, but none by this embedder.
    UnavailableError
        If weights or packages are missing.

    Notes
    -----
    Measured with SFace on one face of each of 20 pairs of LFW View 1 test, 10 of them mated, the 9 hardest among them:
    by either method 19 maps pass the deletion check. Deleted in the map's order the cosine is 0.058 on average by
    occlusion and 0.075 by correlation (0.24 and 0.25 with the map laid elsewhere); occlusion does better on 13 pairs.
    With re-drawn weights little stays of either: rank correlations from -0.11 to 0.21 on 3 pairs. Occlusion draws
    nothing at random and runs a quarter of the faces: it is the default, and a pair takes 80 seconds of one core, both
    certificates included.
    """
    if method not in RUN_ONLY:
        raise InputError(f"method: expected one of {', '.join(RUN_ONLY)}, which only run the embedder; got {method!r}")
    embedder = embedder or (gallery.embedder if gallery else SFace())
    photos = [
        open_photo(photo.path if isinstance(photo, Photograph) else photo, f"photo {number}")
        for number, photo in enumerate((first, second), start=1)
    ]
    decision = verify(photos[0], photos[1], point=point, gallery=gallery, embedder=embedder, faces=faces)
    others = None
    if gallery is not None and gallery.n_subjects():
        pair = decision.first.templates[0], decision.second.templates[0]
        others = compare_with_others(gallery, embedder, pair, decision.score, decision.point.threshold)
    images = as_floats(photos[0].decode()), as_floats(photos[1].decode())
    return explain_decision(
        decision, images, embedder, others=others, method=method, certify=certify, progress=progress
    )


def explain_decision(
    decision: Decision,
    images: tuple[NDArray[np.float32], NDArray[np.float32]],
    embedder: Embedder,
    *,
    others: Others | None,
    method: str,
    certify: bool,
    progress: Progress | None,
) -> Explanation:
    """Explain a decision that was made, as :func:`explain` does, with both photographs as arrays (H, W, 3)."""
    network = network_of(embedder)

    def side(place: int) -> ExplainedFace:
        photographs = decision.first, decision.second
        photograph, reference = photographs[place], photographs[1 - place].templates[0].vector
        attribution = attribute(
            network,
            photograph.chips[0].image.transpose(2, 0, 1),
            reference,
            method,
            certify=certify,
            progress=progress and (lambda done, total: progress(place * total + done, 2 * total)),
        )
        return ExplainedFace(photograph, images[place], attribution)

    return Explanation(decision, side(0), side(1), others)
