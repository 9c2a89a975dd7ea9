"""Jobs: run, watched, stopped, refused when too many, and not to be guessed."""

import asyncio
import errno
import threading
import time

import pytest

from faceloupe.errors import InputError
from faceloupe.web.jobs import Jobs
from faceloupe.web.problems import HTTPProblem
from helpers.waiting import until

LOGGED = []


@pytest.fixture
def jobs():
    made = Jobs(at_once=1, queue=2, log=LOGGED.append)
    yield made
    made.close()


def steps(count):
    def work(tell):
        for step in range(count):
            tell(step, count)
        tell(count, count)
        return {"steps": count}

    return work


def forever(tell):
    while True:
        tell(1, 0)
        time.sleep(0.002)


def test_a_job_runs_and_keeps_its_result(jobs):
    job = jobs.submit("count", steps(3), owner="me")
    until(lambda: jobs.get(job.id).finished)
    job = jobs.get(job.id)
    assert (job.state, job.done, job.whole, job.result) == ("done", 3, 3, {"steps": 3})
    assert "result" not in job.to_document()


def test_watching_sees_it_through(jobs):
    seen = []

    def work(tell):
        for step in range(3):
            tell(step, 3)
            until(lambda step=step: ("running", step) in seen)
        return {}

    async def watch():
        job = jobs.submit("count", work, owner="me")
        async for watched in jobs.watch(job.id):
            seen.append((watched.state, watched.done))  # noqa: PERF401 - the work looks at it meanwhile

    asyncio.run(watch())
    assert seen[-4:] == [("running", 0), ("running", 1), ("running", 2), ("done", 2)]


def test_a_running_job_stops_and_the_next_one_goes_on(jobs):
    job = jobs.submit("endless", forever, owner="me")
    until(lambda: jobs.get(job.id).state == "running")
    after = jobs.submit("count", steps(1), owner="me")
    jobs.stop(job.id)
    until(lambda: jobs.get(job.id).finished and jobs.get(after.id).finished)
    assert (jobs.get(job.id).state, jobs.get(after.id).state) == ("stopped", "done")


def test_a_waiting_job_stops_without_ever_running(jobs):
    first = jobs.submit("endless", forever, owner="me")
    ran = []
    second = jobs.submit("never", lambda tell: ran.append(tell) or {}, owner="me")
    assert jobs.stop(second.id).state == "stopped"
    jobs.stop(first.id)
    until(lambda: jobs.get(first.id).finished)
    jobs.close()
    assert not ran


def test_what_failed_says_why(jobs):
    def refuse(_):
        raise InputError("epochs: expected at least 1")

    job = jobs.submit("study", refuse, owner="me")
    until(lambda: jobs.get(job.id).finished)
    assert (jobs.get(job.id).state, jobs.get(job.id).error) == ("failed", "epochs: expected at least 1")


def test_a_fault_of_ours_shows_no_inside(jobs):
    person = " ".join(["Ann", "Onymous"])

    def break_down(_):
        raise RuntimeError(person)

    job = jobs.submit("study", break_down, owner="me")
    until(lambda: jobs.get(job.id).finished)
    assert jobs.get(job.id).error == "RuntimeError: see the log"
    assert "break_down" in str(LOGGED[-1])
    assert person not in str(LOGGED)


def test_a_disk_that_is_full_is_named(jobs):
    def write(_):
        raise OSError(errno.ENOSPC, "No space left on device", "/disk/study")

    job = jobs.submit("study", write, owner="me")
    until(lambda: jobs.get(job.id).finished)
    assert jobs.get(job.id).error == "/disk/study: No space left on device"


def test_a_full_queue_refuses_and_says_when_to_come_back(jobs):
    for _ in range(3):
        jobs.submit("endless", forever, owner="me")
    with pytest.raises(HTTPProblem) as refused:
        jobs.submit("endless", forever, owner="me")
    assert refused.value.status_code == 429
    assert refused.value.headers["Retry-After"] == "10"


def test_ids_are_not_to_be_guessed(jobs):
    ids = {jobs.submit("count", steps(1), owner="me").id for _ in range(2)}
    assert all(len(each) >= 22 for each in ids)  # 128 bits, 6 a character
    for forged in ("", "1", "../etc/passwd", "a" * 22):
        with pytest.raises(HTTPProblem) as refused:
            jobs.get(forged)
        assert refused.value.status_code == 404


def test_only_the_latest_results_are_kept(jobs):
    first = jobs.submit("count", steps(1), owner="me")
    until(lambda: jobs.get(first.id).finished)
    for _ in range(21):
        job = jobs.submit("count", steps(1), owner="me")
        until(lambda job=job: jobs.get(job.id).finished)
    with pytest.raises(HTTPProblem):
        jobs.get(first.id)
    assert len(jobs.all()) == 21


def test_what_a_job_of_a_kind_makes_or_fails_of_is_dropped_also_if_it_is_still_at_work(jobs):
    dropped = threading.Event()

    def name(_):
        until(dropped.is_set)
        return {"name": "Ann"}

    def fail(_):
        raise InputError("Ann is known already")

    failed = jobs.submit("enrol", fail, owner="me")
    until(lambda: jobs.get(failed.id).finished)
    at_work = jobs.submit("enrol", name, owner="me")
    until(lambda: jobs.get(at_work.id).state == "running")
    other = jobs.submit("study", steps(1), owner="me")
    jobs.drop_results("somebody was forgotten", kind="enrol")
    dropped.set()
    until(lambda: jobs.get(other.id).finished)
    assert [(jobs.get(job.id).state, jobs.get(job.id).result, jobs.get(job.id).error) for job in (failed, at_work)] == [
        ("failed", None, "somebody was forgotten"), ("done", None, "somebody was forgotten"),
    ]  # fmt: skip
    assert jobs.get(other.id).result == {"steps": 1}
    after = jobs.submit("enrol", steps(1), owner="me")
    until(lambda: jobs.get(after.id).finished)
    assert jobs.get(after.id).result == {"steps": 1}


def test_one_owner_takes_one_place_and_nobody_s_results_but_its_own():
    jobs = Jobs(at_once=2, queue=8)
    kept = jobs.submit("count", steps(1), owner="you")
    until(lambda: jobs.get(kept.id).finished)
    greedy = [jobs.submit("endless", forever, owner="me") for _ in range(9)]
    with pytest.raises(HTTPProblem):
        jobs.submit("endless", forever, owner="me")
    other = jobs.submit("count", steps(1), owner="you")
    until(lambda: jobs.get(other.id).finished)
    assert [jobs.get(job.id).state for job in greedy] == ["running"] + ["waiting"] * 8
    jobs.close()
    for _ in range(25):
        job = jobs.submit("count", steps(1), owner="me")
        until(lambda job=job: jobs.get(job.id).finished)
    assert jobs.get(kept.id).result == {"steps": 1}
