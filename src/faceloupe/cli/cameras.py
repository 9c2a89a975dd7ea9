"""``faceloupe identify --camera``: who comes before a camera of this machine and who goes, as it happens."""

import os
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

from faceloupe.cli.terminal import check_file, echo, echo_json, say
from faceloupe.errors import InputError

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.recognition.search import FaceSearch
    from faceloupe.video.watching import Change


def watch_camera(
    source: str,
    gallery: "Gallery",
    search: "FaceSearch",
    *,
    rate: float,
    json_lines: Path | None,
    fmr: float | None,
    json: bool,
) -> None:
    """Print who appears before a camera and who goes, until Ctrl-C or its end, and then who was seen."""
    from faceloupe.documents import json_text
    from faceloupe.video.camera import open_camera
    from faceloupe.video.watching import Watch

    if json_lines is not None:
        check_file(json_lines, [source])
    with ExitStack() as stack:
        watch = Watch(gallery, fmr=fmr, faces=search)
        lines = stack.enter_context(_appended(json_lines)) if json_lines is not None else None
        camera = stack.enter_context(open_camera(source))
        began = datetime.now(UTC)

        def tell(change: "Change") -> None:
            at = began + timedelta(seconds=change.visit.last)
            document = {"at": at.isoformat(timespec="milliseconds"), **change.to_document()}
            if lines is not None:
                lines.write(json_text(document) + "\n")
                lines.flush()
            if json:
                echo_json(document)
                sys.stdout.flush()
            else:
                echo(f"{at.astimezone():%H:%M:%S}  {change.words()}")

        say(f"Watching {camera.name}; Ctrl-C ends it. No frame is kept.")
        try:
            for frame in camera.frames(rate):
                for change in watch.look(frame):
                    tell(change)
        except KeyboardInterrupt:  # the way to end it
            say("")
        finally:
            for change in watch.end():
                tell(change)
            say(watch.words())
        if not camera.read:
            raise InputError(f"camera {camera.name} gave no picture: is another program using it?")


def _appended(path: Path) -> IO[str]:
    """Open a file to add lines to, for its owner's eyes only."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")
