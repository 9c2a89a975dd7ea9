"""A document as one HTML file that opens from disk: no request, no reader left out, scripts for those who have them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from faceloupe.errors import InputError
from faceloupe.files import write_whole
from faceloupe.report.hover import has_pictures, render_hover
from faceloupe.report.loupe_section import LOUPE_ID, loupe_sources, loupe_style, render_loupe
from faceloupe.report.markup import element, escape, identifier, inline, paragraphs, plain, terms
from faceloupe.report.policy import content_policy
from faceloupe.report.rendering import SIGNS, badges, blocks_of, render_block
from faceloupe.report.scales import format_number

SCHEMA = "faceloupe.page/1"
BLOCKS = ("text", "table", "chart", "pictures", "statement", "answers", "fold", "switch", "live")
NAMELESS = ("text", "fold")  # blocks without an id


def render_page(document: Mapping[str, Any]) -> str:
    """Return a document as one self-contained HTML page.

    Parameters
    ----------
    document : mapping
        As :func:`faceloupe.page` makes it of a result; ``evidence`` is not drawn. With ``loupe``, the page
        holds the loupe (:mod:`faceloupe.report.loupe_section`) after its first section; with pictures, the script of
        :mod:`faceloupe.report.hover` that reads their numbers. Without either no script may run.

    Returns
    -------
    str
        HTML with its styles, charts (SVG) and pictures (PNG) within; light, dark and for print. Of a path that is no
        UTF-8 the bytes that are none are escaped.

    Raises
    ------
    InputError
        If the document has another schema, an unknown block, two blocks of one kind with the same id, or a word that
        its glossary does not explain.
    """
    check_document(document)
    loupe = "loupe" in document
    hover, *hover_sources = render_hover() if has_pictures(document) else ("",)
    sources = [*(loupe_sources() if loupe else []), *hover_sources]
    head = render_head(document["title"], loupe_style() if loupe else "", sources)
    body = (
        '<a class="skip" href="#content">Skip to the article</a>'
        + element("header", _masthead(document), class_="masthead")
        + _contents(document)
        + element("main", _verdicts(document) + _sections(document), id="content", tabindex="-1")
        + element("footer", _footer(document))
        + _glossary(document)
        + hover
    )
    page = f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'
    return page.encode(errors="backslashreplace").decode()


def write_page(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document as the page of :func:`render_page`, whole or not at all, for its owner's eyes only."""
    write_whole(path, render_page(document).encode())


def render_head(title: str, style: str = "", scripts: Iterable[str] = ()) -> str:
    """Return the content of a page's ``<head>``: the report's own style and more, and what scripts may run."""
    own = files("faceloupe.report").joinpath("static/style.css").read_text(encoding="utf-8")
    return (
        '<meta charset="utf-8">'
        + f'<meta http-equiv="Content-Security-Policy" content="{escape(content_policy(scripts))}">'
        + '<meta name="viewport" content="width=device-width, initial-scale=1">'
        + '<meta name="color-scheme" content="light dark">'
        + '<link rel="icon" href="data:,">'
        + element("title", escape(plain(title)))
        + element("style", own + style)
    )


def check_document(document: Mapping[str, Any]) -> None:
    """Raise InputError if a document cannot be drawn."""
    if document.get("schema") != SCHEMA:
        raise InputError(
            f"Expected a page, schema {SCHEMA}, not {document.get('schema')!r}. faceloupe.page(result) makes the page "
            "of a result; its to_document() holds numbers and no page."
        )
    blocks = list(blocks_of(document))
    unknown = {str(block["type"]) for block in blocks} - set(BLOCKS)
    if unknown:
        raise InputError(f"Unknown blocks: {', '.join(sorted(unknown))}; a document holds {', '.join(BLOCKS)}.")
    names = Counter(_address(block) for block in blocks if block["type"] not in NAMELESS)
    names.update(identifier("section", section["id"]) for section in document["sections"])
    parts = ("text", "caption", "note", "claim", "because")
    texts = [*document["lead"], *(block.get(part) or "" for block in blocks for part in parts)]
    texts += [str(cell) for block in blocks for row in block.get("rows", ()) for cell in row]
    unexplained = {word for text in texts for word in terms(text)} - document.get("glossary", {}).keys()
    if unexplained:
        raise InputError(f"The glossary does not explain: {', '.join(sorted(unexplained))}.")
    twice = [name for name, times in names.items() if times > 1]
    if twice:
        raise InputError(f"Give each block an id of its own; these are taken twice: {', '.join(twice)}.")


def _address(block: Mapping[str, Any]) -> str:
    kind = "figure" if block["type"] in ("chart", "pictures") else str(block["type"])
    return identifier(kind, block["id"])


def _masthead(document: Mapping[str, Any]) -> str:
    question, *answer = document["lead"] or [""]
    lead = paragraphs(question, "question") + "".join(paragraphs(part) for part in answer)
    opening = "".join(render_block(block, 2) for block in document.get("opening", ()))
    return element("h1", inline(document["title"])) + element("div", lead, class_="lead") + opening


def _contents(document: Mapping[str, Any]) -> str:
    places = [(identifier("section", section["id"]), section["heading"]) for section in document["sections"]]
    if "loupe" in document:
        places.insert(_loupe_place(document), (LOUPE_ID, "The loupe"))
    links = "".join(element("li", element("a", inline(heading), href=f"#{id_}")) for id_, heading in places)
    inner = element("div", element("p", "Contents", id="contents") + element("ol", links))
    return element("nav", inner, class_="contents", aria_labelledby="contents")


def _verdicts(document: Mapping[str, Any]) -> str:
    """Return the statements in a fold, each with its verdicts and a link to its evidence."""
    statements = [block for block in blocks_of(document) if block["type"] == "statement"]
    if not statements:
        return ""
    rows = "".join(
        element("li", element("a", inline(plain(block["claim"])), href="#" + _address(block)) + badges(block))
        for block in statements
    )
    counts = Counter(str(judged["verdict"]) for block in statements for judged in block["judged"])
    tally = ", ".join(f"{counts[verdict]} {verdict}" for verdict in SIGNS if counts[verdict])
    claims = f"{len(statements)} claim{'s' if len(statements) > 1 else ''}"
    heading = element("h2", f"{claims}, {sum(counts.values())} verdicts: {tally}", id="glance")
    content = element("details", element("summary", heading) + element("ul", rows))
    return element("section", content, class_="glance", aria_labelledby="glance")


def _sections(document: Mapping[str, Any]) -> str:
    sections = [
        element(
            "section",
            element("h2", inline(section["heading"]), id=f"{id_}-heading")
            + "".join(map(render_block, section["blocks"])),
            id=id_,
            aria_labelledby=f"{id_}-heading",
        )
        for section in document["sections"]
        for id_ in [identifier("section", section["id"])]
    ]
    if "loupe" in document:
        still = "".join(map(render_block, document.get("loupe_still", ())))
        sections.insert(_loupe_place(document), render_loupe(document["loupe"], still))
    return "".join(sections)


def _loupe_place(document: Mapping[str, Any]) -> int:
    """Return the number of sections before the loupe: those before the one that it names, else one."""
    ids = [section["id"] for section in document["sections"]]
    return ids.index(document["loupe_before"]) if "loupe_before" in document else 1


def _glossary(document: Mapping[str, Any]) -> str:
    """Return the meaning of each word, to be opened where it stands; in print they stand in a list at the end."""
    words = document.get("glossary", {})
    if not words:
        return ""
    entries = "".join(
        element("p", f"<b>{escape(word)}</b> {inline(meaning)}", id=identifier("term", word), popover="auto")
        for word, meaning in words.items()
    )
    heading = element("h2", "Words explained", id="glossary")
    return element("aside", heading + entries, class_="glossary", aria_label="Words explained")


def _footer(document: Mapping[str, Any]) -> str:
    facts = document.get("provenance", {})
    terms = "".join(element("dt", inline(name)) + element("dd", _fact(fact)) for name, fact in facts.items())
    # Not in print: a sheet of paper holds neither networks nor all of the captures.
    terms += element("dt", "What this file contains", class_="screen")
    terms += element("dd", _fact(_inventory(document)), class_="screen")
    return element("h2", "Where the numbers come from", id="provenance") + element("dl", terms, class_="provenance")


def _fact(fact: Any) -> str:
    if isinstance(fact, list) and all(isinstance(part, int | float) for part in fact):
        return ", ".join(map(format_number, fact))
    if isinstance(fact, list):
        return element("ul", "".join(element("li", _fact(part)) for part in fact))
    return inline(fact) if isinstance(fact, str) else format_number(fact)


def _inventory(document: Mapping[str, Any]) -> str:
    """Return in words what pictures the file carries, photographs of people first."""
    blocks = [block for block in blocks_of(document) if block["type"] == "pictures"]
    faces = [
        plain(panel["label"]) for block in blocks if block["scale"]["kind"] == "photograph" for panel in block["panels"]
    ]
    others = sum(len(block["panels"]) for block in blocks) - len(faces)
    computed = f"{others} picture{'s' if others > 1 else ''} computed by networks" if others else "no other pictures"
    if not faces and "loupe" not in document:
        return f"No photographs; {computed}."
    shown = [f"Photographs of faces ({len(faces)}): {'; '.join(faces)}"] if faces else []
    if "loupe" in document:
        fits = sum(len(network["fits"]) for network in document["loupe"]["networks"].values())
        shown.append(f"In the loupe {len(document['loupe']['labels'])} captures of faces and {fits} trained networks")
    return f"{'. '.join(shown)}; {computed}. Faces are biometric data: think before you pass this file on."
