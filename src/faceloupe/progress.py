"""How long work says how far it is."""

from collections.abc import Callable

__all__ = ["Progress"]

Progress = Callable[[float, float], None]
"""Told how much is done, of how much."""
