"""From photographs to a page: on a few people of ORL.

Also tests ``evaluation/article.py``, ``evaluation/calibrate.py``, ``evaluation/charts.py``,
``evaluation/provenance.py``, ``evaluation/rates_in_words.py``, ``evaluation/reporting.py``,
``evaluation/results.py``, ``evaluation/sections.py``, ``evaluation/speed.py``, ``evaluation/summary.py``.
"""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.evaluation import calibrate, calibrate_gallery, evaluate, open_data
from faceloupe.evaluation.embedding import embed_captures
from faceloupe.faces.sources import find_orl
from faceloupe.gallery import Templates
from faceloupe.pages import page as page_of
from faceloupe.recognition import FaceSearch, SFace
from faceloupe.recognition.provenance import Provenance
from faceloupe.recognition.yunet import YuNet
from faceloupe.report import render_page
from faceloupe.scores import ScoreSet, operating_point, wilson


@pytest.fixture(scope="module")
def data(people, tmp_path_factory):
    """The people, with a photograph that is none and a second copy of one; only to be read."""
    folder = tmp_path_factory.mktemp("evaluate") / "data"
    shutil.copytree(people, folder)
    (folder / "s1" / "5.jpg").write_text("no picture")
    shutil.copy(folder / "s2" / "1.pgm", folder / "s2" / "9.pgm")
    (folder / "s3" / "notes.txt").write_text("nothing")
    return folder


@pytest.fixture(scope="module")
def evaluation(data, new_coarse):
    """What two recognisers do on them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("faceloupe.evaluation.cache.cache_folder", lambda: data.parent / "templates")
        return evaluate(data, [new_coarse(), "pca"], fmr=0.05, draws=2)


def test_recognisers_stand_in_one_table(evaluation):
    assert [recogniser.label for recogniser in evaluation.recognisers] == ["coarse", "pca"]
    assert [(failure.photograph, failure.reason[:8]) for failure in evaluation.failures] == [("s1/5.jpg", "no image")]
    assert "s2/9.pgm has the same content as s2/1.pgm: left out." in evaluation.notes
    assert "s3/notes.txt: not called like an image." in evaluation.notes
    assert evaluation.speed.photographs == 34
    assert set(evaluation.speed.stages) == {"read", "detect", "align", "quality", "embed by coarse", "embed by pca"}
    assert "1 failures to acquire" in repr(evaluation)


def test_recognisers_are_compared_on_the_same_pairs(coarse, tmp_path):
    """Forty people of ORL by two recognisers of which the second is blind: every rate says so."""
    for photograph in find_orl().glob("s*/[1-5].pgm"):
        (tmp_path / "orl" / photograph.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(photograph, tmp_path / "orl" / photograph.parent.name)
    blind = SimpleNamespace(name="blind", sha256="1" * 64, embed=lambda faces: 1 + coarse.embed(faces)[:, :2])
    evaluation = evaluate(tmp_path / "orl", [coarse, blind], development=0, draws=1)
    [pair] = evaluation.paired
    assert (pair.first, pair.second) == ("coarse", "blind")
    assert [each.better for each in pair.differences] == ["first"] * len(pair.differences)
    assert [each.what for each in pair.differences][:2] == ["FNMR at FMR 1 in 100", "FNMR at FMR 1 in 1,000"]
    document = page_of(evaluation)
    assert "coarse is better by FNMR at FMR 1 in 100, " in json.dumps(document)
    assert evaluation.to_document()["paired"][0]["differences"][0]["low"] > 0


def test_failures_to_acquire_and_to_enrol_are_apart(people, coarse, tmp_path):
    """A person of whom no photograph can be used failed to enrol; one of whom some cannot did not.

    Files that are no photographs are failures, each, and no copies of one another, though their bytes are the same.
    """
    folder = tmp_path / "failing"
    shutil.copytree(people, folder)
    for name in ("s1/1.pgm", "s1/2.pgm", "s1/3.pgm", "s1/4.pgm", "s2/1.pgm"):
        (folder / name).write_text("404: not found")
    failures = evaluate(folder, [coarse], development=0).recognisers[0].failures
    assert (failures.acquire.n_failed, failures.acquire.n, failures.kinds) == (5, 32, {"unreadable": 5})
    assert (failures.enrol.n_failed, failures.enrol.n) == (1, 8)
    assert failures.acquire.rate in failures.acquire.interval
    assert failures.enrol.interval == wilson(1, 8)


def test_the_auditor_s_list_is_answered_or_said_to_be_missing(evaluation):
    section = next(part for part in page_of(evaluation)["sections"] if part["id"] == "auditor")
    words = [block["text"] for block in section["blocks"] if block["type"] == "text"]
    assert "**Time between captures.** **Not in the data: state it beside this report.**" in "\n".join(words)
    assert any(each.startswith("**Failures to acquire.** coarse: ") for each in words)
    assert any("fixed before the test.** None: only rates that take no threshold" in each for each in words)
    tables = {block["id"]: dict(block["rows"]) for block in section["blocks"] if block["type"] == "table"}
    assert set(tables) == {"card-0", "card-1", "repeat"}
    assert tables["repeat"]["data, SHA-256"] == f"`{evaluation.provenance.data_sha256}`"
    assert evaluation.provenance.versions["faceloupe"] in tables["repeat"]["versions"]
    assert evaluation.to_document()["provenance"]["command"] == "faceloupe.evaluate(...) in Python"


def test_the_digest_is_of_the_photographs_and_labels_and_not_of_names_or_places(people, coarse, tmp_path):
    moved, relabelled = tmp_path / "moved", tmp_path / "relabelled"
    for folder in (moved, relabelled):
        shutil.copytree(people, folder)
    for number, person in enumerate(sorted(moved.iterdir())):
        person.rename(moved / f"person{number}")
    (relabelled / "s1" / "1.pgm").rename(relabelled / "s2" / "new.pgm")
    first, same, other = (
        evaluate(folder, [coarse], development=0).provenance.data_sha256 for folder in (people, moved, relabelled)
    )
    assert first == same != other


def test_few_people_are_not_compared(evaluation):
    [pair] = evaluation.paired
    assert pair.differences == ()
    assert "takes 40 measured people or more" in pair.words()
    assert "--development" not in " ".join(evaluation.to_document()["lead"])  # nor would all of these people be enough


def test_the_page_is_drawn_and_its_document_is_json(evaluation):
    document = page_of(evaluation)
    assert document["evidence"] == evaluation.to_document()
    assert evaluation.to_document()["schema"] == "faceloupe.evaluation/2"
    json.dumps(document, allow_nan=False)
    blocks = {block["id"]: block for section in document["sections"] for block in section["blocks"] if "id" in block}
    assert [row[0] for row in blocks["summary"]["rows"]] == ["coarse", "pca"]
    assert blocks["failures"]["rows"][0][0] == "s1/5.jpg"
    assert "det" not in blocks  # of four people no band is drawn
    assert "there are fewer than 20 people" in json.dumps(document)
    assert "**1 of 34 photographs gave no template**" in document["lead"][-1]
    page = render_page(document)
    assert "<svg" in page
    assert "<img" not in page
    assert "No photographs" in page


def test_faces_are_shown_when_asked_for(evaluation):
    document = page_of(evaluation, show_faces=True)
    shown = [block for section in document["sections"] for block in section["blocks"] if block["type"] == "pictures"]
    assert len(shown) == 1
    assert len(shown[0]["panels"]) == 8
    assert shown[0]["panels"][0]["array"]["shape"] == [112, 224, 3]
    assert "Photographs of faces (8)" in render_page(document)


def test_no_vector_is_in_a_repr_or_document(data):
    class Loud:
        name, sha256 = "loud", "e" * 64

        def embed(self, faces):
            return np.full((len(faces), 3), 0.123456789, dtype=np.float32)

    quiet = evaluate(data, [Loud()], development=0, draws=1)
    text = repr(quiet) + json.dumps(quiet.to_document())
    assert "0.577" not in text  # each number of such a unit vector


def test_progress_is_told_twice(people, coarse):
    told = []
    evaluate(people, [coarse], development=0, draws=1, progress=lambda *steps: told.append(steps))
    assert (32, 32) in told
    assert told[-1] == (1, 1)


def test_sface_names_everybody(people):
    evaluation = evaluate(people, ["sface"], development=0, draws=3)
    (sface,) = evaluation.recognisers
    assert sface.closed.at(1) == (1, 1, 1)
    assert sface.main.eer.rate < 0.01
    assert {one.origin for one in sface.point_checks} == {"published"}
    assert all(one.on_test.source == f"every two captures, the folder {people.name}" for one in sface.point_checks)


def test_a_threshold_is_that_of_all_pairs(people):
    point = calibrate(people, fmr=0.05)
    data = open_data(people)
    from faceloupe.recognition import FaceSearch

    captures = embed_captures(data.paths, [SFace()], FaceSearch("one"))
    assert captures.fresh == 0
    scores = ScoreSet.from_templates(captures.vectors["sface"], data.subjects)
    source = f"every two captures, the folder {people.name}"
    expected = operating_point(scores, 0.05, source=source, embedder="sface", weights_sha256=SFace().sha256)
    assert point.threshold == pytest.approx(expected.threshold, abs=1e-7)
    assert (point.source, point.n_non_mated, point.weights_sha256) == (source, 448, SFace().sha256)


def test_a_gallery_calibrates_itself(made_up, coarse):
    def gallery_of(vectors, subjects):
        kept = {coarse: Templates(vectors, 100 + subjects, np.arange(len(vectors)))}
        return SimpleNamespace(name="my.db", templates=kept.__getitem__, detector_noted=lambda: None)

    vectors, subjects = made_up
    point = calibrate_gallery(gallery_of(vectors, subjects), 0.02, coarse)
    expected = operating_point(ScoreSet.from_templates(vectors, subjects), 0.02, source="", embedder="")
    assert point.threshold == pytest.approx(expected.threshold, abs=1e-7)
    assert (point.source, point.embedder) == ("every two references of the gallery my.db", "coarse")
    ratio = point.likelihood
    assert (ratio.source, ratio.n_mated) == (point.source, point.n_mated)
    assert ratio.evidence(point.threshold + 0.2).log10_lr > 0 > ratio.evidence(-0.5).log10_lr
    assert type(point).from_document(json.loads(json.dumps(point.to_document()))) == point
    with pytest.raises(InputError, match="an FMR of 1 in 10,000 takes 30,000 non-mated comparisons or more"):
        calibrate_gallery(gallery_of(vectors, subjects), 1e-4, coarse)
    with pytest.raises(InputError, match="the references: 1 captures make no pair of one person"):
        calibrate_gallery(gallery_of(vectors[:1], subjects[:1]), 1e-2, coarse)


def test_pairs_of_one_s_own_are_calibrated_as_listed(people, coarse):
    lines = [f"s{one}/{i}.pgm,s{other}/{j}.pgm,{int(one == other)}"
             for one in range(1, 9) for other in range(one, 9) for i in range(1, 5) for j in range(1, 5)
             if (one, i) < (other, j)]  # fmt: skip
    path = people / "pairs.csv"
    path.write_text("photo_a,photo_b,same\n" + "\n".join(lines))
    try:
        notes = []
        point = calibrate(path, 0.2, embedder=coarse, on_note=notes.append)
        evaluation = evaluate(path, [coarse])
    finally:
        path.unlink()
    assert (point.n_mated, point.n_non_mated) == (48, 448)
    assert point.source == "the listed pairs, the pairs of pairs.csv"
    document = page_of(evaluation)
    assert "there are fewer than 20 people" in json.dumps(document, ensure_ascii=False)  # by the pairs of one person
    assert evaluation.recognisers[0].accuracy is None
    assert notes == []


def test_pairs_listed_five_times_count_once(people, coarse):
    rows = [f"s{who}/1.pgm,s{who}/2.pgm,1" for who in range(1, 9)]
    rows += [f"s{who}/1.pgm,s{who % 8 + 1}/2.pgm,0" for who in range(1, 9)]
    swapped = [",".join([row.split(",")[1], row.split(",")[0], row.split(",")[2]]) for row in rows]
    path = people / "often.csv"
    path.write_text("photo_a,photo_b,same\n" + "\n".join(rows * 4 + swapped))
    try:
        evaluation = evaluate(path, [coarse])
    finally:
        path.unlink()
    assert (evaluation.recognisers[0].main.n_mated, evaluation.recognisers[0].main.n_non_mated) == (8, 8)
    assert "64 of the 80 listed pairs repeat an earlier pair" in json.dumps(page_of(evaluation))


def test_the_same_pairs_in_train_and_test_are_refused(people, coarse):
    rows = [
        f"s{who}/1.pgm,s{who}/2.pgm,1,{{fold}}\ns{who}/1.pgm,s{who % 8 + 1}/2.pgm,0,{{fold}}" for who in range(1, 9)
    ]
    path = people / "leak.csv"
    path.write_text(
        "photo_a,photo_b,same,fold\n" + "\n".join(row.format(fold=fold) for fold in ("train", "test") for row in rows)
    )
    try:
        with pytest.raises(InputError, match=r"in train and in test .* would be measured on itself"):
            evaluate(path, [coarse])
    finally:
        path.unlink()


BAD = [
    ({"embedders": ["arcface"]}, "There is no embedder 'arcface'; there are sface, sface\\+flip, pca, cnn, deep"),
    ({"embedders": "sface"}, "expected names, such as"),
    ({"embedders": []}, "expected names"),
    ({"embedders": ["pca", "pca"]}, "pca is there twice"),
    ({"embedders": ["pca"], "development": 0}, "pca: fitted on development subjects, and the folder .* has none"),
    ({"fmr": 0}, "FMR: expected a number between 0 and 1"),
    ({"fmr": 1}, "FMR: expected a number between 0 and 1"),
    ({"draws": 0}, "draws: expected 1 or more"),
    ({"faces": "all"}, 'expected "one" or "central"'),
    ({"development": 1.5}, "development: expected a share"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD)
def test_what_is_asked_wrongly_is_explained(arguments, words, people, coarse):
    with pytest.raises(InputError, match=words):
        evaluate(people, **({"embedders": [coarse]} | arguments))


def test_where_nothing_can_be_read(tmp_path, coarse):
    for name in ("ann", "bob"):
        (tmp_path / "bad" / name).mkdir(parents=True)
        (tmp_path / "bad" / name / "1.jpg").write_text("no picture")
    with pytest.raises(InputError, match=r"No photograph gave a template, such as ann/1\.jpg: no image"):
        evaluate(tmp_path / "bad", [coarse])


def test_cards_and_provenance_name_the_detector_and_the_manifest_that_were_used(people, coarse, monkeypatch):
    """They told of SFace by its name and of YuNet whatever found the faces."""

    class Finder:
        name, sha256, find = "finder", "ab" * 32, YuNet().find

    known = Provenance("MIT", "ten thousand made-up faces", "https://example.org/coarse")
    monkeypatch.setattr("faceloupe.evaluation.reporting.provenance_of", {coarse.sha256: known}.get)
    evaluation = evaluate(people, [coarse], faces=FaceSearch("one", detector=Finder()), development=0, draws=1)
    assert evaluation.provenance.detector_sha256 == Finder.sha256
    section = next(part for part in page_of(evaluation)["sections"] if part["id"] == "auditor")
    card = next(dict(block["rows"]) for block in section["blocks"] if block.get("id") == "card-0")
    told = [card[item] for item in ("source", "licence of the weights", "training data")]
    assert told == [known.source, known.licence, known.training_data]
    assert card["detector"] == f"finder, SHA-256 `{Finder.sha256}`; not stated: it comes without a manifest"
    assert any("faces found by finder" in block.get("text", "") for block in section["blocks"])
