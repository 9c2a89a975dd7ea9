"""Adapting: kept where it helps other people, refused where nobody can tell, and an embedder like any other.

Also tests ``strangers/article.py``, ``strangers/choosing.py``.
"""

import json
import shutil

import numpy as np
import pytest

from faceloupe.embedders import open_embedder
from faceloupe.errors import InputError
from faceloupe.evaluation.datasets import LabelledPhotographs, Pairs, open_data
from faceloupe.pages import page
from faceloupe.recognition.adapted import AdaptedEmbedder, Head, read_adapted, restore_adapted, write_adapted
from faceloupe.report.page import render_page
from faceloupe.strangers.adapt import adapt
from faceloupe.training import CNNClassifier

CHIPS = np.random.default_rng(0).random((5, 112, 112, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def kept(people, coarse):
    return adapt(people, coarse, draws=100, cached=False)


def test_what_helps_other_people_is_kept_and_compares_by_the_cosine(kept, coarse):
    assert kept.gain.is_sure
    assert kept.gain.n_subjects == 24
    assert kept.rates[kept.chosen] == min(kept.rates.values())
    assert kept.words()[0].startswith(f"**Keep coarse+{kept.chosen.kind}-")
    vectors = kept.embedder.embed(CHIPS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors, kept.embedder.head.apply(coarse.embed(CHIPS)))


def test_the_page_and_the_document_say_the_same(kept):
    document = kept.to_document()
    json.dumps(document, allow_nan=False)
    assert document["kept"]
    assert len(document["recipes"]) == len(kept.rates)
    html = render_page(page(kept))
    assert "Are other people told apart better?" in html
    assert "EER before − EER after" in html


def test_the_choice_sees_nobody_whom_it_is_measured_on(people, coarse):
    """Names that say nothing: whatever is learned from them, nothing is gained on others."""
    data = open_data(people)
    shuffled = np.random.default_rng(0).permutation(data.subjects)
    shuffled_names = LabelledPhotographs("shuffled names", data.paths, data.names, shuffled)
    told = adapt(shuffled_names, coarse, draws=100, cached=False)
    assert not told.gain.is_sure
    assert told.embedder is None
    assert "No gain, keep coarse" in told.words()[0]
    with pytest.raises(InputError, match="no gain was certain"):
        told.save(people, "coarse")


def test_of_train_and_test_only_train_is_learned_from(people, coarse):
    data = open_data(people)
    first, second = np.triu_indices(len(data.paths), k=1)
    sides = data.subjects[first] < 20, data.subjects[second] < 20
    chosen = sides[0] == sides[1]
    folds = np.where(sides[0], "train", "test")[chosen]
    captures = np.stack([first, second], axis=1)[chosen]
    pairs = Pairs(captures, data.subjects[captures[:, 0]] == data.subjects[captures[:, 1]], tuple(folds.tolist()))
    listed = LabelledPhotographs("pairs", data.paths, data.names, data.subjects, pairs)
    told = adapt(listed, coarse, draws=50, cached=False)
    assert (told.people, told.photographs) == (20, 80)
    assert (told.gain.n_subjects, told.gain.n_mated) == (4, 24)
    assert told.measured_on == "the pairs of test of pairs"


def test_too_few_people_are_refused(people, coarse, tmp_path):
    for who in ("s1", "s2", "s3"):
        shutil.copytree(people / who, tmp_path / "few" / who)
    with pytest.raises(InputError, match="3 people have two usable photographs or more; adapting takes 20"):
        adapt(tmp_path / "few", coarse, cached=False)


def test_data_that_name_nobody_are_refused(people, coarse, tmp_path):
    rows = ["photo_a,photo_b,same", f"{people}/s1/1.pgm,{people}/s1/2.pgm,1", f"{people}/s1/1.pgm,{people}/s2/2.pgm,0"]
    (tmp_path / "pairs.csv").write_text("\n".join(rows))
    with pytest.raises(InputError, match="the subject of each photograph is not known"):
        adapt(tmp_path / "pairs.csv", coarse, cached=False)


def test_an_adapted_embedder_is_not_adapted_again(kept, people):
    with pytest.raises(InputError, match=r"coarse\+.* is adapted already; adapt coarse"):
        adapt(people, kept.embedder, cached=False)


@pytest.fixture
def saved(tmp_path):
    """A folder with an adapted embedder, and the one underneath in another."""
    network = CNNClassifier(epochs=1, hidden=6).fit(np.random.default_rng(0).random((6, 32, 32)), [0, 1, 2] * 2)
    network.save(tmp_path / "base")
    base = open_embedder(tmp_path / "base")
    width = base.embed(CHIPS).shape[1]
    rng = np.random.default_rng(1)
    head = Head(rng.normal(size=width).astype(np.float32), rng.normal(size=(width, 4)).astype(np.float32))
    (tmp_path / "adapted").mkdir()
    embedder = AdaptedEmbedder(base, head, "plda")
    write_adapted(tmp_path / "adapted", embedder, str(tmp_path / "base"), {})
    return embedder, tmp_path / "adapted"


def test_a_saved_one_opens_by_its_folder(saved):
    embedder, folder = saved
    again = open_embedder(folder)
    assert (again.name, again.sha256) == (embedder.name, embedder.sha256)
    assert again.name == f"{embedder.base.name}+plda-{again.sha256[:8]}"
    np.testing.assert_array_equal(again.embed(CHIPS), embedder.embed(CHIPS))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "no adapted embedder"),
        ({"schema_version": 9}, "schema version 9"),
        ({"base": {}}, "which embedder it adapts"),
        ({"sha256": "0" * 64}, "is damaged"),
        ({"mean": {"dtype": "<f4", "shape": [1], "base64": "AACAPw=="}}, "a head: expected a mean"),
        ({"mean": None}, "expected an array"),
    ],
)
def test_a_damaged_one_is_refused(change, words, saved):
    path = saved[1] / "adapted.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=words):
        open_embedder(saved[1])


def test_one_over_another_embedder_is_refused(saved, coarse):
    _, document = read_adapted(saved[1])
    with pytest.raises(InputError, match="with other weights than coarse has here"):
        restore_adapted(document, coarse)


def test_one_that_adapts_itself_is_refused(saved):
    path = saved[1] / "adapted.json"
    document = json.loads(path.read_text())
    document["base"]["open"] = str(saved[1])
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="which is adapted itself"):
        open_embedder(saved[1])
