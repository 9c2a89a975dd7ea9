"""The people of the server's collection, looked through and put right."""

from collections.abc import Iterator, Sequence

from faceloupe.client.connection import Connection
from faceloupe.web import shapes

__all__ = ["ReviewClient"]

PART = 1000
"""Groups that are asked for at a time."""


class ReviewClient:
    """Calls below ``/collection``; :attr:`Client.review` is one.

    Parameters
    ----------
    server : Connection
    """

    def __init__(self, server: Connection) -> None:
        self._server = server

    def show(self) -> shapes.Review:
        """Return the largest groups, and what is doubtful, the most doubtful first."""
        return self._server.get(shapes.Review, "/collection")

    def groups(self) -> Iterator[shapes.CollectedGroup]:
        """Yield the groups of several faces or with a name, the largest first, each with its first faces."""
        first = 0
        while part := self._server.get(shapes.Review, "/collection", first=first, count=PART).groups:
            yield from part
            first += len(part)

    def group(self, group: int) -> shapes.CollectedGroup:
        """Return a group with all its faces."""
        return self._server.get(shapes.CollectedGroup, f"/collection/groups/{group}")

    def face(self, face: int) -> bytes:
        """Return a face as PNG, cut out of its photograph."""
        return self._server.ask("GET", f"/collection/faces/{face}/picture").content

    def group_again(self, fpir: float = 0.1) -> shapes.Review:
        """Group all faces anew; what was said holds."""
        return self._server.asked(shapes.Review, "POST", "/collection/group", json={"fpir": fpir})

    def join(self, one: int, other: int) -> int:
        """Say that two groups are one person, and return the group they are now."""
        sent = {"groups": [one, other]}
        return self._server.asked(shapes.Joined, "POST", "/collection/join", json=sent).group

    def separate(self, faces: Sequence[int]) -> int:
        """Say that faces are not the person of their group, and return the group they are now."""
        return self._server.asked(shapes.Joined, "POST", "/collection/separate", json={"faces": list(faces)}).group

    def confirm(self, one: int, other: int) -> str | None:
        """Say that two faces are grouped rightly, and return whether that makes them "one person" or "two people"."""
        sent = {"faces": [one, other]}
        return self._server.asked(shapes.TakenBack, "POST", "/collection/confirm", json=sent).what

    def name(self, group: int, name: str | None, *, enrol: bool = False) -> None:
        """Give a group a name, or take it back; with `enrol` its faces become references of the gallery."""
        sent = {"group": group, "name": name, "enrol": enrol}
        self._server.asked(shapes.Joined, "POST", "/collection/name", json=sent)

    def undo(self) -> str | None:
        """Take back the last thing that was said, and return what it was; None if nothing is left."""
        return self._server.asked(shapes.TakenBack, "POST", "/collection/undo").what
