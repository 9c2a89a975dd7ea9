"""What somebody who means harm might send: refused with a problem, never with a fault, and nothing is given away."""

import asyncio
import io
import json
import struct
import zlib
from urllib.parse import unquote

import httpx
import pytest
from PIL import Image

from faceloupe.web.settings import ServerLimits
from helpers import serving
from helpers.serving import TOKENS, photo
from helpers.waiting import BOUND


def bomb(side=50_000):
    """A PNG of some hundred bytes that claims 2.5 thousand million pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.fixture
def limited(tmp_path, mosaics):  # noqa: ARG001
    """Make an application with limits of one's own."""
    services = []

    def made(**limits):
        services.append(serving.make_service(tmp_path, limits=ServerLimits(**limits)))
        return serving.Caller(services[-1])

    yield made
    for service in services:
        service.close()


def _client(ask):
    """A client of an application, with the admin's key."""
    headers = {"Authorization": f"Bearer {TOKENS['admin']}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=ask.app), base_url="http://localhost", headers=headers)


PATHS = ["/health", "/people", "/people/1", "/audit", "/metrics", "/openapi.json", "/nothing", "/jobs"]


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_the_api_says_nothing(ask, path):
    for given in ({}, {"headers": {"Authorization": "Bearer wrong"}}, {"params": {"token": TOKENS["admin"]}}):
        answer = ask("GET", path, key=None, **given)
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems#token")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": ""}, {"Host": "localhost@evil.example"}])
def test_another_name_of_the_host_is_refused(ask, headers):
    assert ask("GET", "/health", headers=headers).status_code == 421
    assert ask("GET", "http://localhost:8000/", headers=headers).status_code == 421


def test_a_page_of_another_site_is_refused_and_gets_no_leave_to_read(ask):
    answer = ask("POST", "/people", headers={"Origin": "http://evil.example"}, data={"name": "Ann"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems#origin")
    for method in ("GET", "OPTIONS"):
        answer = ask(method, "/people", headers={"Access-Control-Request-Method": "POST"})
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_oversize_is_refused_whether_announced_or_not(limited):
    ask = limited(body=10_000)

    async def endless():
        while True:
            yield bytes(1000)

    for content in (bytes(10_001), endless()):
        answer = ask("POST", "/detect", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems#too-large")


def test_a_bomb_is_refused_before_it_is_unpacked(ask):
    answer = ask("POST", "/detect", files={"photo": bomb()})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems#image")
    assert "pixels" in answer.json()["detail"]


def test_too_many_faces_are_refused(limited):
    ask = limited(faces=2)
    assert ask("POST", "/detect", files={"photo": photo(1, 2)}).status_code == 200
    answer = ask("POST", "/detect", files={"photo": photo(1, 2, 3)})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems#too-large")
    assert "3 faces; 2 are taken" in answer.json()["detail"]


def test_more_than_there_is_room_for_is_told_when_to_come_back(limited):
    ask = limited(photographs=2)
    answers = ask.together(*[("POST", "/detect", {"files": {"photo": photo(1)}})] * 12)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert {(answer.json()["type"], answer.headers["retry-after"]) for answer in refused} == {("/problems#busy", "1")}
    assert ask("POST", "/detect", files={"photo": photo(1)}).status_code == 200


def test_the_bodies_of_all_callers_have_a_bound(limited):
    ask = limited(bodies=100_000)
    body = b'{"photo": "' + bytes(60_000)

    refused = []

    async def hesitant():
        yield body
        async with asyncio.timeout(BOUND):
            while len(refused) < 2:  # the others, meanwhile
                await asyncio.sleep(0.01)
        yield b"}"

    async def send(client):
        answer = await client.post("/api/v1/detect", content=hesitant(), headers=headers)
        if answer.status_code == 429:
            refused.append(answer)
        return answer.status_code

    async def main():
        async with _client(ask) as client:
            return await asyncio.gather(*(send(client) for _ in range(3)))

    headers = {"Content-Type": "application/json"}
    assert sorted(asyncio.run(main())) == [422, 429, 429]
    assert ask("POST", "/detect", content=body, headers=headers).status_code == 422  # the room is given back


def test_a_key_has_its_rate(tmp_path, mosaics, monkeypatch):  # noqa: ARG001
    monkeypatch.setattr("faceloupe.web.rates.monotonic", lambda: 0.0)
    key = serving.key_of(TOKENS["look"], name="slow", scopes=["look"], per_minute=60)
    service = serving.make_service(tmp_path, keys=(key,))
    ask = serving.Caller(service)
    answers = [ask("GET", "/health", key="look") for _ in range(12)]
    service.close()
    assert {answer.status_code for answer in answers[:10]} == {200}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "C:\\Windows", "<script>alert(1)</script>", "'; DROP TABLE subjects; --"],
)
def test_a_name_is_text_and_nothing_else(ask, enrol, tmp_path, name):
    before = set(tmp_path.iterdir())
    number = enrol(name, 1)
    answer = ask("GET", f"/people/{number}")
    assert answer.json()["person"]["name"] == name
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert {path for path in tmp_path.iterdir() if not path.name.startswith("faces.db")} <= before


def test_a_file_s_own_name_is_never_used(ask):
    answer = ask("POST", "/people", data={"name": "Ann"}, files={"photos": ("../../<b>.png", photo(1), "text/html")})
    assert answer.json()["enrolled"] == ["photo 1"]


@pytest.mark.parametrize("name", ["", " ", "\0", "a\nb", "a" * 201, "\ud800"])
def test_what_is_no_name(ask, name):
    content = json.dumps({"name": name, "photos": ["aGk="]})
    answer = ask("POST", "/people", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "body", ["[" * 60_000, '{"photo": NaN}', '"\\ud800"', '{"\\ud800": 1}', "{", "", "\xff", "1" * 5000]
)
@pytest.mark.parametrize("path", ["/detect", "/people/1/merge"])
def test_json_that_is_none_or_odd(ask, body, path):
    answer = ask("POST", path, content=body.encode("latin-1"), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems#input")


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/%2e%2e/app.py",
        "/..%2fapp.py",
        "/..\\app.py",
        "//etc/passwd",
        "/%00",
        "/static/../../app.py",
    ],
)
def test_the_page_s_folder_cannot_be_left(ask, path):
    answer = ask("GET", f"http://localhost:8000{path}", key=None)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems#not-found")


def test_other_methods_do_nothing(ask):
    for method in ("HEAD", "OPTIONS", "PUT", "TRACE", "BREW"):
        answer = ask(method, "/people/1")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "DELETE, GET, PATCH"
    assert ask("POST", "http://localhost:8000/", key=None).status_code == 405
    assert ask("HEAD", "http://localhost:8000/", key=None).status_code == 200


@pytest.mark.parametrize("number", ["1", "a" * 22, "%2e%2e%2fetc", "%00", "..%5c..", "'--"])
def test_a_forged_number_of_a_job_finds_nothing(ask, number):
    for method, end in (("GET", ""), ("DELETE", ""), ("GET", "/result"), ("GET", "/events"), ("POST", "/page")):
        answer = ask(method, f"/jobs/{number}{end}")
        assert answer.status_code in (404, 405)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/index.html/..",
        "/views/..",
        "/views",
        "/views/",
        "//main.js",
        "/./main.js",
        "/views/../main.js",
        "/..%5cmain.js",
        "/main.js%00",
    ],
)
def test_the_page_s_files_have_one_name_each_and_no_address_is_redirected(ask, path):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": unquote(path), "scheme": "http", "query_string": b"",
             "headers": [(b"host", b"localhost")]}  # fmt: skip
    asyncio.run(ask.app(scope, None, send))
    assert sent[0]["status"] == 404
    assert json.loads(sent[1]["body"])["type"] == "/problems#not-found"


def test_the_page_may_load_nothing_from_elsewhere_and_be_framed_nowhere(ask):
    headers = ask("GET", "http://localhost:8000/", key=None).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["referrer-policy"] == "no-referrer"
    assert "http" not in headers["content-security-policy"]


def test_nothing_that_was_sent_is_in_the_log(ask, enrol, log):
    name = " ".join(["Ann", "Onymous"])
    enrol(name, 1)
    ask("GET", "/people", params={"search": name})
    ask("GET", f"/{name}")
    ask("POST", "/people", json={"name": name, "photos": [name]})
    assert log
    assert "Onymous" not in str(log)
    assert not any(token in str(log) for token in TOKENS.values())


def test_a_photograph_is_written_to_no_disk(ask, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a file was made")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    large = io.BytesIO(photo(1) + bytes(3_000_000))  # beyond what forms are usually kept in memory
    assert ask("POST", "/detect", files={"photo": large}).status_code == 200


def test_a_client_that_goes_away_frees_its_place(ask):
    async def main():
        async with _client(ask) as client:
            sent = [asyncio.create_task(client.post("/api/v1/detect", files={"photo": photo(1)})) for _ in range(8)]
            await asyncio.sleep(0.01)
            for task in sent[:6]:
                task.cancel()
            await asyncio.gather(*sent, return_exceptions=True)
            return ask.service.recogniser._slots.taken

    assert asyncio.run(main()) == 0


def test_a_token_is_handed_over_in_a_body_and_shown_to_nobody_else(ask):
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}
    answer = ask("POST", "http://localhost/enter", key=None, content=b"token=a%22%3E%3Cscript%3E", headers=form)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert 'content="a&quot;&gt;&lt;script&gt;"' in answer.text
    assert ask("POST", "http://localhost/enter", key=None, content=b"x" * 5000, headers=form).status_code == 413
    assert ask("GET", "http://localhost/enter", key=None).status_code == 405
    assert ask("POST", "http://localhost/enter", key=None, headers={"Origin": "http://evil.example"}).status_code == 403
    assert ask("GET", "/health", headers={"Origin": "null"}).status_code == 403


def test_a_picture_that_takes_for_ever_is_given_up_and_keeps_nobody_waiting(limited, monkeypatch):
    ask = limited(seconds=6.0)
    monkeypatch.setattr("faceloupe.web.recogniser.search", serving.search_unless_grey)
    ask("POST", "/detect", files={"photo": photo(1)})
    hostile = [("POST", "/detect", {"files": {"photo": photo()}}) for _ in range(2)]
    *given_up, answered = ask.together(*hostile, ("POST", "/detect", {"files": {"photo": photo(1)}}))
    for answer in given_up:
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems#image")
        assert "takes more than 6 s" in answer.json()["detail"]
    assert answered.status_code == 200


def test_large_pictures_leave_a_reader_for_small_ones(limited, monkeypatch):
    monkeypatch.setattr("faceloupe.web.recogniser.LARGE", 100 * 100 * 4)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("faceloupe.web.recogniser.search", serving.search_unless_grey)
    ask, small = limited(decoding=2**20), io.BytesIO()
    Image.new("L", (20, 20)).save(small, "PNG")

    async def main():
        async with _client(ask) as client:
            sent = [client.post("/api/v1/detect", files={"photo": photo()}) for _ in range(3)]  # a child sleeps on them
            waiting = list(map(asyncio.ensure_future, sent))
            await asyncio.sleep(0.1)
            answer = await client.post("/api/v1/detect", files={"photo": small.getvalue()})
            assert not any(task.done() for task in waiting)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            return answer.status_code

    assert asyncio.run(main()) == 200


def test_one_pictures_pixels_are_decoded_while_another_waits(limited, monkeypatch):
    ask, most = limited(decoding=112 * 112 * 4), []
    take = ask.service.recogniser._pixels.take

    def watched(amount):
        most.append(amount)
        return take(amount)

    monkeypatch.setattr(ask.service.recogniser._pixels, "take", watched)
    answers = ask.together(*(("POST", "/detect", {"files": {"photo": photo(1)}}) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert most == [112 * 112 * 4] * 4
