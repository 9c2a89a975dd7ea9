"""A page that holds the loupe, and what tests do on it in a browser."""

from importlib.resources import files
from typing import Any

from faceloupe.report.loupe_section import loupe_sources, loupe_style, render_loupe
from faceloupe.report.policy import content_policy

__all__ = ["VIEWS", "drawn", "fact", "go", "number", "open_at", "page_of", "said"]

VIEWS = ("face", "layers", "convolution", "microscope", "pooling", "ledger", "time", "seeds", "laboratory")


def page_of(study: dict[str, Any]) -> str:
    style = files("faceloupe.report").joinpath("static/style.css").read_text(encoding="utf-8") + loupe_style()
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Loupe</title>'
        f'<link rel="icon" href="data:,">'
        f'<meta http-equiv="Content-Security-Policy" content="{content_policy(loupe_sources())}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f"<body><main><h1>Loupe</h1>{render_loupe(study)}</main></body></html>"
    )


def open_at(page: Any, address: str) -> Any:
    page.goto("about:blank")
    page.goto(address)
    page.locator("#loupe .tabs").wait_for()
    return page


def go(page: Any, view: str) -> None:
    page.locator("#loupe .tabs button").nth(VIEWS.index(view)).click()
    page.locator(f"#loupe .view-{view}").wait_for()


def drawn(page: Any) -> None:
    """Wait until what was done is seen."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def fact(page: Any, kind: str, name: str) -> str:
    drawn(page)
    return str(page.locator(f".answer.{kind} dl div", has_text=name).locator("dd").inner_text())


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("+", ""))


def said(page: Any) -> str:
    drawn(page)
    return str(page.locator("#loupe .said").inner_text())
