"""The command line: the library spoken aloud. Data goes to stdout, talk to stderr.

One module per command, named as the command; ``app`` lists them. What computes is imported inside the commands, so that
``--help`` answers at once. This module imports next to nothing, so that Ctrl-C is quiet from the first moment on.
"""

import os
import sys

__all__ = ["main"]

INTERRUPTED = 130  # the exit status of a program that SIGINT ends


def main() -> None:
    """Run the command line and leave with its exit status, 130 after Ctrl-C."""
    try:
        import signal

        _keep_numbers_of_streams()
        until_now = signal.getsignal(signal.SIGINT)
        if until_now is signal.default_int_handler:
            signal.signal(signal.SIGINT, _end_at_once)  # in the middle of imports Python cannot always raise an error
        from faceloupe.cli.app import run

        signal.signal(signal.SIGINT, until_now)
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            _end_at_once_if_asked_again()
        raise


def _end_at_once(*_: object) -> None:
    """End while nothing has been begun."""
    os._exit(INTERRUPTED)


def _end_at_once_if_asked_again() -> None:
    """Let a second Ctrl-C end the process while threads are waited for, without a traceback."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _keep_numbers_of_streams() -> None:
    """Open what was closed of stdin, stdout and stderr: what libraries say would be written into the next file."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the system gives the lowest number that is free
