"""Waiting for a thing itself, for as long as a busy machine may take: the bound only ends what never comes."""

import time

BOUND = 120.0  # seconds


def until(condition):
    """Wait until ``condition()`` holds, and return what it returned."""
    deadline = time.monotonic() + BOUND
    while not (met := condition()):
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.01)
    return met
