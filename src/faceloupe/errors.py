"""The errors of faceloupe: what can go wrong, and whose turn it is to act.

::

    FaceloupeError
    ├── InputError (also a ValueError)      what was given cannot be used; the message says what can
    │   └── ImageError                      one file is not a usable capture (a batch skips and names it)
    ├── UnavailableError                    data or an optional part is missing here; the message says how to get it
    ├── StudyError                          a study folder cannot be begun or resumed as asked
    ├── GalleryError                        a gallery cannot be opened, read or written as asked
    │   ├── SubjectError                    it has no such subject, or the subject no such reference
    │   ├── AmbiguousNameError              several subjects fit a name; the message says how to tell which
    │   └── NameTakenError                  another subject has the name or external id
    └── ProblemError                        a server refused; the message says why, and what to do

The command line turns every one of them into a message on stderr and exit status 2. :class:`DamageWarning` is not an
error: what is sound was answered for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any


class FaceloupeError(Exception):
    """The root: catch this to catch everything that faceloupe raises on purpose."""


class DamageWarning(UserWarning):
    """Something in a gallery is damaged and was left out of an answer; the message says what."""


class InputError(FaceloupeError, ValueError):
    """A value, array, folder or option is not what was expected."""


class ImageError(InputError):
    """One file cannot be read as a capture.

    Attributes
    ----------
    reason : str
        The message without the file's name.
    """

    def __init__(self, reason: str, name: str = "") -> None:
        super().__init__(f"{name}: {reason}" if name else reason)
        self.reason = reason


def check_integer(name: str, value: Any, least: int, most: int | None = None) -> None:
    """Raise InputError unless a value is an integer of Python or NumPy within these limits; a truth value is not."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        span = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise InputError(f"{name} must be an integer {span}; got {value!r}")


class UnavailableError(FaceloupeError):
    """A data set or an optional dependency is missing; the message names the remedy."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import packages of an optional part within; where they are missing, say which extra brings them.

    Raises
    ------
    UnavailableError
        If one is not installed.

    Examples
    --------
    >>> with extra("study"):
    ...     import no_such_package
    Traceback (most recent call last):
    faceloupe.errors.UnavailableError: This needs no_such_package: pip install 'faceloupe[study]'
    """
    try:
        yield
    except ImportError as error:
        raise UnavailableError(f"This needs {error.name or error}: pip install 'faceloupe[{name}]'") from error


class StudyError(FaceloupeError):
    """A study's folder cannot be begun or resumed as asked."""


class GalleryError(FaceloupeError):
    """A gallery cannot be opened, read or written as asked."""


class SubjectError(GalleryError):
    """A gallery has no such subject, or the subject no such reference."""


class AmbiguousNameError(GalleryError):
    """Several subjects of the gallery fit a name; the message lists them, and how to say which."""


class NameTakenError(GalleryError):
    """Another subject of the gallery has the name or the external id."""


class ProblemError(FaceloupeError):
    """A server answered with a problem (RFC 9457).

    Attributes
    ----------
    kind : str
        Such as "token", "image" or "busy"; the server's page ``/problems`` lists them.
    title, detail, remedy : str
        The general problem, this occurrence of it, and what to do.
    status : int
        The HTTP status.
    retry_after : float or None
        Seconds after which to try again, if waiting helps.
    """

    def __init__(
        self, kind: str, title: str, status: int, detail: str, remedy: str, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{title}: {detail.rstrip('.')}. {remedy}")
        self.kind, self.title, self.status, self.detail, self.remedy = kind, title, status, detail, remedy
        self.retry_after = retry_after
