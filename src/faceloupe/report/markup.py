"""Text to HTML: everything is escaped, and only ``**bold**``, `` `code` `` and ``[[word]]`` mean something.

``[[word]]`` opens what a page's glossary says of the word, ``[[as written|word]]`` does so in another form.
"""

import html
import re
from typing import Any

# What reads as one number does not break over lines: "95 %", "8 × 8", "n = 24", "[66.7, 100.0]".
BOUND = re.compile(
    r"(?<=\d) (?=[%×])|(?<=×) (?=\d)|(?<=\bn) (?==)|(?<=\bn =) (?=\d)|(?<=[\d%],) (?=[+−-]?[\d.]+(?: %)?\])"
)
MARKS = re.compile(
    r"\*\*(?P<bold>.+?)\*\*|`(?P<code>[^`]+)`|\[\[(?P<term>[^\[\]|]+)(?:\|(?P<entry>[^\[\]|]+))?\]\]", re.DOTALL
)
# A word that opens its meaning, with the letters and punctuation that touch it: a line may break beside a button.
TOUCHED = re.compile(r"\(?<button[^>]*>[^<]*</button>[^\s<]*")


def escape(text: object) -> str:
    """Return text that is safe between tags and in a quoted attribute."""
    return html.escape(str(text), quote=True)


def inline(text: str) -> str:
    """Return text as HTML.

    >>> inline("**16,393** weights < `a & b`")
    '<strong>16,393</strong> weights &lt; <code>a &amp; b</code>'
    """

    def replace(match: re.Match[str]) -> str:
        if match["term"]:
            entry = identifier("term", html.unescape(match["entry"] or match["term"]))
            return f'<button type="button" class="term" popovertarget="{entry}">{match["term"]}</button>'
        return f"<strong>{match['bold']}</strong>" if match["bold"] else f"<code>{match['code']}</code>"

    marked = MARKS.sub(replace, BOUND.sub("\N{NO-BREAK SPACE}", escape(text)))
    return TOUCHED.sub(r'<span class="unbroken">\g<0></span>', marked)


def plain(text: str) -> str:
    """Return text without its marks, for places that hold no markup (attributes, chart labels).

    >>> plain("**16,393** weights in `hidden`")
    '16,393 weights in hidden'
    """
    return MARKS.sub(lambda match: match["bold"] or match["code"] or match["term"], text)


def terms(text: str) -> set[str]:
    """Return the entries of the glossary that a text opens.

    >>> terms("a [[ReLU]] and its [[maps|feature map]]") == {"ReLU", "feature map"}
    True
    """
    return {match["entry"] or match["term"] for match in MARKS.finditer(text) if match["term"]}


def paragraphs(text: str, class_: str | None = None) -> str:
    """Return one ``<p>`` for each part between blank lines."""
    parts = [part for part in re.split(r"\n\s*\n", text) if part.strip()]
    return "".join(element("p", inline(part.strip()), class_=class_) for part in parts)


def element(name: str, content: str = "", **attributes: Any) -> str:
    """Return an element; content is HTML already, attribute values are escaped and ``None`` leaves one out.

    >>> element("a", "here", class_="x", aria_label='"q"', href=None)
    '<a class="x" aria-label="&quot;q&quot;">here</a>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>"


def identifier(*parts: str) -> str:
    """Return an ``id`` that needs no escaping in HTML, in a URL or as a file name.

    >>> identifier("figure", "s1/3 <b>")
    'figure-s1-3-b'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts)).strip("-").lower()
