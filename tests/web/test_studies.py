"""Studies over HTTP: begun, watched, stopped, resumed, read.

Also tests ``web/api/studies.py``, ``web/shapes/studies.py``, ``web/two_people.py``.
"""

import json
import os

import pytest

from faceloupe.studies.folder import StudyFolder
from faceloupe.studies.trials import Trial, write_csv
from helpers import serving
from helpers.waiting import until


@pytest.fixture
def data(tmp_path):
    """A folder of data, `mosaics`, with three subjects of four captures each."""
    folder = tmp_path / "data"
    for number, name in enumerate(("ann", "bo", "cy")):
        (folder / "mosaics" / name).mkdir(parents=True)
        for capture in range(4):
            (folder / "mosaics" / name / f"{capture}.png").write_bytes(serving.photo(number, capture=capture))
    return folder


@pytest.fixture
def ask(tmp_path, mosaics, data):  # noqa: ARG001
    service = serving.make_service(tmp_path, data=data)
    yield serving.Caller(service)
    service.close()


ASKED = {"data": "mosaics", "pairs": 2, "seeds": 1, "epochs": 1, "preprocess": ["centre"]}


def wait(ask, answer, what="ended"):
    assert answer.status_code == 202, answer.text
    return until(lambda: (job := ask("GET", f"/jobs/{answer.json()['id']}", key="look").json())[what] and job)


def test_a_study_is_stopped_resumed_and_read(ask, monkeypatch):
    with monkeypatch.context() as patch:  # or it might end before it is stopped
        patch.setattr("faceloupe.web.studies.carry_out", serving.study_endlessly)
        begun = ask("POST", "/studies", key="look", json=ASKED)
    wait(ask, begun, "done")
    [study] = ask("GET", "/studies", key="look").json()["studies"]
    assert (study["state"], study["job"]) == ("begun", begun.json()["id"])
    assert "2 pairs × 1 seed, 1 epoch, " in study["words"]
    assert ask("POST", f"/studies/{study['id']}/resume", key="look").status_code == 409  # it is at work
    ask("DELETE", f"/jobs/{begun.json()['id']}", key="look")
    assert wait(ask, begun)["state"] == "stopped"

    [stopped] = ask("GET", "/studies").json()["studies"]
    assert (stopped["state"], stopped["job"], stopped["id"]) == ("begun", None, study["id"])
    assert stopped["resumable"]
    assert stopped["trials"] > 0
    for reached in stopped["so_far"]:
        assert reached["fits"] > 0
        assert 0 <= reached["accuracy"] <= 1
    assert ask("POST", f"/studies/{study['id']}/page").status_code == 409

    folder = ask.service.studies.folder / study["id"]
    done = (folder / "tasks.done").read_text().split()
    resumed = ask("POST", f"/studies/{study['id']}/resume", key="look")
    assert wait(ask, resumed)["state"] == "done"
    after = (folder / "tasks.done").read_text().split()
    assert after[: len(done)] == done
    assert len(set(after)) == len(after), "no task was done twice"
    [whole] = ask("GET", "/studies").json()["studies"]
    assert (whole["state"], whole["resumable"], whole["job"]) == ("whole", False, None)
    assert whole["trials"] > stopped["trials"]
    assert whole["so_far"] == []
    assert ask("POST", f"/studies/{study['id']}/resume").status_code == 409  # it is finished

    document = ask("GET", f"/jobs/{resumed.json()['id']}/result", key="look").json()
    assert document["schema"] == "faceloupe.page/1"
    for path in (f"/studies/{study['id']}/page", f"/jobs/{resumed.json()['id']}/page"):
        address = ask("POST", path, key="look").json()["address"]
        page = ask("GET", f"http://localhost:8000{address}", key=None)
        assert "Does a CNN beat" in page.text
    assert "No photographs" in page.text  # of people who did not agree to be shown


def two_people(ask, key="look", files=(), **changed):
    photos = [(side, serving.photo(person, capture=n)) for person, side in enumerate(("first", "second"))
              for n in range(4)] + [("first", serving.photo())]  # fmt: skip
    names = {"first_name": "Ann", "second_name": "Bo", "seeds": "2", **changed}
    return ask("POST", "/studies/two", key=key, data=names, files=files or photos)


def test_two_people_are_studied_shown_and_erased(ask, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("faceloupe.web.studies.carry_out", serving.study_briefly)
        begun = two_people(ask)
        assert wait(ask, begun)["state"] == "done"
    [study] = ask("GET", "/studies").json()["studies"]
    folder = ask.service.studies.folder / study["id"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.suffix for file in folder.rglob("*")}.isdisjoint({".jpg", ".png"}), "no photograph is kept"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["data"]["captures_per_subject"] == [4, 4]
    assert [capture for capture, _ in manifest["data"]["skipped"]] == ["photograph 5 of the first"]
    assert "Ann" not in (folder / "manifest.json").read_text()
    address = ask("POST", f"/studies/{study['id']}/page", key="look").json()["address"]
    page = ask("GET", f"http://localhost:8000{address}", key=None).text
    assert 'id="loupe-data"' in page
    assert "Photographs of faces" in page
    assert ask("DELETE", f"/studies/{study['id']}", key="look").status_code == 403
    assert ask("DELETE", f"/studies/{study['id']}", key="admin").json() == {"studies": []}
    assert not folder.exists()
    dropped = ask("GET", f"/jobs/{begun.json()['id']}/result", key="look")
    assert (dropped.status_code, "the study was removed" in dropped.text) == (409, True)
    assert ask("DELETE", f"/studies/{study['id']}").status_code == 404


def test_a_study_at_work_is_not_erased_and_that_of_two_people_not_resumed(ask, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("faceloupe.web.studies.carry_out", serving.study_endlessly)
        begun = two_people(ask)
    wait(ask, begun, "done")
    [study] = ask("GET", "/studies").json()["studies"]
    assert ask("DELETE", f"/studies/{study['id']}").status_code == 409
    ask("DELETE", f"/jobs/{begun.json()['id']}", key="look")
    assert wait(ask, begun)["state"] == "stopped"
    assert not ask("GET", "/studies").json()["studies"][0]["resumable"]
    answer = ask("POST", f"/studies/{study['id']}/resume")
    assert (answer.status_code, "take new ones" in answer.json()["detail"]) == (409, True)
    assert ask("DELETE", f"/studies/{study['id']}").status_code == 200


def test_two_people_need_two_names_and_faces(ask):
    assert two_people(ask, key="recognise").status_code == 403
    same = two_people(ask, second_name="Ann")
    assert (same.status_code, "two names that differ" in same.json()["detail"]) == (422, True)
    walls = [("first", serving.photo(0, capture=n)) for n in range(4)] + 4 * [("second", serving.photo())]
    nobody = two_people(ask, files=walls)
    assert nobody.status_code == 422
    assert "Bo: 0 of 4 photographs show a face, and a study needs 4" in nobody.json()["detail"]
    assert two_people(ask, files=walls[:6]).status_code == 422  # two photographs of the second
    assert not ask.service.studies.folder.exists()


def test_what_cannot_be_studied_is_refused_at_once(ask):
    def refused(**changed):
        answer = ask("POST", "/studies", json={**ASKED, **changed})
        assert answer.status_code == 422
        return answer.json()["detail"]

    assert "1 to 3" in refused(pairs=4)
    assert "mosaics" in refused(data="../data/mosaics")
    assert "one run" in refused(pairs=1)
    assert refused(preprocess=["magic"])
    assert refused(seeds=0)
    assert refused(colour=True)
    assert ask("POST", "/studies", key="recognise", json=ASKED).status_code == 403
    assert not ask.service.studies.folder.exists()


def test_forged_ids_open_nothing(ask):
    for forged in ("nosuch", "..", "%2e%2e%2fdata", "networks", "%2fetc"):
        for what in ("page", "resume"):
            assert ask("POST", f"/studies/{forged}/{what}").status_code in (404, 405)


def test_only_studies_are_listed_and_those_of_others_are_not_resumed(ask):
    folder = ask.service.studies.folder
    for name, manifest in (("half", "{"), ("strange", "[]"), ("other", json.dumps(MANIFEST))):
        (folder / name).mkdir(parents=True)
        (folder / name / "manifest.json").write_text(manifest)
        (folder / name / "trials.csv").write_text("task\nrow\n")
    (folder / "networks").mkdir()
    (folder / "file").write_text("no folder")
    [study] = ask("GET", "/studies").json()["studies"]
    assert (study["id"], study["trials"], study["resumable"]) == ("other", 1, False)
    answer = ask("POST", "/studies/other/resume")
    assert (answer.status_code, "--resume" in answer.json()["detail"]) == (409, True)
    (folder / "other" / "report.html").write_bytes(b"\xff")
    answer = ask("POST", "/studies/other/page")
    assert (answer.status_code, "is damaged" in answer.json()["detail"]) == (409, True)
    os.truncate(folder / "other" / "report.html", 2**40)  # of which a disk holds nothing
    assert "is damaged" in ask("POST", "/studies/other/page").json()["detail"]
    os.truncate(folder / "other" / "trials.csv", 2**40)
    assert ask("GET", "/studies").json() == {"studies": []}


def test_a_study_that_another_process_works_on_is_not_erased(ask):
    folder = ask.service.studies.folder / "terminal"
    with StudyFolder(folder).locked():  # as `faceloupe study` has it
        (folder / "manifest.json").write_text(json.dumps(MANIFEST))
        (folder / "trials.csv").write_text("task\n")
        answer = ask("DELETE", "/studies/terminal")
        assert (answer.status_code, "Another process works on" in answer.json()["detail"]) == (409, True)
        assert (folder / "manifest.json").exists()
    assert ask("DELETE", "/studies/terminal").json() == {"studies": []}
    assert not folder.exists()


def test_an_unfinished_study_tells_what_its_fits_have_reached(ask):
    folder = ask.service.studies.folder / "half"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    trials = [
        Trial("people", "deep", "none", "all", 0, 5, accuracy=0.9, task="people:all:deep:0"),
        *(Trial("pairs", "cnn", "centre", "0-1", seed, 5, accuracy=seed / 2, task="pairs:0-1") for seed in (0, 1)),
        Trial("pairs", "cnn", "none", "0-1", 0, 5, task="pairs:0-1"),
        Trial("timing", "cnn", "none", "0-1", 0, 5, accuracy=1.0, task="timing:0-1"),
    ]
    (folder / "trials.csv").write_text(write_csv(trials, header=True) + "pairs,cnn,centre,0-1")  # the last is not whole
    [study] = ask("GET", "/studies").json()["studies"]
    assert study["so_far"] == [
        {"people": "all", "network": "deep", "preprocess": "none", "fits": 1, "accuracy": 0.9},
        {"people": "pairs", "network": "cnn", "preprocess": "centre", "fits": 2, "accuracy": 0.25},
    ]


MANIFEST = {
    "command": "faceloupe study --data orl",
    "created": "2026-01-02T03:04:05+00:00",
    "data": {"source": "made up"},
    "plan": {"pairs": [[0, 1]], "seeds": 2, "epochs": 3},
}
