"""``faceloupe look``: look inside a network while it looks at faces, and write one page on it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from faceloupe.cli.terminal import check_file, check_folder, echo, echo_json, progress, say, say_lead, stoppable

__all__ = ["look"]


def look(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A folder saved by faceloupe, an ONNX file, or module:function that makes a torch module (runs it).",
        ),
    ],
    faces: Annotated[
        list[str],
        typer.Argument(metavar="FACE", help="Image files, or olivetti:3 or orl:3, the number of a capture from 0."),
    ],
    compare: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Another network to show the same faces.")
    ] = None,
    layers: Annotated[list[str] | None, typer.Option(help="A layer to show; may be given several times.")] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Attribution method, may be given several times. By default occlusion; none for no maps."),
    ] = None,
    certificate: Annotated[
        bool, typer.Option(help="Check each map; that takes 10 to 40 times as long as making it.")
    ] = True,
    weights: Annotated[Path | None, typer.Option(help="Safetensors file for module:function.")] = None,
    size: Annotated[int | None, typer.Option(help="Side of the faces in pixels, where MODEL does not say.")] = None,
    pixels: Annotated[
        str | None,
        typer.Option(metavar="0..1|0..255|-1..1", help="What an ONNX file or module expects; 0..1 by default."),
    ] = None,
    bgr: Annotated[bool, typer.Option("--bgr", help="An ONNX file or module expects blue first.")] = False,
    answers: Annotated[
        str | None,
        typer.Option(metavar="classes|template", help="What its numbers are. By default judged by how many they are."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The page. By default look.html.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the document instead.")] = False,
    figures: Annotated[Path | None, typer.Option(help="A folder for every picture as a PNG file instead.")] = None,
) -> None:
    """Look inside a network while it looks at faces, and write one page on it."""
    from faceloupe import looking
    from faceloupe.pages import page as make_page
    from faceloupe.report import save_figures, write_page

    page = out or (None if json or figures else Path("look.html"))
    if page is not None:
        check_file(page, (model, compare, weights, *faces))
    check_folder(figures)

    def write(found: looking.Look) -> None:
        if page is not None:
            write_page(page, make_page(found))

    with stoppable(lambda: _stopped(page)), progress("looking", transient=True) as told:
        given: dict[str, Any] = {"size": size, "pixels": pixels, "bgr": bgr, "answers": answers}
        saved_beside = compare and Path(compare).is_dir()
        saved = Path(model).is_dir() and compare and not saved_beside  # then what is given is for the other one
        opened = looking.open_model(model, weights=weights, **({} if saved else given))
        beside = compare and looking.open_model(compare, **({} if saved_beside else given))
        found = looking.look(
            opened, faces, layers=layers, methods=[one for one in method or ["occlusion"] if one != "none"],
            compare=beside, certify=certificate, progress=told, preview=write,
        )  # fmt: skip
        write(found)
    document = found.to_document()
    if figures is not None:
        say(f"{len(save_figures(make_page(found), figures))} figures in {figures}")
    say_lead(document)
    echo_json(document) if json else echo(str(page or figures))


def _stopped(page: Path | None) -> str:
    kept = page is not None and page.exists()
    return f"Stopped. {page} is whole, as it was last written." if kept else "Stopped; nothing was written."
