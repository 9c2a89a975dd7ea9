"""Counts of photographs as they are worked through, and those that could not be used."""

from dataclasses import dataclass, field

from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import as_text
from faceloupe.faces.trees import Tree
from faceloupe.recognition.photographs import Photograph


@dataclass(slots=True)
class Tally:
    """Counts of the photographs in a tree, and those that could not be used.

    Attributes
    ----------
    photographs, known : int
        Photographs done now; those that were done before.
    faces : int
        Faces in those done now.
    skipped : list of Skipped
        Files that could not be used, with the reason.
    """

    photographs: int = 0
    known: int = 0
    faces: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    def begin(self, tree: Tree, left: int) -> None:
        """Count the photographs of a tree of which so many are left to do, and take over what it skipped."""
        self.known = len(tree.files) - left
        self.skipped += tree.skipped

    def count(self, path: str, photograph: Photograph) -> bool:
        """Count a photograph with its faces, or note why it cannot be used; return whether it can."""
        if photograph.problem is not None:
            self.skipped.append(Skipped(as_text(path), photograph.problem.reason))
            return False
        self.photographs += 1
        self.faces += len(photograph.chips)
        return True

    def rest(self, known: str) -> list[str]:
        """Return in words how many were done before, and how many could not be used; nothing where there are none."""
        parts = [f"{self.known:,} {known}"] if self.known else []
        return parts + ([f"{len(self.skipped):,} not usable, named above"] if self.skipped else [])
