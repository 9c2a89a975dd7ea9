"""What ``faceloupe embedder`` and ``faceloupe detector`` share: networks from files, listed and removed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from faceloupe.cli.terminal import aligned, echo, echo_json, say

if TYPE_CHECKING:
    from faceloupe.recognition.manifests import Kind
    from faceloupe.recognition.weights import PublishedWeights

__all__ = ["list_networks", "remove"]


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
