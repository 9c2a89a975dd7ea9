"""What a child is asked to do in tests: functions of a module, as it finds them by name."""

import os
import subprocess
import sys
import time

from faceloupe.errors import ImageError, InputError


def add(one, other):
    return one + other


def count(steps, progress):
    for step in range(steps):
        progress(step, steps)
        time.sleep(0.05)
    progress(steps, steps)
    return {"steps": steps}


def refuse(words):
    raise InputError(words)


def refuse_picture():
    raise ImageError("too dark", "photo 1")


def fail(words):
    raise RuntimeError(words)


def step(seconds, steps, progress):
    for done in range(steps):
        time.sleep(seconds)
        progress(done, steps)
    time.sleep(600)


def sleep(seconds):
    time.sleep(seconds)


def own_number():
    return os.getpid()


def break_down():
    os.abort()


def say_and_return(words):
    print(words, flush=True)
    return words


def start_another():
    """Start a process that outlives its parent, and return its number."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid


def sleep_on(*_):
    time.sleep(600)


def take_all(*_):
    return take(2**33)


def take(size):
    return len(bytearray(size))
