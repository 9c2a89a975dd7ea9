"""Options that several commands share."""

from typing import Annotated, Literal

import typer

__all__ = ["AsJson", "EmbedderName", "EngineName", "GalleryName", "Name"]

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
