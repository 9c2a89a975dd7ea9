"""Moments, as all documents write them."""

from typing import Annotated

from pydantic import WithJsonSchema

__all__ = ["Moment"]

Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""When something happened, in UTC, as ISO 8601 writes it."""
