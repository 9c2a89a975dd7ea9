"""Servers in processes of their own: how they end, what they survive, and what they make of slow or dead callers.

Also tests ``web/settings.py``.
"""

import base64
import json
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
from contextlib import suppress

import httpx
import numpy as np
import pytest

from faceloupe.client import Client
from faceloupe.errors import FaceloupeError, InputError
from faceloupe.gallery import open_gallery
from faceloupe.web.server import address, listen, make_server
from faceloupe.web.settings import ServerLimits
from helpers import pages, serving
from helpers.serving import TOKENS, photo
from helpers.waiting import BOUND, until


@pytest.fixture(scope="module")
def launcher():
    """What starts servers in processes of their own."""
    with serving.Launcher() as launcher:
        yield launcher


@pytest.fixture
def gallery(tmp_path):
    path = tmp_path / "faces.db"
    serving.make_gallery(path)
    return path


def opened(process):
    return Client(process.address, TOKENS["admin"])


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130)])
def test_it_ends_in_good_order_and_finishes_what_is_in_work(launcher, gallery, sent, status):
    body = json.dumps({"name": "Ann", "photos": [base64.b64encode(photo(1)).decode()]}).encode()

    def parts(process):
        yield body[:100]
        for _ in range(2):  # what it answers now came after the head: it has that, and waits for the rest
            httpx.get(f"{process.address}/api/v1/health", headers=headers, timeout=BOUND)
        process.send_signal(sent)
        time.sleep(0.5)
        yield body[100:]

    headers = {"Authorization": f"Bearer {TOKENS['admin']}", "Content-Type": "application/json"}
    with launcher.serve("--gallery", gallery) as process:
        answer = httpx.post(f"{process.address}/api/v1/people", content=parts(process), headers=headers, timeout=BOUND)
        printed, talk = process.wait()
        assert process.status == status
        assert printed == ""
        assert "Traceback" not in talk
    assert answer.json()["enrolled"] == ["photo 1"]
    with open_gallery(gallery) as kept:
        assert [(person.name, person.references) for person in kept.people()] == [("Ann", 1)]


def test_a_study_at_work_does_not_keep_it_from_ending(launcher, gallery, tmp_path):
    data = pages.mosaics(tmp_path)
    with launcher.serve("--gallery", gallery, "--data", data, "--studies", tmp_path / "studies") as process:
        with opened(process) as client:
            job = client.study("mosaics", pairs=3, seeds=1000, epochs=1000)
            until(lambda: list((tmp_path / "studies").glob("*/manifest.json")))
            assert client.job(job.id).state == "running"
            process.send_signal(signal.SIGTERM)
        process.wait()
        assert process.status == -signal.SIGTERM


def test_whatever_runs_it_ends_within_a_bound(impatient, monkeypatch):
    left, lines = [], []
    monkeypatch.setattr("faceloupe.web.server.BOUND", 0.05)
    monkeypatch.setattr("os._exit", left.append)
    monkeypatch.setattr(impatient.server, "_log", lines.append)
    impatient.server.handle_exit(signal.SIGTERM, None)
    until(lambda: left)
    assert left == [128 + signal.SIGTERM]
    assert "ended after" in lines[0]["message"]


def test_killed_at_any_moment_it_loses_nothing_acknowledged_and_leaves_nothing_half(launcher, gallery):
    chance, acknowledged, kills = np.random.default_rng(7), [], 4
    for round_ in range(kills):
        with launcher.serve("--gallery", gallery) as process:
            before = len(acknowledged)
            threads = [
                threading.Thread(target=_enrol_many, args=(process.address, acknowledged, 1000 * (2 * round_ + half)))
                for half in (0, 1)
            ]
            for thread in threads:
                thread.start()
            until(lambda before=before: len(acknowledged) >= before + 2)
            time.sleep(chance.uniform(0, 0.1))
            process.kill()
        for thread in threads:
            thread.join()
    with open_gallery(gallery) as kept:
        people = kept.people()
        assert set(acknowledged) <= {person.name for person in people}
        assert {person.references for person in people} == {2}
        assert kept.check().findings == ()
    assert len(people) - len(acknowledged) <= 2 * kills  # at most what was in work


def _enrol_many(page, acknowledged, start):
    """Enrol one subject after another until the server is gone."""
    with Client(page, TOKENS["admin"]) as client:
        for number in range(start, start + 1000):
            try:
                client.enrol(f"person {number}", [photo(number, capture=capture) for capture in (0, 1)])
            except FaceloupeError:
                return
            acknowledged.append(f"person {number}")


def test_two_servers_on_one_database_know_the_same_people(launcher, postgres):
    serving.make_gallery(postgres)
    with (
        launcher.serve("--gallery", postgres) as one, launcher.serve("--gallery", postgres) as other,
        opened(one) as here, opened(other) as there,
    ):  # fmt: skip
        assert there.identify(photo(1)).photographs[0].faces[0].name is None
        here.enrol("Ann", [photo(1)])
        assert there.identify(photo(1, capture=1)).photographs[0].faces[0].name == "Ann"
        there.forget(next(there.people()).id)
        assert here.identify(photo(1)).photographs[0].faces[0].name is None


class InThread:
    """A server of this process with little patience."""

    def __init__(self, folder, patience=0.4, limits=None):
        self.service = serving.make_service(folder, port=0, limits=limits or ServerLimits(patience=patience))
        self.listening = listen(self.service.settings)
        self.place = self.listening.getsockname()
        self.server = make_server(serving.make_app(self.service), self.service.settings, ending=self.service.jobs.end)
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listening]})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self._thread.join()

    def says(self, words):
        """Send the words of a request, and return everything that comes until the server closes."""
        with socket.create_connection(self.place, timeout=BOUND) as connection:
            with suppress(OSError):  # it was closed
                connection.sendall(words)
            return _all_of(connection)

    def says_slowly(self, words):
        """Send words and then a letter every now and then, and return everything that comes until the server closes."""
        received = b""
        with socket.create_connection(self.place, timeout=BOUND) as connection:
            connection.sendall(words)
            connection.settimeout(0.05)
            for _ in range(900):  # less than the body that is announced
                try:
                    part = connection.recv(65536)
                    received += part
                except TimeoutError:
                    with suppress(OSError):
                        connection.sendall(b"x")
                    continue
                except ConnectionResetError:
                    return received
                if not part:
                    return received
        pytest.fail("the server still waits")


def _all_of(connection):
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


@pytest.fixture
def impatient(tmp_path, mosaics):  # noqa: ARG001
    with InThread(tmp_path) as server:
        yield server


@pytest.fixture
def answering(tmp_path, mosaics):  # noqa: ARG001
    """A server of little patience that even a busy machine answers in."""
    with InThread(tmp_path, patience=3.0) as server:
        yield server


HEAD = f"POST /api/v1/detect HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKENS['admin']}\r\n".encode()
WHOLE = f"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKENS['admin']}\r\n\r\n".encode()
LAST = WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def test_a_head_that_does_not_come_is_not_waited_for(impatient):
    assert impatient.says(b"") == impatient.says(HEAD[:20]) == impatient.says_slowly(HEAD) == b""


def test_nor_is_the_second_one_on_a_connection(answering):
    received = answering.says_slowly(WHOLE + HEAD)
    assert received.count(b"HTTP/1.1 200") == received.count(b"HTTP/1.1") == 1


def test_a_body_that_does_not_come_is_given_up_with_a_reason(impatient):
    head = HEAD + b"Content-Type: application/json\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n"
    received = impatient.says_slowly(head)
    assert received.startswith(b"HTTP/1.1 408")
    assert b"/problems#too-slow" in received


MUCH = WHOLE.replace(b"health", b"openapi.json") * 100


def test_an_answer_that_nobody_takes_is_not_kept(impatient):
    with socket.create_connection(impatient.place, timeout=BOUND) as connection:
        connection.sendall(MUCH)
        known = until(lambda: impatient.server.server_state.connections)
        until(lambda: not known)


def test_one_that_is_taken_slowly_comes_whole(tmp_path, mosaics):  # noqa: ARG001
    with InThread(tmp_path, patience=3.0) as server, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)  # or the system would take it for us
        connection.settimeout(BOUND)
        connection.connect(server.place)
        connection.sendall(MUCH[:-2] + b"Connection: close\r\n\r\n")
        received = b""
        for _ in range(65):  # for longer than it would wait, if nothing were taken
            received += connection.recv(2**20)
            time.sleep(0.05)
        assert (received + _all_of(connection)).count(b"HTTP/1.1 200") == 100


def test_what_is_no_http_is_refused(answering):
    for words in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"G" * 100_000):
        received = answering.says(words + b"\r\n\r\n")
        assert not received or received.startswith(b"HTTP/1.1 400")
    assert answering.says(LAST).startswith(b"HTTP/1.1 200")


def test_a_malformed_request_gets_a_problem_and_a_line_of_json(launcher, tmp_path):
    with launcher.serve("--gallery", tmp_path / "faces.db") as process:
        host, port = process.address.removeprefix("http://").split(":")
        for words in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"):
            with socket.create_connection((host, int(port)), timeout=BOUND) as connection:
                connection.sendall(words)
                received = _all_of(connection)
            assert received.startswith(b"HTTP/1.1 400")
            assert b"application/problem+json" in received
            assert b"/problems#malformed" in received
        process.send_signal(signal.SIGTERM)
        _, talk = process.wait()
    lines = [json.loads(line) for line in talk.splitlines() if not line.startswith("Ctrl-C")]
    assert any(line.get("logger") == "uvicorn.error" for line in lines)


SMUGGLED = b"0\r\n\r\nGET /api/v1/people HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_what_libraries_say_and_warnings_are_lines_of_json_too(launcher, tmp_path, mosaics):  # noqa: ARG001
    path = tmp_path / "faces.db"
    serving.make_gallery(path)
    with open_gallery(path) as gallery:
        for number, name in enumerate(("Ann", "Bo"), start=1):
            gallery.enrol(name, photo(number), force=True)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE face_references SET vector = x'00' WHERE id = 1")
    with launcher.serve("--gallery", path) as process:
        headers = {"Authorization": f"Bearer {TOKENS['admin']}"}
        api = f"{process.address}/api/v1"
        broken = {**headers, "Content-Type": "multipart/form-data; boundary=x"}
        assert httpx.post(f"{api}/detect", content=b"no form", headers=broken, timeout=BOUND).status_code == 422
        assert (
            httpx.post(f"{api}/identify", files={"photo": photo(1)}, headers=headers, timeout=BOUND).status_code == 200
        )
        process.send_signal(signal.SIGTERM)
        _, talk = process.wait()
    _, *lines = talk.splitlines()  # the first one is for whoever started it
    said = [json.loads(line) for line in lines]
    assert {"python_multipart.multipart", "py.warnings"} <= {line.get("logger") for line in said}
    assert any("damaged, and left out: reference 1" in line.get("message", "") for line in said)


def test_a_request_with_two_lengths_is_refused_at_once(tmp_path, mosaics):  # noqa: ARG001
    with InThread(tmp_path, patience=10 * BOUND) as server:  # it is not the end of this that closes the connection
        received = server.says(
            HEAD + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(SMUGGLED) + SMUGGLED
        )
    assert received.startswith(b"HTTP/1.1 400")
    assert received.count(b"HTTP/1.1") == 1


def test_a_body_without_end_is_read_no_further_than_its_bound(impatient):
    head = HEAD + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent, chunk = 0, b"100000\r\n" + bytes(0x100000) + b"\r\n"
    with socket.create_connection(impatient.place, timeout=BOUND) as connection:
        connection.sendall(head)
        with suppress(OSError):
            while sent < 200 * 2**20:
                connection.sendall(chunk)
                sent += len(chunk)
    assert sent < 50 * 2**20


def test_many_slow_strangers_keep_nobody_out(tmp_path, mosaics):  # noqa: ARG001
    limits = ServerLimits(patience=10 * BOUND, connections=20)
    with InThread(tmp_path, limits=limits) as server:
        slow = []
        for number in range(60):
            slow.append(socket.create_connection(server.place, timeout=BOUND))
            slow[-1].sendall(HEAD[: 10 + number])
        for _ in range(17):
            assert server.says(LAST).startswith(b"HTTP/1.1 200")
        assert len(server.server.server_state.connections) <= 20
        for connection in slow:
            connection.close()


def test_a_request_of_a_key_in_work_is_not_closed_for_strangers(tmp_path, mosaics):  # noqa: ARG001
    with InThread(tmp_path, limits=ServerLimits(patience=10 * BOUND, connections=5)) as server:
        with socket.create_connection(server.place, timeout=BOUND) as working:
            working.sendall(HEAD + b"Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{")
            until(lambda: [each for each in server.server.server_state.connections if each.open_since is None])
            slow = [socket.create_connection(server.place, timeout=BOUND) for _ in range(30)]
            assert {_all_of(connection) for connection in slow[:-4]} == {b""}  # closed, to make room
            working.sendall(b"}")
            assert _all_of(working).startswith(b"HTTP/1.1 422")
        for connection in slow:
            connection.close()


def test_idle_connections_harm_nobody(answering):
    idle = [socket.create_connection(answering.place, timeout=BOUND) for _ in range(20)]
    assert answering.says(LAST).startswith(b"HTTP/1.1 200")
    for connection in idle:
        connection.close()
    until(lambda: not answering.server.server_state.connections)
    assert answering.says(LAST).startswith(b"HTTP/1.1 200")


def test_a_place_that_is_taken_is_told_before_anything_is_opened(tmp_path):
    with listen(serving.settings(tmp_path, port=0)) as first:
        port = first.getsockname()[1]
        assert address(first) == f"http://127.0.0.1:{port}"
        with pytest.raises(InputError, match=f"port {port}.*--port"):
            listen(serving.settings(tmp_path, port=port))
    with pytest.raises(InputError, match="cannot listen"):
        listen(serving.settings(tmp_path, host="192.0.2.1", plain_http=True))


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_ipv6_address_is_written_in_brackets(tmp_path):
    try:
        listening = listen(serving.settings(tmp_path, host="::1", port=0))
    except InputError:
        pytest.skip("no IPv6 here")
    with listening:
        assert address(listening).startswith("http://[::1]:")


def test_it_serves_https_with_a_certificate(launcher, tmp_path):
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    try:
        subprocess.run([*made, *names], cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl here")
    given = ("--certificate", tmp_path / "cert.pem", "--private-key", tmp_path / "key.pem")
    with launcher.serve("--gallery", tmp_path / "faces.db", *given) as process:
        assert process.address.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        headers = {"Authorization": f"Bearer {TOKENS['admin']}"}
        answer = httpx.get(f"{process.address}/api/v1/health", verify=trusted, headers=headers, timeout=BOUND)
        assert answer.json()["status"] == "ok"
