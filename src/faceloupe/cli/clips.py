"""``faceloupe identify`` for a clip: times per person as a table, CSV, JSON and a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faceloupe.cli.terminal import IN_FULL, aligned, check_file, echo, echo_json, progress, say, say_remarks, stoppable
from faceloupe.errors import InputError

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.recognition.search import FaceSearch
    from faceloupe.video.identified import IdentifiedClip


@dataclass(frozen=True, slots=True)
class ClipChoices:
    """Options that apply to a clip alone."""

    start: float = 0.0
    stop: float | None = None
    out: Path | None = None
    faces: bool = False

    def check_none(self) -> None:
        """Raise InputError if an option was given that applies to clips alone."""
        if self != ClipChoices():
            raise InputError("--start, --stop, --out and --faces are for a clip; for photographs take --csv or --json")


def identify_clip(
    paths: Sequence[str],
    gallery: "Gallery",
    search: "FaceSearch",
    choices: ClipChoices,
    *,
    csv: Path | None,
    fmr: float | None,
    ranks: int,
    json: bool,
) -> None:
    """Print and write who is in a clip, and when."""
    from faceloupe.files import write_whole
    from faceloupe.pages import page
    from faceloupe.report.page import write_page
    from faceloupe.video.identify import identify_clip as identified

    if len(paths) > 1:
        raise InputError("identify takes one clip at a time; run it once for each")
    for path in (csv, choices.out):
        if path is not None:
            check_file(path, paths)
    with stoppable("Stopped: nothing was written. --start and --stop look at a part."):
        with progress("looking at the clip", transient=True) as show:
            clip = identified(
                paths[0], gallery, fmr=fmr, start=choices.start, stop=choices.stop, faces=search, ranks=ranks,
                progress=show,
            )  # fmt: skip
        if csv is not None:
            write_whole(csv, clip.to_csv().encode(errors="backslashreplace"))
            say(f"written: {csv}")
        if choices.out is not None:
            write_page(choices.out, page(clip, show_faces=choices.faces))
            say(f"written: {choices.out}")
    if json:
        echo_json(clip.to_document())
        return
    echo(_table(clip))
    say_remarks(clip.notes(), clip.warnings())
    for words in clip.meaning():
        say(words)
    if clip.points:
        say(IN_FULL)


def _table(clip: "IdentifiedClip") -> str:
    from faceloupe.video.identified import clock, likest

    lead = clip.words().split("\n")[0]
    if not clip.people:
        return lead
    rows = []
    for person in clip.people:
        deciding, best = person.deciding, person.best
        rows.append(
            (
                person.name,
                clock(person.first),
                clock(person.last),
                f"{person.seconds:.2f}",
                "" if best is None else f"{best.score:.4f}",
                f"{deciding.point.threshold:.4f}",
                "" if person.known else likest(deciding),
            )
        )
    headings = ("who", "first seen", "last seen", "seen, s", "score", "threshold", "most like")
    return f"{lead}\n{aligned(headings, rows)}"
