"""Groups of fits and the trials made of them, against one network at a time in plain PyTorch.

Also tests ``studies/groups.py`` and ``studies/networks.py``.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss

from faceloupe.faces import split_by_capture
from faceloupe.inspection import dead_units, trace
from faceloupe.studies import make_plan
from faceloupe.studies.fits import (
    FROZEN,
    PERMUTED,
    SHUFFLED,
    fit_group,
    held_out_split,
)
from faceloupe.studies.groups import answers, prepare
from faceloupe.studies.networks import build, equal_side
from faceloupe.studies.plan import seeds_for
from faceloupe.studies.trials import write_csv
from faceloupe.training.fit import batch_orders, fit_network
from faceloupe.training.specs import Training

NETWORKS = ("fcnn", "cnn", "fcnn-equal", "fcnn-wide", "fcnn-leaky")


@pytest.fixture(scope="module")
def plan(faces):
    return make_plan(faces, pairs=2, seeds=3, epochs=5)


@pytest.fixture(scope="module")
def fit(plan, faces):
    """Fits two people of the small faces: ``fit("cnn", captures=5)``."""
    pair = faces.select([1, 3])

    def fit_pair(network, captures=5, **more):
        more.setdefault("seeds", range(3))
        return fit_group(plan, pair.images, pair.subject, (1, 3), network, captures=captures, **more)

    return fit_pair


def single(group, index):
    """One network of a group, alone."""
    network = build(group.network, group.images.shape[1:], len(np.unique(group.labels)))
    network.load_state_dict({name: stacked[index] for name, stacked in group.fits.weights.items()})
    faces = group.preprocessing[index].apply(prepare(group.network, group.images))
    return network, torch.tensor(faces)[:, None]


def in_a_process(captures):
    from faceloupe.faces import load_faces

    torch.set_num_threads(1)
    faces = load_faces("orl", subjects=range(5), size=32)
    pair = faces.select([1, 3])
    plan = make_plan(faces, pairs=2, seeds=3, epochs=5)
    group = fit_group(plan, pair.images, pair.subject, (1, 3), "cnn", seeds=range(3), captures=captures)
    return {name: value.numpy() for name, value in group.fits.weights.items()}


class TestTheSameSeedGivesTheSameNumbers:
    @pytest.mark.parametrize("network", NETWORKS)
    def test_in_one_process_to_the_last_bit(self, fit, network):
        one, two = fit(network), fit(network)
        assert all(torch.equal(one.fits.weights[name], two.fits.weights[name]) for name in one.fits.weights)
        assert [row.loss for row in one.trials("pairs")] == [row.loss for row in two.trials("pairs")]

    def test_in_another_process_to_the_last_bit(self, fit):
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        here = fit("cnn").fits.weights
        torch.set_num_threads(threads)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            there = pool.submit(in_a_process, 5).result()
        assert all(np.array_equal(there[name], here[name].numpy()) for name in here)

    def test_another_seed_gives_other_weights(self, fit):
        weights = fit("fcnn").fits.weights["hidden.weight"]
        assert not torch.equal(weights[0], weights[1])


class TestSplits:
    def test_both_networks_and_every_preprocessing_share_a_seeds_split(self, fit):
        groups = [fit(network) for network in NETWORKS]
        for group in groups:
            assert np.array_equal(group.train, groups[0].train)
            assert np.array_equal(group.train[:3], group.train[3:])  # none, then centre
        assert not np.array_equal(groups[0].train[0], groups[0].train[1])

    def test_nothing_is_on_both_sides_and_nobody_is_missing(self, fit):
        group = fit("fcnn", captures=4)
        for train, held_out in zip(group.train, group.held_out, strict=True):
            assert sorted([*train, *held_out]) == list(range(20))
            assert np.bincount(group.labels[train]).tolist() == [4, 4]

    def test_baselines_get_the_same_split(self, plan, fit):
        group = fit("cnn")
        for index in range(3):
            train, held_out = held_out_split(plan, group.labels, (1, 3), index, 5)
            assert np.array_equal(train, group.train[index])
            assert np.array_equal(held_out, group.held_out[index])

    def test_the_split_is_the_librarys_for_the_seed_of_these_people(self, plan, fit):
        group = fit("fcnn")
        for index in range(3):
            expected = split_by_capture(group.labels, train=5, seed=int(seeds_for(plan, (1, 3), index)[0]))
            assert np.array_equal(group.train[index], expected.train)

    def test_all_captures_leave_none_held_out_and_no_number_for_them(self, fit):
        trial = fit("fcnn", captures=None).trials("pairs")[0]
        assert (trial.n_train, trial.n_held_out) == (20, 0)
        assert np.isnan([trial.accuracy, trial.loss]).all()


class TestTrialsAgainstOneNetworkAtATime:
    @pytest.mark.parametrize("network", NETWORKS)
    def test_accuracy_and_loss(self, fit, network):
        group = fit(network)
        for index, trial in enumerate(group.trials("pairs")):
            alone, faces = single(group, index)
            with torch.no_grad():
                shares = torch.sigmoid(alone(faces).double())[:, 0].numpy()
            for side, accuracy, loss in (
                (group.train[index], trial.train_accuracy, trial.train_loss),
                (group.held_out[index], trial.accuracy, trial.loss),
            ):
                truth = group.labels[side]
                assert accuracy == pytest.approx(accuracy_score(truth, shares[side] > 0.5))
                assert loss == pytest.approx(log_loss(truth, shares[side], labels=[0, 1]), rel=1e-4, abs=1e-6)

    def test_many_people(self, plan, faces):
        group = fit_group(
            plan, faces.images, faces.subject, range(5), "cnn", seeds=[0], captures=5, preprocess=("centre",)
        )
        alone, prepared = single(group, 0)
        with torch.no_grad():
            shares = torch.softmax(alone(prepared).double(), dim=1).numpy()
        (trial,) = group.trials("people")
        truth = faces.subject[group.held_out[0]]
        assert trial.people == "all"
        assert trial.accuracy == accuracy_score(truth, shares[group.held_out[0]].argmax(axis=1))
        assert trial.loss == pytest.approx(log_loss(truth, shares[group.held_out[0]], labels=range(5)), rel=1e-4)

    @pytest.mark.parametrize("network", ["fcnn", "cnn", "fcnn-equal", "fcnn-wide"])
    def test_dead_units(self, fit, network):
        group = fit(network, captures=None)
        for index, trial in enumerate(group.trials("pairs")):
            alone, faces = single(group, index)
            outputs = trace(alone, faces[group.train[index]])
            hidden = outputs["hidden_relu"]
            assert trial.dead_hidden == dead_units(hidden).sum()
            if "fcnn" in network:
                assert np.isnan(trial.dead_conv)
            else:  # a filter counts where the pooling looks
                assert trial.dead_conv == dead_units(outputs["pool"]).sum()

    def test_epochs_of_death_fit_the_counts(self, fit):
        died = 0
        for network in ("fcnn", "cnn"):
            for trial in fit(network, captures=None, preprocess=("none",), seeds=range(12)).trials("pairs"):
                layers = {
                    part.split()[0]: [int(epoch) for epoch in part.split()[1:]]
                    for part in trial.died.split("; ")
                    if part
                }
                assert len(layers.get("hidden", [])) == trial.dead_hidden
                assert len(layers.get("conv", [])) == (trial.dead_conv if network == "cnn" else 0)
                for epochs in layers.values():
                    assert epochs == sorted(epochs)
                    assert 0 <= epochs[0] <= epochs[-1] <= 6
                died += len(layers)
        assert died > 0  # raw pixels kill units; without one this test says nothing

    def test_the_epoch_from_which_everything_was_recognised(self, fit):
        group = fit("fcnn", preprocess=("centre",), seeds=range(8))
        for trial, accuracy in zip(group.trials("pairs"), group.fits.accuracy, strict=True):
            perfect = [epoch for epoch, value in enumerate(accuracy, start=1) if value == 1]
            assert trial.fitted_at == perfect[0] if perfect else np.isnan(trial.fitted_at)

    def test_a_row_an_epoch(self, fit):
        group = fit("fcnn", captures=None)
        rows = group.epochs("tutorial")
        assert [row.amount for row in rows[:5]] == [1, 2, 3, 4, 5]
        assert len(rows) == 6 * 5
        assert [row.train_loss for row in rows] == group.fits.loss.ravel().tolist()


class TestControls:
    def test_shuffled_labels_are_the_same_labels_in_another_order(self, fit):
        group = fit("fcnn", control=SHUFFLED, seeds=[0, 1], preprocess=("centre",))
        for told in group.targets:
            assert sorted(told) == sorted(group.labels)
            assert not np.array_equal(told, group.labels)
        assert not np.array_equal(*group.targets)

    def test_they_are_learned_but_the_held_out_are_judged_by_the_truth(self, fit):
        group = fit("fcnn", control=SHUFFLED, seeds=[0], preprocess=("centre",))
        (trial,) = group.trials("controls")
        alone, faces = single(group, 0)
        with torch.no_grad():
            said = (alone(faces)[:, 0] > 0).long().numpy()
        assert trial.control == SHUFFLED
        assert trial.train_accuracy == pytest.approx(np.mean(said[group.train[0]] == group.targets[0, group.train[0]]))
        assert trial.accuracy == pytest.approx(np.mean(said[group.held_out[0]] == group.labels[group.held_out[0]]))

    def test_permuted_pixels_are_the_same_pixels_in_one_other_order(self, fit):
        before, after = (fit("fcnn", control=control).images.reshape(20, -1) for control in ("", PERMUTED))
        assert np.array_equal(np.sort(after), np.sort(before))
        assert not np.array_equal(after, before)
        order = np.random.default_rng(0).permutation(before.shape[1])  # as NumPy draws it for the plan's seed
        assert np.array_equal(after, before[:, order])

    @pytest.mark.parametrize("shape", [(64, 64), (112, 92)])
    def test_the_equal_fcnn_has_the_cnns_number_of_parameters_within_two_percent(self, shape):
        equal, cnn = (sum(value.numel() for value in build(name, shape).parameters()) for name in ("fcnn-equal", "cnn"))
        assert equal == pytest.approx(cnn, rel=0.02)
        assert equal_side((64, 64)) == 29

    def test_it_sees_the_whole_face_made_smaller(self, two_people):
        small = prepare("fcnn-equal", two_people.images)
        assert small.shape == (20, 29, 29)
        assert small.mean(axis=(1, 2)) == pytest.approx(two_people.images.mean(axis=(1, 2)), abs=0.01)

    def test_frozen_filters_are_those_of_the_start_and_the_rest_trains_as_alone(self, fit):
        """Against PyTorch's own optimiser-free loop: one network at a time, whose convolution gets no gradient."""
        group, frozen = (fit("cnn", preprocess=("centre",), control=control) for control in ("", FROZEN))
        assert torch.equal(frozen.fits.weights["conv.weight"], group.start["conv.weight"])
        assert not torch.equal(frozen.fits.weights["hidden.weight"], group.start["hidden.weight"])
        for index, trial in enumerate(frozen.trials("controls")):
            network, faces = single(group, index)
            network.load_state_dict({name: value[index] for name, value in group.start.items()})
            network.conv.requires_grad_(False)
            train, seeds = group.train[index], seeds_for(group.plan, (1, 3), index)
            orders = batch_orders(len(train), group.plan.epochs, int(seeds[2]))
            fit_network(network, faces[train], group.labels[train], orders, Training(learning_rate=1e-3))
            for name, value in network.named_parameters():
                assert torch.allclose(value, frozen.fits.weights[name][index], atol=2e-4), name
            assert (trial.control, trial.filter_correlation) == (FROZEN, pytest.approx(1.0))

    def test_the_filters_correlation_is_numpys(self, fit):
        group = fit("cnn")
        before, after = (weights["conv.weight"][0].flatten(1).numpy() for weights in (group.start, group.fits.weights))
        expected = np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(before, after, strict=True)])
        assert group.trials("pairs")[0].filter_correlation == pytest.approx(expected)
        assert np.isnan(fit("fcnn").trials("pairs")[0].filter_correlation)

    def test_shuffled_labels_beside_the_others_change_neither(self, fit):
        """Trained in one go with fits on true labels, in each group the same fits as apart."""
        together = fit("cnn", also_shuffled=("centre",))
        apart = fit("cnn"), fit("cnn", control=SHUFFLED, preprocess=("centre",))
        for part, alone in zip((together.only(), together.only(control=SHUFFLED)), apart, strict=True):
            assert (part.seeds, part.controls) == (alone.seeds, alone.controls)
            assert np.array_equal(part.targets, alone.targets)
            for name, weights in alone.fits.weights.items():
                assert torch.allclose(part.fits.weights[name], weights, atol=1e-4), name

    def test_one_preprocessing_alone_is_the_same_fits(self, fit):
        group = fit("cnn")
        assert [trial.accuracy for trial in group.only("centre").trials("pairs")] == [
            trial.accuracy for trial in group.trials("pairs") if trial.preprocess == "centre"
        ]

    def test_the_layers_of_a_fit_are_what_tracing_gives(self, fit):
        group = fit("cnn")
        network, faces = single(group, 4)
        expected = trace(network, faces[:3])
        found = group.layers(4, group.images[:3])
        assert list(found) == ["conv", "conv_relu", "pool", "hidden", "hidden_relu"]
        assert all(np.allclose(output, expected[name], atol=1e-5) for name, output in found.items())


def unchanged_and_then(group, condition, amount, changed):
    return group.conditions("robustness", condition, amount, group.logits(changed), answers(group.logits(group.images)))


class TestConditions:
    def test_without_a_change_every_answer_is_the_same(self, fit):
        group = fit("cnn")
        plain, same = group.trials("pairs"), unchanged_and_then(group, "shift x", 0.0, group.images)
        assert [trial.consistency for trial in same] == [1.0] * 6
        assert [trial.accuracy for trial in same] == [trial.accuracy for trial in plain]

    def test_another_picture_gives_other_answers_counted_on_the_held_out(self, fit):
        group = fit("fcnn", preprocess=("centre",))
        upside_down = group.images[:, ::-1].copy()
        for index, trial in enumerate(unchanged_and_then(group, "turned", 180.0, upside_down)):
            alone, faces = single(group, index)
            turned = torch.tensor(group.preprocessing[index].apply(upside_down))[:, None]
            with torch.no_grad():
                before, now = ((alone(batch)[:, 0] > 0).numpy()[group.held_out[index]] for batch in (faces, turned))
            assert trial.consistency == pytest.approx(np.mean(before == now))
            assert trial.accuracy == pytest.approx(np.mean(now == group.labels[group.held_out[index]]))


def test_trials_of_a_group_can_be_written(fit):
    assert write_csv(fit("cnn").trials("pairs"), header=False).count("\n") == 6
