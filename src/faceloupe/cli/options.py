"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from faceloupe.cli.talk import say

__all__ = ["AsJson", "EmbedderName", "EngineName", "GalleryName", "Name", "there_or_none"]


def there_or_none(context: typer.Context, parameter: typer.CallbackParam, gallery: str | None) -> str | None:
    """Let FACELOUPE_GALLERY name a gallery that is not there yet: only what was typed must be."""
    source = context.get_parameter_source(str(parameter.name))
    from_environment = source is not None and source.name == "ENVIRONMENT"
    path = (gallery or "").removeprefix("sqlite:///")
    if not gallery or not from_environment or "://" in path or Path(path).expanduser().exists():
        return gallery
    say(f"FACELOUPE_GALLERY: there is no gallery at {gallery} yet; the published threshold is taken.")
    return None


GalleryName = Annotated[
    str,
    typer.Option(
        "--gallery", metavar="FILE|URL", envvar="FACELOUPE_GALLERY", help="SQLite file, or postgresql+psycopg://..."
    ),
]
EmbedderName = Annotated[
    str, typer.Option("--embedder", metavar="NAME|DIR", help="sface, sface+flip, or a folder saved by faceloupe.")
]
EngineName = Annotated[Literal["openvino", "onnxruntime"], typer.Option("--engine", help="What runs SFace.")]
Name = Annotated[str, typer.Argument(metavar="NAME")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the document instead.")]
