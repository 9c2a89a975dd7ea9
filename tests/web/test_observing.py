"""What the server says of itself."""

import asyncio
import json
import logging
import time

from faceloupe.web.observing import BoundedLog, JsonHandler, Metrics, Observer, log_line
from helpers.serving import photo


def test_a_line_a_request(ask, log):
    answer = ask("GET", "/people/7", key="recognise", params={"x": "y"})
    assert log[-1].items() >= {
        "request": answer.headers["x-request-id"], "method": "GET", "route": "/people/{person}", "status": 404,
        "key": "recognise",
    }.items()  # fmt: skip
    assert log[-1]["ms"] >= 0


def test_a_refused_stranger_is_told_with_address_and_attempt_and_never_with_the_token(ask, log):
    tries = {
        "none": {},
        "a wrong token": {"Authorization": "Bearer s3cret"},
        "another scheme": {"Authorization": "Basic s3cret"},
    }
    for tried, headers in tries.items():
        ask("GET", "/people/7", key=None, headers=headers)
        assert log[-1].items() >= {
            "client": "127.0.0.1", "tried": tried, "method": "GET", "route": "/people/{person}", "status": 401,
            "key": None,
        }.items()  # fmt: skip
    assert "s3cret" not in str(log)


def test_strangers_cannot_fill_the_log(ask, log, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr("faceloupe.web.rates.monotonic", lambda: now)
    ask.together(*[("GET", "/people", {"key": None}) for _ in range(200)])
    assert len(log) == 120
    ask("GET", "/health")
    assert log[-1]["key"] == "admin"


def test_what_was_left_out_is_counted(monkeypatch):
    now, lines = [0.0], []
    monkeypatch.setattr("faceloupe.web.rates.monotonic", lambda: now[0])
    log = BoundedLog(lines.append, per_minute=60)
    for number in range(15):
        log({"number": number})
    now[0] = 2.0
    log({"number": 15})
    assert lines == [{"number": number} for number in range(10)] + [{"number": 15, "left_out": 5}]


def test_the_libraries_speak_json_and_name_nobody():
    lines, person = [], " ".join(["Ann", "Onymous"])
    logger = logging.Logger("asyncio")
    logger.addHandler(JsonHandler(lines.append))
    try:
        raise ValueError(person)
    except ValueError:
        logger.exception("Task exception was never retrieved\nfuture: %r", person)
    logger.info("nothing")
    [line] = lines
    assert (line["level"], line["logger"], line["error"]) == ("error", "asyncio", "ValueError")
    assert line["message"] == "Task exception was never retrieved"
    assert "Onymous" not in json.dumps(line)


def test_counts_as_prometheus_reads_them(ask):
    ask("POST", "/detect", files={"photo": photo(1, 2)})
    ask("GET", "/people", key=None)
    text = ask("GET", "/metrics").text
    assert 'faceloupe_requests_total{method="POST",route="/detect",status="200"} 1.0' in text
    assert 'status="401"' in text
    assert "faceloupe_faces_total 2.0" in text
    assert "faceloupe_embedding_batches_total 1.0" in text
    assert "faceloupe_photographs_waiting 0.0" in text
    assert 'faceloupe_request_seconds_count{route="/detect"} 1.0' in text


def test_a_stranger_cannot_fill_the_memory_with_counts(ask):
    def lines_after(numbers):
        for number in numbers:
            ask("GET", f"/nothing-{number}")
            ask(f"BREW{number}", "/people", key=None)
        return len(ask("GET", "/metrics").text.splitlines())

    lines_after(range(2))
    assert lines_after(range(2, 4)) == lines_after(range(4, 9))


def test_who_waits_when_the_server_ends_is_told_so():
    async def never(_scope, _receive, _send):
        await asyncio.Event().wait()

    async def ended():
        sent, lines = [], []

        async def send(message):
            sent.append(message)

        observer = Observer(never, metrics=Metrics(), log=lines.append)
        task = asyncio.ensure_future(observer({"type": "http", "method": "GET", "path": "/"}, None, send))
        await asyncio.sleep(0)
        task.cancel()
        await task
        return sent, lines

    sent, [line] = asyncio.run(ended())
    assert (sent[0]["status"], line["status"]) == (503, 503)
    assert b"retry-after" in dict(sent[0]["headers"])
    assert json.loads(sent[1]["body"])["type"] == "/problems#ending"


def test_a_line_is_json_on_stderr(capsys):
    log_line({"status": 200, "key": "Zoë"})
    assert json.loads(capsys.readouterr().err) == {"status": 200, "key": "Zoë"}
