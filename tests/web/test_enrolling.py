"""Many people enrolled from an archive: a job that tells how far it is, what became of each, and goes on after a stop.

Also tests ``client/archives.py``.
"""

import io
import threading
import zipfile
from contextlib import suppress

import pytest

from faceloupe.client import Client
from faceloupe.client import archives as packing
from faceloupe.errors import InputError
from faceloupe.web import enrolling
from faceloupe.web.settings import ServerLimits
from faceloupe.web.workers import Workers
from helpers import pages, serving
from helpers.serving import photo
from helpers.waiting import until


@pytest.fixture
def ask(tmp_path, mosaics):  # noqa: ARG001
    """Ask a server that gives a child all the time that a busy machine takes."""
    service = serving.make_service(tmp_path, limits=ServerLimits(seconds=600.0))
    yield serving.Caller(service)
    service.close()


def packed(**people):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, photographs in people.items():
            for number, photograph in enumerate(photographs, start=1):
                archive.writestr(f"{name}/{number}.png", photograph)
    return content.getvalue()


def send(ask, archive, key="enrol", **fields):
    return ask("POST", "/people/archive", key=key, files={"archive": archive}, data=fields)


def ended(ask, job, key="enrol"):
    def state():
        now = ask("GET", f"/jobs/{job}", key=key).json()
        return now if now["ended"] else None

    return until(state)


def test_an_archive_is_enrolled_and_each_photograph_accounted_for(ask):
    archive = packed(
        Ann=[photo(1), photo(1, capture=1), photo(1)], Bob=[photo(2), photo(), b"broken"], Cy=[photo(3, 4)]
    )
    sent = send(ask, archive, consent="form 12", keep_faces="true")
    assert sent.status_code == 202
    assert sent.json()["about"] == "7 photographs of 3 subjects"
    state = ended(ask, sent.json()["id"])
    assert (state["state"], state["done"], state["whole"]) == ("done", 7, 7)
    result = ask("GET", f"/jobs/{state['id']}/result", key="enrol").json()
    ann, bob, cy = result["enrolled"]
    assert (ann["id"], ann["new"], ann["enrolled"]) == (1, True, ["Ann/1.png", "Ann/2.png"])
    assert ann["already_enrolled"] == ["Ann/3.png"]
    assert [each["path"] for each in bob["refused"]] == ["Bob/2.png", "Bob/3.png"]
    assert (cy["id"], len(cy["refused"])) == (None, 1)
    people = ask("GET", "/people").json()["people"]
    assert [(one["name"], one["consent"], one["references"]) for one in people] == [
        ("Ann", "form 12", 2), ("Bob", "form 12", 1),
    ]  # fmt: skip
    assert {entry["who"] for entry in ask("GET", "/audit").json()["audit"]} >= {"key enrol"}
    assert "Ann" not in str(ask("GET", "/jobs").json())


def test_the_same_archive_goes_on_where_it_was_stopped(ask, monkeypatch):
    archive = packed(**{f"person {n}": [photo(n), photo(n, capture=1)] for n in range(1, 5)})
    looked_at = []
    real = ask.service.recogniser.photograph_in_thread

    def photograph_in_thread(content, name, **given):
        looked_at.append(name)
        if name == "person 3/1.png":
            ask.service.jobs.stop(ask.service.jobs.all()[0].id)
        return real(content, name, **given)

    monkeypatch.setattr(ask.service.recogniser, "photograph_in_thread", photograph_in_thread)
    assert ended(ask, send(ask, archive).json()["id"])["state"] == "stopped"
    there = [one["name"] for one in ask("GET", "/people").json()["people"]]
    assert there[:2] == ["person 1", "person 2"]
    monkeypatch.setattr(ask.service.recogniser, "photograph_in_thread", real)
    again = ended(ask, send(ask, archive).json()["id"])
    result = ask("GET", f"/jobs/{again['id']}/result").json()
    assert [len(one["already_enrolled"]) for one in result["enrolled"]][:2] == [2, 2]
    assert [one["references"] for one in ask("GET", "/people").json()["people"]] == [2] * 4


def test_what_lies_in_an_archive_is_told(ask):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../Ann/1.png", photo(1))
        archive.writestr("Bob/1.png", photo(2))
    job = ended(ask, send(ask, content.getvalue()).json()["id"])
    result = ask("GET", f"/jobs/{job['id']}/result").json()
    assert [each["reason"] for each in result["refused"]] == ["its name leads out of the archive"]
    assert [one["name"] for one in result["enrolled"]] == ["Bob"]
    wrong = send(ask, b"no archive")
    assert wrong.status_code == 422
    assert "ZIP archive" in wrong.json()["detail"]
    assert send(ask, packed(Ann=[photo(1)]), key="recognise").status_code == 403


def test_a_consent_note_that_cannot_be_kept_is_refused_at_once(ask):
    refused = send(ask, packed(Ann=[photo(1)]), consent="form \x1b12")
    assert refused.status_code == 422
    assert "cannot be printed" in refused.json()["detail"]
    assert ask("GET", "/jobs", key="enrol").json()["jobs"] == []


def test_photographs_of_an_archive_take_their_part_of_the_pixels(tmp_path, mosaics, monkeypatch):  # noqa: ARG001
    service = serving.make_service(tmp_path, limits=ServerLimits(seconds=600.0, patience=600.0, decoding=1))
    ask, two, met, run = serving.Caller(service), threading.Barrier(2), [], Workers.run

    def watched(*given):
        with suppress(threading.BrokenBarrierError):
            two.wait(1)
            met.append(given)
        return run(*given)

    monkeypatch.setattr(Workers, "run", watched)
    job = ended(ask, send(ask, packed(Ann=[photo(1), photo(1, capture=1)])).json()["id"])
    faces = [line for line in ask("GET", "/metrics").text.splitlines() if line.startswith("faceloupe_faces_total")]
    service.close()
    assert job["state"] == "done"
    assert not met, "the part of one is all there is"
    assert faces == ["faceloupe_faces_total 2.0"]


def test_few_archives_are_held_and_their_results_go_when_somebody_is_forgotten(ask, monkeypatch):
    job = ended(ask, send(ask, packed(Ann=[photo(1)])).json()["id"])
    assert ask("GET", f"/jobs/{job['id']}/result").status_code == 200
    assert ask("DELETE", "/people/1").status_code == 200
    gone = ask("GET", f"/jobs/{job['id']}/result")
    assert gone.status_code == 409
    assert "somebody was forgotten" in gone.json()["detail"]
    monkeypatch.setattr("faceloupe.web.api.people.HELD", 0)
    full = send(ask, packed(Ann=[photo(1)]))
    assert full.status_code == 429
    assert full.headers["retry-after"]


def test_the_client_sends_a_folder_in_archives(ask, transport_of, tmp_path, monkeypatch):
    folder = tmp_path / "people"
    for name, person in (("Ann", 1), ("Bob", 2), ("Cy", 3)):
        (folder / name).mkdir(parents=True)
        for capture in (0, 1):
            (folder / name / f"{capture}.png").write_bytes(photo(person, capture=capture))
    (folder / "Bob" / "notes.txt").write_text("none")
    (folder / "people.csv").write_text("folder,external_id\nAnn,E-1\nBob,E-2\nCy,E-3\n")
    (folder / "Cy" / "large.png").write_bytes(bytes(30_000))
    monkeypatch.setattr(packing, "MOST_BYTES", 20_000)
    monkeypatch.setattr(packing, "MOST_FILES", 4)
    with Client("http://localhost:8000", serving.TOKENS["admin"], transport=transport_of(ask)) as client:
        first, second = client.enrol_folder(folder, consent="form 12")
        assert [one["name"] for one in first["enrolled"] + second["enrolled"]] == ["Ann", "Bob", "Cy"]
        assert [each["path"].rpartition("/")[2] for each in first["refused"] + second["refused"]] == [
            "notes.txt", "large.png",
        ]  # fmt: skip
        assert [(each.references, each.external_id) for each in client.people()] == [(2, "E-1"), (2, "E-2"), (2, "E-3")]
        again = [one for part in client.enrol_folder(folder) for one in part["enrolled"]]
        assert not any(one["enrolled"] for one in again)


def test_the_client_names_what_lies_outside_the_folders_of_subjects_or_deeper(ask, transport_of, tmp_path):
    folder = tmp_path / "people"
    (folder / "Ann" / "deep.jpg").mkdir(parents=True)
    (folder / "Ann" / "1.png").write_bytes(photo(1))
    (folder / "loose.png").write_bytes(photo(2))
    with Client("http://localhost:8000", serving.TOKENS["admin"], transport=transport_of(ask)) as client:
        (part,) = client.enrol_folder(folder)
        assert [one["enrolled"] for one in part["enrolled"]] == [["Ann/1.png"]]
        reasons = {each["path"]: each["reason"] for each in part["refused"]}
        assert "lies in no folder" in reasons.pop("loose.png")
        assert reasons == {"Ann/deep.jpg": "a folder inside a subject's folder is not entered"}
        with pytest.raises(InputError, match="holds no folder; expected one a subject"):
            list(client.enrol_folder(folder / "Ann" / "deep.jpg"))


@pytest.fixture
def transport_of():
    import httpx

    class InProcess(httpx.BaseTransport):
        def __init__(self, ask):
            self.ask = ask

        def handle_request(self, request):
            path = request.url.raw_path.decode().removeprefix("/api/v1")
            kind = {"Content-Type": request.headers.get("content-type", "application/json")}
            answer = self.ask(request.method, path, content=request.read(), headers=kind)
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    return InProcess


def test_a_folder_of_two_people_of_one_name_is_refused_and_an_external_id_says_which(ask):
    for person in (1, 2):
        form = {"name": "Ann", "external_id": f"E-{person}"}
        assert ask("POST", "/people", data=form, files={"photos": photo(person)}).status_code == 201
    sent = send(
        ask,
        packed(
            **{
                "Ann": [photo(1, capture=1)],
                "E-2": [photo(2, capture=1)],
                "id:E-2": [photo(2, capture=2)],
                "id:E-3": [photo(3)],
            }
        ),
    )
    state = ended(ask, sent.json()["id"])
    result = ask("GET", f"/jobs/{state['id']}/result", key="enrol").json()
    ann, bare, second, third = result["enrolled"]
    assert "may be 2 subjects" in ann["refused"][0]["reason"]
    assert "the external id of 'Ann'. To add" in bare["refused"][0]["reason"]
    assert (second["id"], second["name"], second["external_id"]) == (2, "Ann", "E-2")
    assert "There is no 'id:E-3'" in third["refused"][0]["reason"]


def test_a_table_in_the_archive_says_who_is_who_and_goes_on_by_number(ask):
    table = 'folder,name,external_id,metadata\nx1,Ann,E-1,"{""floor"": 3}"\nx2,Ann,E-2,\nx9,Zoe,E-9,\n'
    content = io.BytesIO(packed(x1=[photo(1)], x2=[photo(2)], x3=[photo(3)]))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("people.csv", table)
    for expected in ("enrolled", "already_enrolled"):
        job = send(ask, content.getvalue()).json()["id"]
        ended(ask, job)
        document = ask("GET", f"/jobs/{job}/result", key="enrol").json()
        assert [(each["name"], each["external_id"], len(each[expected])) for each in document["enrolled"]] == [
            ("Ann", "E-1", 1), ("Ann", "E-2", 1),
        ]  # fmt: skip
        assert document["refused"] == [{"path": "x3/1.png", "reason": "people.csv has no line for this folder"}]
    people = ask("GET", "/people").json()["people"]
    assert [(each["external_id"], each["metadata"]) for each in people] == [("E-1", {"floor": 3}), ("E-2", {})]
    again = io.BytesIO(packed(x1=[photo(1)]))
    with zipfile.ZipFile(again, "a") as archive:
        archive.writestr("people.csv", 'folder,name,external_id,metadata\nx1,Ann,E-1,"{""floor"": 4}"\n')
    assert ended(ask, send(ask, again.getvalue()).json()["id"])["state"] == "done"
    assert ask("GET", "/people").json()["people"][0]["metadata"] == {"floor": 4}
    broken = io.BytesIO(packed(x1=[photo(1)]))
    with zipfile.ZipFile(broken, "a") as archive:
        archive.writestr("people.csv", "name\nAnn\n")
    refused = send(ask, broken.getvalue())
    assert refused.status_code == 422
    assert "people.csv has no column folder" in refused.json()["detail"]


def test_a_second_person_of_a_name_who_comes_meanwhile_stops_no_archive(ask, monkeypatch):
    real = ask.service.gallery.enrol

    def enrol(name, photographs, **given):
        if name == "Ann":
            for person in (8, 9):
                made = ask.service.recogniser.photograph_in_thread(photo(person), f"{person}.png", faces="one")
                real("Ann", [made], external_id=f"E-{person}")
        return real(name, photographs, **given)

    monkeypatch.setattr(ask.service.gallery, "enrol", enrol)
    state = ended(ask, send(ask, packed(Ann=[photo(1)], Bob=[photo(2)])).json()["id"])
    ann, bob = ask("GET", f"/jobs/{state['id']}/result", key="enrol").json()["enrolled"]
    assert "may be 2 subjects" in ann["refused"][0]["reason"]
    assert bob["enrolled"] == ["Bob/1.png"]


@pytest.mark.parametrize("there_before", [True, False])
def test_who_is_forgotten_while_an_archive_is_enrolled_is_not_enrolled_anew(ask, monkeypatch, there_before):
    monkeypatch.setattr(enrolling, "PART", 1)
    if there_before:
        ask("POST", "/people", data={"name": "Ann"}, files={"photos": photo(1)})
    real = ask.service.recogniser.photograph_in_thread

    def photograph_in_thread(content, name, **given):
        if name == "Ann/2.png":
            ask.service.change(ask.service.gallery.forget, "Ann")
        return real(content, name, **given)

    monkeypatch.setattr(ask.service.recogniser, "photograph_in_thread", photograph_in_thread)
    archive = packed(Ann=[photo(1), photo(1, capture=1), photo(1, capture=2)], Bob=[photo(2)])
    state = ended(ask, send(ask, archive).json()["id"])
    ann, bob = ask("GET", f"/jobs/{state['id']}/result", key="enrol").json()["enrolled"]
    assert {each["path"]: each["reason"].partition(",")[0] for each in ann["refused"]} == dict.fromkeys(
        ("Ann/2.png", "Ann/3.png"), "whom it shows was forgotten"
    )
    assert (ann["name"], bob["enrolled"]) == ("Ann", ["Bob/1.png"])
    assert [person["name"] for person in ask("GET", "/people").json()["people"]] == ["Bob"]


def test_the_page_sends_a_folder_in_parts_and_a_zip_file(browser, tmp_path, mosaics, monkeypatch):  # noqa: ARG001
    folder = tmp_path / "people"
    for name, person in (("Ann", 1), ("Bob", 2), ("Zoë 陳", 3)):
        (folder / name).mkdir(parents=True)
        for capture in (0, 1):
            (folder / name / f"{capture}.png").write_bytes(photo(person, capture=capture))
    (folder / "Bob" / "notes.txt").write_text("none")
    (folder / "Bob" / "wall.png").write_bytes(photo())
    (folder / ".hidden").write_bytes(b"")
    archive = tmp_path / "more.zip"
    archive.write_bytes(packed(Dan=[photo(4), b"broken"]))
    monkeypatch.setattr("faceloupe.web.networks.find_weights", lambda _: None)
    with pages.served(tmp_path, serving.Toy(), serving.POINT) as address:
        visit = pages.visit(browser, address)
        page = visit.page
        visit.go("people/many")
        page.get_by_label("Choose a folder").set_input_files(folder)
        page.get_by_text("7 photographs, sent in 1 part").wait_for()
        page.get_by_text("not called like an image, and not sent").wait_for()
        page.get_by_label("Note on consent").fill("form 12")
        page.get_by_role("button", name="Enrol them").click()
        page.get_by_text("6 photographs enrolled of 3 people.").wait_for()
        page.get_by_text("people/Bob/wall.png").wait_for()
        page.get_by_label("or a ZIP file").set_input_files(archive)
        page.get_by_role("button", name="Enrol them").click()
        page.get_by_text("1 photograph enrolled of 1 person.").wait_for()
        page.get_by_text("Dan/2.png").wait_for()
        visit.go("people")
        for name in ("Ann", "Bob", "Zoë 陳", "Dan"):
            page.get_by_role("link", name=name).wait_for()
        assert visit.messages == []
        page.context.close()


def test_the_archives_of_the_page_are_read_by_others_and_cut_where_they_are_large(browser, mosaic_page):
    visit = pages.visit(browser, mosaic_page)
    made = visit.page.evaluate(
        """async () => {
            const { zipOf } = await import("/zip.js");
            const { partsOf } = await import("/places/archive.js");
            const named = (webkitRelativePath, size) => ({ webkitRelativePath, name: "", size });
            const many = Array.from({ length: 2001 }, (_, at) => named(`all/Ann/${at}.jpg`, 1));
            const large = [named("all/Bob/1.jpg", 20e6), named("all/Bob/2.jpg", 20e6), named("all/Bob/3.jpg", 30e6)];
            const blob = await zipOf([
                { name: "Ann/é.png", blob: new Blob(["one"]) }, { name: "Bob/1.png", blob: new Blob([""]) },
            ]);
            return {
                archive: Array.from(new Uint8Array(await blob.arrayBuffer())),
                parts: [many, large].map(partsOf).map(
                    ({ parts, leftOut }) => [parts.map((part) => part.length), leftOut],
                ),
            };
        }"""
    )
    with zipfile.ZipFile(io.BytesIO(bytes(made["archive"]))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {"Ann/é.png": b"one", "Bob/1.png": b""}
    (many, _), (large, left) = made["parts"]
    assert (many, large) == ([2000, 1], [1, 1])
    assert left == [{"path": "all/Bob/3.jpg", "reason": "larger than 24 MB"}]
    visit.page.context.close()
