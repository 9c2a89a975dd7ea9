"""The commands, and what becomes of their errors."""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from faceloupe import __version__
from faceloupe.cli.adapt import adapt
from faceloupe.cli.audit import audit
from faceloupe.cli.backup import backup
from faceloupe.cli.calibrate import calibrate
from faceloupe.cli.check import check
from faceloupe.cli.confirm import confirm
from faceloupe.cli.crop import crop
from faceloupe.cli.describe import describe
from faceloupe.cli.detector import detector
from faceloupe.cli.embedder import embedder
from faceloupe.cli.enrol import enrol
from faceloupe.cli.evaluate import evaluate
from faceloupe.cli.explain import explain
from faceloupe.cli.export import export
from faceloupe.cli.find import find
from faceloupe.cli.forget import forget
from faceloupe.cli.group import group
from faceloupe.cli.hnsw import hnsw
from faceloupe.cli.identify import identify
from faceloupe.cli.import_ import import_
from faceloupe.cli.index import index
from faceloupe.cli.join import join
from faceloupe.cli.key import key
from faceloupe.cli.look import look
from faceloupe.cli.merge import merge
from faceloupe.cli.name import name
from faceloupe.cli.people import people
from faceloupe.cli.rename import rename
from faceloupe.cli.restore import restore
from faceloupe.cli.separate import separate
from faceloupe.cli.serve import serve
from faceloupe.cli.show import show
from faceloupe.cli.study import study
from faceloupe.cli.terminal import echo, legible, say, shortened, show_every_letter
from faceloupe.cli.train import train
from faceloupe.cli.undo import undo
from faceloupe.cli.verify import verify
from faceloupe.cli.weights import weights
from faceloupe.errors import DamageWarning, FaceloupeError, InputError

SECTIONS: dict[str, tuple[Callable[..., None] | typer.Typer, ...]] = {
    "Understand networks": (study, train, look),
    "Recognise people": (verify, identify, explain, crop),
    "Keep a gallery": (
        enrol, people, show, rename, describe, merge, forget, export, import_, backup, restore, check, audit, hnsw,
    ),
    "Sort photographs into people": (index, group, find, join, separate, confirm, name, undo),
    "Measure and adapt recognisers": (calibrate, evaluate, adapt, embedder, detector, weights),
    "Serve the page and the API": (serve, key),
}  # fmt: skip


def _called(command: Callable[..., None] | typer.Typer) -> str:
    return str(command.info.name) if isinstance(command, typer.Typer) else command.__name__.rstrip("_")


COMMANDS = {_called(command): command for commands in SECTIONS.values() for command in commands}


class _Sections(TyperGroup):
    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as the base class has it
        """List the commands by what they are for, each with its first sentence."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                names = map(_called, commands)
                formatter.write_dl([(name, self.commands[name].get_short_help_str(limit=200)) for name in names])


app = typer.Typer(
    cls=_Sections,
    help="Face recognition with convolutional networks that you can see through.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # Rich would take half of the time that --help takes
    pretty_exceptions_enable=False,
)


def run() -> None:
    """Run the command that the arguments name; errors that faceloupe or the system foresees are told, exit status 2."""
    show_every_letter()
    warnings.showwarning = _tell
    try:
        _check_folder()
        app()
    except (FaceloupeError, OSError) as problem:
        say(f"faceloupe: {shortened(str(problem))}")
        sys.exit(2)


def _check_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError as problem:  # libraries that are loaded later would end the process
        raise InputError(
            "the folder you are in was deleted: cd to one that exists, and give the command again"
        ) from problem


_show_warning = warnings.showwarning
_PACKAGE = Path(__file__).parents[1]


def _tell(message: Warning | str, category: type[Warning], filename: str, *place: Any, **more: Any) -> None:
    if issubclass(category, DamageWarning) or category is UserWarning:
        own = issubclass(category, DamageWarning) or _PACKAGE in Path(filename).parents
        say(f"Caution{'' if own else f', from {legible(filename)}'}: {legible(str(message)).rstrip('.')}.")
    else:
        _show_warning(message, category, filename, *place, **more)


def _show_version(wanted: bool) -> None:
    if wanted:
        echo(f"faceloupe {__version__}")
        raise typer.Exit


@app.callback()
def _app(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Face recognition with convolutional networks that you can see through."""


for _name, _command in COMMANDS.items():
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name)
    else:
        app.command(_name)(_command)
