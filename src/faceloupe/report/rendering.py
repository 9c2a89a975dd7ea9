"""The blocks of a section as HTML: text, tables, charts, pictures, folds, switches, statements with their verdicts."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from faceloupe.report.charts import render_chart
from faceloupe.report.markup import element, identifier, inline, paragraphs
from faceloupe.report.pictures import render_pictures
from faceloupe.report.tables import render_table

Block = Mapping[str, Any]
LONG = 14  # letters; a value that brings its arithmetic is set smaller
SIGNS = {"supported": "✓", "not shown": "?", "contradicted": "✕"}
ANSWERS = {"supported": "yes", "contradicted": "no"}


def blocks_of(document: Block) -> Iterator[Block]:
    """Yield every block of a document in reading order, those within others after them, then those of its still."""
    yield from _with_inner(document.get("opening", ()))
    for section in document["sections"]:
        yield from _with_inner(section["blocks"])
    yield from _with_inner(document.get("loupe_still", ()))


def _with_inner(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        yield from _with_inner(block.get("blocks", ()))
        for choice in block.get("choices", ()):
            yield from _with_inner(choice["blocks"])
        if block.get("block"):
            yield from _with_inner([block["block"]])


def render_block(block: Block, level: int = 3) -> str:
    """Return a block as HTML; headings in it begin at the given level."""
    match block["type"]:
        case "text":
            return paragraphs(block["text"])
        case "table":
            return render_table(block)
        case "chart":
            return render_chart(block, level)
        case "pictures":
            return render_pictures(block, level)
        case "answers":
            return _answers(block, level)
        case "fold":
            return _fold(block["summary"], "".join(render_block(inner, level) for inner in block["blocks"]))
        case "switch":
            return _switch(block, level)
        case "live":
            still = "".join(render_block(inner, level) for inner in block["blocks"])
            moving = element("div", "", id=identifier("live", block["id"]), class_="live")
            return moving + element("div", still, class_="still")
        case _:
            return _statement(block, level)


def badge(verdict: str, manner: str = "says") -> str:
    """Return a verdict as a sign and a word; the look only repeats them. What is asked is answered by yes or no."""
    sign = element("span", SIGNS[verdict], aria_hidden="true")
    word = ANSWERS.get(verdict, verdict) if manner == "asks" else verdict
    return element("span", f"{sign} {word}", class_=f"badge {identifier(verdict)}")


def badges(block: Block) -> str:
    """Return the verdicts of a statement in one line, each verdict once."""
    verdicts = dict.fromkeys(judged["verdict"] for judged in block["judged"])
    return "".join(badge(verdict, block["manner"]) for verdict in verdicts)


def _answers(block: Block, level: int) -> str:
    """Return questions with a short answer each, and a link to the section that shows why."""
    id_ = identifier("answers", block["id"])
    items = "".join(
        element(
            "li",
            element("a", inline(item["question"]), href="#" + identifier("section", item["section"]))
            + element("p", inline(item["answer"])),
        )
        for item in block["items"]
    )
    content = element(f"h{level}", inline(block["heading"]), id=f"{id_}-heading") + element("ol", items)
    return element("section", content, id=id_, class_="answers-in-short", aria_labelledby=f"{id_}-heading")


def _fold(summary: str, content: str) -> str:
    return element("details", element("summary", inline(summary)) + content, class_="fold")


def _switch(block: Block, level: int) -> str:
    """Return choices, one of them visible: radio buttons and a style do it, without scripts; print shows all."""
    id_ = identifier("switch", block["id"])
    names = [f"{id_}-{place}" for place in range(len(block["choices"]))]
    buttons = "".join(
        f'<input type="radio" name="{id_}" id="{name}"{" checked" * (place == 0)}>'
        + element("label", inline(choice["label"]), **{"for": name})
        for place, (name, choice) in enumerate(zip(names, block["choices"], strict=True))
    )
    shown = "".join(
        f"#{id_}:has(#{name}:checked) > .choice:nth-of-type({place}) {{ display: block }}"
        for place, name in enumerate(names, start=1)
    )
    choices = "".join(
        element("div", "".join(render_block(inner, level) for inner in choice["blocks"]), class_="choice")
        for choice in block["choices"]
    )
    chooser = element("fieldset", element("legend", inline(block["label"])) + buttons)
    return element("div", element("style", shown) + chooser + choices, id=id_, class_="choices wide")


def _statement(block: Block, level: int) -> str:
    id_ = identifier("statement", block["id"])
    manner = element("span", f"The tutorial {block['manner']}:", class_="manner") + " "
    drawn = render_block(block["block"], level + 1) if block.get("block") else ""
    has_parts = any(judged["of"] or judged["quantity"] for judged in block["judged"])
    measured = any(judged["quantity"] for judged in block["judged"])
    alone = "" if has_parts else badges(block)
    judged = "".join(_judged(judged, block["manner"]) for judged in block["judged"])
    settle = any(judged["settle"] for judged in block["judged"])
    statistics = drawn + _figures(block) if drawn or block["figures"] or settle else ""
    content = (
        element(f"h{level}", manner + inline(block["claim"]) + alone, id=f"{id_}-claim")
        + ("" if alone else element("ul", judged, class_="judged" if measured else "judged in-a-row"))
        + paragraphs(block["because"])
        + (_fold("The statistics", statistics) if statistics else "")
    )
    return element("article", content, id=id_, class_="statement", aria_labelledby=f"{id_}-claim")


def _judged(judged: Block, manner: str) -> str:
    of = element("span", inline(judged["of"]), class_="of") if judged["of"] else ""
    quantity = element("span", inline(judged["quantity"]), class_="quantity") if judged["quantity"] else ""
    return element("li", badge(judged["verdict"], manner) + element("span", of + quantity))


def _figures(block: Block) -> str:
    rules = dict.fromkeys(judged["rule"] for judged in block["judged"] if judged["rule"])
    notes = [f"The limit: {'; '.join(rules)}."] if rules else []
    notes += [
        f"{judged['of']}: {judged['settle']}" if judged["of"] else judged["settle"]
        for judged in block["judged"]
        if judged["settle"]
    ]
    terms = "".join(
        element("div", element("dt", inline(figure["label"])) + element("dd", _figure(figure)))
        for figure in block["figures"]
    )
    paragraphs = "".join(element("p", inline(note), class_="settle") for note in notes)
    return paragraphs + (element("dl", terms, class_="figures") if terms else "")


def _figure(figure: Block) -> str:
    notes = [inline(figure[key]) for key in ("interval", "n") if figure.get(key)]
    small = element("span", ", ".join(notes), class_="interval") if notes else ""
    long = "long" if len(figure["value"]) > LONG else None
    return element("b", inline(figure["value"]), class_=long) + small
