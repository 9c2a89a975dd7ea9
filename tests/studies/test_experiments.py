"""What each experiment measures, on a study small enough to look at.

Also tests ``studies/baselines.py``, ``studies/kept.py``.
"""

from collections import Counter

import numpy as np
import pytest

from faceloupe.faces.perturbations import brighten, rotate, shift
from faceloupe.studies import make_plan
from faceloupe.studies.experiments import EXPERIMENTS, conditions, half, run_task, tasks_of
from faceloupe.studies.fits import fit_group


def rows(finished, experiment, **more):
    return finished.trials.where(experiment=experiment, **more)


class TestEveryExperiment:
    def test_all_of_them_left_trials_under_the_names_of_their_tasks(self, finished):
        tasks = {task.key: task.experiment for task in tasks_of(finished.plan)}
        assert set(tasks.values()) == set(EXPERIMENTS)
        assert set(finished.trials.values("task")) == set(tasks)
        on_the_fits_of_pairs = {"controls", "robustness", "probe", "probe moved"}
        for trial in finished.trials:
            own = "pairs" if trial.experiment in on_the_fits_of_pairs else trial.experiment
            assert tasks[trial.task] == own

    def test_rows(self, finished):
        # 3 pairs, 2 seeds, 4 epochs, 2 preprocessings, 10 captures a person; 32x32 faces take no square of 32.
        assert Counter(trial.experiment for trial in finished.trials) == {
            "tutorial": 2 * 2 * 2 * 2 + 2 * 2 * 2 * 4,  # networks, kinds, seeds, all or half; and an epoch each
            "timing": 2 * 5,
            "pairs": 3 * 2 * 2 * 2 * 2,
            "controls": 3 * 2 * (5 + 2 + 2 + 2 + 2),  # repairs, permuted, shuffled, frozen, baselines
            "robustness": 3 * 2 * 2 * (9 + 9 + 7 + 4 + 7),
            "learning": 3 * 2 * 5 * (2 * 2 + 1),
            "probe": 3 * 2 * (1 + 2 * 2 + 2 * 5),  # pixels once, layers of both networks x kinds
            "probe moved": 3 * 2 * (1 + 2 * 2 + 2 * 5) * 2,  # and controls
            "people": 2 * 2 * 2 + 3 * 4 + 1,
            "filters": 2,
        }

    def test_no_row_is_there_twice(self, finished):
        def identity(trial):
            named = (trial.experiment, trial.network, trial.preprocess, trial.people, trial.seed, trial.captures)
            amount = None if np.isnan(trial.amount) else trial.amount
            return (*named, trial.control, trial.condition, amount, trial.n_held_out)

        counts = Counter(map(identity, finished.trials))
        assert [key for key, count in counts.items() if count > 1] == []

    def test_shares_are_shares(self, finished):
        for name in ("train_accuracy", "accuracy", "consistency"):
            values = finished.trials.column(name)
            assert ((values[~np.isnan(values)] >= 0) & (values[~np.isnan(values)] <= 1)).all()

    def test_an_accuracy_is_a_whole_number_of_captures(self, finished):
        for trial in rows(finished, ("pairs", "controls", "people", "robustness", "learning")):
            if trial.n_held_out:
                assert trial.accuracy * trial.n_held_out == pytest.approx(round(trial.accuracy * trial.n_held_out))


class TestLearning:
    def test_from_one_capture_to_all_but_one(self, finished):
        for network in ("fcnn", "cnn", "1-nn"):
            assert sorted(rows(finished, "learning", network=network).values("captures")) == [1, 3, 5, 7, 9]

    def test_a_full_study_tries_every_number(self, make_faces):
        faces = make_faces(captures=[4, 7, 6])
        plan = make_plan(faces, full=True, seeds=2, epochs=1)
        for task in tasks_of(plan):
            if task.experiment == "learning":
                most = min(faces.captures_per_subject[list(task.people)]) - 1
                assert {trial.captures for trial in run_task(plan, faces, task).trials} == set(range(1, most + 1))

    def test_the_others_are_held_out(self, finished):
        assert all(t.n_train == 2 * t.captures and t.n_held_out == 20 - t.n_train for t in rows(finished, "learning"))

    def test_the_poorer_person_limits_it(self, make_faces):
        faces = make_faces(captures=[4, 7, 6])
        plan = make_plan(faces, pairs="all", seeds=2, epochs=1)
        for task in tasks_of(plan):
            if task.experiment == "learning":
                most = min(faces.captures_per_subject[list(task.people)]) - 1
                assert {trial.captures for trial in run_task(plan, faces, task).trials} == set(range(1, most + 1, 2))


class TestRobustness:
    def test_both_axes_from_minus_16_to_16(self, finished):
        for axis in ("shift x", "shift y"):
            assert sorted(rows(finished, "robustness", condition=axis).values("amount")) == list(range(-16, 17, 4))

    def test_a_full_study_tries_every_pixel(self, make_faces):
        tried = [(name, amount) for name, amount, _ in conditions(make_plan(make_faces(), full=True), (64, 64))]
        assert [amount for name, amount in tried if name == "shift y"] == list(range(-16, 17))

    def test_small_faces_keep_what_leaves_something_of_them(self, make_faces):
        faces = make_faces(shape=(12, 30))
        tried = list(conditions(make_plan(faces, pairs=2), (12, 30)))
        assert [amount for name, amount, _ in tried if name == "shift x"] == [-8, -4, 0, 4, 8]
        assert [amount for name, amount, _ in tried if name == "occlusion"] == [0, 8]
        for _, _, change in tried:
            assert change(faces.images).shape == faces.images.shape

    def test_each_name_says_what_is_done(self, finished, faces):
        changes = {(name, amount): change for name, amount, change in conditions(finished.plan, (32, 32))}
        for name, amount, expected in (
            ("shift x", 8, shift(faces.images, dx=8, dy=0)),
            ("shift y", -4, shift(faces.images, dx=0, dy=-4)),
            ("rotation", 20, rotate(faces.images, 20)),
            ("brightness", -40, brighten(faces.images, -0.4)),
        ):
            assert np.array_equal(changes[name, amount](faces.images), expected)

    def test_nothing_done_changes_no_answer_and_is_the_accuracy_of_the_plain_fit(self, finished):
        plain = rows(finished, "pairs", preprocess="centre").where(n_held_out=10)
        for condition in ("shift x", "shift y", "rotation", "occlusion", "brightness"):
            still = rows(finished, "robustness", condition=condition, amount=0.0)
            assert set(still.column("consistency")) == {1.0}
            for network in ("fcnn", "cnn"):
                assert np.array_equal(
                    still.where(network=network).grid("accuracy"), plain.where(network=network).grid("accuracy")
                )


class TestControls:
    def test_shuffled_labels_bring_the_held_out_captures_to_chance(self, make_faces):
        # Twelve pairs of people who are easy to tell apart, and still: chance, for each fit has labels of its own.
        faces = make_faces(subjects=7, captures=10, shape=(16, 16))
        plan = make_plan(faces, pairs=12, seeds=4, epochs=10)
        found = [
            trial.accuracy
            for pair in plan.pairs
            for seed in range(4)
            for trial in fit_group(
                plan, faces.select(pair).images, faces.select(pair).subject, pair, "fcnn",
                seeds=[seed], captures=5, preprocess=("centre",), control="shuffled labels",
            ).trials("controls")
        ]  # fmt: skip
        assert np.mean(found) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(len(found) * 4))


LAYERS = {"fcnn": ("hidden", "hidden_relu"), "cnn": ("conv", "conv_relu", "pool", "hidden", "hidden_relu")}


class TestProbe:
    def test_every_layer_of_every_network_and_preprocessing_has_its_control(self, finished):
        for network, layers in LAYERS.items():
            for kind in ("none", "centre"):
                for layer in layers:
                    found = rows(finished, "probe moved", network=network, preprocess=kind, condition=layer)
                    measured, control = (found.where(control=name) for name in ("", "shuffled labels"))
                    assert len(measured) == len(control) == 6
                    assert {(t.people, t.seed) for t in measured} == {(t.people, t.seed) for t in control}

    def test_only_held_out_captures_are_probed_and_d_is_the_layers_size(self, finished):
        found = rows(finished, "probe")
        assert set(found.column("n_held_out")) == {10}
        sizes = {name: found.where(condition=name).rows[0].amount for name in found.values("condition")}
        assert sizes == {
            "pixels": 1024, "conv": 25 * 25 * 4, "conv_relu": 25 * 25 * 4, "pool": 6 * 6 * 4,
            "hidden": 4, "hidden_relu": 4,
        }  # fmt: skip

    def test_moved_captures_make_the_pixels_a_harder_task(self, make_faces):
        faces = make_faces(subjects=4, captures=8, shape=(24, 24))
        plan = make_plan(faces, pairs=6, seeds=2, epochs=1)
        trials = [
            trial
            for task in tasks_of(plan)
            if task.experiment == "pairs"
            for trial in run_task(plan, faces, task).trials
        ]
        still, moved = (
            np.mean([t.accuracy for t in trials if (t.experiment, t.condition, t.control) == (name, "pixels", "")])
            for name in ("probe", "probe moved")
        )
        assert moved < still


class TestFilters:
    def test_what_must_learn_its_filters_does_and_frozen_it_does_not(self, finished):
        free, frozen = (rows(finished, "filters", control=control).rows[0] for control in ("", "frozen filters"))
        assert free.filter_correlation < 0.99
        assert frozen.filter_correlation == pytest.approx(1.0)
        assert (free.n_train, free.n_held_out) == (frozen.n_train, frozen.n_held_out) == (25, 25)


class TestPeople:
    def test_every_method_names_all_subjects_on_the_same_split(self, finished):
        found = rows(finished, "people")
        splits = {"fcnn": 2, "cnn": 2, "1-nn": 3, "pca-logistic": 3, "pca-svm": 3, "lda": 3, "deep": 1}
        assert set(found.values("network")) == set(splits)
        assert {(t.n_train, t.n_held_out, t.people) for t in found} == {(25, 25, "all")}
        for network, count in splits.items():
            assert found.where(network=network).values("seed") == list(range(count))

    def test_the_nearest_neighbour_is_scikit_learns_on_that_split(self, finished, faces):
        from sklearn.metrics import accuracy_score, pairwise_distances

        from faceloupe.studies.fits import held_out_split

        train, held_out = held_out_split(finished.plan, faces.subject, range(5), 2, 5)
        pixels = faces.images.reshape(50, -1)
        nearest = train[pairwise_distances(pixels[held_out], pixels[train]).argmin(axis=1)]
        (trial,) = rows(finished, "people", network="1-nn", seed=2)
        assert trial.accuracy == pytest.approx(accuracy_score(faces.subject[held_out], faces.subject[nearest]))


class TestTiming:
    def test_every_fit_took_time(self, finished):
        found = rows(finished, "timing")
        assert (found.column("seconds") > 0).all()
        assert [found.where(network=name).values("seed") for name in ("fcnn", "cnn")] == [list(range(5))] * 2


class TestTutorial:
    def test_every_epoch_of_every_seed(self, finished):
        for network in ("fcnn", "cnn"):
            for kind in ("none", "centre"):
                found = rows(finished, "tutorial", network=network, preprocess=kind, condition="epoch")
                assert sorted((t.seed, t.amount) for t in found) == [(s, e) for s in range(2) for e in range(1, 5)]
                assert {(t.people, t.n_train, t.n_held_out) for t in found} == {("0-1", 10, 0)}


def test_half_is_half_of_the_poorest():
    assert half(np.array([0] * 9 + [1] * 7)) == 3
