"""A network is open once in a process, and a forked child opens its own."""

import os
import subprocess
import sys

import pytest

from faceloupe.recognition.openings import opening
from helpers.waiting import BOUND


def test_it_is_opened_once_and_again_only_if_that_failed():
    tries = []

    def fail_first():
        tries.append(1)
        if len(tries) == 1:
            raise OSError("no")
        return len(tries)

    with pytest.raises(OSError, match="no"):
        opening("a test's", fail_first).result()
    assert [opening("a test's", fail_first).result() for _ in range(3)] == [2, 2, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_waits_until_no_thread_is_inside_an_engine():
    program = f"""
import os, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork beside threads
order, inside, forking = [], threading.Event(), threading.Event()
os.register_at_fork(before=lambda: order.append("forked"))  # called last, for it is registered first
from faceloupe.recognition.openings import forks_held_back
os.register_at_fork(before=forking.set)
def run():
    with forks_held_back():
        inside.set()
        forking.wait({BOUND})
        with forks_held_back():  # who is inside already need not wait for the fork
            order.append("out of the engine")
thread = threading.Thread(target=run)
thread.start()
inside.wait({BOUND})
if not (child := os.fork()):
    with forks_held_back():
        os._exit(7)
thread.join()
with forks_held_back():
    assert os.fork() or os._exit(0) is None
print(order[:2], os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert _printed(program) == "['out of the engine', 'forked'] 7\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_forked_child_gives_the_same_numbers_beside_threads_that_recognise_or_after_them(published, engine):  # noqa: ARG001
    program = f"""
import multiprocessing, threading, warnings
import numpy as np
from faceloupe.recognition import SFace, detect
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork beside threads
faces = np.random.default_rng(0).random((3, 112, 112, 3), dtype=np.float32)
picture = np.zeros((64, 64, 3), np.uint8)
def work(_):
    detect(picture)
    return SFace(engine="{engine}").embed(faces)
expected = work(0)
for count in (0, 3):
    threads = [threading.Thread(target=work, args=(0,)) for _ in range(count)]
    [thread.start() for thread in threads]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for vectors in pool.map_async(work, range(2)).get(timeout={BOUND}):
            np.testing.assert_allclose(vectors, expected, atol=1e-4)
    [thread.join() for thread in threads]
print("the same")
"""
    assert _printed(program) == "the same\n"


def _printed(program):
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False, env=os.environ
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
