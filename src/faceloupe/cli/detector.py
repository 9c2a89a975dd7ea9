"""``faceloupe detector``: networks from files that find faces."""

from typing import Annotated

import typer

from faceloupe.cli import added
from faceloupe.cli.options import AsJson
from faceloupe.cli.terminal import echo, say

detector = typer.Typer(
    name="detector", help="Add, list and remove detectors from ONNX files.", no_args_is_help=True, rich_markup_mode=None
)


@detector.command()
def add(file: added.NetworkFile, manifest: added.ManifestFile, name: added.OtherName = None) -> None:
    """Add a detector from an ONNX file; from then on --detector NAME takes it.

    The file is copied to your networks under its SHA-256 and run once, on a grey picture, before it is added.
    """
    import numpy as np

    from faceloupe.recognition.installed import add_network
    from faceloupe.recognition.onnx_detector import OnnxDetector
    from faceloupe.recognition.weights import YUNET

    description = added.read_manifest_to_add(manifest, "detector", name, (YUNET.name,))
    OnnxDetector(file, description).find(np.full((*description.size, 3), 128, np.uint8))
    where = add_network(file, description)
    name, (height, width) = description.name, description.size
    echo(f"{name}: {description.decoder}, looks at {height}x{width} pixels, added as {where}")
    say(
        f"The published thresholds were measured on faces found by {YUNET.name}: faceloupe evaluate DATA --detector "
        f"{name} measures how they hold, and faceloupe calibrate DATA --detector {name} chooses others."
    )


@detector.command("list")
def list_(json: AsJson = False) -> None:
    """List the detectors that --detector takes by name."""
    from faceloupe.recognition.weights import YUNET

    added.list_networks("detector", {YUNET.name: YUNET}, json=json)


@detector.command()
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="Name, as detector list shows it.")]) -> None:
    """Remove a detector that was added. What was made with it stays."""
    added.remove(name, "detector")
