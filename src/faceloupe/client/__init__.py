"""A Python client of ``faceloupe serve``: each call returns the server's document as a typed value."""

from faceloupe.errors import UnavailableError

try:
    from faceloupe.client.client import Client
    from faceloupe.client.connection import Face, Photo
except ImportError as error:
    raise UnavailableError(f"The client needs {error.name}: pip install faceloupe[web]") from error

__all__ = ["Client", "Face", "Photo"]
