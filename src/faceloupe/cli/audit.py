"""``faceloupe audit``: who did what in a gallery, and when."""

import typer

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import dumped, history

__all__ = ["audit"]


def audit(gallery: GalleryName = "faceloupe.db", json: AsJson = False) -> None:
    """Print who did what in a gallery, and when: the trail, without names and templates."""
    from faceloupe.gallery import open_gallery
    from faceloupe.gallery.records import audit_document

    with open_gallery(gallery) as opened:
        entries = opened.audit()
    if json:
        typer.echo(dumped(audit_document(entries)))
    elif entries:
        typer.echo(history(entries))
