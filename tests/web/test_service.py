"""What a server opens when it starts."""

import pytest

from faceloupe.errors import InputError
from faceloupe.gallery import open_gallery
from faceloupe.recognition.weights import SFACE
from faceloupe.web.problems import HTTPProblem
from faceloupe.web.service import Service
from helpers.galleries import photograph
from helpers.serving import make_service, photo, settings


def gallery_by(folder, embedder, weights):
    with open_gallery(folder / "faces.db", create=True) as gallery:
        gallery.enrol("Ann", photograph("a.jpg", embedder=embedder, weights=weights))


@pytest.mark.usefixtures("published")
def test_it_takes_what_made_the_gallery(tmp_path):
    gallery_by(tmp_path, "sface+flip", SFACE.sha256)
    service = Service(settings(tmp_path))
    assert service.embedder.name == service.recogniser.embedder.name == "sface+flip"
    service.gallery.close()


@pytest.mark.usefixtures("published")
def test_another_may_be_named(tmp_path):
    gallery_by(tmp_path, "sface+flip", SFACE.sha256)
    service = Service(settings(tmp_path), embedder="sface")
    assert service.embedder.name == "sface"
    service.gallery.close()


def test_what_cannot_be_opened_by_name_has_to_be_given(tmp_path):
    gallery_by(tmp_path, "cnn-01ab23cd", "ab" * 32)
    with pytest.raises(InputError, match="--embedder DIR"):
        Service(settings(tmp_path))


def test_what_a_job_gives_a_server_that_ends_is_refused_as_that(tmp_path):
    service = make_service(tmp_path)
    service.close()
    for work in (
        lambda: service.change(print),
        lambda: service.recogniser.photograph_in_thread(photo(1), "1.png", faces="one"),
    ):
        with pytest.raises(HTTPProblem) as ending:
            work()
        assert ending.value.document["type"] == "/problems#ending"
