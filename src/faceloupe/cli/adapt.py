"""``faceloupe adapt``: a head for an embedder, learned from one's own labelled faces, if it helps with other people."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from faceloupe.cli.options import CACHED, AsJson, CentralOfLabelled, DetectorName, EngineName, NoCache
from faceloupe.cli.terminal import aligned, echo, echo_json, progress, say, say_failures, stoppable
from faceloupe.files import check_new_folder, new_folder


def adapt(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A folder NAME/*.jpg, or orl or lfw.")],
    out: Annotated[Path, typer.Option(help="The folder to save it in; must not exist yet.")],
    embedder: Annotated[
        str, typer.Option(metavar="NAME|DIR", help="Embedder to adapt: sface, another name, or a folder.")
    ] = "sface",
    central: CentralOfLabelled = False,
    seed: Annotated[int, typer.Option(help="Seed of the folds and of the subjects drawn.")] = 0,
    detector: DetectorName = "yunet",
    engine: EngineName = "openvino",
    no_cache: NoCache = False,
    json: AsJson = False,
) -> None:
    """Adapt an embedder to your own labelled faces, if that helps.

    A head is trained, and saved only if it certainly tells other people apart better. If no gain is certain, nothing
    is written and the exit status is 0: keep the embedder as it is.
    """
    from faceloupe.pages import page
    from faceloupe.recognition.onnx_detector import open_detector
    from faceloupe.report.page import write_page
    from faceloupe.strangers.adapt import adapt as adapted

    check_new_folder(out)
    with stoppable(CACHED if not no_cache else "Stopped."), progress("adapting", transient=True) as tell:
        adaptation = adapted(
            data, embedder, faces="central" if central else None,
            detector=open_detector(detector, engine=engine), seed=seed, engine=engine, cached=not no_cache,
            progress=tell,
        )  # fmt: skip
    say_failures(adaptation.failed)
    for note in adaptation.notes:
        say(note)
    rows = [[str(recipe), f"{100 * rate:.2f} %"] for recipe, rate in adaptation.rates.items()]
    say(aligned(("recipe", "EER on people not learned from"), rows))
    say("\n".join(words.replace("**", "") for words in adaptation.words()))
    if adaptation.embedder is not None:
        with new_folder(out) as folder:
            adaptation.save(folder, _whole(embedder))
            write_page(folder / "report.html", page(adaptation))
        pasted = quote(str(out))
        say(
            f"Measure it:  faceloupe calibrate DATA --embedder {pasted}    "
            f"Enrol:  faceloupe enrol ... --embedder {pasted}"
        )
    elif not json:
        echo(f"no gain: keep {adaptation.base}; nothing was written")
    if json:
        echo_json(adaptation.to_document() | {"folder": str(out) if adaptation.embedder else None})
    elif adaptation.embedder is not None:
        echo(str(out))


def _whole(embedder: str) -> str:
    """Return a name as it is, and a folder by its whole path."""
    folder = Path(embedder).expanduser()
    return str(folder.resolve()) if folder.is_dir() else embedder
