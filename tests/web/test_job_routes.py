"""Jobs over HTTP: whose they are, how they are watched and stopped, and the page that a ticket opens.

Also tests ``web/api/jobs.py``, ``web/shapes/jobs.py``.
"""

import asyncio
import json
import threading
import time

import pytest

from faceloupe.report import render_page
from helpers import serving

PAGE = {
    "schema": "faceloupe.page/1",
    "title": "A <b>look</b>",
    "lead": ["Question."],
    "sections": [{"id": "one", "heading": "One", "blocks": [{"type": "text", "text": "Words."}]}],
}


@pytest.fixture
def submit(ask):
    """Put a job of somebody's into the queue: ``submit(work, owner="look")``."""
    return lambda work, *, owner="look": ask.service.jobs.submit("test", work, owner=owner).id


@pytest.fixture
def done(ask, submit):
    """A finished job with a page."""
    job = submit(lambda _: PAGE)
    wait(ask, job)
    return job


def wait(ask, job):
    deadline = time.monotonic() + 10
    while not ask.service.jobs.get(job).finished:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def forever(tell):
    while True:
        tell(1, 0)
        time.sleep(0.005)


def read(answer):
    """The jobs of a stream of events."""
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]


def test_a_job_is_its_owner_s_and_the_admin_s(ask, submit):
    mine, others = submit(lambda _: {"mine": 1}), submit(lambda _: {"others": 1}, owner="recognise")
    wait(ask, others)
    assert [job["id"] for job in ask("GET", "/jobs", key="look").json()["jobs"]] == [mine]
    assert [job["id"] for job in ask("GET", "/jobs").json()["jobs"]] == [others, mine]
    assert ask("GET", f"/jobs/{mine}/result", key="look").json() == {"mine": 1}
    for method, path in (("GET", ""), ("GET", "/result"), ("GET", "/events"), ("POST", "/page"), ("DELETE", "")):
        answer = ask(method, f"/jobs/{others}{path}", key="look")
        assert answer.status_code == 404
        assert "of yours" in answer.json()["detail"]


def test_forged_ids_open_nothing(ask, done):  # noqa: ARG001
    for forged in ("1", "a" * 22, "..", "%2e%2e%2fjobs", "%00", "' or 1=1"):
        for method, path in (("GET", ""), ("GET", "/result"), ("GET", "/events"), ("POST", "/page"), ("DELETE", "")):
            assert ask(method, f"/jobs/{forged}{path}", key="look").status_code in (404, 405)


def test_a_job_stops_when_asked(ask, submit):
    job = submit(forever)
    assert ask("DELETE", f"/jobs/{job}", key="look").status_code == 200
    wait(ask, job)
    assert ask("GET", f"/jobs/{job}", key="look").json()["state"] == "stopped"
    answer = ask("GET", f"/jobs/{job}/result", key="look")
    assert (answer.status_code, "stopped" in answer.json()["detail"]) == (409, True)


def test_a_failed_job_says_why_where_its_result_would_be(ask, submit):
    job = submit(lambda _: 1 / 0)
    wait(ask, job)
    answer = ask("GET", f"/jobs/{job}/result", key="look")
    assert (answer.status_code, "ZeroDivisionError" in answer.json()["detail"]) == (409, True)


def test_events_tell_every_change_and_end_with_the_job(ask, submit):
    go = threading.Event()

    def work(tell):
        for step in range(4):
            tell(step, 4)
            go.wait(0.15)
        return {}

    answer = ask("GET", f"/jobs/{submit(work)}/events", key="look")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    states = read(answer)
    assert states[-1]["state"] == "done"
    assert len(states) > 3
    assert all(line in ("", "event: job") or line.startswith("data: ") for line in answer.text.splitlines())


def test_one_stream_tells_of_all_jobs_of_a_caller_until_they_have_ended(ask, submit):
    go = threading.Event()

    def work(tell):
        tell(1, 2)
        go.wait(5)
        return {}

    one, other = submit(work), submit(lambda _: {})
    submit(lambda _: {}, owner="recognise")
    threading.Timer(0.3, go.set).start()
    answer = ask("GET", "/jobs/events", key="look")
    assert answer.headers["content-type"].startswith("text/event-stream")
    lists = [told["jobs"] for told in read(answer)]
    assert [[job["id"] for job in listed] for listed in lists] == [[other, one]] * len(lists)
    assert ("running", 1) in [(listed[1]["state"], listed[1]["done"]) for listed in lists]
    assert [job["state"] for job in lists[-1]] == ["done", "done"]
    assert "about" in lists[-1][0]


def test_a_line_in_silence_says_that_it_is_alive(ask, submit, monkeypatch):
    monkeypatch.setattr("faceloupe.web.api.jobs.HEARTBEAT", 0.02)
    go = threading.Event()
    answer = ask("GET", f"/jobs/{submit(lambda _: go.wait(0.3) or {})}/events", key="look")
    assert ": still here" in answer.text
    assert read(answer)[-1]["state"] == "done"


def test_a_reader_who_goes_away_ends_the_watching(ask, submit):
    job = submit(forever)
    scope = {
        "type": "http", "method": "GET", "path": f"/api/v1/jobs/{job}/events", "scheme": "http", "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {serving.TOKENS['look']}".encode())],
    }  # fmt: skip

    async def go_away():
        gone, came = asyncio.Event(), []
        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            came.append(message)
            if message.get("body"):
                gone.set()

        await asyncio.wait_for(ask.app(scope, receive, send), 5)
        await asyncio.sleep(0.05)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        return came, left

    came, left = asyncio.run(go_away())
    assert b"event: job" in came[1]["body"]
    assert not left


def test_a_ticket_opens_the_page_without_a_token_once(ask, done):
    address = ask("POST", f"/jobs/{done}/page", key="look").json()["address"]
    page = ask("GET", f"http://localhost:8000{address}", key=None)
    assert page.text == render_page(PAGE)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    again = ask("GET", f"http://localhost:8000{address}", key=None)
    assert (again.status_code, again.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "opened before" in again.text
    assert "script" not in again.headers["content-security-policy"]


def test_a_page_has_its_own_policy_and_no_origin(ask, done):
    address = ask("POST", f"/jobs/{done}/page", key="look").json()["address"]
    headers = ask("GET", f"http://localhost:8000{address}", key=None).headers
    policy = headers["content-security-policy"].split("; ")
    assert "style-src 'unsafe-inline'" in policy
    assert "sandbox allow-scripts" in policy
    assert "frame-ancestors 'self'" in policy
    assert not [rule for rule in policy if "'self'" in rule.removeprefix("frame-ancestors 'self'")]
    assert not [rule for rule in policy if "allow-same-origin" in rule]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-opener-policy"] == "unsafe-none"


def test_what_has_no_page_says_so(ask, submit):
    job = submit(lambda _: {"accuracy": 1.0})
    wait(ask, job)
    answer = ask("POST", f"/jobs/{job}/page", key="look")
    assert (answer.status_code, "no page" in answer.json()["detail"]) == (409, True)


def test_the_log_does_not_hold_the_ticket(ask, done, log):
    address = ask("POST", f"/jobs/{done}/page", key="look").json()["address"]
    ask("GET", f"http://localhost:8000{address}", key=None)
    assert log[-1]["route"] == "/pages/{ticket}"
    assert address not in str(log)
