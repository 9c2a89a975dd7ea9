"""A look's page as a plain document."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from faceloupe.blocks import Block, section, text
from faceloupe.inspection.views.anatomy import anatomy_table
from faceloupe.looking.look import Look
from faceloupe.looking.loupe_data import loupe_document, loupe_fault
from faceloupe.looking.measure_sections import comparison, measures
from faceloupe.looking.sections import attributions, faces, layers
from faceloupe.looking.summary import lead


def write_article(look: Look) -> dict[str, Any]:
    """Return the page of a look; its picture is that of the first method's attributions, or of the last layer."""
    looks = {"": look} if look.other is None else {"a-": look, "b-": look.other}
    loupe = loupe_document(look)
    sections = [
        section("faces", "The faces, and what the network answers", faces(looks, loupe_fault(look))),
        section("attribution", "What the answers rest on", attributions(looks)),
        section("network", "The network, layer by layer", _network(looks)),
        section("layers", "What each layer puts out", layers(looks)),
        section("measures", "Measures", measures(looks)),
        section("comparison", "How alike the two networks are, layer by layer", comparison(look)),
    ]
    drawn = [block["id"] for part in sections for block in part["blocks"] if block["type"] == "pictures"]
    attributed = [id_ for id_ in drawn if id_.startswith("attribution")]
    return {
        "title": f"A look inside {' and '.join(part.model.name for part in looks.values())}",
        "lead": list(lead(look)),
        "sections": [part for part in sections if part["blocks"]],
        "plot": attributed[:1] or drawn[-1:],
        "evidence": look.to_document(),
        **({"loupe": loupe} if loupe else {}),
        "provenance": _provenance(looks),
    }


def _network(looks: dict[str, Look]) -> Iterator[Block]:
    for key, look in looks.items():
        if look.anatomy.not_counted:
            yield text(f"Multiply-adds of {look.model.name} are not counted for {', '.join(look.anatomy.not_counted)}.")
        caption = f"{look.model.name}, layer by layer, counted as it ran."
        yield anatomy_table(f"{key}anatomy", caption, look.anatomy, lambda layer: f"`{layer.name}` {layer.kind}")


def _provenance(looks: dict[str, Look]) -> dict[str, Any]:
    facts: dict[str, Any] = {"made by": f"faceloupe {version('faceloupe')}"}
    for look in looks.values():
        facts[look.model.name] = look.model.origin
        if look.model.digest:
            facts[f"{look.model.name}, SHA-256"] = look.model.digest
        facts[f"{look.model.name}, pixels"] = look.model.pixels
        facts["faces"] = [photograph.name for photograph in look.photographs]
    return facts
