"""The people of the server's collection, and its unknown faces, looked through and put right."""

from collections.abc import Iterator, Sequence

from faceloupe.client.connection import Connection
from faceloupe.web import shapes

PART = 1000
"""Groups that are asked for at a time."""


class ReviewClient:
    """Calls below ``/collection``; :attr:`Client.review` is one.

    Parameters
    ----------
    server : Connection
    """

    _at = "/collection"

    def __init__(self, server: Connection) -> None:
        self._server = server

    def show(self) -> shapes.Review:
        """Return the largest groups, and what is doubtful, the most doubtful first."""
        return self._server.get(shapes.Review, self._at)

    def groups(self) -> Iterator[shapes.CollectedGroup]:
        """Yield the groups of several faces or with a name, the largest first, each with its first faces.

        Of unknown faces those alone come too.
        """
        first = 0
        while part := self._server.get(shapes.Review, self._at, first=first, count=PART).groups:
            yield from part
            first += len(part)

    def group(self, group: int) -> shapes.CollectedGroup:
        """Return a group with all its faces."""
        return self._server.get(shapes.CollectedGroup, f"{self._at}/groups/{group}")

    def face(self, face: int) -> bytes:
        """Return a face as PNG, as it was kept or cut out of its photograph."""
        return self._server.content("image/png", f"{self._at}/faces/{face}/picture")

    def group_again(self, fpir: float = 0.1) -> shapes.Review:
        """Group all faces anew; what was said holds."""
        return self._server.request(shapes.Review, "POST", f"{self._at}/group", json={"fpir": fpir})

    def join(self, first: int, second: int) -> int:
        """Say that two groups are one person, and return the group they are now."""
        body = {"groups": [first, second]}
        return self._server.request(shapes.Joined, "POST", f"{self._at}/join", json=body).group

    def separate(self, faces: Sequence[int]) -> int:
        """Say that faces are not the person of their group, and return the group they are now."""
        return self._server.request(shapes.Joined, "POST", f"{self._at}/separate", json={"faces": list(faces)}).group

    def confirm(self, first: int, second: int) -> str | None:
        """Say that two faces are grouped rightly, and return whether that makes them "one person" or "two people"."""
        body = {"faces": [first, second]}
        return self._server.request(shapes.TakenBack, "POST", f"{self._at}/confirm", json=body).what

    def name(self, group: int, name: str | None, *, enrol: bool = False, consent: str = "") -> None:
        """Give a group a name, or take it back; with `enrol` its faces become references of the gallery.

        A group of unknown faces is unknown no longer then, and is erased where it was.
        """
        body = {"group": group, "name": name, "enrol": enrol, "consent": consent}
        self._server.request(shapes.Joined, "POST", f"{self._at}/name", json=body)

    def undo(self) -> str | None:
        """Take back the last thing that was said, and return what it was; None if nothing is left."""
        return self._server.request(shapes.TakenBack, "POST", f"{self._at}/undo").what


class UnknownClient(ReviewClient):
    """Calls below ``/unknown``: faces that nobody was named for; :attr:`Client.unknown` is one."""

    _at = "/unknown"

    def dismiss(self, groups: Sequence[int]) -> int:
        """Erase the faces of groups now, and return how many there were. It cannot be taken back."""
        body = {"groups": list(groups)}
        return self._server.request(shapes.Erased, "POST", "/unknown/dismiss", json=body).faces
