"""Failures of somebody else's network, turned into errors of its input."""

from faceloupe.errors import InputError

# Whatever a network's code may raise; an interrupt is the user's own.
CODE_FAILS = (Exception, SystemExit)


def cannot_run(on_what: str, error: BaseException) -> InputError:
    """Return the error of a network whose own code failed; an InputError stays as it is."""
    if isinstance(error, InputError):
        return error
    message = str(error) if isinstance(error, RuntimeError) else f"{type(error).__name__}: {error}"
    return InputError(f"the network cannot run {on_what}: {message}")
