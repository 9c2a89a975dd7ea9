"""Faces over HTTP: the same documents as on the command line, for one caller or many.

Also tests ``web/api/recognising.py``, ``web/api/system.py``, ``web/reading.py``, ``web/recogniser.py``,
``web/shapes/recognising.py``, ``web/shapes/system.py``.
"""

import io
import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from faceloupe.cli.app import app
from helpers.serving import POINT, Toy, find_mosaics, photo


@pytest.fixture
def by_command(tmp_path, mosaics):  # noqa: ARG001
    """What a command says of photographs, with the same gallery; `paths` stand for what the server calls them."""

    def said(command, *photos, options=()):
        paths = [tmp_path / f"{number}.png" for number in range(len(photos))]
        for path, content in zip(paths, photos, strict=True):
            path.write_bytes(content)
        given = [command, *map(str, paths), *options, "--gallery", str(tmp_path / "faces.db"), "--json"]
        result = CliRunner().invoke(app, given)
        assert result.exit_code in (0, 1), result.output
        return json.loads(result.stdout)

    return said


def without_paths(document):
    """The server never learns what a file is called."""
    return {**document, "photographs": [{**each, "path": None} for each in document["photographs"]]}


def test_identify_says_what_the_command_says(ask, enrol, by_command):
    enrol("Ann", 1), enrol("Bob", 2)
    shown = photo(2, 9, 1, capture=7)
    answer = ask("POST", "/identify", files={"photo": shown}, data={"ranks": "2"}, key="recognise")
    assert [face["name"] for face in answer.json()["photographs"][0]["faces"]] == ["Bob", None, "Ann"]
    assert without_paths(answer.json()) == without_paths(by_command("identify", shown, options=["--ranks", "2"]))


@pytest.mark.parametrize("people", [(1, 1), (1, 2)])
def test_verify_says_what_the_command_says(ask, by_command, people):
    one, other = (photo(person, capture=place) for place, person in enumerate(people))
    answer = ask("POST", "/verify", files={"one": one, "other": other}, key="recognise").json()
    assert answer["match"] == (people[0] == people[1])
    assert without_paths(answer) == without_paths(by_command("verify", one, other))


def test_detect_finds_the_faces_from_left_to_right(ask):
    answer = ask("POST", "/detect", files={"photo": photo(1, 2, 3)}).json()
    assert answer["size"] == [336, 112]
    assert [face["detection"]["box"]["x"] for face in answer["faces"]] == [20, 132, 244]
    assert all("vector" not in face["template"] for face in answer["faces"])
    assert ask("POST", "/detect", files={"photo": photo()}).json()["faces"] == []


def test_nobody_is_an_answer_of_an_empty_gallery_too(ask):
    answer = ask("POST", "/identify", files={"photo": photo(1)}).json()
    assert [(face["name"], face["candidates"]) for face in answer["photographs"][0]["faces"]] == [(None, [])]
    assert ask("POST", "/identify", files={"photo": photo()}).json()["point"] is None


def test_many_callers_get_each_their_own(ask, enrol):
    for number in range(8):
        enrol(f"person {number}", number)
    sent = [("POST", "/identify", {"files": {"photo": photo(number % 8, capture=9)}}) for number in range(32)]
    named = [answer.json()["photographs"][0]["faces"][0]["name"] for answer in ask.together(*sent)]
    assert named == [f"person {number % 8}" for number in range(32)]


def test_a_face_of_which_no_template_can_be_made_is_a_problem_of_its_caller_alone(ask, monkeypatch):
    embed = Toy.embed

    def of_all_but_the_third(embedder, faces):
        vectors = embed(embedder, faces)
        vectors[np.isclose(vectors, third, atol=0.01).all(axis=1)] = 0
        return vectors

    third = embed(Toy(), find_mosaics(np.asarray(Image.open(io.BytesIO(photo(3)))))[0].image[np.newaxis])
    monkeypatch.setattr(Toy, "embed", of_all_but_the_third)
    answers = ask.together(*[("POST", "/detect", {"files": {"photo": photo(number)}}) for number in range(8)])
    assert [answer.status_code for answer in answers] == [200, 200, 200, 422, 200, 200, 200, 200]
    assert "no direction" in answers[3].json()["detail"]


def test_a_photograph_of_several_is_no_guess(ask):
    sent = {"files": {"one": photo(1, 2), "other": photo(1)}}
    refused = ask("POST", "/verify", **sent)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems#image")
    assert refused.json()["detail"].startswith(
        "the first photograph: several faces found where one was meant, and none"
    )
    assert ask("POST", "/verify", **sent, data={"central": "true"}).status_code == 200


def test_a_threshold_that_was_never_published_is_refused(ask):
    answer = ask("POST", "/identify", files={"photo": photo(1)}, data={"fmr": "0.001"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems#input")
    assert "toy" in answer.json()["detail"]


def test_the_gallery_s_own_threshold_decides_and_is_told(ask):
    points = ask("GET", "/points", key="recognise").json()
    assert points["used"]["source"] == "gallery"
    assert points["used"]["point"] == POINT.to_document()
    assert "mosaics" in points["used"]["words"]
    assert points["published"] == []  # none for mosaics


def test_health_tells_what_there_is(ask, enrol, tmp_path):
    enrol("Ann", 1)
    health = ask("GET", "/health", key="look").json()
    assert (health["status"], health["embedder"], health["people"]) == ("ok", "toy", 1)
    assert (health["licence"], health["training_data"]) == (None, None)  # of a toy
    assert health["gallery"] == str(tmp_path / "faces.db")
    assert health["scopes"] == ["look"]
    assert ask("GET", "/health").json()["scopes"] == ["look", "recognise", "enrol", "remove", "admin"]
