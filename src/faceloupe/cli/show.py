"""``faceloupe show``: everything that a gallery keeps about a person."""

from typing import TYPE_CHECKING

from faceloupe.cli.options import AsJson, GalleryName, Name
from faceloupe.cli.terminal import aligned, echo, echo_json, history, moment
from faceloupe.documents import json_text
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.gallery.records import Record


def show(name: Name, gallery: GalleryName = "faceloupe.db", json: AsJson = False) -> None:
    """Show everything kept about a person: consent, references with their quality, and the history."""
    from faceloupe.gallery.opening import open_gallery

    with open_gallery(gallery) as people:
        record = people.person(name)
    if json:
        echo_json(record.to_document())
        return
    echo(_shown(record))


def _shown(record: "Record") -> str:
    person = record.person
    facts = [("number", str(person.id)), ("enrolled", f"{moment(person.created)} UTC")]
    facts += [("external id", person.external_id)] if person.external_id else []
    facts += [("metadata", json_text(person.metadata))] if person.metadata else []
    facts += [("consent", line) for line in person.consent.splitlines() or ["no note"]]
    blocks = [
        person.name,
        "\n".join(f"  {name:<13}{fact}" for name, fact in facts),
        counted(len(record.references), "reference") + "\n" + _references(record),
        "What was done (UTC)\n" + history(record.history),
    ]
    return "\n\n".join(blocks)


def _references(record: "Record") -> str:
    headings = (
        "id", "made by", "eyes px", "sharpness", "brightness", "yaw °", "norm", "face kept", "photograph's SHA-256",
    )  # fmt: skip
    rows = [
        (
            str(reference.id),
            reference.embedder.name,
            f"{reference.quality['eye_distance']:.0f}",
            f"{reference.quality['sharpness']:.1f}",
            f"{reference.quality['brightness']:.2f}",
            f"{reference.quality['pose']['yaw']:.0f}",
            "" if (norm := reference.quality["embedding_norm"]) is None else f"{norm:.1f}",
            "yes" if reference.has_face else "no",
            f"{reference.source_sha256[:16]}…",
        )
        for reference in record.references
    ]
    return aligned(headings, rows)
