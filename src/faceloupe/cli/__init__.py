"""The command line: the library spoken aloud. Data goes to stdout, talk to stderr.

One module per command, named as the command; ``app`` lists them. What computes is imported inside the commands, so that
``--help`` answers at once. This module imports next to nothing, so that Ctrl-C is quiet from the first moment on.
"""

import sys

__all__ = ["main"]

INTERRUPTED = 130  # the exit status of a program that SIGINT ends


def main() -> None:
    """Run the command line and leave with its exit status, 130 after Ctrl-C."""
    try:
        from faceloupe.cli.app import run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            _end_at_once_if_asked_again()
        raise


def _end_at_once_if_asked_again() -> None:
    """Let a second Ctrl-C end the process while threads are waited for, without a traceback."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
