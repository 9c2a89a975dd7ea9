"""What the loupe computes with: the captures and the fits of the tutorial's pair."""

import json

import numpy as np
import pytest
import torch

from faceloupe.arrays import decode_array
from faceloupe.pages import page as page_of
from faceloupe.report import render_page
from faceloupe.report.hover import render_hover
from faceloupe.studies.loupe import loupe_document
from faceloupe.studies.networks import build


@pytest.fixture(scope="module")
def loupe(finished):
    return loupe_document(finished)


def test_the_faces_are_the_pairs_to_8_bits(loupe, faces):
    pair = faces.select([0, 1])
    np.testing.assert_allclose(decode_array(loupe["faces"]) / 255, pair.images, atol=0.5 / 255 + 1e-6)
    assert loupe["labels"] == pair.subject.tolist()
    assert loupe["people"] == ["subject 1", "subject 2"]


@pytest.mark.parametrize("network", ["fcnn", "cnn"])
@pytest.mark.parametrize("kind", ["none", "centre"])
def test_the_fits_are_those_of_the_trials(loupe, finished, network, kind):
    trials = finished.trials.where(experiment="tutorial", network=network, preprocess=kind, condition="", captures=5)
    fits = sorted(loupe["networks"][f"{network}/{kind}"]["fits"], key=lambda fit: fit["seed"])
    assert [fit["seed"] for fit in fits] == list(trials.column("seed"))
    assert [fit["accuracy"] for fit in fits] == pytest.approx(list(trials.column("accuracy")))
    assert [fit["dead"]["hidden"] for fit in fits] == list(trials.column("dead_hidden"))


@pytest.mark.parametrize("key", ["fcnn/none", "cnn/none", "fcnn/centre", "cnn/centre"])
def test_the_weights_give_the_accuracy_that_stands_beside_them(loupe, key):
    kept = loupe["networks"][key]
    faces = decode_array(loupe["faces"]).astype(np.float32) / 255
    for fit in kept["fits"]:
        held_out = [index for index in range(len(faces)) if index not in fit["trained_on"]]  # each seed has its own
        assert len(held_out) == 10
        assert accuracy(kept["kind"], fit, faces, loupe["labels"], held_out) == pytest.approx(fit["accuracy"])


def accuracy(kind, fit, faces, labels, held_out):
    network = build(kind, faces.shape[1:])
    network.load_state_dict({name: torch.tensor(decode_array(one)).float() for name, one in fit["weights"].items()})
    seen = (faces[held_out] - fit["preprocessing"]["mean"]) / fit["preprocessing"]["scale"]
    with torch.no_grad():
        said = (network(torch.tensor(seen, dtype=torch.float32)[:, None])[:, 0] > 0).numpy()
    return np.mean(said == np.array(labels)[held_out])


def test_the_history_ends_with_the_first_fit(loupe, finished):
    for kept in loupe["networks"].values():
        for name, one in kept["fits"][0]["weights"].items():
            moments = decode_array(kept["history"]["weights"][name])
            assert len(moments) == finished.plan.epochs + 1
            np.testing.assert_array_equal(moments[-1], decode_array(one))
        assert len(kept["history"]["loss"]) == finished.plan.epochs


def test_a_page_with_faces_holds_it_and_a_page_without_holds_only_what_reads_pictures(finished, document):
    without = page_of(finished, show_faces=False)
    assert 'id="loupe-data"' in render_page(document)
    assert "loupe" not in without
    page = render_page(without)
    assert page.count("<script") == 1
    assert page.endswith(f"{render_hover()}</body></html>\n")
    assert "importmap" not in page
    assert json.dumps(document["loupe"]).count("deflate") > 50
