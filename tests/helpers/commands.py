"""The command line run in this process, as the script runs it."""

import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from typer.testing import CliRunner

from faceloupe.cli import main
from faceloupe.errors import FaceloupeError


def run(*arguments):
    """Run ``faceloupe``, and return (exit status, stdout, stderr)."""
    printed, talk = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(talk):
        patch.setattr(sys, "argv", ["faceloupe", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
    return left.value.code, printed.getvalue(), talk.getvalue()


def run_command(app, *arguments, **variables):
    """Run a command of an app, and return what ``run`` does: of a foreseen error status 2 and its words alone."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=variables)
    if isinstance(result.exception, FaceloupeError):
        return 2, result.stdout, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr
