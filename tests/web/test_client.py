"""The Python client: typed answers, and errors that say what to do.

Also tests ``client/client.py``, ``client/connection.py``, ``client/jobs.py``, ``client/people.py``,
``client/studies.py``.
"""

import asyncio
import inspect
import threading
from concurrent.futures import Future
from contextlib import closing

import httpx
import pytest

from faceloupe.arrays import decode_array
from faceloupe.client import Client
from faceloupe.client.review import ReviewClient
from faceloupe.collection import Collection
from faceloupe.errors import ImageError, InputError, ProblemError, UnavailableError
from helpers import pages, serving
from helpers.serving import TOKENS, photo


class InProcess(httpx.BaseTransport):
    """Carries requests to an application in this process."""

    def __init__(self, app):
        self._carrier = httpx.ASGITransport(app=app)

    def handle_request(self, request):
        async def carry():
            answer = await self._carrier.handle_async_request(request)
            return answer.status_code, answer.headers, await answer.aread()

        status, headers, content = asyncio.run(carry())
        return httpx.Response(status, headers=headers, content=content)


@pytest.fixture
def client(ask):
    with Client("http://localhost:8000", TOKENS["admin"], transport=InProcess(ask.app)) as opened:
        yield opened


def test_people_from_enrolment_to_the_end(client, tmp_path):
    path = tmp_path / "ann.png"
    path.write_bytes(photo(1))
    enrolled = client.enrol("Ann", [path, photo(1, capture=1)], consent="form 12", keep_faces=True)
    assert (enrolled.new, enrolled.enrolled) == (True, ["photo 1", "photo 2"])
    client.enrol("Bob", [photo(2, 3, 4)], central=True)
    ann, bob = client.people()
    assert (ann.name, ann.consent, ann.references) == ("Ann", "form 12", 2)
    assert [person.name for person in client.people("bo")] == ["Bob"]
    record = client.show(ann.id)
    assert client.face(ann.id, record.references[0].id).startswith(b"\x89PNG")
    assert client.rename(bob.id, "Robert").name == "Robert"
    assert client.merge(bob.id, into=ann.id).references == 3
    assert client.forget(ann.id, record.references[0].id).references == 1
    assert client.forget(ann.id).references == 2
    assert list(client.people()) == []
    assert [entry.what for entry in client.audit()][:3] == ["erase", "forget", "erase"]


def test_people_are_told_by_external_id(client):
    enrolled = client.enrol("Ann", [photo(1)], external_id="E 1", metadata={"floor": 1})
    client.enrol("Ann", [photo(2)], external_id="E-2")
    assert (enrolled.id, enrolled.external_id) == (1, "E 1")
    assert client.show("id:E 1").person.metadata == {"floor": 1}
    assert client.verify_person(photo(1, capture=1), "id:E 1").match
    assert client.identify(photo(2, capture=1)).photographs[0].faces[0].external_id == "E-2"
    assert client.describe(2, metadata={"floor": 2}).external_id == "E-2"
    assert client.describe("id:E-2", external_id="E-3").metadata == {"floor": 2}
    assert client.describe("id:E-3", metadata={"floor": None, "n": 2**53 + 1}).metadata == {"n": 2**53 + 1}
    assert client.rename("id:E-3", "Anna").name == "Anna"
    assert client.merge("id:E-3", into="id:E 1").references == 2
    assert client.forget("id:E 1").id == 1
    with pytest.raises(ProblemError, match="expected the number of a person, or id: and an external id"):
        client.show("Ann")


def test_an_external_id_with_a_slash_is_never_another_address(client):
    client.enrol("Ann", [photo(1), photo(1, capture=1)], external_id="A")
    eve = client.enrol("Eve", [photo(2)], external_id="A/references/1")
    for call in (client.forget, client.show, lambda person: client.rename(person, "Bob"),
                 lambda person: client.verify_person(photo(2), person)):  # fmt: skip
        with pytest.raises(InputError, match="give the person's number"):
            call("id:A/references/1")
    assert [person.references for person in client.people()] == [2, 1]
    assert client.merge("id:A", into="id:A/references/1").references == 3
    assert client.forget(eve.id).references == 3


def test_lists_come_whole_however_long(client, monkeypatch):
    monkeypatch.setattr("faceloupe.client.people.PART", 2)
    for number in range(5):
        client.enrol(f"person {number}", [photo(number)])
    assert [person.name for person in client.people()] == [f"person {number}" for number in range(5)]


def test_who_and_whether(client):
    client.enrol("Ann", [photo(1)])
    found = client.identify(photo(1, 2, capture=3), ranks=1)
    assert [face.name for face in found.photographs[0].faces] == ["Ann", None]
    assert found.photographs[0].faces[0].candidates[0].score > 0.9
    assert client.verify(photo(1), photo(1, capture=1)).match
    assert not client.verify(photo(1), photo(2)).match
    assert len(client.detect(photo(1, 2)).faces) == 2
    assert client.health().people == 1
    assert client.jobs() == []


def test_why(client):
    told = client.result(client.explain(photo(1), photo(1, 2), central=True, certify=False).id)
    assert told["evidence"]["decision"]["match"]
    with pytest.raises(ProblemError, match="no operating point was published"):
        client.explain(photo(1), photo(1), fmr=1e-3)


def test_the_same_key_again_gets_the_same_answer(client):
    once, again = (client.enrol("Ann", [photo(1)], key="k") for _ in range(2))
    assert once == again


def test_a_refusal_says_why_and_what_to_do(client):
    with pytest.raises(ProblemError, match="several faces") as refused:
        client.verify(photo(1, 2), photo(1))
    problem = refused.value
    assert (problem.kind, problem.status, problem.retry_after) == ("image", 422, None)
    assert problem.remedy in str(problem)
    with pytest.raises(ProblemError) as refused:
        client.show(99)
    assert refused.value.kind == "not-found"


def test_a_wrong_token(ask):
    with Client("http://localhost", "wrong", transport=InProcess(ask.app)) as client:
        with pytest.raises(ProblemError) as refused:
            client.health()
        assert refused.value.kind == "token"
        assert "wrong" not in repr(client)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(502, text="<html>", headers={"Retry-After": "3"}), "other"),
        (httpx.Response(301, headers={"Location": "https://localhost", "Retry-After": "3"}), "other"),
        (httpx.Response(200, text="<html>a door</html>", headers={"Retry-After": "3"}), "other"),
        (httpx.Response(200, json=["no", "health"], headers={"Retry-After": "3"}), "other"),
        (
            httpx.Response(
                403, json={"type": "#wall"}, headers={"Content-Type": "application/problem+json", "Retry-After": "3"}
            ),
            "wall",
        ),
        (
            httpx.Response(403, text="[]", headers={"Content-Type": "application/problem+json", "Retry-After": "3"}),
            "other",
        ),
    ],
)
def test_what_a_proxy_says_is_an_error_too(answer, kind):
    transport = httpx.MockTransport(lambda _: answer)
    with Client("http://localhost", "t", transport=transport) as client, pytest.raises(ProblemError) as refused:
        client.health()
    assert (refused.value.kind, refused.value.status) == (kind, answer.status_code)
    assert refused.value.retry_after == 3.0


def test_who_waits_for_a_job_has_the_patience_that_the_server_asks_for(client, monkeypatch):
    job, slept, send = client.explain(photo(1), photo(1), certify=False), [], client._server._http.send

    def at_first_too_soon(request, **how):
        return send(request, **how) if len(slept) >= 2 else refusal(429, "rate", {"Retry-After": "7"})

    monkeypatch.setattr("faceloupe.client.connection.time.sleep", slept.append)
    monkeypatch.setattr(client._server._http, "send", at_first_too_soon)
    assert client.result(job.id)["evidence"]["decision"]["match"]
    assert slept[:2] == [7.0, 7.0]


def refusal(status, kind, headers=()):
    problem = {"type": f"/problems#{kind}", "title": "\x1b[2J" + "a" * 5000, "detail": None}
    return httpx.Response(status, json=problem, headers={"Content-Type": "application/problem+json", **dict(headers)})


class Endless(httpx.SyncByteStream):
    def __init__(self, part):
        self.part = part

    def __iter__(self):
        while True:
            yield self.part


LIES = {
    "no object": lambda: httpx.Response(200, json=[]),
    "another shape": lambda: httpx.Response(200, json={"ended": 1}),
    "deep": lambda: httpx.Response(200, content=b"[" * 100_000),
    "no picture": lambda: httpx.Response(200, json={}),
    "compressed unasked": lambda: httpx.Response(
        200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"x")
    ),
    "endless": lambda: httpx.Response(200, stream=Endless(b" " * 2**22)),
    "endless refusal": lambda: httpx.Response(500, stream=Endless(b" " * 2**22)),
    "an event of no shape": lambda: httpx.Response(
        200, headers={"Content-Type": "text/event-stream"}, text="data: {}\n"
    ),
    "an endless event": lambda: httpx.Response(
        200, headers={"Content-Type": "text/event-stream"}, stream=Endless(b"data:" * 2**17)
    ),
    "an address elsewhere": lambda: httpx.Response(200, json={"address": "@evil.example/"}),
    "a wait of ages": lambda: refusal(429, "rate", {"Retry-After": "9" * 30}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_server_is_named_as_one(lie):
    calls = [lambda c: c.people().__next__(), lambda c: c.face(1, 1), lambda c: c.result("a"), lambda c: c.page("a"),
             lambda c: next(c.watch("a")), lambda c: c.metrics()]  # fmt: skip
    with Client("http://localhost", "t", transport=httpx.MockTransport(lambda _: LIES[lie]())) as client:
        for call in calls[-2:] if "event" in lie else calls[:-1] if lie.startswith("endless") else calls:
            with pytest.raises(ProblemError) as refused:
                call(client)
            assert len(str(refused.value)) < 2100
            assert str(refused.value).isprintable()


def test_a_server_that_never_ends_its_answer_or_its_list_is_not_waited_for():
    drip, list_ = (
        httpx.Response(200, stream=Endless(b" ")),
        httpx.Response(200, json={"schema": "faceloupe.people/1", "people": [], "next": "a"}),
    )
    with (
        Client("http://a", "t", timeout=1e-3, transport=httpx.MockTransport(lambda _: drip)) as client,
        pytest.raises(UnavailableError, match="did not end its answer"),
    ):
        client.health()
    with Client("http://a", "t", transport=httpx.MockTransport(lambda _: list_)) as client:
        assert list(client.people()) == []


def test_no_wait_is_longer_than_this_system_can_count(monkeypatch):
    monkeypatch.setattr(threading, "TIMEOUT_MAX", 60.0)
    waits, wait = [], Future.result
    monkeypatch.setattr(Future, "result", lambda future, timeout=None: waits.append(timeout) or wait(future, timeout))
    people = httpx.Response(200, json={"schema": "faceloupe.people/1", "people": [], "next": None})
    with Client("http://a", "t", timeout=1e6, transport=httpx.MockTransport(lambda _: people)) as client:
        assert list(client.people()) == []
    assert waits == [60.0]


def test_an_answer_that_comes_as_its_caller_gives_up_is_closed(monkeypatch):
    wait = Future.result

    def give_up(future, timeout=None):
        if timeout is not None:
            wait(future, 60)
            raise KeyboardInterrupt
        return wait(future)

    monkeypatch.setattr(Future, "result", give_up)
    answer = httpx.Response(200, stream=Endless(b" "))
    with Client("http://a", "t", transport=httpx.MockTransport(lambda _: answer)) as client:
        with pytest.raises(KeyboardInterrupt):
            client.health()
        assert answer.is_closed


@pytest.mark.parametrize("deed", ["join", "confirm"])
def test_a_review_is_told_alike_to_a_collection_and_to_a_server(deed):
    names = [list(inspect.signature(getattr(owner, deed)).parameters)[:3] for owner in (Collection, ReviewClient)]
    assert names[0] == names[1]


def test_a_server_whose_headers_never_end_is_not_waited_for():
    over = threading.Event()

    def drip(_):
        over.wait(60)  # each byte of a header comes in time, the last never
        return httpx.Response(200, json={})

    with Client("http://a", "t", timeout=1e-3, transport=httpx.MockTransport(drip)) as client:
        with pytest.raises(UnavailableError, match="did not end its answer"):
            client.health()
        over.set()


def test_looking_training_and_studying(tmp_path, mosaics):  # noqa: ARG001
    given = {"networks": (str(pages.small_network(tmp_path)),), "data": pages.mosaics(tmp_path)}
    with closing(serving.make_service(tmp_path, **given)) as service:
        app = serving.Caller(service).app
        with Client("http://localhost:8000", TOKENS["admin"], transport=InProcess(app)) as client:
            network = next(each for each in client.networks() if each.id != "sface").id
            layer = client.anatomy(network).layers[0].name
            [maps] = client.trace(network, photo(1), [layer]).layers
            assert decode_array(maps.output.model_dump()).shape == tuple(maps.output.shape)
            look = client.look(network, [photo(1), "orl:3"], methods=[], certify=False)
            assert client.result(look.id)["title"]
            assert client.page(look.id).startswith("http://localhost:8000/pages/")
            drawn = client.attribute(network, photo(1), method="gradient", target=0, certify=False)
            assert [state.state for state in client.watch(drawn.id)][-1] == "done"
            trained = client.train("new", client.data()[-1], "fcnn", people=2, epochs=1)
            assert client.result(trained.id)["network"] == "new"
            assert client.stop(client.study("orl", pairs=2, seeds=2).id).state in ("running", "stopped")
            faces = [[photo(who, capture=capture) for capture in range(4)] for who in (1, 2)]
            two = client.study_two("Ann", faces[0], "Bob", faces[1], seeds=2)
            assert (two.kind, two.about) == ("study", "1 pair × 2 seeds, 20 epochs, two people, photographed here")
            assert client.stop(two.id).state in ("running", "stopped")
            with pytest.raises(ProblemError) as refused:
                client.resume("none")
            assert refused.value.kind == "not-found"
            assert "faceloupe_requests_total" in client.metrics()


def test_the_printed_address_is_enough():
    def answer(request):
        assert request.headers["authorization"] == "Bearer secret"
        assert str(request.url) == "http://127.0.0.1:8000/api/v1/jobs"
        return httpx.Response(200, json={"jobs": []})

    with Client("http://127.0.0.1:8000/#token=secret", transport=httpx.MockTransport(answer)) as client:
        assert client.jobs() == []


def test_what_cannot_be_a_server_or_a_photograph(tmp_path):
    for address, token in (
        ("localhost:8000", "t"),
        ("http://localhost", ""),
        ("http://a", "tökén"),
        ("http://a", "secret\nX-Other: header"),
        ("http://[::1", "t"),
        ("http://a:port", "t"),
        ("http://" + "a" * 70_000, "t"),
        ("http://user:secret@a", "t"),
    ):
        with pytest.raises(InputError) as refused:
            Client(address, token)
        assert "secret" not in str(refused.value)
    with Client("http://127.0.0.1:9", "t") as client:
        with pytest.raises(UnavailableError, match="is the server running"):
            client.health()
        with pytest.raises(ImageError, match="no such file"):
            client.detect(tmp_path / "none.jpg")


def test_what_cannot_be_sent_is_refused():
    calls = [
        lambda c: c.remove_study("../people/1"), lambda c: c.job("a\n"), lambda c: c.rename(1, "\udcff"),
        lambda c: c.enrol("\udcff", [b""]), lambda c: c.enrol("Ann", [b""], metadata={"floor": float("nan")}),
        lambda c: c.describe(1, metadata={"floor": {1}}), lambda c: c.enrol("Ann", [b""], key="é"),
    ]  # fmt: skip
    with Client("http://127.0.0.1:9", "t") as client:
        for call in calls:
            with pytest.raises(InputError):
                call(client)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), None, "9"])
def test_a_timeout_is_seconds(timeout):
    with pytest.raises(InputError, match="timeout"):
        Client("http://a", "t", timeout=timeout)


def test_proxies_of_the_environment_are_for_https(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "garbage://x")
    with Client("http://127.0.0.1:9", "t") as client, pytest.raises(UnavailableError):
        client.health()
    with pytest.raises(InputError, match="a proxy"):
        Client("https://127.0.0.1:9", "t")
