"""What can go wrong, and whose turn it is to act.

::

    FaceloupeError
    ├── InputError (also a ValueError)      what was given cannot be used; the message says what can
    │   └── ImageError                      one file is not a usable capture (a batch skips and names it)
    ├── UnavailableError                    data or an optional part is missing here; the message says how to get it
    ├── StudyError                          a study folder cannot be begun or resumed as asked
    └── GalleryError                        a gallery cannot be opened, read or written as asked

The command line turns every one of them into a message on stderr and exit status 2.
"""

__all__ = ["FaceloupeError", "GalleryError", "ImageError", "InputError", "StudyError", "UnavailableError"]


class FaceloupeError(Exception):
    """The root: catch this to catch everything that faceloupe raises on purpose."""


class InputError(FaceloupeError, ValueError):
    """A value, array, folder or option is not what was expected."""


class ImageError(InputError):
    """One file cannot be read as a capture."""


class UnavailableError(FaceloupeError):
    """A data set or an optional dependency is missing; the message names the remedy."""


class StudyError(FaceloupeError):
    """A study's folder cannot be begun or resumed as asked."""


class GalleryError(FaceloupeError):
    """A gallery cannot be opened, read or written as asked."""
