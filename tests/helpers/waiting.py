"""Waiting for a thing itself, for as long as a busy machine may take: the bound only ends what never comes."""

import time

BOUND = 120.0  # seconds


def until(condition):
    """Wait until ``condition()`` holds, and return what it returned."""
    deadline, pause = time.monotonic() + BOUND, 0.005
    while not (met := condition()):
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(pause)
        pause = min(1.5 * pause, 0.1)  # looking takes time from what is waited for
    return met
