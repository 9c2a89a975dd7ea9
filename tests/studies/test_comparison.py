"""Any networks of the language, on the same people, splits and seeds.

Also tests ``studies/comparison/article.py``, ``studies/comparison/findings.py``, ``studies/comparison/networks.py``,
``studies/comparison/run.py``.
"""

import numpy as np
import pytest

from faceloupe import load_faces, page, render_page
from faceloupe.errors import InputError, StudyError
from faceloupe.faces import split_by_capture
from faceloupe.studies.comparison import compare_networks, plan_comparison
from faceloupe.studies.plan import seeds_for
from faceloupe.training import NetworkClassifier, batch_orders, fit_network, fit_preprocessing, initialise
from faceloupe.training.networks import SmallNetwork

NETWORKS = [
    "small=dense 3 relu; rate 0.01",
    "conv 2 5x5 leaky, average pool 4, dense 4 tanh; preprocess standardise, epochs 2",
]
OPTIONS = {"pairs": 2, "seeds": 2, "epochs": 3, "n_jobs": 1}


@pytest.fixture(scope="module")
def faces():
    people = load_faces("orl", subjects=range(3), size=20)
    return people.take([place for place in range(30) if place % 10 < 4])


@pytest.fixture(scope="module")
def comparison(faces, tmp_path_factory):
    return compare_networks(NETWORKS, faces, tmp_path_factory.mktemp("studies") / "comparison", **OPTIONS)


def test_every_network_is_fitted_with_what_its_sentence_says(comparison):
    first, second = comparison.plan.networks
    assert (first.name, first.preprocess, first.spec.training.epochs) == ("small", ("none", "centre"), 3)
    assert (second.name, second.preprocess, second.spec.training.epochs) == (NETWORKS[1].replace(
        "preprocess standardise, epochs 2", "epochs 2, preprocess standardise"), ("standardise",), 2)  # fmt: skip
    for experiment in ("pairs", "robustness", "learning", "people"):
        found = comparison.trials.where(experiment=experiment)
        assert set(zip(found.column("network"), found.column("preprocess"), strict=True)) == {
            ("small", "none"), ("small", "centre"), (second.name, "standardise")}  # fmt: skip


def test_a_trial_is_what_one_fit_alone_gives(comparison, faces):
    network, study = comparison.plan.networks[1], comparison.plan.study
    [trial] = comparison.trials.where(experiment="pairs", network=network.name, seed=1, people="-".join(
        map(str, study.pairs[0])))  # fmt: skip
    people = faces.select(study.pairs[0])
    split_seed, weights_seed, order_seed = map(int, seeds_for(study, study.pairs[0], 1))
    split = split_by_capture(people.subject, train=2, seed=split_seed)
    step = fit_preprocessing("standardise", people.images[split.train])
    alone = initialise(SmallNetwork(network.spec, (20, 20)), weights_seed)
    history = fit_network(alone, step.apply(people.images[split.train])[:, None], people.subject[split.train],
                          batch_orders(4, 2, order_seed), network.spec.training)  # fmt: skip
    assert len(history) == 2
    import torch

    logits = alone(torch.from_numpy(step.apply(people.images[split.held_out])[:, None])).detach().numpy()[:, 0]
    assert trial.accuracy == np.mean((logits > 0) == people.subject[split.held_out])


def test_differences_are_between_the_same_pairs_and_seeds(comparison):
    document = comparison.to_document()
    assert len(document["differences"]) == 3
    a, b = (comparison.trials.where(experiment="pairs", network="small", preprocess=kind).grid("accuracy")
            for kind in ("none", "centre"))  # fmt: skip
    [found] = [
        row for row in document["differences"] if row["first"] == ("small", "none") and row["second"][0] == "small"
    ]
    assert found["difference"]["estimate"] == pytest.approx((a - b).mean())
    assert {row["network"] for row in document["networks"]} == {"small", comparison.plan.networks[1].name}


def test_the_page_names_every_network_and_shows_no_face(comparison):
    document = page(comparison)
    html = render_page(document)
    for network in comparison.plan.networks:
        assert str(network.spec) in html
    assert "pictures" not in {block["type"] for part in document["sections"] for block in part["blocks"]}
    assert "2 networks" in repr(comparison)


def test_a_stopped_comparison_goes_on_and_another_one_does_not(comparison, faces):
    again = compare_networks(NETWORKS, faces, comparison.folder, resume=True, **OPTIONS)
    assert len(again.trials) == len(comparison.trials)
    with pytest.raises(StudyError, match="networks"):
        compare_networks(["dense 3", "dense 4"], faces, comparison.folder, resume=True, **OPTIONS)


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (["dense 4"], "two networks or more"),
        (["a=dense 4", "a=dense 5"], "called 'a'"),
        (["dense 4", "dense 4 "], "called 'dense 4'"),
        (["dense 4", "dense four"], r"dense four\n.*\^\^\^\^"),
        (["dense 4", "conv 3 30x30"], "larger than what reaches it"),
    ],
)
def test_networks_that_cannot_be_compared_are_refused_before_anything_is_trained(networks, message, faces):
    with pytest.raises(InputError, match=message):
        plan_comparison(networks, faces, pairs=2, seeds=2)


def test_a_network_of_the_page_is_a_classifier_too(comparison, faces):
    network = comparison.plan.networks[0]
    assert NetworkClassifier(network.spec).fit(faces.images, faces.subject).spec_ == network.spec
