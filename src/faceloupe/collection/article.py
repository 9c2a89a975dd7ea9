"""The page of a collection's people: the largest first, what is doubtful about them, and who may be one person."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from faceloupe.blocks import Block, pictures, section, table, text
from faceloupe.collection.people import Doubt, Group, People
from faceloupe.collection.seen import SeenFace, cut_out

LISTED = 200
"""Rows of a table, at most: the rest is in the document."""

SHOWN = 40
"""Groups whose faces are shown, at most."""

FACES = 8
"""Faces of a group that are shown, at most."""

SIDE = 64
"""Pixels of a face that is shown."""


MENDING = (
    "`faceloupe separate FACE...` says that faces are not the person of their group; `faceloupe join GROUP GROUP` that "
    "two groups are one person; `faceloupe confirm FACE FACE` that two faces are grouped rightly; `faceloupe name "
    "GROUP NAME` gives a name; `faceloupe undo` takes back the last. What was said holds for every later grouping. "
    "Faces of one photograph are never one person."
)


def write_article(people: People, *, show_faces: bool = False) -> dict[str, Any]:
    """Return the page of people; with `show_faces` it holds pictures of them, read from their photographs."""
    doubtful = "Look at these first: joins that were near to the threshold"
    sections = [
        section("doubtful", doubtful, _doubtful(people, show_faces)),
        section("nearly", "Perhaps one person: groups just below the threshold", _nearly(people, show_faces)),
        section("people", "People, by how many faces they have", _people(people, show_faces)),
        section("mending", "How to mend it", [text(MENDING)]),
    ]
    return {
        "title": "People in a collection of photographs",
        "lead": people.words().split("\n"),
        "sections": [item for item in sections if item["blocks"]],
        "evidence": people.to_document(),
        "provenance": {
            "made by": f"faceloupe {version('faceloupe')}",
            "this file holds": "file names and faces of the people" if show_faces else "file names, no faces",
        },
    }


def _doubtful(people: People, show_faces: bool) -> Iterator[Block]:
    doubtful = people.doubtful
    if not doubtful:
        return
    rows = [
        [str(group.id), group.name or "–", str(len(group.faces)), f"{join.score:.3f}", join.words(people.threshold)]
        for group in doubtful[:LISTED]
        if (join := group.weakest)
    ]
    columns = {"group": "right", "name": "left", "faces": "right", "score": "right", "why": "left"}
    yield table("doubtful-joins", f"The weakest join of each group, {_of(len(rows), len(doubtful))}", columns, rows)
    if show_faces:
        homes = {face.id: face for group in doubtful[:SHOWN] for face in group.faces}
        pairs = [group.weakest for group in doubtful[:SHOWN] if group.weakest]
        yield from _pairs("doubtful", pairs, homes)


def _nearly(people: People, show_faces: bool) -> Iterator[Block]:
    if not people.nearly:
        return
    rows = [
        [" and ".join(map(str, doubt.groups)), f"{doubt.score:.3f}", doubt.words(people.threshold)]
        for doubt in people.nearly[:LISTED]
    ]
    columns = {"groups": "left", "score": "right", "why": "left"}
    yield table("nearly-joined", f"Pairs of groups, {_of(len(rows), len(people.nearly))}", columns, rows)
    if show_faces:
        homes = {face.id: face for group in people.groups for face in group.faces}
        yield from _pairs("nearly", people.nearly[:SHOWN], homes)


def _people(people: People, show_faces: bool) -> Iterator[Block]:
    several = people.several
    rows = [[str(group.id), group.name or "–", str(len(group.faces)), _files(group)] for group in several[:LISTED]]
    columns = {"group": "right", "name": "left", "faces": "right", "in": "left"}
    yield table("people", f"Groups with more than one face, {_of(len(rows), len(several))}", columns, rows)
    if show_faces:
        for group in several[:SHOWN]:
            panels = {
                f"face {face.id}": (picture, f"A face of group {group.id}")
                for face in islice(group.faces, FACES)
                if (picture := cut_out(face, SIDE)) is not None
            }
            title = f"Group {group.id}{f', {group.name}' if group.name else ''}: {len(group.faces)} faces"
            if panels:
                yield pictures(f"group-{group.id}", title, "", panels, scale={"kind": "photograph"}, columns=FACES)


def _pairs(name: str, doubts: Sequence[Doubt], homes: dict[int, SeenFace]) -> Iterator[Block]:
    for doubt in doubts:
        panels = {
            f"face {face}": (picture, f"A face of group {group}")
            for face, group in zip(doubt.faces, doubt.groups, strict=True)
            if face in homes and (picture := cut_out(homes[face], SIDE)) is not None
        }
        if len(panels) == 2:
            title = " and ".join(f"group {group}" for group in dict.fromkeys(doubt.groups))
            title = f"{title}, score {doubt.score:.3f}"
            identity = f"{name}-{doubt.faces[0]}-{doubt.faces[1]}"
            yield pictures(identity, title, "", panels, scale={"kind": "photograph"}, columns=2)


def _files(group: Group) -> str:
    names = list(dict.fromkeys(Path(face.path).name for face in group.faces if face.path))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _of(shown: int, whole: int) -> str:
    return f"{shown:,}" if shown == whole else f"the first {shown:,} of {whole:,}"
