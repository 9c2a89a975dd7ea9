"""Also tests ``scores/choosing.py``."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.scores import (
    OperatingPoint,
    ScoreSet,
    det_curve,
    fmr,
    fmr_interval,
    fnmr,
    fnmr_interval,
    operating_point,
    remeasure,
    rule_of_3,
    rule_of_30,
    wilson,
)
from faceloupe.scores.confidence import Interval


def made_up(n_mated=500, n_non_mated=5000, seed=0, **more):
    rng = np.random.default_rng(seed)
    return ScoreSet(rng.normal(4, 1, n_mated), rng.normal(0, 1, n_non_mated), **more)


def chosen(scores, target=1e-3, **more):
    return operating_point(scores, target, source="made-up scores", embedder="a coin", weights_sha256="ab12", **more)


def people_compared(n_people, matching=0):
    """Return every two of some people, compared once; some of them match."""
    pairs = np.stack(np.triu_indices(n_people, 1), axis=1)
    non_mated = np.random.default_rng(0).normal(0, 0.1, len(pairs))
    non_mated[np.random.default_rng(1).permutation(len(pairs))[:matching]] = 0.9
    return ScoreSet(np.full(n_people, 1.0), non_mated, np.arange(n_people), pairs)


class TestRules:
    @pytest.mark.parametrize(
        ("target", "three", "thirty"), [(1e-1, 30, 300), (1e-3, 3000, 30_000), (1e-7, 30_000_000, 300_000_000)]
    )
    def test_by_hand(self, target, three, thirty):
        assert (rule_of_3(target), rule_of_30(target)) == (three, thirty)

    @given(st.integers(50, 10**6))
    def test_of_3_is_where_no_error_keeps_a_rate_out_at_95_percent(self, n):
        # (1 - p)^n <= 5 % at p = 3/n, and not at 2.9/n.
        assert (1 - 3 / n) ** n <= 0.05 < (1 - 2.9 / n) ** n
        assert rule_of_3(3 / n) == n

    def test_of_30_holds_at_90_percent(self):
        errors = np.random.default_rng(0).binomial(rule_of_30(0.01), 0.01, 20_000)
        assert 0.89 <= np.mean((errors / 30 >= 0.7) & (errors / 30 <= 1.3)) <= 0.93

    @pytest.mark.parametrize("target", [0, 1, -0.1, np.nan])
    def test_a_target_is_a_share(self, target):
        for rule in (rule_of_3, rule_of_30):
            with pytest.raises(InputError, match="FMR"):
                rule(target)


class TestChoosing:
    def test_it_measures_what_the_functions_measure(self):
        scores = made_up()
        point = chosen(scores)
        assert point.threshold == det_curve(scores).at_fmr(1e-3).threshold
        assert point.fmr == fmr(scores, point.threshold) <= 1e-3
        assert point.fnmr == fnmr(scores, point.threshold)
        assert point.fmr_interval == fmr_interval(scores, point.threshold)
        assert point.fnmr_interval == fnmr_interval(scores, point.threshold)
        assert (point.n_mated, point.n_non_mated, point.n_failed) == (500, 5000, 0)
        assert (point.source, point.embedder, point.weights_sha256) == ("made-up scores", "a coin", "ab12")

    @pytest.mark.parametrize(("n", "target"), [(2999, 1e-3), (29, 0.1), (1, 0.5), (29_999, 1e-4)])
    def test_a_target_that_too_few_comparisons_support_is_refused(self, n, target):
        with pytest.raises(InputError, match=f"takes {n + 1 if n > 1 else 6:,} non-mated comparisons.*there are {n:,}"):
            chosen(made_up(10, n), target)
        assert chosen(made_up(10, rule_of_3(target)), target).fmr <= target

    def test_the_refusal_names_a_target_that_would_do(self):
        with pytest.raises(InputError, match=r"; or ask for 1 in 357: --fmr 0.0028$"):
            chosen(made_up(10, 1100))
        assert chosen(made_up(10, 1100), 0.0028).n_non_mated == 1100
        with pytest.raises(InputError, match=r"there are 5: compare more captures$"):  # not "1 in 1"
            chosen(made_up(10, 5))

    def test_where_every_mated_score_is_too_low_the_threshold_is_still_a_number(self):
        point = chosen(ScoreSet([0.1, 0.2], np.full(5000, 0.9)))
        assert (point.fmr, point.fnmr) == (0, 1)
        assert point.threshold == np.nextafter(0.9, 1)

    def test_a_repeated_choice_meets_its_target_on_average(self):
        # The threshold is at a score above the ones that may match, so on strangers FMR is near the target.
        rates = [fmr(made_up(10, 100_000, seed=99), chosen(made_up(10, 3000, seed)).threshold) for seed in range(40)]
        assert np.mean(rates) == pytest.approx(1e-3, rel=0.4)

    def test_the_choice_needs_a_target_between_0_and_1(self):
        with pytest.raises(InputError, match="FMR"):
            chosen(made_up(), 0)


class TestMeasuringAgain:
    def test_the_threshold_stays_and_the_rates_are_those_of_the_new_comparisons(self):
        point, others = chosen(made_up()), made_up(seed=1)
        found = remeasure(point, others, source="others")
        assert (found.threshold, found.target_fmr, found.embedder) == (point.threshold, 1e-3, "a coin")
        assert found.fmr == fmr(others, point.threshold)
        assert found.source == "others"

    def test_the_new_fmr_is_within_the_old_interval_most_of_the_time(self):
        # Two measurements differ by √2 of what one differs from the truth: 95 % intervals hold the other in about 83 %.
        held = []
        for seed in range(60):
            point = chosen(made_up(seed=seed), 0.01)
            held.append(remeasure(point, made_up(seed=1000 + seed), source="others").fmr in point.fmr_interval)
        assert 0.7 <= np.mean(held) <= 0.95

    def test_too_few_comparisons_to_check_the_target_are_said_to_be(self):
        found = remeasure(chosen(made_up()), made_up(10, 100), source="others")
        assert "Too few to check an FMR of 1 in 1,000: the rule of 3 asks for 3,000" in found.words()


class TestWords:
    POINT = OperatingPoint(
        threshold=0.375,
        target_fmr=1e-3,
        fmr=0.0008,
        fmr_interval=wilson(4, 5000),
        fnmr=0.012,
        fnmr_interval=wilson(6, 500),
        n_mated=500,
        n_non_mated=5000,
        n_failed=0,
        source="LFW View 1",
        embedder="sface",
    )

    def test_all_of_it(self):
        assert self.POINT.words() == (
            "FMR 1 in 1,000 asked for, measured on LFW View 1: FMR 1 in 1,250, 95 % interval 1 in 3,210 to 1 in 487, "
            "5,000 non-mated comparisons. "
            "FNMR 1.2 %, 95 % interval 0.551 % to 2.59 %, 500 mated comparisons. "
            "False matches seen: 4; by the rule of 30, knowing the FMR to within 30 % of itself takes about "
            "30,000 independent non-mated comparisons."
        )

    def test_the_repr_is_the_short_of_it(self):
        assert repr(self.POINT).startswith("OperatingPoint(score >= 0.3750: FMR 1 in 1,250, 95 % interval")

    def test_failures_are_said(self):
        assert (
            "3 more comparisons could not be made and are in neither rate." in replace(self.POINT, n_failed=3).words()
        )

    def test_thirty_false_matches_are_enough(self):
        enough = replace(self.POINT, fmr=30 / 40_000, n_non_mated=40_000, fmr_interval=wilson(30, 40_000))
        assert "rule of 30" not in enough.words()

    def test_what_comparisons_that_share_subjects_are_worth_is_said(self):
        subjects = np.repeat(np.arange(50), 10)
        pairs = np.stack([np.arange(5000) % 50, (np.arange(5000) % 50 + 1 + np.arange(5000) // 50 % 49) % 50], axis=1)
        difficult = np.random.default_rng(0).normal(0, 2, 50)
        base = made_up()
        scores = ScoreSet(base.mated + difficult[subjects], base.non_mated, subjects, pairs)
        assert "500 mated comparisons, worth about" in chosen(scores).words()

    def test_none_seen(self):
        none = replace(self.POINT, fmr=0.0, fmr_interval=wilson(0, 5000))
        assert "FMR 0, 95 % interval 0 to 1 in 1,300" in none.words()


class TestFewPeople:
    @pytest.mark.parametrize("people", [2, 3, 5, 8])
    def test_many_photographs_of_few_people_are_refused(self, people):
        """Two people with 75 photographs each gave a threshold that named two strangers of three."""
        rng = np.random.default_rng(0)
        subjects = np.repeat(np.arange(people), 200 // people)
        vectors = rng.normal(size=(people, 64))[subjects] + 0.3 * rng.normal(size=(len(subjects), 64))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        scores = ScoreSet.from_templates(vectors, subjects)
        with pytest.raises(InputError, match=f"too few people for an FMR of 1 in 1,000: .* of {people} people") as said:
            chosen(scores)
        assert "not more photographs of these" in str(said.value)

    def test_a_hundred_people_with_a_photograph_each_are_enough_and_the_fnmr_is_not_known(self):
        people = people_compared(100)
        scores = ScoreSet([], people.non_mated, [], people.non_mated_subjects)
        point = chosen(scores)
        assert point.fmr <= 1e-3
        assert (point.fnmr, point.fnmr_interval, point.n_mated) == (None, None, 0)
        assert "FNMR not known: nobody has two photographs" in point.words()
        assert OperatingPoint.from_document(json.loads(json.dumps(point.to_document()))) == point
        assert point.threshold == chosen(people).threshold

    def test_what_is_offered_instead_would_do(self):
        six = people_compared(7)
        parts = (six.mated, six.non_mated, six.mated_subjects, six.non_mated_subjects)
        repeated = ScoreSet(*(np.concatenate([part] * 20) for part in parts))
        with pytest.raises(InputError, match="too few people") as said:
            chosen(repeated, 0.01)
        offered = float(str(said.value).rsplit("--fmr ", 1)[1])
        assert chosen(repeated, offered).target_fmr == offered

    def test_what_is_offered_for_too_few_comparisons_does_for_their_people_too(self):
        few = people_compared(40)
        with pytest.raises(InputError, match=r"rule of 3") as said:
            chosen(few, 1e-4)
        assert chosen(few, float(str(said.value).rsplit("--fmr ", 1)[1])).n_non_mated == few.n_non_mated

    def test_an_interval_from_next_to_nothing_is_said_to_begin_at_0(self):
        point = chosen(people_compared(100))
        few = replace(point, fmr_interval=Interval(1e-7, 1 / 120, 0.95, 399, "made up"))
        assert "95 % interval 0 to 1 in 120" in few.words()
        many = replace(point, fmr_interval=Interval(1 / 400, 1 / 120, 0.95, 399, "made up"))
        assert "95 % interval 1 in 400 to 1 in 120" in many.words()


class TestVerdict:
    def verdict(self, matching, n_people=78, target=1e-3):
        return remeasure(chosen(people_compared(200), target), people_compared(n_people, matching), source="x").verdict

    def test_ten_of_three_thousand_do_not_hold_one_in_a_thousand(self):
        assert people_compared(78).n_non_mated == 3003
        assert self.verdict(10) == "does not hold"

    def test_where_few_are_compared_it_cannot_be_told(self):
        assert self.verdict(0) == self.verdict(3) == "cannot be told"

    def test_it_holds_where_twice_the_rate_is_out_of_the_question(self):
        assert self.verdict(0, 200) == "holds"

    def test_an_interval_above_the_rate_asked_for_is_no_holding_however_near(self):
        point = chosen(people_compared(200))
        low, high = 1 / 998, 1 / 805
        near = replace(point, fmr=1 / 896, fmr_interval=replace(point.fmr_interval, low=low, high=high))
        assert near.verdict == "does not hold"


class TestDocument:
    def test_there_and_back_through_json(self):
        point = chosen(made_up(failed_mated=2))
        assert OperatingPoint.from_document(json.loads(json.dumps(point.to_document()))) == point

    @pytest.mark.parametrize("document", [{}, [], None, {"threshold": 0.5}])
    def test_something_else_is_refused(self, document):
        with pytest.raises(InputError, match="not the document of an operating point"):
            OperatingPoint.from_document(document)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"threshold": float("inf")}, "threshold"),
            ({"threshold": "high"}, "not the document"),
            ({"target_fmr": 0}, "target FMR"),
            ({"fmr": 1.2}, "FMR and FNMR"),
            ({"fnmr": float("nan")}, "FMR and FNMR"),
            ({"n_mated": 0}, "FNMR with its interval where there are mated comparisons"),
            ({"n_non_mated": 0}, "0 non-mated"),
            ({"fmr_interval": {"low": 0}}, "not the document"),
        ],
    )
    def test_what_cannot_be_is_refused(self, change, message):
        with pytest.raises(InputError, match=message):
            OperatingPoint.from_document({**chosen(made_up()).to_document(), **change})


@pytest.mark.parametrize("fmr", [1e-13, 5e-324])
def test_a_rate_that_nobody_could_measure_is_refused(fmr):
    with pytest.raises(InputError, match="at least 1e-12"):
        rule_of_3(fmr)


@pytest.mark.parametrize(
    ("name", "sha256", "same"), [("a coin", "ab12", True), ("a coin", "ab13", False), ("a die", "ab12", False)]
)
def test_a_point_is_of_one_embedder_and_its_weights(name, sha256, same):
    assert chosen(made_up()).is_of(SimpleNamespace(name=name, sha256=sha256)) is same
