"""The gate: names, tokens, sizes and speed, in front of an application that answers with what it read.

Also tests ``web/bodies.py``, ``web/rates.py``.
"""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from faceloupe.web.guard import Guard, host_of
from faceloupe.web.keys import key_of
from faceloupe.web.rates import AddressRates, RateLimit
from faceloupe.web.settings import ServerLimits
from helpers.waiting import BOUND

TOKEN = "a-token"  # noqa: S105
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def echo(scope, receive, send):
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"{len(body)} bytes")(scope, receive, send)


def guarded(**changes):
    keys = [key_of(TOKEN, name="test", per_minute=changes.pop("per_minute", 600))]
    settings = {
        "hosts": {"localhost", "127.0.0.1", "[::1]"},
        "keys": keys,
        "limits": ServerLimits(body=1000, bodies=10_000, patience=changes.pop("patience", 5.0), requests=2),
        "headers": {"X-Frame": "no"},
    }
    return Guard(echo, **{**settings, **changes})


def ask(app, path="/api/v1/health", *, host="localhost:8000", method="GET", content=None, **headers):
    async def call():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, content=content, headers=given)

    return asyncio.run(call())


def test_with_its_token_a_call_passes():
    answer = ask(guarded(), **BEARER)
    assert answer.text == "0 bytes"
    assert answer.headers["x-frame"] == "no"


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": TOKEN}]
)
def test_without_it_none_does(headers):
    answer = ask(guarded(), **headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-frame"] == "no"
    assert "printed" in answer.json()["remedy"]


@pytest.fixture
def now(monkeypatch):
    """The time that rates go by, in a list: it stands still until the test sets it."""
    now = [0.0]
    monkeypatch.setattr("faceloupe.web.rates.monotonic", lambda: now[0])
    return now


@pytest.mark.usefixtures("now")
def test_who_tries_on_without_a_token_has_to_pause_and_nobody_else_has():
    app = guarded(per_minute=60_000)
    answers = [ask(app, Authorization=f"Bearer wrong-{number}") for number in range(30)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 20
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert ask(app, **BEARER).status_code == 200  # of the same address, as behind a proxy
    assert ask(app, "/").status_code == 200


@pytest.mark.usefixtures("now")
def test_an_address_pauses_alone_and_the_memory_of_addresses_has_a_bound():
    rates = AddressRates(per_minute=10, most=100)
    waits = [rates.wait("192.0.2.1") for _ in range(11)]
    assert (waits[9], waits[10] > 0) == (0, True)
    assert rates.wait("192.0.2.2") == 0
    assert all(rates.wait(f"2001:db8::{number:x}") == 0 for number in range(10))
    assert rates.wait("2001:db8::ffff") > 0  # one network is one subscriber's
    assert rates.wait("2001:db8:0:1::1") == 0
    for number in range(200):
        rates.wait(f"10.0.0.{number}")
    assert len(rates._rates) == 100


def test_what_proxies_may_read_in_two_ways_is_refused_and_the_connection_ends():
    for path, more in (("/", {"Transfer-Encoding": "chunked"}), ("http://localhost/api/v1/people", {}), ("*", {})):
        sent = []

        async def send(message, sent=sent):
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-length", b"5"), (b"authorization", f"Bearer {TOKEN}".encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in more.items()]
        scope = {"type": "http", "method": "POST", "path": path, "scheme": "http", "headers": headers}
        asyncio.run(guarded()(scope, None, send))
        assert sent[0]["status"] == 400
        assert dict(sent[0]["headers"])[b"connection"] == b"close"
        assert b"/problems#malformed" in sent[1]["body"]


def test_no_answer_of_the_api_is_to_be_kept():
    assert ask(guarded(), **BEARER).headers["cache-control"] == "no-store"
    assert ask(guarded()).headers["cache-control"] == "no-store"
    assert "cache-control" not in ask(guarded(), "/main.js").headers


def test_one_key_of_several_does_not_take_every_place():
    async def together(app, refused):
        go = asyncio.Event()

        async def hesitant():
            await go.wait()
            yield b"x"

        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

            def post(token, content):
                return client.post("/api/v1/detect", content=content, headers={"Authorization": f"Bearer {token}"})

            greedy = [asyncio.ensure_future(post(TOKEN, hesitant())) for _ in range(8)]
            await _that_many_done(greedy, refused)
            other = await post("another", b"x")
            go.set()
            return [answer.status_code for answer in [other, *await asyncio.gather(*greedy)]]

    keys = [key_of(TOKEN, name="greedy"), key_of("another", name="other")]
    limits = ServerLimits(requests=8, requests_of_key=4, patience=BOUND)
    other, *greedy = asyncio.run(together(guarded(keys=keys, limits=limits), refused=4))
    assert (other, sorted(greedy)) == (200, [200] * 4 + [429] * 4)
    [one] = keys[:1]
    _, *alone = asyncio.run(together(guarded(keys=[one], limits=limits), refused=0))
    assert sorted(alone) == [200] * 8


async def _that_many_done(tasks, number):
    """Let tasks run until so many of them are done."""
    async with asyncio.timeout(BOUND):
        while sum(task.done() for task in tasks) < number:
            await asyncio.sleep(0.01)


def test_the_page_needs_no_token():
    assert ask(guarded(), "/").status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]:8000"])
def test_its_own_names_pass(host):
    assert ask(guarded(), host=host, **BEARER).status_code == 200


HOSTILE = [
    "[::1].evil.example", "[::1]evil", "[::1]:80:evil", "127.0.0.1:80:evil", "localhost:80@evil.example",
    "localhost:65536", "localhost:8o", "evil@localhost", "localhost/evil", "localhost evil", "localhost, evil.example",
    "[::1", "::1", "", "\xe9", "localhost.", "localhost:١",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTILE)
def test_a_host_that_is_no_authority_or_more_than_one_is_refused(host):
    sent = []

    async def send(message):
        sent.append(message)

    for headers in ([(b"host", host.encode())], [(b"host", b"localhost"), (b"host", host.encode())]):
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "scheme": "http"}
        sent.clear()
        asyncio.run(guarded()(scope, None, send))
        assert sent[0]["status"] == 421


@given(st.text(max_size=40))
def test_no_text_passes_for_a_host_but_its_own_name_and_port(text):
    name = text.partition("]")[0] + "]" if text.startswith("[") else text.partition(":")[0]
    assert host_of(text) in (None, name.lower())


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "10.0.0.1"])
def test_a_rebound_name_is_refused_even_for_the_page(host):
    answer = ask(guarded(), "/", host=host, **BEARER)
    assert answer.status_code == 421
    assert host in answer.json()["detail"]


def test_a_request_without_a_host_is_refused():
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "scheme": "http", "query_string": b""}
    asyncio.run(guarded()(scope, None, send))
    assert sent[0]["status"] == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "https://localhost", "http://localhost:9999", "null"])
def test_another_site_is_refused(origin):
    assert ask(guarded(), Origin=origin, **BEARER).status_code == 403


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_its_own_page_may_call_also_from_behind_tls(scheme):
    assert ask(guarded(), Origin=f"{scheme}://localhost:8000", **BEARER).status_code == 200


def test_a_body_is_bounded_whether_announced_or_not():
    async def stream():
        for _ in range(20):
            yield b"x" * 100

    assert ask(guarded(), method="POST", content=b"x" * 1000, **BEARER).text == "1000 bytes"
    for content in (b"x" * 1001, stream()):
        answer = ask(guarded(), method="POST", content=content, **BEARER)
        assert answer.status_code == 413
        assert "1,000 bytes" in answer.json()["detail"]


def test_a_slow_body_is_given_up():
    async def stream():
        yield b"x"
        await asyncio.sleep(10)
        yield b"x"

    async def receive_slowly(app):
        scope = {"type": "http", "method": "POST", "path": "/", "scheme": "http", "query_string": b"",
                 "headers": [(b"host", b"localhost")]}  # fmt: skip
        chunks = stream()
        sent = []

        async def receive():
            return {"type": "http.request", "body": await anext(chunks), "more_body": True}

        async def send(message):
            sent.append(message)

        await app(scope, receive, send)
        return sent[0]["status"]

    assert asyncio.run(receive_slowly(guarded(patience=0.05))) == 408


@pytest.mark.usefixtures("now")
def test_too_many_requests_are_told_when_to_come_back():
    app = guarded(per_minute=60)
    answers = [ask(app, **BEARER) for _ in range(12)]
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "1"


def test_more_requests_than_are_taken_at_once_are_told_too():
    async def four_together(app):
        go = asyncio.Event()

        async def hesitant():
            await go.wait()
            yield b"x"

        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=BEARER) as client:
            sent = [asyncio.ensure_future(client.post("/api/v1/detect", content=hesitant())) for _ in range(4)]
            await _that_many_done(sent, 2)
            go.set()
            return await asyncio.gather(*sent)

    app = guarded(patience=BOUND)
    for _ in range(2):  # and the places are given back
        answers = asyncio.run(four_together(app))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert (refused.headers["retry-after"], "2 requests" in refused.json()["detail"]) == ("1", True)


def test_a_bucket_fills_again(now):
    limit = RateLimit(60)
    assert [limit.wait() for _ in range(10)] == [0.0] * 10
    assert limit.wait() == pytest.approx(1.0)
    now[0] = 1.0
    assert limit.wait() == 0.0
    assert limit.wait() > 0
