"""Sections of a page on captures: a face of each subject, their number, and how they are split."""

import numpy as np

from faceloupe.blocks import Block, pictures, section, table, text
from faceloupe.errors import check_integer
from faceloupe.faces.faceset import FaceSet
from faceloupe.faces.sources import SHOWABLE
from faceloupe.faces.splits import Split

COLUMNS = 10
FACES = 40  # in a picture, if nobody says how many
ROWS = 40  # of the table


def faces_section(faces: FaceSet, *, show_faces: bool | None = None, captures: int = 1, limit: int = FACES) -> Block:
    """Return a face set as a section, with at most `limit` faces, some captures of each subject.

    By default only those faces are shown that were published to be shown (Olivetti and ORL).
    """
    check_integer("captures", captures, 1)
    check_integer("limit", limit, 1)
    counts = faces.captures_per_subject
    summary = f"**{faces!r}.** Licence: {faces.licence}."
    blocks = [text(summary)]
    if show_faces or (show_faces is None and faces.source in SHOWABLE):
        blocks.append(_pictures(faces, captures, limit))
    else:
        blocks.append(text("No face is shown unless asked for: `faces.plot()` shows them."))
    more = f"The first {ROWS} of {faces.n_subjects} subjects." if faces.n_subjects > ROWS else ""
    rows = [[name, str(count)] for name, count in zip(faces.names[:ROWS], counts[:ROWS], strict=True)]
    blocks.append(table("subjects", "Captures of each subject", {"subject": "left", "captures": "right"}, rows, more))
    return section("faces", "Faces", blocks)


def split_section(split: Split) -> Block:
    """Return a split as a section."""
    what = {
        "capture": "Every subject has captures on both sides: known people, photographs not seen.",
        "subject": "Every subject is on one side only: people not seen.",
    }[split.kind]
    rows = [["to learn from", str(len(split.train))], ["held out", str(len(split.held_out))]]
    sides = table("sides", f"Captures; drawn with seed {split.seed}", {"side": "left", "captures": "right"}, rows)
    return section("split", "What is learned from, and what is held out", [text(f"**{split!r}.** {what}"), sides])


def _pictures(faces: FaceSet, captures: int, limit: int) -> Block:
    height, width = faces.images.shape[1:3]
    members = [np.flatnonzero(faces.subject == subject)[:captures] for subject in range(faces.n_subjects)]
    every = np.concatenate(members)
    chosen = every[:limit]
    which = "The first capture" if captures == 1 else f"Up to {captures} captures"
    rest = f" {len(chosen)} of {len(every)} are shown." if len(every) > limit else ""
    panels = {
        faces.captures[at]: (faces.images[at], f"A face of {faces.names[faces.subject[at]]}, {height}x{width} pixels")
        for at in chosen
    }
    return pictures(
        "faces",
        "Faces",
        f"{which} of each subject, {height}x{width} pixels; black is 0, white 1.{rest}",
        panels,
        scale={"kind": "photograph"},
        columns=min(COLUMNS, len(panels)),
    )
