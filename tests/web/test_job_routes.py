"""Jobs over HTTP: whose they are, how they are watched and stopped, and the page that a ticket opens.

Also tests ``web/api/jobs.py``, ``web/shapes/jobs.py``.
"""

import asyncio
import json
import time

import pytest

from faceloupe.report import render_page
from helpers import serving
from helpers.waiting import BOUND, until

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
    until(lambda: ask.service.jobs.get(job).finished)


def forever(tell):
    while True:
        tell(1, 0)
        time.sleep(0.005)


def read(text):
    """The jobs of a stream of events."""
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def listen(ask, path, heard):
    """Read a stream to its end, or until ``heard(text)``, told of each part, is true; return its headers and text."""
    scope = {
        "type": "http", "method": "GET", "path": f"/api/v1{path}", "scheme": "http", "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {serving.TOKENS['look']}".encode())],
    }  # fmt: skip

    async def read_on():
        gone, came = asyncio.Event(), []
        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            came.append(message)
            if heard(message.get("body", b"").decode()):
                gone.set()

        async with asyncio.timeout(BOUND):
            await ask.app(scope, receive, send)
            while len(asyncio.all_tasks()) > 1:  # it leaves none behind
                await asyncio.sleep(0.01)
        return dict(came[0]["headers"]), b"".join(message.get("body", b"") for message in came).decode()

    return asyncio.run(read_on())


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
    told = []

    def work(tell):
        for step in range(4):
            tell(step, 4)
            until(lambda step=step: f'"done": {step:.1f}' in "".join(told))
        return {}

    headers, text = listen(ask, f"/jobs/{submit(work)}/events", told.append)
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"cache-control"] == b"no-store"
    states = read(text)
    assert states[-1]["state"] == "done"
    assert len(states) > 3
    assert all(line in ("", "event: job") or line.startswith("data: ") for line in text.splitlines())


def test_one_stream_tells_of_all_jobs_of_a_caller_until_they_have_ended(ask, submit):
    told = []

    def work(tell):
        tell(1, 2)
        until(lambda: '"done": 1.0' in "".join(told))
        return {}

    one, other = submit(work), submit(lambda _: {})
    submit(lambda _: {}, owner="recognise")
    headers, text = listen(ask, "/jobs/events", told.append)
    assert headers[b"content-type"].startswith(b"text/event-stream")
    lists = [event["jobs"] for event in read(text)]
    assert [[job["id"] for job in listed] for listed in lists] == [[other, one]] * len(lists)
    assert ("running", 1) in [(listed[1]["state"], listed[1]["done"]) for listed in lists]
    assert [job["state"] for job in lists[-1]] == ["done", "done"]
    assert "about" in lists[-1][0]


def test_a_line_in_silence_says_that_it_is_alive(ask, submit, monkeypatch):
    monkeypatch.setattr("faceloupe.web.api.jobs.HEARTBEAT", 0.02)
    told = []
    job = submit(lambda _: until(lambda: ": still here" in "".join(told)) and {})
    _, text = listen(ask, f"/jobs/{job}/events", told.append)
    assert read(text)[-1]["state"] == "done"


def test_a_reader_who_goes_away_ends_the_watching(ask, submit):
    _, text = listen(ask, f"/jobs/{submit(forever)}/events", bool)
    assert "event: job" in text


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
