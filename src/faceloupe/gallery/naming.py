"""Everybody in a tree of photographs named, into a table that goes on where it was stopped."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faceloupe.faces.folders import as_text
from faceloupe.faces.trees import Tree
from faceloupe.gallery.answers import IdentifiedPhotograph
from faceloupe.growing import GrowingCsv, GrowingLines
from faceloupe.numerals import counted
from faceloupe.progress import Progress
from faceloupe.recognition.limits import limits_of, shortcomings
from faceloupe.recognition.recognise import recognise
from faceloupe.recognition.search import FaceSearch
from faceloupe.recognition.tally import Tally
from faceloupe.scores.points import OperatingPoint

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.gallery.sharding import Galleries

COLUMNS = ("face", "name", "score", "margin", "most like", "x", "y", "width", "height", "shortcomings")
"""Columns of the CSV between path, faces and problem. The name is empty for nobody; "most like" is the best candidate,
whose score and margin to the threshold are told."""


@dataclass(slots=True)
class Named(Tally):
    """The result of naming the faces of many photographs.

    Attributes
    ----------
    named : int
        Faces with a name.
    names : set of str
        Their names, with external ids.
    threshold : str
        Where the threshold comes from and how often strangers get a name, in words; empty while there was no face.
    """

    named: int = 0
    names: set[str] = field(default_factory=set)
    threshold: str = ""

    def words(self) -> str:
        """Return in a sentence what was done."""
        parts = [f"{counted(self.photographs, 'photograph')} with {counted(self.faces, 'face')}"]
        parts += [f"{self.named:,} of them named, {counted(len(self.names), 'subject')}"]
        return "; ".join([*parts, *self.rest("in the table already")]) + "."

    def add(self, path: str, identified: IdentifiedPhotograph) -> None:
        """Count a photograph with the names of its faces."""
        if not self.count(path, identified.photograph):
            return
        if not self.threshold and identified.candidates:
            self.threshold = identified.candidates[0].meaning()
        names = [candidates.named.label for candidates in identified.candidates if candidates.named is not None]
        self.named += len(names)
        self.names.update(names)


def name_tree(
    gallery: "Gallery | Galleries",
    tree: Tree,
    tables: Sequence[GrowingCsv | GrowingLines],
    *,
    point: OperatingPoint | None = None,
    ranks: int = 3,
    recall: float | None = None,
    search: FaceSearch,
    progress: Progress | None = None,
) -> Named:
    """Identify every face in many photographs; photographs that all tables hold are passed over.

    Parameters
    ----------
    gallery : Gallery or Galleries
    tree : Tree
    tables : sequence of GrowingCsv or GrowingLines
        A CSV has ``COLUMNS``.
    point : OperatingPoint, optional
        The threshold; otherwise the one that holds in the gallery.
    ranks : int
        Number of candidates for each face, in JSON lines.
    recall : float, optional
        As for :meth:`faceloupe.gallery.Gallery.identify`.
    search : FaceSearch
    progress : callable, optional
        Called with (photographs done, all).

    Raises
    ------
    InputError
        As :meth:`faceloupe.gallery.Gallery.identify`.
    """
    named = Named()
    left = [file.path for file in tree.files if any(as_text(file.path) not in table.known for table in tables)]
    named.begin(tree, len(left))
    recognised = recognise(left, gallery.embedder, faces=gallery.face_search(search))
    for done, (path, photograph) in enumerate(zip(left, recognised, strict=True), start=named.known + 1):
        identified = IdentifiedPhotograph(
            photograph, gallery.identify(photograph.templates, point=point, ranks=ranks, recall=recall)
        )
        for table in tables:
            if as_text(path) not in table.known:
                _write(table, path, identified)
        named.add(path, identified)
        if progress is not None:
            progress(done, len(tree.files))
    return named


def _write(table: GrowingCsv | GrowingLines, path: str, identified: IdentifiedPhotograph) -> None:
    if isinstance(table, GrowingLines):
        point = next((candidates.point for candidates in identified.candidates), None)
        table.add(path, {**identified.to_document(), "threshold": point and point.threshold})
        return
    problem = identified.photograph.problem
    table.add(path, _rows(identified), problem.reason if problem else "" if identified.faces else "no face found")


def _rows(identified: IdentifiedPhotograph) -> list[list[object]]:
    rows: list[list[object]] = []
    for number, (chip, template, candidates) in enumerate(identified.faces, start=1):
        first = candidates.named or next(iter(candidates.candidates), None)
        likest = [f"{first.score:.4f}", f"{first.margin:.4f}", first.label] if first else ["", "", ""]
        box = [f"{side:.1f}" for side in chip.detection.box]
        short = "; ".join(shortcomings(template.quality, limits_of(template.embedder)))
        rows.append([number, candidates.named.label if candidates.named else "", *likest, *box, short])
    return rows
