"""Networks from files, added, listed and removed: the part that ``embedder`` and ``detector`` share."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.terminal import aligned, echo, echo_json, say
from faceloupe.errors import InputError

if TYPE_CHECKING:
    from faceloupe.recognition.manifests import Kind, Manifest
    from faceloupe.recognition.weights import PublishedWeights

NetworkFile = Annotated[Path, typer.Argument(metavar="FILE.onnx", help="The network.")]
ManifestFile = Annotated[Path, typer.Option(metavar="FILE.toml", help="The manifest: its reading and origin.")]
OtherName = Annotated[str | None, typer.Option(help="Name to use instead of the manifest's.")]


def read_manifest_to_add(manifest: Path, kind: "Kind", name: str | None, built_in: Collection[str]) -> "Manifest":
    """Return the manifest of a network that is to be added, by the other name if there is one.

    Raises InputError if it is not a manifest of that kind, or the name is that of a built-in network.
    """
    from faceloupe.recognition.manifests import read_manifest

    description = read_manifest(manifest, kind)
    if name:
        description = replace(description, name=name)
    if description.name in built_in:
        raise InputError(f"{description.name} is built in; --name gives another name")
    return description


def list_networks(kind: "Kind", built_in: "dict[str, PublishedWeights]", *, json: bool) -> None:
    """Print the networks of a kind: those that are built in, by name, and those that were added."""
    from faceloupe.recognition.installed import installed

    added = [manifest for manifest in installed(say) if manifest.kind == kind]
    if json:
        documents = [manifest.to_document() for manifest in added]
        echo_json({"schema": f"faceloupe.{kind}s/1", "built_in": list(built_in), "added": documents})
        return
    rows: list[Sequence[str]] = [(name, "built in", "", file.licence, "") for name, file in built_in.items()]
    rows += [(m.name, "added", f"{m.size[0]}x{m.size[1]} {m.channels}", m.licence, m.sha256[:12]) for m in added]
    echo(aligned(("name", "", "takes", "licence", "SHA-256"), rows))
    for manifest in added:
        echo(f"\n{manifest.name}: {manifest.source}. Trained on: {manifest.training_data}.")


def remove(name: str, kind: "Kind") -> None:
    """Remove a network that was added."""
    from faceloupe.recognition.installed import remove_network

    remove_network(name, kind)
    echo(f"{name} removed")
