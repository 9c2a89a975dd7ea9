"""Every error is a problem: what is wrong, and what to do."""

import errno

import pytest

from faceloupe.errors import (
    GalleryError,
    ImageError,
    InputError,
    NameTakenError,
    StudyError,
    SubjectError,
    UnavailableError,
)
from faceloupe.web.problems import PROBLEMS, HTTPProblem, problems_page


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InputError("that"), 422, "input"),
        (ImageError("that"), 422, "image"),
        (SubjectError("that"), 404, "not-found"),
        (NameTakenError("that"), 409, "conflict"),
        (StudyError("that"), 409, "conflict"),
        (GalleryError("that"), 503, "gallery"),
        (UnavailableError("that"), 503, "unavailable"),
        (OSError(errno.EIO, "that"), 503, "storage"),
    ],
)
def test_errors_that_are_foreseen(ask, monkeypatch, error, status, kind):
    def fail(*_):
        raise error

    monkeypatch.setattr("faceloupe.gallery.Gallery.people", fail)
    answer = ask("GET", "/people")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"/problems#{kind}", "title": PROBLEMS[kind].title, "status": status, "detail": "that",
        "remedy": PROBLEMS[kind].remedy,
    }  # fmt: skip
    assert ("retry-after" in answer.headers) == (status == 503)
    assert answer.headers["cache-control"] == "no-store" or status == 200


def test_a_fault_of_ours_shows_no_inside_but_is_logged(ask, monkeypatch, log):
    person = " ".join(["Ann", "Onymous"])

    def break_down(*_):
        raise RuntimeError(person)

    monkeypatch.setattr("faceloupe.gallery.Gallery.people", break_down)
    answer = ask("GET", "/people")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems#internal")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert person not in answer.text
    assert log[-1]["request"] == answer.headers["x-request-id"]
    assert (log[-1]["status"], log[-1]["error"]) == (500, "RuntimeError")
    assert "break_down" in str(log[-1]["trace"])
    assert person not in str(log)


def test_a_folder_that_is_gone_is_told_and_logged(serve, log, tmp_path):
    (tmp_path / "data").mkdir()
    ask = serve(log=log.append, data=tmp_path / "data")
    (tmp_path / "data").rmdir()
    answer = ask("GET", "/data")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems#storage")
    assert answer.json()["detail"] == f"{tmp_path / 'data'}: No such file or directory"
    assert (log[-1]["status"], log[-1]["error"]) == (503, "FileNotFoundError")


def test_what_a_request_lacks_is_named_and_what_it_holds_is_not(ask):
    answer = ask("POST", "/identify", json={"photo": "secret!", "ranks": 0, "other": "secret"})
    assert answer.status_code == 422
    for words in ("photo: ", "base64", "ranks: ", "other: "):
        assert words in answer.json()["detail"]
    assert "secret" not in answer.text
    assert ask("POST", "/identify", content=b"x").json()["type"] == "/problems#media-type"


def test_halves_of_characters_can_be_told():
    assert b"\\ud800" in HTTPProblem("input", "\ud800").response().body


def test_the_page_lists_every_kind(ask):
    answer = ask("GET", "http://localhost:8000/problems", key=None)
    assert answer.text == problems_page()
    for name, kind in PROBLEMS.items():
        assert f'id="{name}"' in answer.text
        assert str(kind.status) in answer.text


def test_waiting_is_told_in_whole_seconds():
    assert HTTPProblem("rate", "so", retry_after=0.1).headers["Retry-After"] == "1"
    assert HTTPProblem("rate", "so", retry_after=1.2).headers["Retry-After"] == "2"
