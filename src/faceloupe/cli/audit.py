"""``faceloupe audit``: the trail of a gallery, who did what and when."""

from typing import Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import echo, echo_json, history, say


def audit(
    limit: Annotated[int | None, typer.Option(min=1, help="Print only so many lines, the newest.")] = None,
    gallery: GalleryName = "faceloupe.db",
    json: AsJson = False,
) -> None:
    """Print the trail of a gallery: who did what and when, the newest last. No name or template is in it."""
    from faceloupe.gallery.opening import open_gallery
    from faceloupe.gallery.records import audit_document

    with open_gallery(gallery) as people:
        first = 1 if limit is None else max(1, people.last_entry() - limit + 1)
        entries, head = people.audit(first), people.trail_head()
    if json:
        echo_json(audit_document(entries))
    elif entries:
        echo(history(entries))
    if entries:
        say(
            f"The last line's hash is {head}. Note it elsewhere: faceloupe check --trail HASH tells later whether the "
            "line, which rests on all before it, is still there."
        )
