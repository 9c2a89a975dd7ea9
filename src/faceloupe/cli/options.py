"""Options that several commands share."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from faceloupe.cli.terminal import say

if TYPE_CHECKING:
    from faceloupe.collection.collection import Collection
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.recognition.detections import Detector
    from faceloupe.recognition.embed import Embedder
    from faceloupe.recognition.engines import Engine
    from faceloupe.recognition.search import FaceSearch

DEFAULT_GALLERY = "faceloupe.db"
"""The gallery where none is named."""


def gallery_if_any(help_: str) -> Any:
    """Return the option of a gallery that a command can do without."""
    return typer.Option(
        "--gallery", metavar="FILE|URL", envvar="FACELOUPE_GALLERY", callback=_there_or_none, help=help_
    )


def open_gallery_if_any(
    gallery: str | None, embedder: str | None, engine: "Engine"
) -> "AbstractContextManager[Gallery | None]":
    """Open the gallery that a command can do without, if one is named."""
    if gallery is None:
        return nullcontext()
    from faceloupe.gallery.opening import open_gallery

    return open_gallery(gallery, embedder=embedder, engine=engine)


def open_detector_if_any(name: str | None, engine: "Engine" = "openvino") -> "Detector | None":
    """Open the detector of a name; None, which stands for the gallery's own or YuNet, if none is named."""
    from faceloupe.recognition.onnx_detector import open_detector

    return open_detector(name, engine=engine) if name else None


def search_of_one(
    *, central: bool, min_size: float, turned: bool, detector: str | None, engine: "Engine"
) -> "FaceSearch":
    """Return the search for the one face of a photograph that the options ask for."""
    from faceloupe.recognition.search import FaceSearch

    finder = open_detector_if_any(detector, engine)
    return FaceSearch("central" if central else "one", min_size=min_size, turned=turned, detector=finder)


def embedder_for(collection: "Collection", name: str | None, engine: "Engine") -> "Embedder":
    """Open the embedder of a name; by default the one that made the collection's templates, or SFace."""
    from faceloupe.embedders import DEFAULT, open_embedder, open_embedder_of

    maker = collection.embedder()
    if name is None and maker is not None:
        return open_embedder_of([maker], collection.location, engine=engine)
    return open_embedder(name or DEFAULT, engine=engine)


def detector_for(collection: "Collection", name: str | None, engine: "Engine") -> "Detector":
    """Open the detector of a name; by default the one that found the collection's faces, or YuNet."""
    from faceloupe.recognition.onnx_detector import open_detector, open_detector_of

    noted = collection.detector()
    if name is None and noted is not None:
        return open_detector_of(noted, collection.location, engine=engine)
    return open_detector(name or "yunet", engine=engine)


def _there_or_none(context: typer.Context, parameter: typer.CallbackParam, gallery: str | None) -> str | None:
    """Ignore a gallery named by FACELOUPE_GALLERY that does not exist yet; one that was typed must exist."""
    source = context.get_parameter_source(str(parameter.name))
    from_environment = source is not None and source.name == "ENVIRONMENT"
    path = (gallery or "").removeprefix("sqlite:///")
    if not gallery or not from_environment or "://" in path or Path(path).expanduser().exists():
        return gallery
    say(f"FACELOUPE_GALLERY: there is no gallery at {gallery} yet; the published threshold is taken.")
    return None


def _embedder_of(owner: str) -> Any:
    return typer.Option(
        "--embedder", metavar="NAME|DIR", help="sface, sface+flip, one added by embedder add, or a folder saved by "
        f"faceloupe. By default the {owner}'s own, or sface.",
    )  # fmt: skip


def _detector_of(owner: str) -> Any:
    return typer.Option(
        "--detector", metavar="NAME", help="Detector of faces: yunet, or one added by detector add. By default the "
        f"{owner}'s own, or yunet.",
    )  # fmt: skip


GalleryName = Annotated[
    str,
    typer.Option(
        "--gallery", metavar="FILE|URL", envvar="FACELOUPE_GALLERY", help="SQLite file, or postgresql+psycopg://..."
    ),
]
CollectionName = Annotated[
    str,
    typer.Option(
        "--collection",
        metavar="FILE|URL",
        envvar="FACELOUPE_COLLECTION",
        help="SQLite file, or postgresql+psycopg://...",
    ),
]
EmbedderName = Annotated[str | None, _embedder_of("gallery")]
CollectionEmbedderName = Annotated[str | None, _embedder_of("collection")]
DetectorName = Annotated[
    str, typer.Option("--detector", metavar="NAME", help="Detector of faces: yunet, or one added by detector add.")
]
GalleryDetectorName = Annotated[str | None, _detector_of("gallery")]
CollectionDetectorName = Annotated[str | None, _detector_of("collection")]
MinSize = Annotated[float, typer.Option("--min-size", min=0, help="Ignore faces whose shorter side has fewer pixels.")]
Turned = Annotated[
    bool,
    typer.Option(
        "--turned/--upright",
        help="Where no face is certain, search turned copies too; or search the photograph only as it is.",
    ),
]
EngineName = Annotated[Literal["openvino", "onnxruntime"], typer.Option("--engine", help="Engine that runs networks.")]


def _use_device(device: str | None) -> str | None:
    if device is not None:
        from faceloupe.recognition.devices import use_device

        use_device(device)
    return device


DeviceName = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="auto|cpu|gpu|cuda",
        callback=_use_device,
        help="Device that runs networks. By default CUDA if ONNX Runtime offers it, otherwise the processor.",
    ),
]
TargetFmr = Annotated[
    float | None,
    typer.Option("--fmr", help="Use the threshold published for this false match rate: 1e-2, 1e-3, 1e-4 or 1e-5."),
]
OnCluster = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ADDRESS",
        envvar="FACELOUPE_CLUSTER",
        help="Run on the workers of this Dask scheduler, such as tcp://scheduler:8786.",
    ),
]
Central = Annotated[
    bool, typer.Option("--central", help="Where a photograph shows several faces, take the one nearest its centre.")
]
CentralOfLabelled = Annotated[
    bool,
    typer.Option(
        "--central", help="Where there are several faces, take the one nearest the centre; always so with LFW."
    ),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Neither read nor write the cache of templates, which are personal data.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or external id of a person; also id:ID or number:N.")]
Metadata = Annotated[
    str | None,
    typer.Option(
        "--metadata",
        metavar="JSON",
        help="""Details as a JSON object, such as '{"floor": 3}', in place of the present ones.""",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON instead.")]

LABELLED_DATA = "lfw, orl, a folder NAME/*.jpg, a CSV file photo_a,photo_b,same[,fold], or a packed .bin."
CACHED = "Stopped. Templates made so far are cached; the same command goes on."
