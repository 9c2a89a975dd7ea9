"""An application that recognises mosaics, with a gallery of its own."""

import pytest

from helpers import pages, serving


@pytest.fixture
def mosaics(monkeypatch):
    """Let mosaics be recognised in place of faces."""
    serving.put_in(monkeypatch)


@pytest.fixture
def log():
    """What the application logs."""
    return []


@pytest.fixture
def serve(tmp_path, mosaics):  # noqa: ARG001
    """Return a function that serves the gallery of this test, one server at a time."""
    services = []

    def served(**choices):
        while services:
            services.pop().close()
        services.append(serving.make_service(tmp_path, **choices))
        return serving.Caller(services[-1])

    yield served
    while services:
        services.pop().close()


@pytest.fixture
def ask(serve, log):
    """Ask an application: ``ask("GET", "/people", key="recognise")``."""
    return serve(log=log.append)


@pytest.fixture
def enrol(ask):
    """Enrol somebody by number, and return the subject's number: ``enrol("Ann", 1)``."""

    def enrolled(name, person, **given):
        photos = [("photos", serving.photo(person, capture=capture)) for capture in (0, 1)]
        assert ask("POST", "/people", data={"name": name, **given}, files=photos).status_code == 201
        people = ask("GET", "/people", params={"search": name}).json()["people"]
        return next(person["id"] for person in people if person["name"] == name)

    return enrolled


@pytest.fixture(scope="module")
def mosaic_page(tmp_path_factory):
    """The address of a page whose server recognises mosaics, and has a small network and mosaics to learn."""
    folder = tmp_path_factory.mktemp("page")
    given = {"networks": (str(pages.small_network(folder)),), "data": pages.mosaics(folder)}
    with pytest.MonkeyPatch.context() as patch:
        serving.put_in(patch)
        patch.setattr("faceloupe.web.networks.find_weights", lambda _: None)  # SFace takes seconds to open
        with pages.served(folder, serving.Toy(), serving.POINT, **given) as address:
            yield address
