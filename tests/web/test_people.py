"""The gallery over HTTP: what the command line can do, by whom, and what the trail tells of it.

Also tests ``web/api/people.py``, ``web/shapes/people.py``.
"""

import base64
import json
import threading
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from faceloupe.cli.app import app
from faceloupe.gallery import Gallery, forgetting
from helpers.serving import photo
from helpers.waiting import BOUND, until


def by_command(tmp_path, *arguments):
    """What the command line says of the same gallery."""
    result = CliRunner().invoke(app, [*arguments, "--gallery", str(tmp_path / "faces.db"), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def names(answer):
    return [person["name"] for person in answer.json()["people"]]


def test_who_is_enrolled_is_told_as_the_command_line_does(ask, enrol, tmp_path):
    ann, _ = enrol("Ann", 1, consent="form 12"), enrol("Bob", 2)
    people = ask("GET", "/people", key="recognise").json()
    assert people.pop("next") is None
    assert people == by_command(tmp_path, "people")
    assert ask("GET", f"/people/{ann}").json() == by_command(tmp_path, "show", "Ann")
    audit = ask("GET", "/audit").json()
    assert audit.pop("next") is None
    audit["audit"].reverse()  # the newest first: whoever looks, looks for that
    assert audit == by_command(tmp_path, "audit")


def test_changes_are_told_as_the_command_line_does(ask, enrol, tmp_path):
    ann, bob, cy = enrol("Ann", 1), enrol("Bob", 2), enrol("Cy", 3)
    renamed = ask("PATCH", f"/people/{ann}", json={"name": "Anna"}).json()
    assert renamed == by_command(tmp_path, "rename", "Anna", "Anna")
    merged = ask("POST", f"/people/{bob}/merge", json={"into": ann}).json()
    assert merged == by_command(tmp_path, "rename", "Anna", "Anna")
    gone = ask("DELETE", f"/people/{cy}").json()
    enrol("Cy", 3)
    assert by_command(tmp_path, "forget", "Cy", "--yes") == {**gone, "id": cy + 1}


def test_a_photograph_is_enrolled_once_and_the_answer_says_so(ask):
    answers = [ask("POST", "/people", data={"name": "Ann"}, files={"photos": photo(1)}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == {
        "id": 1, "name": "Ann", "external_id": None, "new": True, "enrolled": ["photo 1"],
        "already_enrolled": [], "refused": [], "doubtful": [],
    }  # fmt: skip
    assert answers[1].json()["already_enrolled"] == ["photo 1"]


def test_what_cannot_be_used_is_told_and_stops_nothing(ask):
    files = [("photos", each) for each in (photo(), photo(1), photo(2, 3), b"no image")]
    answer = ask("POST", "/people", data={"name": "Ann"}, files=files).json()
    assert answer["enrolled"] == ["photo 2"]
    assert [
        (each["path"], each["reason"].partition(":")[0].partition(" (")[0].partition(",")[0])
        for each in answer["refused"]
    ] == [
        ("photo 1", "no face found"),
        ("photo 3", "several faces found where one was meant"),
        ("photo 4", "no image that can be read"),
    ]


def test_if_nothing_can_be_used_nobody_is_added(ask):
    answer = ask("POST", "/people", data={"name": "Ann"}, files={"photos": photo()})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems#image")
    assert "photo 1: no face found" in answer.json()["detail"]
    assert names(ask("GET", "/people")) == []


@pytest.mark.parametrize("change", ["forget", "merge"])
def test_who_is_gone_while_photographs_are_looked_at_is_not_enrolled_anew(ask, enrol, monkeypatch, change):
    ann, bob = enrol("Ann", 1), enrol("Bob", 2)
    real = ask.service.recogniser.try_photograph

    async def try_photograph(*given, **how):
        if change == "forget":
            ask.service.gallery.forget(ann)
        else:
            ask.service.gallery.merge(ann, bob)
        return await real(*given, **how)

    monkeypatch.setattr(ask.service.recogniser, "try_photograph", try_photograph)
    answer = ask("POST", "/people", data={"name": "Ann"}, files={"photos": photo(1, capture=2)})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems#not-found")
    assert "'Ann' was forgotten, or became part of another" in answer.json()["detail"]
    assert names(ask("GET", "/people")) == ["Bob"]


def test_who_is_renamed_while_photographs_are_looked_at_is_added_to(ask, enrol, monkeypatch):
    ann = enrol("Ann", 1, external_id="E-1")
    real = ask.service.recogniser.try_photograph

    async def try_photograph(*given, **how):
        ask.service.gallery.rename(ann, "Anna")
        return await real(*given, **how)

    monkeypatch.setattr(ask.service.recogniser, "try_photograph", try_photograph)
    form = {"name": "Ann", "external_id": "E-1"}
    answer = ask("POST", "/people", data=form, files={"photos": photo(1, capture=2)})
    assert (answer.status_code, answer.json()["name"], answer.json()["id"]) == (201, "Anna", ann)


def test_base64_in_json_is_the_same_as_a_file(ask):
    content = base64.b64encode(photo(1, 2)).decode()
    for sent in (content, f"data:image/png;base64,{content}"):
        given = {"name": "Ann", "photos": [sent], "central": True}
        assert ask("POST", "/people", json=given).json()["name"] == "Ann"
    assert ask("GET", "/people").json()["people"][0]["references"] == 1


def test_faces_are_kept_only_when_asked_for(ask, enrol):
    ann, bob = enrol("Ann", 1, keep_faces="true"), enrol("Bob", 2)
    references = {who: ask("GET", f"/people/{who}").json()["references"][0] for who in (ann, bob)}
    face = ask("GET", f"/people/{ann}/references/{references[ann]['id']}/face", key="recognise")
    assert face.content.startswith(b"\x89PNG")
    assert face.headers["content-type"] == "image/png"
    assert face.headers["cache-control"] == "no-store"
    assert ask("GET", f"/people/{bob}/references/{references[bob]['id']}/face").status_code == 404
    assert ask("GET", f"/people/{bob}/references/{references[ann]['id']}/face").status_code == 404


def test_a_list_comes_in_parts_and_can_be_searched(ask, enrol):
    everybody = ["Ann", "Bob", "Cy", "Zoë", "anna", "Émile"]
    for number, name in enumerate(everybody):
        enrol(name, number)
    found, cursor = [], ""
    while cursor is not None:
        part = ask("GET", "/people", params={"limit": 4, "cursor": cursor})
        found, cursor = found + names(part), part.json()["next"]
    assert found == sorted(everybody)
    assert names(ask("GET", "/people", params={"search": "ANN"})) == ["Ann", "anna"]
    assert names(ask("GET", "/people", params={"search": "zoe\u0308"})) == ["Zoë"]  # as macOS writes it
    assert ask("GET", "/people", params={"cursor": "forged"}).status_code == 422
    assert len(ask("GET", "/audit", params={"limit": 3}).json()["audit"]) == 3


def test_a_name_is_changed_unless_somebody_has_it(ask, enrol):
    ann, bob = enrol("Ann", 1), enrol("Bob", 2)
    assert ask("PATCH", f"/people/{ann}", json={"name": " Anna "}, key="enrol").json()["name"] == "Anna"
    taken = ask("PATCH", f"/people/{bob}", json={"name": "Anna"})
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems#conflict")
    assert "already" in taken.json()["detail"]
    assert ask("PATCH", f"/people/{bob}", json={"name": "a\nb"}).status_code == 422


def test_two_subjects_become_one(ask, enrol):
    ann, bob = enrol("Ann", 1), enrol("Bob", 2)
    merged = ask("POST", f"/people/{bob}/merge", json={"into": ann}, key="remove").json()
    assert (merged["id"], merged["references"]) == (ann, 4)
    assert ask("GET", f"/people/{bob}").status_code == 404
    assert ask("POST", f"/people/{ann}/merge", json={"into": ann}).status_code == 422


def test_who_is_forgotten_is_gone_from_the_file(ask, enrol, tmp_path):
    name = " ".join(["Ann", "Onymous"])
    ann = enrol(name, 1)
    assert ask("DELETE", f"/people/{ann}").json() == {"name": name, "id": ann, "references": 2}
    assert ask("DELETE", f"/people/{ann}").status_code == 404
    assert not any(name.encode() in path.read_bytes() for path in tmp_path.glob("faces.db*"))


@pytest.mark.parametrize("number", [1, 2**63 - 1])
@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "", None), ("DELETE", "", None), ("PATCH", "", {"name": "Ann"}), ("POST", "/merge", {"into": 1}),
        ("GET", "/references/1/face", None), ("DELETE", "/references/1", None),
    ],
)  # fmt: skip
def test_nobody_of_that_number(ask, method, path, sent, number):
    answer = ask(method, f"/people/{number}{path}", **({"json": sent} if sent else {}))
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems#not-found")


@pytest.mark.parametrize("number", ["0", "-1", str(2**63), "ann", "1.5", "%00"])
def test_what_is_no_number_of_anybody(ask, number):
    assert ask("GET", f"/people/{number}").status_code == 422


def test_one_reference_is_forgotten_but_not_the_last(ask, enrol):
    ann = enrol("Ann", 1)
    one, other = (kept["id"] for kept in ask("GET", f"/people/{ann}").json()["references"])
    gone = ask("DELETE", f"/people/{ann}/references/{one}")
    assert gone.json() == {"name": "Ann", "id": ann, "references": 1}
    assert [kept["id"] for kept in ask("GET", f"/people/{ann}").json()["references"]] == [other]
    last = ask("DELETE", f"/people/{ann}/references/{other}")
    assert (last.status_code, "the only one" in last.json()["detail"]) == (422, True)


def test_a_forgetting_that_was_cut_off_is_finished_by_the_same_request(ask, enrol):
    ann = enrol("Ann", 1)
    forgetting._delete(ask.service.gallery._database, ann)  # and killed
    assert ask("DELETE", f"/people/{ann}").json() == {"name": None, "id": None, "references": 0}
    assert ask("DELETE", f"/people/{ann}").status_code == 404


def test_writers_who_wait_keep_no_reader_waiting(ask, monkeypatch):
    enrol, names, read = Gallery.enrol, Gallery.names, threading.Event()

    def after_the_reader(*given, **named):
        assert read.wait(BOUND)
        return enrol(*given, **named)

    def reader(gallery):
        until(lambda: ask.service.changes.taken >= 12)
        read.set()
        return names(gallery)

    monkeypatch.setattr(Gallery, "enrol", after_the_reader)
    monkeypatch.setattr(Gallery, "names", reader)
    sent = {"data": {"name": "Ann"}, "files": {"photos": photo(1)}}
    *enrolled, listed = ask.together(*[("POST", "/people", dict(sent)) for _ in range(12)], ("GET", "/people", {}))
    assert listed.status_code == 200
    assert sorted(answer.status_code for answer in enrolled) == [200] * 11 + [201]


def test_too_many_changes_at_once_are_told_when_to_come_back(ask):
    with ExitStack() as taken:
        for _ in range(ask.service.settings.limits.changes):
            taken.enter_context(ask.service.changes.take())
        refused = ask("POST", "/people", data={"name": "Ann"}, files={"photos": photo(1)})
    assert (refused.status_code, "32 changes" in refused.json()["detail"]) == (429, True)


def test_an_answer_is_not_given_again_once_somebody_is_forgotten(ask):
    sent = {"headers": {"Idempotency-Key": "k"}, "data": {"name": "Ann"}, "files": {"photos": photo(1)}}
    assert ask("POST", "/people", **sent).status_code == 201
    ask("DELETE", "/people/1")
    assert ask("POST", "/people", **sent).json()["new"]
    assert [person["id"] for person in ask("GET", "/people").json()["people"]] == [2]


def test_the_trail_names_the_key_and_no_subject(ask):
    ask("POST", "/people", data={"name": "Onymous"}, files={"photos": photo(1)}, key="enrol")
    ask("DELETE", "/people/1", key="admin")
    audit = ask("GET", "/audit").json()["audit"]
    assert [(entry["what"], entry["who"]) for entry in audit[:3]] == [
        ("erase", "key admin"), ("forget", "key admin"), ("enrol", "key enrol"),
    ]  # fmt: skip
    assert "Onymous" not in str(audit)


@pytest.mark.parametrize(
    ("method", "path", "given", "scope"),
    [
        ("POST", "/people", {"data": {"name": "Ann"}, "files": {"photos": photo(1)}}, "enrol"),
        ("GET", "/people", {}, "recognise"),
        ("GET", "/people/1", {}, "recognise"),
        ("PATCH", "/people/1", {"json": {"name": "Ann"}}, "enrol"),
        ("POST", "/people/1/merge", {"json": {"into": 2}}, "remove"),
        ("DELETE", "/people/1", {}, "remove"),
        ("DELETE", "/people/1/references/1", {}, "remove"),
        ("GET", "/audit", {}, "admin"),
        ("GET", "/metrics", {}, "admin"),
        ("GET", "/points", {}, "recognise"),
        ("POST", "/detect", {"files": {"photo": photo(1)}}, "recognise"),
        ("POST", "/identify", {"files": {"photo": photo(1)}}, "recognise"),
    ],
)
def test_a_key_opens_what_it_is_for(ask, method, path, given, scope):
    allowed = {key: ask(method, path, key=key, **given).status_code != 403 for key in ("look", "recognise", "enrol")}
    assert allowed == {key: key == scope for key in allowed}
    assert ask(method, path, key="admin", **given).status_code != 403


def test_an_idempotency_key_enrols_once(ask):
    def send(key, name="Ann", by="enrol"):
        return ask("POST", "/people", key=by, headers={"Idempotency-Key": key}, data={"name": name},
                   files={"photos": photo(1)})  # fmt: skip

    first = send("k")
    assert "idempotency-replayed" not in first.headers
    ann = first.json()["id"]
    assert ask("PATCH", f"/people/{ann}", json={"name": "Anne"}).json()["id"] == ann
    again = send("k")
    assert again.json() == first.json(), "what was acknowledged: not the new name, nor that it was enrolled before"
    assert datetime.fromisoformat(again.headers["idempotency-replayed"]) <= datetime.now(UTC)
    assert ask("PATCH", f"/people/{ann}", json={"name": "Ann"}).status_code == 200
    assert send("k").status_code == first.status_code == 201
    assert send("k", name="Bob").status_code == 409
    assert send("k", by="admin").status_code == 200
    assert sum(entry["what"] == "enrol" for entry in ask("GET", "/audit").json()["audit"]) == 1


def test_an_enrolment_tells_the_number(ask, enrol):
    ann = enrol("Ann", 1)
    again = ask("POST", "/people", data={"name": "Ann"}, files={"photos": photo(1, capture=2)}).json()
    known = ask("POST", "/people", data={"name": "Ann"}, files={"photos": photo(1, capture=2)})
    assert (again["id"], known.json()["id"], known.status_code) == (ann, ann, 200)


def test_a_photograph_is_compared_with_one_person(ask, enrol):
    ann, bo = enrol("Ann", 1), enrol("Bo", 2)
    for key, status in (("look", 403), ("recognise", 200)):
        answer = ask("POST", f"/people/{ann}/verify", key=key, files={"photo": photo(1, capture=3)})
        assert answer.status_code == status
    decision = answer.json()
    assert (decision["match"], decision["person"]["id"], decision["person"]["name"]) == (True, ann, "Ann")
    assert decision["score"] >= decision["threshold"]
    assert "Match" in decision["words"]
    other = ask("POST", f"/people/{bo}/verify", files={"photo": photo(1, capture=3)}).json()
    assert (other["match"], other["score"] < other["threshold"]) == (False, True)
    assert ask("POST", "/people/99/verify", files={"photo": photo(1)}).status_code == 404
    assert ask("POST", f"/people/{ann}/verify", files={"photo": photo()}).status_code == 422
    assert ask("POST", f"/people/{ann}/verify", files={"photo": photo(1, 2)}).status_code == 422
    with ask.service.gallery.writing() as connection:
        connection.exec_driver_sql("UPDATE face_references SET embedder = 'other' WHERE subject_id = ?", (bo,))
    unlike = ask("POST", f"/people/{bo}/verify", files={"photo": photo(1)})  # is there, without such a reference
    assert (unlike.status_code, unlike.json()["type"]) == (409, "/problems#conflict")


def test_two_people_of_one_name_are_addressed_by_external_id(ask):
    for person, noted in ((1, {"floor": 1}), (2, {})):
        form = {"name": "Ann", "external_id": f"E {person}/é", "metadata": json.dumps(noted)}
        answer = ask("POST", "/people", data=form, files={"photos": photo(person)})
        assert (answer.status_code, answer.json()["id"]) == (201, person)
        assert answer.json()["external_id"] == f"E {person}/é"
    refused = ask("POST", "/people", data={"name": "Ann"}, files={"photos": photo(3)})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems#conflict")
    assert "number:1 or id:E 1/é" in refused.json()["detail"]
    assert ask("PATCH", "/people/1", json={"external_id": "E-1"}).json()["metadata"] == {"floor": 1}
    first = ask("GET", "/people", params={"limit": 1}).json()
    rest = ask("GET", "/people", params={"cursor": first["next"]}).json()
    assert [each["external_id"] for part in (first, rest) for each in part["people"]] == ["E-1", "E 2/é"]

    identified = ask("POST", "/identify", files={"photo": photo(1, capture=1)}).json()["photographs"][0]["faces"][0]
    assert (identified["name"], identified["external_id"]) == ("Ann", "E-1")
    assert ask("POST", "/people/id:E-1/verify", files={"photo": photo(1, capture=1)}).json()["match"] is True
    assert ask("GET", "/people/id:E-1").json() == ask("GET", "/people/1").json()
    taken = ask("PATCH", "/people/2", json={"external_id": "E-1"})
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems#conflict")
    changed = ask("PATCH", "/people/2", json={"name": "Anna", "external_id": "", "metadata": {"room": 5}}).json()
    assert (changed["name"], changed["external_id"], changed["metadata"]) == ("Anna", None, {"room": 5})
    changed = ask(
        "PATCH", "/people/2", content=b'{"external_id": null, "metadata": {"room": null, "n": 9007199254740993}}',
        headers={"Content-Type": "application/merge-patch+json"},
    )  # fmt: skip
    assert changed.json()["metadata"] == {"n": 2**53 + 1}
    for body in ({"name": None}, {"metadata": None}):
        assert ask("PATCH", "/people/2", json=body).status_code == 422
    merged = ask("POST", "/people/2/merge", json={"into": "id:E-1"}).json()
    assert merged["metadata"] == {"floor": 1, "n": 2**53 + 1}
    assert ask("DELETE", "/people/id:E-1").json()["id"] == 1


@pytest.mark.parametrize("address", ["0", "-1", "1.0", "Ann", "E-1", "id:", "9" * 30])
def test_what_is_neither_number_nor_external_id_is_refused(ask, enrol, address):
    enrol("Ann", 1)
    answer = ask("DELETE", f"/people/{address}")
    assert answer.status_code in (404, 422)
    assert names(ask("GET", "/people")) == ["Ann"]


@pytest.mark.parametrize(
    "metadata", ["[]", "{", '{"a":' * 9 + "1" + "}" * 9, json.dumps({"a": "x" * 5000}), '{"a": NaN}']
)
def test_metadata_that_cannot_be_kept_are_an_input_problem(ask, metadata):
    form = {"name": "Ann", "metadata": metadata}
    answer = ask("POST", "/people", data=form, files={"photos": photo(1)})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems#input")
    assert names(ask("GET", "/people")) == []


@pytest.mark.parametrize("day", ["0", "1e9", "2030-13-01", "tomorrow"])
def test_the_end_of_a_consent_is_a_day(ask, day):
    answer = ask("POST", "/people", data={"name": "Ann", "consent_until": day}, files={"photos": photo(1)})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems#input")
    assert "consent_until: expected a day as text" in answer.json()["detail"]
    assert repr(day) not in answer.json()["detail"]  # it may be a name
