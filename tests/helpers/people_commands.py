"""The gallery's commands, run in this process as somebody types them."""

import typer

from faceloupe.cli.audit import audit
from faceloupe.cli.check import check
from faceloupe.cli.describe import describe
from faceloupe.cli.enrol import enrol
from faceloupe.cli.export import export
from faceloupe.cli.forget import forget
from faceloupe.cli.import_ import import_
from faceloupe.cli.merge import merge
from faceloupe.cli.people import people
from faceloupe.cli.rename import rename
from faceloupe.cli.show import show
from helpers.commands import run_command

app = typer.Typer()
for command in (enrol, people, show, rename, describe, merge, forget, export, check, audit):
    app.command()(command)
app.command("import")(import_)


def run(*arguments):
    """Run one of them."""
    return run_command(app, *arguments)
