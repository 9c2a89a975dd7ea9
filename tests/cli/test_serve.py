"""``faceloupe serve`` and ``key`` as somebody types them.

Also tests ``cli/app.py``, ``cli/key.py``.
"""

import secrets
import socket
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from faceloupe.cli.app import app
from faceloupe.web.keys import find_key, read_keys
from helpers.commands import run_command


def run(*arguments):
    return run_command(app, *arguments)


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("FACELOUPE_GALLERY", "FACELOUPE_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def served(monkeypatch):
    """What would be served, and the pages that were opened; no server runs."""
    seen, pages = [], []

    class Server:
        def run(self, sockets):
            for each in sockets:
                each.close()

    def make_server(_, settings, ending):  # noqa: ARG001
        seen.append(settings)
        return Server()

    class Service:
        def __init__(self, settings, **_):
            self.settings = settings
            self.jobs, self.strangers = SimpleNamespace(end=None), None

    monkeypatch.setattr("faceloupe.web.server.make_server", make_server)
    monkeypatch.setattr("faceloupe.web.service.Service", Service)
    monkeypatch.setattr("faceloupe.web.app.make_app", lambda service: service)
    monkeypatch.setattr("webbrowser.open", lambda page: pages.append(Path(urlsplit(page).path).read_text()))
    return seen, pages


def test_the_address_holds_a_new_token_each_time(served):
    seen, pages = served
    tokens = []
    for _ in range(2):
        code, out, talk = run("serve", "--port", "0")
        assert code == 0
        page, _, token = out.strip().partition("/#token=")
        assert page.startswith("http://127.0.0.1:")
        assert find_key(seen[-1].keys, token).name == "owner"
        assert token not in talk
        assert f'value="{token}"' in pages[-1]  # the file that the browser is given: its command line holds no token,
        assert f'action="{page}/enter"' in pages[-1]  # nor does an address, which its history would keep
        assert f"#token={token}" not in pages[-1]
        tokens.append(token)
    assert tokens[0] != tokens[1]
    run("serve", "--port", "0", "--no-browser")
    assert len(pages) == 2


def test_a_token_of_ones_own(served, monkeypatch):
    monkeypatch.setenv("FACELOUPE_TOKEN", "x" * 40)
    code, _, talk = run("serve", "--port", "0")
    assert (code, "FACELOUPE_TOKEN" in talk, "secrets.token_urlsafe" in talk) == (2, True, True)
    own = secrets.token_urlsafe(20)
    monkeypatch.setenv("FACELOUPE_TOKEN", own)
    assert run("serve", "--port", "0")[1].endswith(f"#token={own}\n")
    assert len(served[0]) == 1


def test_plain_http_for_others_has_to_be_meant(served):
    run("key", "door", "--keys", "keys.json", "--scope", "recognise")
    to_others = ("serve", "--host", "0.0.0.0", "--port", "0", "--keys", "keys.json")  # noqa: S104
    code, _, talk = run(*to_others)
    assert (code, "--certificate" in talk, "--plain-http" in talk) == (2, True, True)
    assert run(*to_others, "--plain-http")[0] == 0
    Path("c.pem").write_text("no certificate")
    assert run(*to_others, "--certificate", "c.pem", "--private-key", "c.pem")[0] == 2
    code, _, talk = run("serve", "--certificate", "c.pem")
    assert (code, "both" in talk) == (2, True)
    assert len(served[0]) == 1


def test_others_reach_it_only_with_keys(served):
    code, _, talk = run("serve", "--host", "0.0.0.0", "--port", "0", "--plain-http")  # noqa: S104 - refused
    assert code == 2
    assert "--keys FILE" in talk
    assert served == ([], [])
    token = run("key", "door", "--keys", "keys.json", "--scope", "recognise")[1].strip()
    given = ("--port", "0", "--keys", "keys.json", "--allow-host", "Faces.Lan", "--plain-http")
    code, out, _ = run("serve", "--host", "0.0.0.0", *given)  # noqa: S104
    assert code == 0
    assert "token" not in out
    (settings,), pages = served
    assert find_key(settings.keys, token).scopes == ("recognise",)
    assert "faces.lan" in settings.hosts
    assert pages == []


def test_a_port_that_is_taken(served):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, talk = run("serve", "--port", port)
    assert (code, out) == (2, "")
    assert f"port {port}" in talk
    assert "--port 0" in talk
    assert served[0] == []


def test_a_port_that_cannot_be(served):  # noqa: ARG001
    code, _, talk = run("serve", "--port", "70000")
    assert (code, "0 to 65535" in talk) == (2, True)


def test_a_key_is_printed_once_and_kept_as_a_hash(tmp_path):
    code, out, talk = run(
        "key", "desk", "--keys", "keys.json", "--scope", "enrol", "--scope", "look", "--per-minute", 60
    )
    assert code == 0
    assert "desk may enrol, look" in talk
    (key,) = read_keys(tmp_path / "keys.json")
    assert (key.name, key.scopes, key.per_minute) == ("desk", ("enrol", "look"), 60)
    assert find_key([key], out.strip()) is key
    assert out.strip() not in (tmp_path / "keys.json").read_text()


@pytest.mark.parametrize("options", [("--scope", "rule"), ("--scope", "look", "--per-minute", 0)])
def test_a_key_that_cannot_be(options):
    assert run("key", "desk", "--keys", "keys.json", *options)[0] == 2
