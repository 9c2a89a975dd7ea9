"""Plans: the pairs that are drawn, and what is refused before any work is done."""

import json
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from faceloupe.errors import InputError
from faceloupe.faces import FaceSet
from faceloupe.studies import make_plan
from faceloupe.studies.experiments import EXPERIMENTS, cost, tasks_of
from faceloupe.studies.plan import draw_pairs, seeds_for


@pytest.fixture(scope="module")
def few(make_faces):
    return make_faces(subjects=6)


class TestPairs:
    def test_they_are_distinct_pairs_of_different_people(self, few):
        pairs = make_plan(few, pairs=9).pairs
        assert len(set(pairs)) == 9
        assert all(0 <= a < b < 6 for a, b in pairs)

    def test_the_same_seed_draws_the_same_and_another_seed_others(self, few):
        assert make_plan(few, pairs=9, seed=3).pairs == make_plan(few, pairs=9, seed=3).pairs
        assert make_plan(few, pairs=9, seed=3).pairs != make_plan(few, pairs=9, seed=4).pairs

    def test_fewer_pairs_are_the_first_of_more(self, few):
        # A larger study repeats the smaller one's pairs, so their figures can be compared.
        assert make_plan(few, pairs=9).pairs[:4] == make_plan(few, pairs=4).pairs

    def test_all_are_all_in_random_order(self, few):
        pairs = make_plan(few, pairs="all").pairs
        assert sorted(pairs) == list(combinations(range(6), 2))
        assert list(pairs) != sorted(pairs)
        assert make_plan(few, full=True).pairs == pairs

    def test_every_pair_is_drawn_as_often_as_every_other(self):
        drawn = Counter(pair for seed in range(600) for pair in draw_pairs(6, 5, seed))
        counts = [drawn[pair] for pair in combinations(range(6), 2)]
        assert stats.chisquare(counts).pvalue > 0.001

    def test_split_weights_and_order_of_every_fit_differ(self, few):
        plan = make_plan(few, pairs="all")
        drawn = [int(value) for pair in plan.pairs for seed in range(8) for value in seeds_for(plan, pair, seed)]
        assert len(set(drawn)) == len(drawn)

    def test_the_plans_seed_changes_them(self, few):
        first, second = (make_plan(few, pairs=2, seed=seed) for seed in (0, 1))
        assert not np.array_equal(seeds_for(first, (0, 1), 0), seeds_for(second, (0, 1), 0))


class TestTasks:
    def test_no_two_have_one_name_and_all_belong_to_an_experiment(self, few):
        tasks = tasks_of(make_plan(few, pairs=4))
        assert len({task.key for task in tasks}) == len(tasks)
        assert {task.experiment for task in tasks} == set(EXPERIMENTS)

    def test_every_task_costs_something_and_a_full_study_more(self, few):
        plans = make_plan(few, pairs=4), make_plan(few, full=True)
        costs = [[cost(plan, task) for task in tasks_of(plan)] for plan in plans]
        assert min(costs[0]) > 0
        assert sum(costs[1]) > sum(costs[0])


class TestDocument:
    def test_a_plan_is_json(self, few):
        document = make_plan(few, pairs=2).to_document()
        assert json.loads(json.dumps(document)) == document
        assert document["people"] == [0, 1]


BAD = {
    "the same person twice": ({"people": (1, 1)}, "two different indices from 0 to 5"),
    "a person who is not there": ({"people": (0, 6)}, "from 0 to 5"),
    "a negative person": ({"people": (-1, 2)}, "from 0 to 5"),
    "three people": ({"people": (0, 1, 2)}, "two different"),
    "a name for a person": ({"people": ("ann", "bob")}, "indices"),
    "no pairs": ({"pairs": 0}, "from 1 to 15 for 6 subjects, or 'all'"),
    "more pairs than there are": ({"pairs": 16}, "from 1 to 15"),
    "a word for pairs": ({"pairs": "many"}, "or 'all'; got 'many'"),
    "half a pair": ({"pairs": 2.5}, "or 'all'; got 2.5"),
    "no seeds": ({"seeds": 0}, "seeds must be a whole number of at least 1; got 0"),
    "half a seed": ({"seeds": 1.5}, "seeds must be a whole number"),
    "a flag for seeds": ({"seeds": True}, "seeds must be a whole number"),
    "no epochs": ({"epochs": 0}, "epochs must be a whole number of at least 1"),
    "a negative seed": ({"seed": -1}, "seed must be a whole number of at least 0"),
    "one run": ({"pairs": 1, "seeds": 1}, "shows no spread"),
    "no preprocessing": ({"preprocess": ()}, "one or more of none, centre, standardise"),
    "unknown preprocessing": ({"preprocess": ("none", "whiten")}, "one or more of none, centre, standardise"),
    "a bare word": ({"preprocess": "centre"}, "one or more of"),
}


class TestRefusals:
    @pytest.mark.parametrize(("options", "words"), BAD.values(), ids=BAD.keys())
    def test_options(self, few, options, words):
        with pytest.raises(InputError, match=words):
            make_plan(few, **({"pairs": 4} | options))

    def test_colour(self, few):
        coloured = FaceSet(
            np.repeat(few.images[..., None], 3, axis=3), few.subject, few.names, few.captures, "made up", "CC0"
        )
        with pytest.raises(InputError, match="without colour=True"):
            make_plan(coloured, pairs=4)

    def test_one_subject(self, make_faces):
        with pytest.raises(InputError, match="at least 2 subjects; got 1"):
            make_plan(make_faces(subjects=1), pairs=1)

    def test_too_few_captures_name_one_who_has_them(self, make_faces):
        with pytest.raises(InputError, match=r"at least 4 captures.*1 have fewer, among them 'Quirina'"):
            make_plan(make_faces(captures=[6, 3, 4]), pairs=1)

    @pytest.mark.parametrize("shape", [(10, 64), (64, 10)])
    def test_faces_too_small_for_the_cnn(self, make_faces, shape):
        with pytest.raises(InputError, match=r"at least 11x11.*larger `size=`"):
            make_plan(make_faces(shape=shape), pairs=2)

    def test_one_pair_needs_more_seeds_also_when_it_is_all_there_are(self, make_faces):
        with pytest.raises(InputError, match="no spread"):
            make_plan(make_faces(subjects=2), pairs="all", seeds=1)
        assert make_plan(make_faces(subjects=2), pairs="all", seeds=2).pairs == ((0, 1),)

    def test_preprocessing_given_twice_is_taken_once(self, few):
        assert make_plan(few, pairs=2, preprocess=["standardise", "none", "standardise"]).preprocess == (
            "none",
            "centre",
            "standardise",
        )
