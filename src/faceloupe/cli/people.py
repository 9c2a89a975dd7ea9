"""``faceloupe people``: list the people in a gallery."""

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import aligned, echo, echo_json, moment, say
from faceloupe.numerals import counted


def people(gallery: GalleryName = "faceloupe.db", json: AsJson = False) -> None:
    """List the people in a gallery."""
    from faceloupe.gallery.opening import open_gallery
    from faceloupe.gallery.records import people_document

    with open_gallery(gallery) as source:
        listed = source.people()
    if json:
        echo_json(people_document(listed))
        return
    if listed:
        with_ids = any(person.external_id for person in listed)
        rows = [
            (
                person.name,
                *([person.external_id or ""] if with_ids else []),
                str(person.references),
                ", ".join(sorted({embedder.name for embedder in person.embedders})),
                moment(person.created),
            )
            for person in listed
        ]
        echo(
            aligned(("name", *(["external id"] if with_ids else []), "references", "embedders", "created (UTC)"), rows)
        )
    say(f"{counted(len(listed), 'subject')} in {source.name}.")
