"""``faceloupe audit``: who did what in a gallery, and when."""

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import echo, echo_json, history

__all__ = ["audit"]


def audit(gallery: GalleryName = "faceloupe.db", json: AsJson = False) -> None:
    """Print who did what in a gallery, and when: the trail, without names and templates."""
    from faceloupe.gallery import open_gallery
    from faceloupe.gallery.records import audit_document

    with open_gallery(gallery) as opened:
        entries = opened.audit()
    if json:
        echo_json(audit_document(entries))
    elif entries:
        echo(history(entries))
