"""The content security policy of a page: nothing may be fetched, and no script runs but those named by their hash."""

import base64
import hashlib
from collections.abc import Iterable

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def content_policy(scripts: Iterable[str] = ()) -> str:
    """Return the policy of a page; `scripts` are its sources of scripts, and without any no script runs at all.

    >>> content_policy(["'sha256-x'"])
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-x'"
    """
    sources = " ".join(scripts)
    return f"{POLICY}; script-src {sources}" if sources else POLICY


def script_hash(script: str) -> str:
    """Return a script that is written in a page as the page's policy names it."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"
