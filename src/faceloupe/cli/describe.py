"""``faceloupe describe``: give a person in a gallery an external id, or metadata."""

from typing import Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName, Name
from faceloupe.cli.terminal import echo, echo_json
from faceloupe.errors import InputError
from faceloupe.numerals import counted


def describe(
    name: Name,
    external_id: Annotated[
        str | None, typer.Option(metavar="ID", help='Identifier of the person elsewhere; "" removes it.')
    ] = None,
    metadata: Annotated[
        str | None,
        typer.Option(
            metavar="JSON",
            help="""Details to set as a JSON object, such as '{"floor": 3}'; null removes one, and the others stay.""",
        ),
    ] = None,
    gallery: GalleryName = "faceloupe.db",
    json: AsJson = False,
) -> None:
    """Give a person an external id, or metadata. Two people may share a name if each has an external id."""
    from faceloupe.gallery.identity import checked_metadata
    from faceloupe.gallery.opening import open_gallery

    if external_id is None and metadata is None:
        raise InputError("describe takes --external-id ID, --metadata JSON or both")
    parsed = None if metadata is None else checked_metadata(metadata)
    with open_gallery(gallery) as people:
        person = people.describe(name, external_id=external_id, metadata=parsed)
    if json:
        echo_json(person.to_document())
        return
    id_words = "no external id" if person.external_id is None else f"the external id {person.external_id}"
    echo(f"{person.name} has {id_words} and {counted(len(person.metadata), 'item')} of metadata now.")
