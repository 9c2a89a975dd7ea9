"""The page of a clip: who is in it and when, with faces only where they are asked for."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np

from faceloupe.blocks import Block, pictures, section, table, text
from faceloupe.recognition.thresholds import point_in_words
from faceloupe.video.identified import BETWEEN, IdentifiedClip, clock, likest
from faceloupe.video.people import Judged

STRIP = 16
"""Faces of a person that are shown, at most; eight in a row."""

LISTED = 500
"""Rows of a table, at most: the rest is in the document."""


HOW = (
    "Faces are followed over the frames into tracks; of each the best frames are pooled to one template, which is "
    "compared with the gallery once. People whom the gallery does not name are numbered as they come."
)


def write_article(clip: IdentifiedClip, *, show_faces: bool = False) -> dict[str, Any]:
    """Return the page of a clip; with `show_faces` it holds a strip of faces for each person."""
    sections = [
        section("people", "Who is in the clip", [_people(clip), *(_strips(clip) if show_faces else ())]),
        section("appearances", "When they are seen", [_appearances(clip)]),
        section("doubts", "What to look at", [text(f"{words}.") for words in [*clip.warnings(), *clip.notes()]]),
        section("threshold", "What the thresholds mean", list(_thresholds(clip))),
    ]
    return {
        "title": f"People in {clip.path.name}",
        "lead": clip.words().split("\n")[:1],
        "sections": [item for item in sections if item["blocks"]],
        "evidence": clip.to_document(),
        "provenance": {
            "made by": f"faceloupe {version('faceloupe')}",
            "this file holds": "names and faces of the people" if show_faces else "names of the people, no faces",
        },
    }


def _people(clip: IdentifiedClip) -> Block:
    rows = [
        [
            person.label, clock(person.first), clock(person.last), f"{person.seconds:.2f} s", _score(person.deciding),
            f"{person.deciding.point.threshold:.4f}", likest(person.deciding) if not person.known else "",
        ]
        for person in clip.people[:LISTED]
    ]  # fmt: skip
    columns = {
        "who": "left", "first seen": "right", "last seen": "right", "seen for": "right", "score": "right",
        "threshold": "right", "most like": "left",
    }  # fmt: skip
    return table("people", "People, by when they come", columns, rows, note=HOW)


def _appearances(clip: IdentifiedClip) -> Block:
    tracks = [(each, person) for person in clip.people for each in person.tracks]
    tracks.sort(key=lambda pair: pair[0].track.first)
    rows = [
        [
            person.label, clock(each.track.first), clock(each.track.last), f"{each.track.seconds:.2f} s",
            f"{each.track.frames:,}", str(len(each.track.best)), _score(each),
        ]
        for each, person in tracks[:LISTED]
    ]  # fmt: skip
    columns = {
        "who": "left", "from": "right", "to": "right", "seen for": "right", "frames": "right", "pooled": "right",
        "score": "right",
    }  # fmt: skip
    return table("appearances", "Tracks, by when they begin", columns, rows)


def _strips(clip: IdentifiedClip) -> Iterator[Block]:
    for number, person in enumerate(clip.people, start=1):
        panels = {
            clock(seen.time): (seen.picture / np.float32(255), f"{person.label} at {clock(seen.time)}")
            for each in person.tracks
            for seen in each.track.best
        }
        shown = dict(list(panels.items())[:STRIP])
        yield pictures(f"person-{number}", person.label, "", shown, scale={"kind": "photograph"}, columns=STRIP // 2)


def _thresholds(clip: IdentifiedClip) -> Iterator[Block]:
    for point in clip.points:
        yield text(" ".join(point_in_words(point)))
    if any(len(each.track.best) > 1 for person in clip.people for each in person.tracks):
        yield text(BETWEEN)


def _score(each: Judged) -> str:
    return "–" if each.best is None else f"{each.best.score:.4f}"
