"""``faceloupe look``: look inside a network while it looks at faces, and write one page on it."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from faceloupe.cli.bounded import is_child, memory_told, run_child, step_done, work_done
from faceloupe.cli.options import AsJson
from faceloupe.cli.terminal import check_file, check_folder, echo, echo_json, progress, say, say_lead, stoppable
from faceloupe.errors import InputError
from faceloupe.progress import Progress


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
    weights: Annotated[
        Path | None, typer.Option(help="File for module:function, of safetensors or torch.save.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="N|HxW", help="Side, or height x width, of the faces in pixels, if MODEL does not say."),
    ] = None,
    pixels: Annotated[
        str | None,
        typer.Option(
            metavar="0..1|0..255|-1..1|imagenet", help="Pixels that an ONNX file or module expects; 0..1 by default."
        ),
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(metavar="M[,M,M]", help="Mean to subtract from those pixels: a number, or one per channel."),
    ] = None,
    std: Annotated[
        str | None, typer.Option(metavar="S[,S,S]", help="Divisor after the mean: a number, or one per channel.")
    ] = None,
    bgr: Annotated[bool, typer.Option("--bgr", help="An ONNX file or module expects blue first.")] = False,
    answers: Annotated[
        str | None,
        typer.Option(
            metavar="classes|template", help="Meaning of its output. By default judged by the number of values."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The page. By default look.html.")] = None,
    memory: Annotated[float | None, typer.Option(help="Gigabytes a foreign network may take; 4 by default.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Seconds it may take for one step; 120 by default.")] = None,
    json: AsJson = False,
    figures: Annotated[Path | None, typer.Option(help="Save every picture in this folder as PNG instead.")] = None,
) -> None:
    """Look inside a network while it looks at faces, and write one page on it."""
    foreign = [name for name in (model, compare) if name and not Path(name).is_dir()]
    if foreign and not is_child():
        raise typer.Exit(run_child(" or ".join(foreign), memory, seconds))
    from faceloupe import looking
    from faceloupe.pages import page as make_page
    from faceloupe.report.figures import save_figures
    from faceloupe.report.page import write_page

    page = out or (None if json or figures else Path("look.html"))
    if page is not None:
        check_file(page, (model, compare, weights, *faces))
    check_folder(figures)

    def write(result: looking.Look) -> None:
        if page is not None:
            write_page(page, make_page(result))
        step_done()

    with (
        redirect_stdout(sys.stderr),  # what a network prints is talk
        memory_told(" or ".join(foreign)),
        stoppable(lambda: _stopped(page)),
        progress("looking", transient=True) as show,
    ):
        reading: dict[str, Any] = {
            "size": _sides(size), "pixels": pixels, "bgr": bgr, "answers": answers,
            "mean": _numbers("mean", mean), "std": _numbers("std", std),
        }  # fmt: skip
        saved_beside = compare and Path(compare).is_dir()
        # Beside a saved network, which knows how it is read, the options are for the other one.
        saved = Path(model).is_dir() and compare and not saved_beside
        network = looking.open_model(model, weights=weights, **({} if saved else reading))
        other = compare and looking.open_model(compare, **({} if saved_beside else reading))
        result = looking.look(
            network, faces, layers=layers, methods=[name for name in method or ["occlusion"] if name != "none"],
            compare=other, certify=certificate, progress=_stepping(show), preview=write,
        )  # fmt: skip
        write(result)
    document = result.to_document()
    if figures is not None:
        say(f"{len(save_figures(make_page(result), figures))} figures in {figures}")
    say_lead(document)
    for note in result.notes:
        say(f"\n{note}")
    echo_json(document) if json else echo(str(page or figures))
    work_done()


def _stepping(progress: Progress) -> Progress:
    """Return a progress that also begins the time of the next step."""

    def step(done: float, whole: float) -> None:
        step_done()
        progress(done, whole)

    return step


def _sides(size: str | None) -> int | tuple[int, int] | None:
    """Return a side, or height and width, as "112" or "112x96" says."""
    if size is None:
        return None
    sides = size.lower().replace("×", "x").split("x")
    if not all(side.strip().isdecimal() for side in sides) or len(sides) > 2:
        raise InputError(f"--size: expected a side or height x width in pixels, such as 112 or 112x96; got {size!r}")
    return int(sides[0]) if len(sides) == 1 else (int(sides[0]), int(sides[1]))


def _numbers(name: str, text: str | None) -> tuple[float, ...] | None:
    """Return the numbers between commas."""
    try:
        return None if text is None else tuple(map(float, text.split(",")))
    except ValueError:
        raise InputError(f"--{name}: expected a number, or one per channel as in 0.5,0.5,0.5; got {text!r}") from None


def _stopped(page: Path | None) -> str:
    is_written = page is not None and page.exists()
    return f"Stopped. {page} is whole, as it was last written." if is_written else "Stopped; nothing was written."
