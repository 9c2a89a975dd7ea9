"""A Python client of ``faceloupe serve``: each call returns the server's document as a typed value."""

from faceloupe.errors import extra

with extra("web"):
    from faceloupe.client.client import Client
    from faceloupe.client.connection import Face, Photo

__all__ = ["Client", "Face", "Photo"]
