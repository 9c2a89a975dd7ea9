"""Networks over HTTP: listed, taken apart, looked at, explained, trained.

Also tests ``web/api/networks.py``, ``web/faces.py``, ``web/inspecting.py``, ``web/network_summary.py``,
``web/sending.py``, ``web/shapes/networks.py``, ``web/training.py``, ``web/workers.py``.
"""

import base64
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from faceloupe.arrays import decode_array
from faceloupe.errors import InputError
from faceloupe.inspection import trace
from faceloupe.inspection.attribution.method_names import METHOD_NAMES
from faceloupe.looking import open_model
from faceloupe.recognition.weights import SFACE
from faceloupe.training import CNNClassifier
from faceloupe.web.networks import Networks
from faceloupe.web.workers import Workers
from helpers import serving, tasks
from helpers.waiting import until

PEOPLE = ("ann", "bo", "cy")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a small CNN that was trained on mosaics, shrunk to 16×16."""
    faces = np.random.default_rng(0).random((8, 16, 16), dtype=np.float32)
    folder = tmp_path_factory.mktemp("networks") / "small net"
    CNNClassifier(kernel_size=5, epochs=2, preprocess="centre").fit(faces, ["ann", "bo"] * 4).save(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of data: `mosaics` with three subjects of four captures each, `pair` with two of them."""
    folder = tmp_path_factory.mktemp("data")
    for number, name in enumerate(PEOPLE):
        (folder / "mosaics" / name).mkdir(parents=True)
        for capture in range(4):
            (folder / "mosaics" / name / f"{capture}.png").write_bytes(serving.photo(number, capture=capture))
    (folder / "pair").mkdir()
    for name in PEOPLE[:2]:
        (folder / "pair" / name).symlink_to(folder / "mosaics" / name, target_is_directory=True)
    (folder / ".hidden").mkdir()
    (folder / "file.txt").write_text("no folder")
    return folder


@pytest.fixture
def ask(tmp_path, mosaics, monkeypatch, saved, data):  # noqa: ARG001
    monkeypatch.setattr("faceloupe.web.networks.find_weights", lambda _: None)  # SFace takes seconds to open
    service = serving.make_service(tmp_path, networks=(str(saved),), data=data)
    yield serving.Caller(service)
    service.close()


def finish(ask, answer):
    """The finished job that an answer announces."""
    assert answer.status_code == 202, answer.text

    def ended():
        looked = ask("GET", f"/jobs/{answer.json()['id']}")
        assert looked.status_code == 200, looked.text
        return looked.json()["ended"] and looked.json()

    return until(ended)


def result(ask, answer):
    job = finish(ask, answer)
    assert job["state"] == "done", job
    return ask("GET", f"/jobs/{job['id']}/result").json()


def base64_of(*photo, **given):
    return base64.b64encode(serving.photo(*photo, **given)).decode()


def test_a_network_is_listed_by_a_name_that_fits_an_address(ask, saved):
    [listed] = ask("GET", "/networks", key="look").json()["networks"]
    assert (listed["id"], listed["name"]) == ("small-net", saved.name)
    anatomy = ask("GET", "/networks/small-net", key="look").json()
    assert listed["parameters"] == anatomy["parameters"] == sum(layer["parameters"] for layer in anatomy["layers"])
    assert listed["words"].startswith(f"16×16 pixels, grey; {len(anatomy['layers'])} layers")
    assert "2 people" in listed["words"]
    assert (listed["template"], listed["methods"]) == (False, list(METHOD_NAMES))


def test_forged_ids_open_nothing(ask):
    for forged in ("nobody", "..", "%2e%2e%2fsmall-net", "%2fetc%2fpasswd", "small net"):
        assert ask("GET", f"/networks/{forged}").status_code == 404
        assert ask("POST", f"/networks/{forged}/look", json={"photos": ["orl:0"]}).status_code in (404, 405)


def test_a_look_needs_a_key_for_it(ask):
    assert ask("GET", "/networks", key="recognise").status_code == 403
    assert ask("POST", "/networks/small-net/look", key="enrol", json={"photos": ["orl:0"]}).status_code == 403


def test_a_look_makes_a_page(ask):
    answer = ask(
        "POST", "/networks/small-net/look", key="look",
        json={"photos": ["orl:3", base64_of(1)], "methods": ["gradient"], "certify": False},
    )  # fmt: skip
    document = result(ask, answer)
    assert document["schema"] == "faceloupe.page/1"
    assert document["evidence"]["faces"] == ["orl:3", "face 2"]
    assert [one["method"] for one in document["evidence"]["attributions"]] == ["gradient"] * 2
    assert ask("POST", f"/jobs/{answer.json()['id']}/page").json()["address"].startswith("/pages/")


def test_a_look_by_a_form(ask):
    answer = ask(
        "POST", "/networks/small-net/look", data={"layers": ["conv", "hidden"], "certify": "false"},
        files=[("photos", serving.photo(1)), ("photos", serving.photo(2))],
    )  # fmt: skip
    evidence = result(ask, answer)["evidence"]
    assert evidence["faces"] == ["face 1", "face 2"]
    assert [one["method"] for one in evidence["attributions"]] == ["occlusion"] * 2


def test_what_cannot_be_looked_at_says_why(ask):
    def detail(**sent):
        answer = ask("POST", "/networks/small-net/look", json={"photos": ["orl:0"], **sent})
        return answer.status_code, answer.json()["detail"]

    assert detail(layers=["nosuch"])[0] == 422
    assert "no layer 'nosuch'" in detail(layers=["nosuch"])[1]
    assert detail(compare="nosuch")[0] == 404
    assert detail(photos=[])[0] == 422
    assert detail(methods=["magic"])[0] == 422
    assert detail(photos=["/etc/passwd"])[0] == 422
    assert detail(photos=[base64.b64encode(b"no picture").decode()])[0] == 422
    assert "photo 1" in detail(photos=[base64.b64encode(b"no picture").decode()])[1]
    assert "400 captures" in finish(ask, ask("POST", "/networks/small-net/look", json={"photos": ["orl:400"]}))["error"]


def test_a_look_stops_when_asked(ask, monkeypatch):
    monkeypatch.setattr("faceloupe.web.api.networks.LOOK", serving.endless)
    answer = ask("POST", "/networks/small-net/look", json={"photos": ["orl:0"] * 4, "methods": ["correlation"]})
    ask("DELETE", f"/jobs/{answer.json()['id']}")
    assert finish(ask, answer)["state"] == "stopped"
    assert ask("GET", "/networks/small-net").status_code == 200


def test_maps_are_those_of_the_network(ask, saved):
    name = ask("GET", "/networks/small-net").json()["layers"][0]["name"]
    answer = ask("POST", "/networks/small-net/trace", key="look", json={"photo": base64_of(1), "layers": [name]}).json()
    model, face = open_model(saved), decode_array(answer["face"])
    assert face.shape == (16, 16)
    [layer] = answer["layers"]
    expected = trace(model.network, model.prepare(face[None]), [name])[name]
    np.testing.assert_array_equal(decode_array(layer["output"]), expected)


def test_a_trace_is_bounded(ask, monkeypatch):
    name = ask("GET", "/networks/small-net", key="look").json()["layers"][0]["name"]
    given = {"json": {"photo": base64_of(1), "layers": [name]}}
    with ExitStack() as taken:
        for _ in range(4):
            taken.enter_context(ask.service.traces.take())
        assert ask("POST", "/networks/small-net/trace", **given).status_code == 429
    assert ask("POST", "/networks/small-net/trace", **given).status_code == 200
    monkeypatch.setattr("faceloupe.web.api.networks.MOST_BYTES", 10)
    large = ask("POST", "/networks/small-net/trace", **given)
    assert (large.status_code, "at most 10 are sent" in large.json()["detail"]) == (413, True)


def test_a_map_can_be_of_a_class_or_of_the_cosine_with_another_face(ask):
    def attribute(**sent):
        given = {"photo": "orl:3", "method": "gradient", "certify": False, **sent}
        return result(ask, ask("POST", "/networks/small-net/attribute", key="look", json=given))

    own, cosine = attribute(), attribute(other=base64_of(2))
    assert decode_array(own["map"]).shape == decode_array(own["face"]).shape == (16, 16)
    assert own["method"] == "gradient"
    assert "cosine" in cosine["target"]
    both = ask("POST", "/networks/small-net/attribute", json={"photo": "orl:3", "other": "orl:4", "target": 0})
    assert (both.status_code, "not both" in both.json()["detail"]) == (422, True)


def test_a_template_is_explained_beside_another_one_only(ask, monkeypatch):
    known = ask.service.networks.summary
    monkeypatch.setattr(ask.service.networks, "summary", lambda each: replace(known(each), answers="template"))
    answer = ask("POST", "/networks/small-net/attribute", json={"photo": "orl:3"})
    assert (answer.status_code, "`other`" in answer.json()["detail"]) == (422, True)


def test_sface_looks_at_aligned_faces(ask, monkeypatch, saved):
    monkeypatch.setattr("faceloupe.web.faces.SFACE", replace(SFACE, sha256=open_model(saved).digest))
    answer = ask("POST", "/networks/small-net/trace", files={"photo": serving.photo(1)}, data={"layers": "conv"})
    assert answer.status_code == 200, answer.text
    wall = ask("POST", "/networks/small-net/trace", files={"photo": serving.photo()}, data={"layers": "conv"})
    assert (wall.status_code, "no face" in wall.json()["detail"]) == (422, True)
    document = result(ask, ask("POST", "/networks/small-net/look", json={"photos": [base64_of(1)], "methods": []}))
    assert "aligned by five points" in str(document)


def test_data_are_named_by_what_is_there(ask):
    assert ask("GET", "/data", key="look").json()["data"] == ["orl", "olivetti", "mosaics", "pair"]
    for forged in ("../data/mosaics", ".hidden", "file.txt", "/etc", "", "nosuch"):
        answer = ask("POST", "/networks", json={"data": forged, "kind": "cnn", "name": "new"})
        assert (answer.status_code, "mosaics" in answer.json()["detail"]) == (422, True)


def test_a_trained_network_is_measured_saved_and_listed(ask):
    answer = ask("POST", "/networks", key="look", json={"data": "mosaics", "kind": "cnn", "name": "new.1", "epochs": 3})
    found = result(ask, answer)
    assert (found["train"], found["held_out"], found["subjects"], found["epochs"]) == (6, 6, 3, 3)
    assert found["interval"]["low"] <= found["accuracy"] <= found["interval"]["high"]
    assert found["chance"] == pytest.approx(1 / 3)
    assert "chance is 33.3 %" in found["words"]
    assert [each["id"] for each in ask("GET", "/networks").json()["networks"]] == ["new.1", "small-net"]
    for taken in ("new.1", "small-net"):
        again = ask("POST", "/networks", json={"data": "mosaics", "kind": "cnn", "name": taken})
        assert again.status_code == 409


def test_a_trained_network_can_be_looked_at_beside_another(ask):
    result(ask, ask("POST", "/networks", json={"data": "pair", "kind": "fcnn", "name": "new", "epochs": 1}))
    sent = {"photos": [base64_of(0), base64_of(1)], "methods": [], "compare": "small-net"}
    document = result(ask, ask("POST", "/networks/new/look", json=sent))
    assert document["evidence"]["network"] == "new"
    assert document["evidence"]["other"]["network"] == "small net"


def test_names_that_could_be_paths_are_refused(ask):
    for name in ("", ".hidden", "../out", "a/b", "a b", "x" * 65, "a\n"):
        answer = ask("POST", "/networks", json={"data": "mosaics", "kind": "cnn", "name": name})
        assert (answer.status_code, "letters, digits" in answer.json()["detail"]) == (422, True)
        assert "^" not in answer.json()["detail"]
    assert not ask.service.networks.folder.exists()


def test_a_network_of_two_of_the_people_is_live_beside_another_of_the_same(ask):
    for kind in ("cnn", "fcnn"):
        sent = {"data": "mosaics", "kind": kind, "name": f"two-{kind}", "people": 2, "epochs": 1}
        job = finish(ask, ask("POST", "/networks", json=sent))
        assert (job["state"], job["about"]) == ("done", f"two-{kind}, on 2 people of mosaics")
    sent = {"photos": [base64_of(0)], "methods": [], "compare": "two-fcnn"}
    answer = ask("POST", "/networks/two-cnn/look", json=sent)
    assert answer.json()["about"] == "two-cnn beside two-fcnn"
    assert set(result(ask, answer)["loupe"]["networks"]) == {"cnn/centre", "fcnn/centre"}
    more = ask("POST", "/networks", json={"data": "mosaics", "kind": "cnn", "name": "new", "people": 4})
    assert (more.status_code, more.json()["detail"]) == (422, "people: mosaics has 3 subjects; got 4")


def test_a_training_stops_and_leaves_nothing(ask, monkeypatch):
    monkeypatch.setattr("faceloupe.web.training.train_network", serving.endless)
    answer = ask("POST", "/networks", json={"data": "mosaics", "kind": "cnn", "name": "new", "epochs": 10})
    ask("DELETE", f"/jobs/{answer.json()['id']}")
    assert finish(ask, answer)["state"] == "stopped"
    assert not ask.service.networks.folder.exists()


@pytest.mark.parametrize(("kind", "batches"), [("cnn", 2), ("fcnn", 2), ("deep", 1)])  # of six captures
def test_a_training_tells_how_far_it_is(ask, kind, batches):
    sent = {"data": "mosaics", "kind": kind, "name": "new", "epochs": 4}
    job = finish(ask, ask("POST", "/networks", json=sent))
    assert (job["state"], job["done"], job["whole"]) == ("done", 4 * batches, 4 * batches)


def test_one_that_cannot_be_opened_says_why_and_hides_no_other(tmp_path, saved, monkeypatch):
    monkeypatch.setattr("faceloupe.web.networks.find_weights", lambda _: None)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    first, second = Networks([str(broken), str(saved)], tmp_path / "none").describe()
    assert (first["parameters"], "cannot be opened" in first["words"]) == (None, True)
    assert second["id"] == "small-net"


def test_a_network_that_takes_for_ever_or_all_memory_is_given_up_and_keeps_nobody_waiting(ask, monkeypatch):
    monkeypatch.setattr("faceloupe.web.networks.TRACE", tasks.sleep_on)
    name = ask("GET", "/networks/small-net").json()["layers"][0]["name"]
    ask.service.networks._workers = Workers(memory=2**28, seconds=0.5)
    given = {"json": {"photo": "orl:3", "layers": [name]}}
    endless, answered = ask.together(("POST", "/networks/small-net/trace", given), ("GET", "/health", {}))
    assert (endless.status_code, "0.5 seconds passed" in endless.json()["detail"]) == (422, True)
    assert answered.status_code == 200
    monkeypatch.setattr("faceloupe.web.networks.TRACE", tasks.take_all)
    large = ask("POST", "/networks/small-net/trace", **given)
    assert (large.status_code, "more memory than it may take" in large.json()["detail"]) == (422, True)


def hostile_onnx(folder, kind):
    """An ONNX file of some hundred bytes that asks for gigabytes, or never ends."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 1, 16, 16))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    if kind == "a side of 100,000 pixels":
        known = [numpy_helper.from_array(np.array([1, 1, 6250, 6250], np.float32), "s")]
        nodes = [helper.make_node("Resize", ["x", "", "s"], ["r"], mode="nearest")]
        nodes += [helper.make_node("GlobalAveragePool", ["r"], ["p"]), helper.make_node("Flatten", ["p"], ["y"])]
    else:
        grown = {"a loop without end": ("Add", {}), "a loop that doubles": ("Concat", {"axis": 3})}[kind]
        names = {"i": (TensorProto.INT64, []), "c": (TensorProto.BOOL, []), "v": (TensorProto.FLOAT, None)}
        info = {name: helper.make_tensor_value_info(name, *each) for name, each in names.items()}
        after = [helper.make_tensor_value_info(f"{name}o", *names[name]) for name in "cv"]
        body = [
            helper.make_node("Identity", ["c"], ["co"]),
            helper.make_node(grown[0], ["v", "v"], ["vo"], **grown[1]),
        ]
        graph = helper.make_graph(body, "b", list(info.values()), after)
        known = [numpy_helper.from_array(np.array(True), "t")]
        nodes = [helper.make_node("Loop", ["", "t", "x"], ["l"], body=graph), helper.make_node("Flatten", ["l"], ["y"])]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y], known), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.save(model, folder / "hostile.onnx")
    return folder / "hostile.onnx"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("a side of 100,000 pixels", "more memory than it may take"),
        ("a loop that doubles", "more memory than it may take"),
        ("a loop without end", "3 seconds passed without a step"),
    ],
)
def test_a_hostile_onnx_file_is_met_by_the_bounds_of_its_child(tmp_path, monkeypatch, kind, words):
    monkeypatch.setattr("faceloupe.web.networks.find_weights", lambda _: None)
    networks = Networks([str(hostile_onnx(tmp_path, kind))], tmp_path / "none")
    networks._workers = Workers(memory=2 * 10**9, seconds=3 if "end" in kind else 60)
    [described] = networks.describe()
    assert words in described["words"]
    networks.close()  # no child begins any more
    [described] = networks.describe()
    assert words in described["words"], "what met a bound is not tried again"


def test_two_of_one_name_have_two_ids_and_what_is_missing_is_refused(tmp_path, saved, monkeypatch):
    monkeypatch.setattr("faceloupe.web.networks.find_weights", lambda _: None)
    assert Networks([str(saved), str(saved)], tmp_path).ids() == ["small-net", "small-net-2"]
    with pytest.raises(InputError, match="no such network"):
        Networks(["nosuch"], tmp_path)
