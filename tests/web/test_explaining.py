"""Explanations and thresholds over HTTP.

Also tests ``web/api/calibrating.py``, ``web/api/explaining.py``, ``web/calibration.py``.
"""

from dataclasses import replace

import pytest

from faceloupe.recognition.thresholds import DEFAULT_FMR
from helpers import serving
from helpers.waiting import until


def explain(ask, one=1, other=1, *, key="recognise", **given):
    files = {"one": serving.photo(one), "other": serving.photo(other, capture=1)}
    return ask("POST", "/explain", key=key, files=files, data={"certify": "false", **given})


def wait(ask, answer, key="recognise"):
    assert answer.status_code == 202, answer.text
    return until(lambda: (job := ask("GET", f"/jobs/{answer.json()['id']}", key=key).json())["ended"] and job)


def test_an_explanation_shows_both_faces_and_what_the_score_rests_on(ask):
    job = wait(ask, explain(ask))
    assert (job["state"], job["kind"]) == ("done", "explain")
    document = ask("GET", f"/jobs/{job['id']}/result", key="recognise").json()
    assert document["title"] == "Why the first photograph and the second match"
    decision = document["evidence"]["decision"]
    verified = ask("POST", "/verify", files={"one": serving.photo(1), "other": serving.photo(1, capture=1)}).json()
    assert decision["score"] == pytest.approx(verified["score"])
    assert [each["path"] for each in decision["photographs"]] == ["the first photograph", "the second"]
    assert document["evidence"]["others"] is None
    address = ask("POST", f"/jobs/{job['id']}/page", key="recognise").json()["address"]
    assert document["title"] in ask("GET", f"http://localhost:8000{address}", key=None).text


def test_it_equals_that_of_files(ask, tmp_path):
    from faceloupe.explaining import explain as explained
    from faceloupe.pages import page

    paths = tmp_path / "the first photograph", tmp_path / "the second"
    for path, capture in zip(paths, (0, 1), strict=True):
        path.write_bytes(serving.photo(1, capture=capture))
    found = page(explained(*paths, point=serving.POINT, embedder=serving.Toy(), certify=False))
    job = wait(ask, explain(ask))
    ours = ask("GET", f"/jobs/{job['id']}/result", key="recognise").json()
    assert ours["evidence"]["faces"] == found["evidence"]["faces"]
    assert ours["sections"] == found["sections"]


@pytest.mark.parametrize("given", [{}, {"fmr": "0.0001"}])
def test_it_explains_the_decision_that_verify_makes(ask, monkeypatch, given):
    published = replace(serving.POINT, threshold=0.7, target_fmr=1e-4)
    monkeypatch.setattr("faceloupe.recognition.thresholds._points", lambda: {published: published})
    files = {"one": serving.photo(1), "other": serving.photo(1, capture=1)}
    verified = ask("POST", "/verify", files=files, data=given).json()
    job = wait(ask, explain(ask, **given))
    explained = ask("GET", f"/jobs/{job['id']}/result", key="recognise").json()
    decision = explained["evidence"]["decision"]
    same = decision.keys() - {"check", "words"}  # of published points the child has its own list
    assert {name: decision[name] for name in same} == {name: verified[name] for name in same}
    assert verified["threshold"] == (published if given else serving.POINT).threshold


def test_people_of_the_gallery_stand_beside_it(ask, enrol):
    enrol("Ann", 1)
    enrol("Bo", 2)
    job = wait(ask, explain(ask, 1, 3))
    others = ask("GET", f"/jobs/{job['id']}/result", key="recognise").json()["evidence"]["others"]
    assert (others["compared"], others["matching"]) == (1, ["Ann"])
    assert others["nearest"][0]["name"] == "Bo"


def test_names_and_faces_of_an_explanation_are_for_its_owner(ask):
    job = wait(ask, explain(ask))
    assert ask("GET", f"/jobs/{job['id']}/result", key="look").status_code == 404
    assert explain(ask, key="look").status_code == 403


def test_what_cannot_be_explained_is_refused_at_once(ask):
    files = {"one": serving.photo(), "other": serving.photo(1)}
    answer = ask("POST", "/explain", files=files)
    assert (answer.status_code, "no face" in answer.json()["detail"]) == (422, True)
    files = {"one": serving.photo(1, 2), "other": serving.photo(1)}
    assert "several faces" in ask("POST", "/explain", files=files).json()["detail"]
    assert explain(ask, method="grad-cam").status_code == 422
    assert "no operating point was published" in explain(ask, fmr="0.001").json()["detail"]


def test_an_explanation_stops_when_asked(ask, monkeypatch):
    monkeypatch.setattr("faceloupe.web.api.explaining.explain_pair", serving.endless)
    answer = explain(ask)
    ask("DELETE", f"/jobs/{answer.json()['id']}", key="recognise")
    assert wait(ask, answer)["state"] == "stopped"


def test_a_threshold_of_the_gallery_s_own_holds_from_then_on(ask, enrol):
    for number in range(8):
        enrol(f"subject {number}", number)
    answer = ask("POST", "/calibrate", json={"fmr": 0.05, "loose": True})
    assert answer.status_code == 200, answer.text
    held = ask.service.gallery.point(serving.Toy())
    assert answer.json()["point"]["threshold"] == held.threshold
    assert held.fmr <= 0.05
    assert held.source.startswith("every two references of the gallery")
    assert ask.service.gallery.audit()[-1].who == "key admin"


def test_a_threshold_can_be_given_and_is_measured(ask, enrol):
    for number in range(8):
        enrol(f"subject {number}", number)
    answer = ask("POST", "/calibrate", json={"threshold": 0.9, "loose": True})
    assert answer.status_code == 200, answer.text
    assert answer.json()["point"]["threshold"] == ask.service.gallery.point(serving.Toy()).threshold == 0.9
    both = ask("POST", "/calibrate", json={"threshold": 0.9, "fmr": 1e-3})
    assert (both.status_code, "not both" in both.json()["detail"]) == (422, True)
    loose = ask("POST", "/calibrate", json={"threshold": -0.9})
    assert (loose.status_code, "loose" in loose.json()["detail"]) == (422, True)
    assert ask("POST", "/calibrate", json={"threshold": -1}).status_code == 422
    assert ask.service.gallery.point(serving.Toy()).threshold == 0.9


def test_the_rate_that_is_meant_without_a_word_is_the_shell_s(ask, enrol):
    enrol("Ann", 1)
    enrol("Bo", 2)
    answer = ask("POST", "/calibrate", json={})
    assert (answer.status_code, f"{3 / DEFAULT_FMR:,.0f}" in answer.json()["detail"]) == (422, True)


def test_a_threshold_can_be_taken_back(ask, enrol):
    for number in range(8):
        enrol(f"subject {number}", number)
    before = ask("GET", "/points", key="recognise").json()
    loose = ask("POST", "/calibrate", json={"fmr": 0.05, "loose": True}).json()
    now = ask("GET", "/points", key="recognise").json()
    assert [each["point"] for each in now["saved"]] == [loose["point"], before["used"]["point"]]
    assert now["used"] == loose
    assert ask("GET", "/points", key="look").status_code == 403
    ask.service.gallery.reset_points(serving.Toy())
    assert ask.service.gallery.calibrations(serving.Toy()) == ()
    assert ask.service.gallery.audit()[-1].what == "reset"


def test_a_rate_that_the_gallery_cannot_support_is_refused(ask, enrol):
    enrol("Ann", 1)
    enrol("Bo", 2)
    answer = ask("POST", "/calibrate", json={"fmr": 1e-6})
    assert (answer.status_code, "3,000,000" in answer.json()["detail"]) == (422, True)
    for fmr in (0, 1, "much"):
        assert ask("POST", "/calibrate", json={"fmr": fmr}).status_code == 422
    assert ask("POST", "/calibrate", json={"fmr": 0.05}).json()["detail"].count("loose") == 1
    for key in ("enrol", "remove", "recognise", "look"):
        assert ask("POST", "/calibrate", key=key, json={"fmr": 0.01}).status_code == 403
        assert ask("DELETE", "/points", key=key).status_code == 403


def test_one_calibration_at_once_and_none_that_takes_minutes(ask, enrol, monkeypatch):
    for number in range(6):
        enrol(f"person {number}", number)
    with ask.service.calibrations.take():
        assert ask("POST", "/calibrate", json={"fmr": 0.05, "loose": True}).status_code == 429
    assert ask("POST", "/calibrate", json={"fmr": 0.05, "loose": True}).status_code == 200
    monkeypatch.setattr("faceloupe.web.api.calibrating.MOST", 11)
    large = ask("POST", "/calibrate", json={"fmr": 0.05, "loose": True})
    assert (large.status_code, "faceloupe calibrate" in large.json()["detail"]) == (413, True)
