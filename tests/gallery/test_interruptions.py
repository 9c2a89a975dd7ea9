"""Enrolling is killed at any moment, or done by two at once: nothing acknowledged is lost, nobody is half there."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from faceloupe.gallery import open_gallery
from helpers.galleries import Toy, enrol_folder, make_folder, recognised

PHOTOGRAPHS = 3

# Each line on stdin is a folder and a number: a child is forked, whose own number is told first, which enrols the
# folder, acknowledges each subject, and waits after so many to be killed. Forking spares it the imports.
ENROLLER = """
import os, sys, threading
from helpers.galleries import Toy, enrol_folder, recognised
from faceloupe.gallery import enrolment, open_gallery
import alembic.command, alembic.config
enrolment.recognise_numbered = recognised
print("ready", flush=True)
for line in sys.stdin:
    folder, most = line.strip().rsplit(" ", 1)
    child = os.fork()
    if child == 0:
        print(os.getpid(), flush=True)
        with open_gallery(sys.argv[1], create=True, embedder=Toy()) as gallery:
            for number, enrolled in enumerate(enrol_folder(gallery, folder), start=1):
                print(enrolled.name, flush=True)
                if number == int(most):
                    threading.Event().wait()
        os._exit(0)
    print("ended", os.waitpid(child, 0)[1], flush=True)
"""


@contextmanager
def enroller(gallery):
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [sys.executable, "-c", ENROLLER, str(gallery)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env={**os.environ, "PYTHONPATH": path},
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


def start(process, folder, most=0):
    """Let a folder be enrolled, as far as `most` subjects, and return the number of the process that does."""
    process.stdin.write(f"{folder} {most}\n")
    return int(process.stdout.readline())


def acknowledged(process):
    """Read the subjects acknowledged until the process ends."""
    names = []
    while not (line := process.stdout.readline()).startswith("ended"):
        names.append(line.strip())
    return names


def check(path, names):
    """The gallery is sound, holds all of `names`, and nobody with less than all photographs."""
    with open_gallery(path) as gallery:
        people = gallery.people()
        assert set(names) <= {person.name for person in people}
        assert {person.references for person in people} <= {PHOTOGRAPHS}
        assert gallery.check().findings == ()
        assert Counter(entry.subject_id for entry in gallery.audit()) == Counter(person.id for person in people)
        return len(people)


def test_a_kill_at_any_moment_loses_nothing_and_leaves_no_half_subject(tmp_path):
    names = [f"person {number}" for number in range(90)]
    folder, path = make_folder(tmp_path / "people", names, PHOTOGRAPHS), tmp_path / "faces.db"
    chance = np.random.default_rng(5)
    enrolled, rounds = [], 0
    with enroller(path) as process:
        while rounds < 15:
            first = len(enrolled) + chance.integers(5)
            child = start(process, folder, most=first + 2)
            before = [process.stdout.readline().strip() for _ in range(first)]
            time.sleep(chance.uniform(0, 0.01))
            os.kill(child, signal.SIGKILL)
            enrolled = sorted({*enrolled, *before, *acknowledged(process)})
            rounds += 1
            if path.exists() and enrolled:
                check(path, enrolled)
        assert len(enrolled) < len(names)  # otherwise the last rounds killed nobody at work
        start(process, folder)
        assert acknowledged(process) == names
    assert check(path, names) == len(names)


def test_two_processes_make_a_gallery_and_enrol_at_once(tmp_path):
    path = tmp_path / "faces.db"
    both, mine, other = ([f"{who} {number}" for number in range(20)] for who in ("both", "mine", "other"))
    folders = [make_folder(tmp_path / names[-1], names, PHOTOGRAPHS) for names in (both + mine, both + other)]
    with enroller(path) as one, enroller(path) as two:
        for process, folder in zip((one, two), folders, strict=True):
            start(process, folder)
        assert acknowledged(one) == both + mine
        assert acknowledged(two) == both + other
    assert check(path, both + mine + other) == 60


def test_a_stop_keeps_what_was_enrolled_and_the_same_call_goes_on(tmp_path, monkeypatch):
    folder = make_folder(tmp_path / "people", ["Ann", "Bob", "Cy"], PHOTOGRAPHS)
    seen = []

    def stopped(numbered, embedder, search):
        for photograph in recognised(numbered, embedder, search):
            seen.append(photograph.path)
            if len(seen) == 5:
                raise KeyboardInterrupt
            yield photograph

    monkeypatch.setattr("faceloupe.gallery.enrolment.recognise_numbered", stopped)
    with open_gallery(tmp_path / "faces.db", create=True, embedder=Toy()) as gallery:
        results = []
        with pytest.raises(KeyboardInterrupt):
            results.extend(enrol_folder(gallery, folder))
        assert [result.name for result in results] == ["Ann"] == [person.name for person in gallery.people()]
        results = list(enrol_folder(gallery, folder))
        assert [len(result.already_enrolled) for result in results] == [PHOTOGRAPHS, 0, 0]
        assert [path.parent.name for path in seen[5:]] == ["Bob"] * PHOTOGRAPHS + ["Cy"] * PHOTOGRAPHS
