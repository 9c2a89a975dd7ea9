"""``faceloupe explain``: one page on why two photographs match or not."""

from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.options import (
    AsJson,
    Central,
    DeviceName,
    EmbedderName,
    EngineName,
    GalleryDetectorName,
    MinSize,
    TargetFmr,
    Turned,
    gallery_if_any,
    open_gallery_if_any,
    search_of_one,
)
from faceloupe.cli.terminal import check_file, check_folder, echo, echo_json, progress, say, say_lead, stoppable
from faceloupe.errors import InputError

SUFFIXES = (".html", ".htm", ".png")


def explain(
    a: Annotated[str, typer.Argument(metavar="A", help="A photograph with one face.")],
    b: Annotated[str, typer.Argument(metavar="B", help="A second photograph with one face.")],
    gallery: Annotated[
        str | None, gallery_if_any("Also name the people in it who are most like the two, and use its threshold.")
    ] = None,
    fmr: TargetFmr = None,
    central: Central = False,
    method: Annotated[
        str, typer.Option(metavar="occlusion|correlation", help="Method that makes the maps.")
    ] = "occlusion",
    certificate: Annotated[
        bool, typer.Option(help="Check the maps; that takes about 12 times as long as making them.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(help="The page, or one picture if it ends in .png. By default why.html.")
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="Save every picture in this folder as PNG instead.")] = None,
    json: AsJson = False,
    min_size: MinSize = 20,
    turned: Turned = True,
    embedder: EmbedderName = None,
    detector: GalleryDetectorName = None,
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
) -> None:
    """Explain on one page why two photographs match or not. It shows both faces."""
    from faceloupe import explaining
    from faceloupe.embedders import DEFAULT, open_embedder
    from faceloupe.files import write_whole
    from faceloupe.pages import page as make_page
    from faceloupe.recognition.thresholds import published_point
    from faceloupe.report.figures import save_figures
    from faceloupe.report.page import write_page

    page = out or (None if json or figures else Path("why.html"))
    if page is not None:
        if page.suffix.lower() not in SUFFIXES:
            raise InputError(f"{page}: expected a name that ends in {', '.join(SUFFIXES)}")
        check_file(page, (a, b, gallery))
    check_folder(figures)
    search = search_of_one(central=central, min_size=min_size, turned=turned, detector=detector, engine=engine)
    with (
        stoppable("Stopped; nothing was written."),
        open_gallery_if_any(gallery, embedder, engine) as people,
        progress("explaining", transient=True) as show,
    ):
        if people and not people.n_subjects():
            say(f"{gallery} is empty: the page tells nothing of other people.")
        made_by = people.embedder if people else open_embedder(embedder or DEFAULT, engine=engine)
        explanation = explaining.explain(
            a, b, point=None if fmr is None else published_point(made_by, fmr), embedder=made_by, gallery=people,
            method=method, certify=certificate, faces=search, progress=show,
        )  # fmt: skip
    document = explanation.to_document()
    if page is not None:
        if page.suffix.lower() == ".png":
            write_whole(page, explanation.plot().png(dpi=200))
        else:
            write_page(page, make_page(explanation))
    if figures is not None:
        say(f"{len(save_figures(make_page(explanation), figures))} figures in {figures}")
    say_lead(document)
    echo_json(document) if json else echo(str(page or figures))
