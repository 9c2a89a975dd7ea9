"""A look is what inspection says of the same network and faces, and nothing else.

Also tests ``looking/article.py``, ``looking/loupe_data.py``, ``looking/measure_sections.py``, ``looking/measures.py``,
``looking/model.py``, ``looking/sections.py``, ``looking/summary.py``.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from faceloupe.errors import InputError
from faceloupe.faces import load_faces
from faceloupe.inspection import (
    OnnxNetwork,
    anatomy,
    attribute,
    compare_layers,
    diagnose_units,
    shift_sensitivity,
    trace,
)
from faceloupe.looking import look, open_model
from faceloupe.looking import measures as measures_module
from faceloupe.pages import page as page_of
from faceloupe.report import render_page, save_figures
from faceloupe.training import FCNNClassifier, load_network


@pytest.fixture(scope="module")
def cnn(saved):
    """The saved CNN, shown two captures."""
    return look(saved / "cnn", ["orl:3", "orl:14"], methods=["occlusion", "gradient-x-activation"])


@pytest.fixture(scope="module")
def document(cnn):
    return page_of(cnn)


def blocks(document, kind):
    return [block for section in document["sections"] for block in section["blocks"] if block["type"] == kind]


def by_id(document, id_):
    (found,) = [block for section in document["sections"] for block in section["blocks"] if block.get("id") == id_]
    return found


class TestASavedNetwork:
    def test_it_answers_as_its_classifier(self, cnn, saved):
        classifier = load_network(saved / "cnn")
        faces = load_faces("orl", subjects=[0, 1])
        assert np.allclose(cnn.outputs[:, 0], classifier.decision_function(faces.images[[3, 14]]), atol=1e-5)

    def test_everything_is_what_inspection_says(self, cnn):
        network, batch = cnn.model.network, cnn.prepared
        assert cnn.anatomy == anatomy(network, batch.shape[1:])
        assert cnn.units == diagnose_units(network, batch)
        assert [layer.change for layer in cnn.shifts.layers] == [
            layer.change for layer in shift_sensitivity(network, batch, cnn.shifts.pixels, list(cnn.trace)).layers
        ]
        assert list(cnn.trace) == ["conv", "conv_relu", "pool", "hidden", "hidden_relu"]
        outputs = trace(network, batch)["pool"]
        assert np.allclose(cnn.trace["pool"].values, outputs[:, cnn.trace["pool"].units], atol=1e-6)

    def test_attributions_are_of_the_own_answer(self, cnn):
        found = cnn.attributions["orl:14", "occlusion"]
        expected = attribute(cnn.model.network, cnn.prepared[1])
        assert np.array_equal(found.map, expected.map)
        assert found.certificate == expected.certificate
        assert list(cnn.attributions) == [
            (face, method) for method in ("occlusion", "gradient-x-activation") for face in ("orl:3", "orl:14")
        ]

    def test_it_reads_well(self, cnn):
        assert repr(cnn) == "Look(cnn: 7 layers, 3,405 parameters, 2 faces, 4 attributions)"


class TestTheDocument:
    def test_it_is_json_without_nan_and_the_same_twice(self, cnn, document):
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        assert page_of(cnn) == document
        assert cnn.to_document() == document["evidence"]
        assert document["evidence"]["schema"] == "faceloupe.look/2"

    def test_its_lead_is_made_from_the_numbers(self, cnn, document):
        first, second, third = document["lead"]
        assert "**3,405 parameters** in 7 layers and does **834,884 multiply-adds** a face" in first
        assert "one logit: above 0 for s2, below for s1" in first
        assert "orl:3 for **s1**" in second
        assert "orl:14 for **s2**" in second
        assert f"{abs(cnn.outputs[0, 0]):.3g} for orl:3" in third

    def test_the_anatomy_has_its_arithmetic(self, document):
        rows = {row[0]: row for row in by_id(document, "anatomy")["rows"]}
        assert rows["`conv` Conv2d"][1:4] == ["57 × 57 × 4", "(8·8·1 + 1)·4 = 260", "57·57·4·64 = 831,744"]
        assert "= 3,405 (13,620 bytes)" in by_id(document, "anatomy")["note"]

    def test_a_map_that_failed_has_its_warning_before_it(self, cnn, document):
        (section,) = [one for one in document["sections"] if one["id"] == "attribution"]
        ids = [block.get("id", block.get("text")) for block in section["blocks"]]
        for (face, method), found in cnn.attributions.items():
            if found.warning:
                assert ids.index(f"**Warning, {face}:** {found.warning}.") < ids.index(f"attribution-{method}")
        verdicts = [row[-1] for row in by_id(document, "certificates-occlusion")["rows"]]
        for verdict, face in zip(verdicts, ("orl:3", "orl:14"), strict=True):
            passed = cnn.attributions[face, "occlusion"].certificate.passed
            assert verdict.startswith("**passed**" if passed else "**failed**")

    def test_a_map_that_failed_lights_no_face(self, cnn, document):
        drawn = {panel["label"] for block in blocks(document, "pictures") for panel in block["panels"]}
        for face in ("orl:3", "orl:14"):
            believed = any(cnn.attributions[face, method].warning is None for _, method in cnn.attributions)
            assert (f"{face}, where it counts" in drawn) == believed

    def test_every_kept_channel_is_drawn(self, document):
        panels = by_id(document, "layer-0")["panels"]
        assert [panel["label"] for panel in panels[:4]] == [f"{number} · orl:3" for number in (1, 2, 3, 4)]
        assert len(panels) == 8

    def test_both_sides_of_a_relu_are_named_and_a_channel_keeps_its_number(self, document):
        drawn = [block for block in blocks(document, "pictures") if block["id"].startswith("layer-")]
        titles = [block["title"].split(" · ")[0] for block in drawn]
        assert titles[:3] == ["conv, before the ReLU", "conv_relu, after the ReLU", "pool"]
        numbers = [[panel["label"].split(" · ")[0] for panel in block["panels"]] for block in drawn[:3]]
        assert numbers[0] == numbers[1] == numbers[2]

    def test_the_loupe_knows_whom_the_faces_show(self, document, saved):
        loupe = document["loupe"]
        classifier = load_network(saved / "cnn")
        assert (loupe["people"], loupe["labels"]) == (["s1", "s2"], [0, 1])
        assert list(loupe["networks"]) == ["cnn/centre"]
        (fit,) = loupe["networks"]["cnn/centre"]["fits"]
        assert fit["preprocessing"]["mean"] == classifier.preprocessing_.mean
        assert fit["train_accuracy"] == classifier.history_.accuracy[-1]
        assert set(fit["weights"]) == set(classifier.network_.state_dict())

    def test_it_becomes_a_page_and_figures(self, document, tmp_path):
        page = render_page(document)
        assert "A look inside cnn" in page
        assert 'id="loupe"' in page
        assert len(save_figures(document, tmp_path)) == len(blocks(document, "pictures"))

    def test_a_notebook_shows_the_page_and_a_figure(self, cnn):
        assert 'srcdoc="&lt;!doctype html&gt;' in cnn._repr_html_()
        assert cnn._repr_png_().startswith(b"\x89PNG")
        assert "By occlusion" in cnn.plot().get_suptitle()


def test_a_network_for_three_people_says_whom_it_takes_a_face_for():
    faces = load_faces("orl", subjects=[0, 1, 2])
    network = FCNNClassifier(preprocess="centre", epochs=1).fit(faces.images, faces.subject)
    answers = by_id(page_of(look(network, faces.take([0, 10, 20]), methods=[])), "answers")
    assert len(answers["rows"]) == 3
    assert not answers["note"]


def test_the_loupe_opens_a_module_of_ones_own_and_says_why_where_it_does_not(two_people):
    network = nn.Sequential(nn.Conv2d(1, 3, 5, stride=2, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(3 * 31 * 31, 3))
    model = open_model(network, size=64, pixels="-1..1", answers="classes")
    loupe = page_of(look(model, list(two_people.images[:3]), methods=[]))["loupe"]
    ((key, entry),) = loupe["networks"].items()
    assert (key, len(loupe["people"]), loupe["subjects_known"]) == ("cnn/given", 3, False)
    assert [layer["kind"] for layer in entry["layers"]] == ["convolution", "activation", "flatten", "dense"]
    (fit,) = entry["fits"]
    assert fit["preprocessing"] == pytest.approx({"mean": 0.5, "scale": 0.5})
    gelu = nn.Sequential(*network[:1], nn.GELU(), *network[2:])
    document = page_of(look(open_model(gelu, size=64, answers="classes"), list(two_people.images[:3]), methods=[]))
    assert "loupe" not in document
    assert any("does not compute layer '1', GELU" in block["text"] for block in blocks(document, "text"))


def test_without_knowing_the_subjects_the_loupe_says_what_right_means(saved, two_people):
    found = look(saved / "fcnn", [two_people.images[12]], methods=[])
    document = page_of(found)
    assert document["loupe"]["labels"] == [int(found.outputs[0, 0] > 0)]
    assert any("Whom these faces show is not known here" in block["text"] for block in blocks(document, "text"))
    assert "What a shift of the face changes is not measured: that needs two faces" in found.notes[0]


class TestAnEmbedder:
    def test_two_faces_are_compared_and_each_is_explained_by_the_other(self, embedder, made_faces):
        found = look(embedder, made_faces[:2], certify=False)
        one, other = OnnxNetwork(embedder).run(found.prepared).astype(float)
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert found.is_template
        assert np.allclose(found.cosines, [[1, cosine], [cosine, 1]])
        expected = attribute(OnnxNetwork(embedder), found.prepared[1], one, certify=False)
        assert np.array_equal(found.attributions["face 2", "occlusion"].map, expected.map)
        document = page_of(found)
        assert by_id(document, "answers")["rows"][0][1:] == ["1", f"{cosine:.3g}".replace("-", "−")]
        assert by_id(document, "certificates-occlusion")["rows"][1][1] == "cosine with the template of face 1"
        assert by_id(document, "certificates-occlusion")["rows"][1][-1] == "not checked"
        assert "loupe" not in document

    def test_its_numbers_are_classes_if_one_says_so(self, embedder, made_faces):
        found = look(open_model(embedder, answers="classes"), made_faces[:1], certify=False)
        best = int(found.outputs[0].argmax())
        assert by_id(page_of(found), "answers")["rows"][0][1] == f"class {best}"
        assert found.attributions["face 1", "occlusion"].target == f"logit of class {best}"

    def test_one_face_is_enough_for_the_layers(self, embedder, made_faces):
        found = look(embedder, made_faces[0], methods=())
        assert not found.attributions
        assert [section["id"] for section in page_of(found)["sections"]] == [
            "faces",
            "network",
            "layers",
            "measures",
        ]


class TestComparing:
    def test_two_networks_on_the_same_faces(self, saved, two_people):
        found = look(saved / "cnn", two_people.take([0, 5, 10, 15]), compare=saved / "fcnn", certify=False)
        assert found.other.model.name == "fcnn"
        traces = [trace(one.model.network, one.prepared, list(one.trace)) for one in (found, found.other)]
        expected = compare_layers(*traces)
        assert np.array_equal(found.similarity.unbiased, expected.unbiased, equal_nan=True)
        document = page_of(found)
        assert document["title"] == "A look inside cnn and fcnn"
        assert {"a-anatomy", "b-anatomy", "similarity"} <= {block["id"] for block in blocks(document, "table")}
        assert list(document["loupe"]["networks"]) == ["cnn/centre", "fcnn/centre"]
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        assert "A look inside cnn and fcnn" in render_page(document)

    def test_with_three_faces_it_says_that_cka_needs_four(self, saved):
        found = look(saved / "cnn", ["orl:0", "orl:1", "orl:2"], compare=saved / "cnn", methods=[])
        assert found.similarity is None
        assert "(CKA) is not measured: that needs 4 faces." in found.notes[-1]
        assert (found.model.name, found.other.model.name) == ("cnn", "cnn (2)")

    def test_wanted_layers_are_each_networks_own(self, saved):
        found = look(saved / "cnn", ["orl:0"], compare=saved / "fcnn", layers=["conv", "hidden"], methods=[])
        assert (list(found.trace), list(found.other.trace)) == (["conv", "hidden"], ["hidden"])
        with pytest.raises(InputError, match="there is no layer 'cnov'; the layers are conv"):
            look(saved / "cnn", ["orl:0"], compare=saved / "fcnn", layers=["cnov"])


class TestTheWork:
    def test_progress_runs_to_the_end_and_the_preview_comes_first(self, saved):
        heard = []
        look(
            saved / "cnn", ["orl:0", "orl:10"], methods=["gradient", "occlusion"], certify=False,
            preview=lambda seen: heard.append(seen), progress=lambda done, whole: heard.append((done, whole)),
        )  # fmt: skip
        preview, *steps = heard
        assert preview.trace
        assert not preview.attributions
        assert "was written before the measures" in preview.notes[-1]
        assert steps == sorted(steps)
        assert steps[-1] == (4, 4)

    def test_four_faces_are_shown_and_all_are_measured(self, saved, two_people):
        found = look(saved / "fcnn", two_people, certify=False)
        assert len(found.outputs) == found.units[0].n == found.shifts.n == 20
        assert len(found.attributions) == 4
        assert found.trace["hidden"].values.shape[0] == 4
        assert len(by_id(page_of(found), "answers")["rows"]) == 20

    def test_what_does_not_fit_into_memory_is_said_instead(self, saved, monkeypatch):
        monkeypatch.setattr(measures_module, "ROOM", 1000)
        found = look(saved / "cnn", ["orl:0", "orl:1", "orl:10", "orl:11"], compare=saved / "cnn", methods=[])
        assert (found.units, found.shifts, found.similarity) == ((), None, None)
        assert [note.split(":")[0] for note in found.notes] == [
            "Dead and duplicate units are not measured",
            "What a shift of the face changes is not measured",
            "How alike the layers of both networks are (CKA) is not measured",
        ]
        assert render_page(page_of(found))

    def test_the_network_is_left_as_it_was(self, saved):
        classifier = load_network(saved / "cnn")
        before = {name: value.clone() for name, value in classifier.network_.state_dict().items()}
        classifier.network_.train()
        look(classifier, ["orl:0", "orl:10"], certify=False)
        assert classifier.network_.training
        assert not any(module._forward_hooks for module in classifier.network_.modules())
        assert all((value == before[name]).all() for name, value in classifier.network_.state_dict().items())

    def test_a_network_whose_hidden_units_are_all_dead(self, two_people):
        network = nn.Sequential(nn.Flatten(), nn.Linear(4096, 3), nn.ReLU(), nn.Linear(3, 1))
        nn.init.constant_(network[1].bias, -1e6)
        found = look(open_model(network, size=64), two_people.take([0, 10]), certify=True)
        document = page_of(found)
        assert "Nothing of s1/1.pgm moves its answer" in document["lead"][2]
        assert [row[2] for row in by_id(document, "units")["rows"]] == ["3"]
        assert render_page(document)


WRONG = [
    (["orl:0"], {"methods": ["lime"]}, "methods: there is no 'lime'; there are occlusion, correlation, gradient"),
    (["orl:0"], {"layers": ["relu7"]}, "there is no layer 'relu7'; the layers are"),
    (["orl:0"], {}, "says something only beside another one; give two faces"),
    (["orl:0", "orl:1"], {"methods": ["grad-cam"]}, "grad-cam needs gradients, and embedder can only be run"),
]


@pytest.mark.parametrize(("faces", "options", "words"), WRONG)
def test_what_was_asked_wrongly_is_explained(embedder, faces, options, words):
    with pytest.raises(InputError) as raised:
        look(embedder, faces, **options)
    assert words in str(raised.value)


@pytest.mark.usefixtures("workplace")
def test_a_size_that_the_network_cannot_take():
    with pytest.raises(InputError, match="cannot run on a batch of shape"):
        look(open_model("mynets:build", size=9), "above.png")


def test_sface_says_that_one_subject_is_more_alike_than_two(models):
    found = look(models / "face_recognition_sface_2021dec.onnx", ["orl:0", "orl:1", "orl:10"], methods=())
    assert found.model.pixels == "RGB, from 0 to 255"
    assert found.is_template
    assert found.prepared.max() > 100
    assert found.cosines[0, 1] > found.cosines[0, 2] + 0.2
    assert found.anatomy.parameters == 9_642_880


@pytest.fixture
def models():
    import os

    folder = Path(os.environ.get("FACELOUPE_WEIGHTS", "."))
    if not (folder / "face_recognition_sface_2021dec.onnx").is_file():
        pytest.skip("FACELOUPE_WEIGHTS names no folder with SFace")
    return folder
