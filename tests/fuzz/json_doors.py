"""Damaged and hostile JSON to every route that takes any, for as long as asked: each answer is a problem or a success.

``python tests/fuzz/json_doors.py --seconds 60`` prints how many requests were made, or the first that was a fault.
"""

import argparse
import base64
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import serving

LEAVES = ["", "Ann", "\ud800", "\x00", 0, -1, 1e308, 2**63, 10**400, True, None, "orl:0", "data:,", [], {}, "a" * 5000]
NUMBERS = b'0123456789eE+-.,:[]{}"\\'


def bodies():
    """Return a body that each route takes, by method and path."""
    photo = base64.b64encode(serving.photo(1)).decode()
    return {
        ("POST", "/detect"): {"photo": photo},
        ("POST", "/verify"): {"one": photo, "other": photo, "central": True, "fmr": 1e-3},
        ("POST", "/identify"): {"photo": photo, "ranks": 3},
        ("POST", "/people"): {"name": "Ann", "photos": [photo], "consent": "form 12", "force": True},
        ("PATCH", "/people/1"): {"name": "Ann"},
        ("POST", "/people/1/merge"): {"into": 2},
        ("POST", "/people/1/verify"): {"photo": photo},
        ("POST", "/calibrate"): {"fmr": 1e-3, "loose": False},
        ("POST", "/networks/none/trace"): {"photo": "orl:1", "layers": ["conv"]},
        ("POST", "/networks/none/look"): {"photos": ["orl:1"], "layers": [], "methods": []},
        ("POST", "/networks/none/attribute"): {"photo": "orl:1", "method": "occlusion", "target": 0},
    }


def damaged(document, chance):
    """Return the bytes of a document of which something is changed, left out, doubled, cut or nested."""
    document = dict(document)
    for _ in range(chance.integers(0, 3)):
        name = str(chance.choice([*document, "more"]))
        document[name] = LEAVES[chance.integers(len(LEAVES))]
    content = bytearray(json.dumps(document).encode())
    for _ in range(chance.integers(0, 4)):
        place = int(chance.integers(len(content))) if content else 0
        match chance.integers(5):
            case 0:
                content[place : place + 1] = bytes([chance.integers(256)])
            case 1:
                content[place:place] = bytes([NUMBERS[chance.integers(len(NUMBERS))]]) * int(chance.integers(1, 3000))
            case 2:
                del content[place:]
            case 3:
                content[place:place] = content[max(0, place - 40) : place]
            case 4:
                content[:] = b"[" * int(chance.integers(1, 2000)) + content
    return bytes(content)


def fuzz(seconds, seed=0):
    """Send damaged bodies and cursors for some seconds, and return how many requests were made.

    Raises
    ------
    AssertionError
        With the seed, the route and the body, at the first answer that is a fault.
    """
    chance, number, end = np.random.default_rng(seed), 0, time.monotonic() + seconds
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        serving.put_in(patch)
        patch.setattr("faceloupe.web.networks.find_weights", lambda _: None)
        service = serving.make_service(Path(folder), log=lambda _: None)
        ask, routes = serving.Caller(service), list(bodies().items())
        try:
            while time.monotonic() < end:
                (method, path), document = routes[chance.integers(len(routes))]
                content = damaged(document, chance)
                answers = [ask(method, path, content=content, headers={"Content-Type": "application/json"})]
                cursor = base64.urlsafe_b64encode(content[:1400]).decode()
                answers.append(ask("GET", "/people", params={"cursor": cursor}))
                for answer in answers:
                    number += 1
                    kind = answer.headers["content-type"]
                    sound = answer.status_code < 500 and ("problem" in kind) == (answer.status_code >= 400)
                    assert sound, f"seed {seed}, request {number}: {answer.status_code} to {method} {path}: {content!r}"
        finally:
            service.close()
    return number


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(f"{fuzz(asked.seconds, asked.seed):,} requests, no fault")
