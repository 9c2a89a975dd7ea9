"""``faceloupe audit``: the trail of a gallery, who did what and when."""

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import echo, echo_json, history, say


def audit(gallery: GalleryName = "faceloupe.db", json: AsJson = False) -> None:
    """Print the trail of a gallery: who did what and when. No name or template is in it."""
    from faceloupe.gallery.opening import open_gallery
    from faceloupe.gallery.records import audit_document

    with open_gallery(gallery) as people:
        entries, head = people.audit(), people.trail_head()
    if json:
        echo_json(audit_document(entries))
    elif entries:
        echo(history(entries))
    if entries:
        say(f"Each line rests on those before it. Note the hash of the last one elsewhere, {head}: faceloupe check "
            "--trail HASH tells later whether that line is still there.")  # fmt: skip
