"""Children: what they return, how they fail, and that they end whatever they do."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from faceloupe.errors import ImageError, InputError
from faceloupe.web.children import Child, ChildEndedError, ChildFault, FileError, InChild
from faceloupe.web.jobs import Stopped
from helpers import tasks
from helpers.waiting import until


@pytest.fixture
def child():
    made = Child()
    yield made
    made.end()


def is_there(number):
    try:
        with open(f"/proc/{number}/stat") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may end while it is read
        return False


def test_one_child_does_one_task_after_another(child):
    numbers = {child.run(tasks.own_number) for _ in range(3)}
    assert len(numbers) == 1
    assert numbers != {os.getpid()}
    assert child.run(tasks.add, b"a" * 10_000_000, b"b") == b"a" * 10_000_000 + b"b"
    assert child.run(tasks.say_and_return, "printed words are no reply") == "printed words are no reply"


def test_what_fails_there_is_told_here_and_the_child_goes_on(child):
    with pytest.raises(InputError, match="so"):
        child.run(tasks.refuse, "so")
    with pytest.raises(ImageError, match="photo 1: too dark"):
        child.run(tasks.refuse_picture)
    with pytest.raises(FileError, match=r"^/nowhere: No such file or directory$"):
        child.run(os.listdir, "/nowhere")
    person = " ".join(["Ann", "Onymous"])
    with pytest.raises(ChildFault) as fault:
        child.run(tasks.fail, person)
    assert fault.value.kind == "RuntimeError"
    assert person not in str(fault.value.trace)
    assert "in fail" in str(fault.value.trace)
    assert child.run(tasks.add, 1, 2) == 3


def test_progress_is_told_and_what_it_raises_ends_the_child(child):
    told = []
    assert child.run(tasks.count, 10, progress=lambda *given: told.append(given)) == {"steps": 10}
    assert told[-1] == (10, 10)
    assert len(told) > 2

    def stop(*_):
        raise Stopped

    before = child.run(tasks.own_number)
    with pytest.raises(Stopped):
        child.run(tasks.count, 1000, progress=stop)
    until(lambda: not is_there(before))


def test_one_that_takes_too_long_is_ended(child):
    before = child.run(tasks.own_number)
    with pytest.raises(ChildEndedError):
        child.run(tasks.sleep, 600, seconds=0.2)
    until(lambda: not is_there(before))
    assert child.run(tasks.add, 1, 2) == 3, "another takes its place"


def test_time_counts_anew_with_each_step(child):
    told = []
    with pytest.raises(ChildEndedError, match="4 seconds passed without a step"):
        child.run(tasks.step, 0.3, 16, seconds=4, progress=lambda *given: told.append(given))
    assert told[-1] == (15, 16)


def test_one_that_breaks_down_breaks_nothing_else(child):
    with pytest.raises(ChildEndedError):
        child.run(tasks.break_down)
    assert child.run(tasks.add, 1, 2) == 3


def test_one_that_is_ended_from_another_thread_ends_with_those_it_started(child):
    grandchild = child.run(tasks.start_another)
    threading.Timer(0.3, child.end).start()
    with pytest.raises(ChildEndedError):
        child.run(tasks.sleep, 600)
    until(lambda: not is_there(grandchild))


@pytest.mark.skipif(sys.platform != "linux", reason="bounded by RLIMIT_DATA")
def test_its_memory_has_a_bound():
    child = Child(memory=200 * 2**20)
    assert child.run(tasks.take, 50 * 2**20) == 50 * 2**20
    with pytest.raises(ChildEndedError, match="more memory than it may take"):
        child.run(tasks.take, 400 * 2**20)
    child.end()


def test_it_ends_with_its_parent_however_that_ends():
    code = f"""
import sys; sys.path[:] = {sys.path!r}
from helpers import tasks; from faceloupe.web.children import Child
child = Child(); print(child.run(tasks.own_number), flush=True); child.run(tasks.sleep, 600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        number = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    until(lambda: not is_there(number))


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_job_that_is_ended_before_its_child_is_there_never_runs(monkeypatch, when):
    job, start = InChild(tasks.step, 600, 1, memory=1 << 40), subprocess.Popen  # a bound of its own: no idle child

    def ended_meanwhile(*command, **how):
        threading.Thread(target=job.end).start()
        return start(*command, **how)

    if when == "while":
        monkeypatch.setattr(subprocess, "Popen", ended_meanwhile)
    else:
        job.end()
    with pytest.raises(ChildEndedError):
        job(lambda *_: None)
