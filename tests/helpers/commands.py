"""The command line run in this process, as the script runs it."""

import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest

from faceloupe.cli import main


def run(*arguments):
    """Run ``faceloupe``, and return (exit status, stdout, stderr)."""
    printed, talk = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(talk):
        patch.setattr(sys, "argv", ["faceloupe", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
    return left.value.code, printed.getvalue(), talk.getvalue()
