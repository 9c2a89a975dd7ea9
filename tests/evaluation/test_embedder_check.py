"""A manifest that reads its network wrongly is found out on labelled faces; what grey faces cannot tell is said."""

from dataclasses import replace

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.evaluation.datasets import LabelledPhotographs, Pairs
from faceloupe.evaluation.embedder_check import check_embedder
from faceloupe.faces.sources import find_orl
from faceloupe.recognition import find_faces
from faceloupe.recognition.onnx_embedder import OnnxEmbedder
from faceloupe.recognition.weights import SFACE, find_weights
from helpers import networks

pytestmark = pytest.mark.usefixtures("published")
PEOPLE, EACH = 6, 3


def people(count=PEOPLE):
    paths = tuple(
        find_orl() / f"s{who}" / f"{number}.pgm" for who in range(1, count + 1) for number in range(1, EACH + 1)
    )
    names = tuple(f"s{who}" for who in range(1, count + 1))
    return LabelledPhotographs("ORL", paths, names, np.repeat(np.arange(count), EACH))


@pytest.fixture
def projection(tmp_path):
    """A network of one matrix, where it is told apart whom comparisons are of and not what they are worth."""
    content, _ = networks.projection()
    (tmp_path / "projection.onnx").write_bytes(content)
    return OnnxEmbedder(tmp_path / "projection.onnx", networks.fields(content))


def sface(**more):
    return OnnxEmbedder(
        find_weights(SFACE), networks.fields(b"", size=112, sha256=SFACE.sha256, **{"points": "sface", **more})
    )


def test_pixels_up_to_1_instead_of_255_are_found_out():
    told = []
    check = check_embedder(sface(scale=1), people(), progress=lambda done, whole: told.append((done, whole)))
    assert check.better.words.startswith("pixels from 0 to 255")
    assert check.better.fields["scale"] == 255
    assert "It looks as if this network wants pixels from 0 to 255" in check.words()
    assert "The photographs are grey: they cannot show the order of channels." in check.words()
    assert check.to_document()["better"] == check.better.words
    swapped = next(reading for reading in check.readings if reading.words == "BGR")
    assert swapped.gain == pytest.approx(0, abs=1e-6)
    assert told
    assert all(done <= whole for done, whole in told)


def test_a_right_manifest_is_left_in_peace_and_d_prime_is_that_of_the_scores():
    embedder, data = sface(), people()
    check = check_embedder(embedder, data)
    assert check.better is None
    assert check.words().startswith("No reading that was tried separates these people better")
    vectors = embedder.embed(np.stack([find_faces(path, "central")[0].image for path in data.paths]))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows, columns = np.triu_indices(len(vectors), 1)
    scores = np.einsum("ij,ij->i", vectors[rows], vectors[columns])
    mated, others = (scores[(data.subjects[rows] == data.subjects[columns]) == same] for same in (True, False))
    by_hand = (mated.mean() - others.mean()) / np.sqrt((mated.var() + others.var()) / 2)
    assert check.readings[0].d_prime == pytest.approx(by_hand, rel=1e-4)
    assert check.readings[0].interval[0] < by_hand < check.readings[0].interval[1]


def test_too_few_people_are_refused(projection):
    with pytest.raises(InputError, match="4 subjects with two usable faces; it takes 5 or more"):
        check_embedder(projection, people(4))


def test_copies_of_a_photograph_are_one(projection):
    """A copy is like its original by any reading: it hid what the readings do to people."""
    data = people(5)
    once = np.unique(data.subjects, return_index=True)[1]
    copied = replace(
        data, paths=tuple(data.paths[place] for place in np.repeat(once, 2)), subjects=np.repeat(np.arange(5), 2)
    )
    with pytest.raises(InputError, match="0 subjects with two usable faces"):
        check_embedder(projection, copied)


def test_pairs_alone_and_templates_of_several_photographs_will_do(projection):
    data = people(5)
    rows, columns = np.triu_indices(len(data.paths), 1)
    same = data.subjects[rows] == data.subjects[columns]
    pairs = Pairs(np.stack([rows, columns], axis=1), same)
    whole = check_embedder(projection, data)
    of_pairs = check_embedder(projection, LabelledPhotographs("pairs", data.paths, pairs=pairs))
    assert of_pairs.readings[0].d_prime == pytest.approx(whole.readings[0].d_prime)
    two_a_person = tuple(
        tuple(np.flatnonzero(data.subjects == who)[part]) for who in range(5) for part in ([0, 2], [1])
    )
    templates = LabelledPhotographs("templates", data.paths, data.names, np.arange(10) // 2, templates=two_a_person)
    assert check_embedder(projection, templates).readings[0].d_prime == pytest.approx(whole.readings[0].d_prime)
