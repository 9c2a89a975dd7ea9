"""Verdicts: where they lie, below how many pairs there is none, what would settle them, and how many there are.

Also tests ``studies/checks/seeing.py``, ``studies/checks/structure.py``, ``studies/checks/training.py``,
``studies/findings.py``.
"""

import shlex
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from faceloupe.studies import make_plan
from faceloupe.studies.checks import check_statements
from faceloupe.studies.findings import Findings
from faceloupe.studies.statements import CONFIDENCE, JUDGED, MIN_PAIRS, ahead, judge, judge_share, no_witness
from faceloupe.studies.statistics import Estimate, share_over_pairs
from faceloupe.studies.trials import Trials


@pytest.fixture(scope="module")
def findings(make_faces):
    faces = make_faces(subjects=6)
    command = "faceloupe study --data 'my faces' --pairs 3 --out=old --resume --seed 1"
    return Findings(make_plan(faces, pairs=3), Trials([]), (20, 20), np.full(40, 6), command)


def grid(mean, pairs=24, spread=0.04):
    """Pairs whose means are exactly `mean`, with a known spread."""
    means = np.linspace(-1, 1, pairs)
    return np.repeat((mean + spread * means / means.std(ddof=1))[:, None], 4, axis=1)


class TestWhereItLies:
    @pytest.mark.parametrize(("mean", "verdict"), [(0.20, "supported"), (0.11, "not shown"), (0.00, "contradicted")])
    def test_the_whole_interval_on_one_side_of_the_limit(self, findings, mean, verdict):
        found = judge(findings, "CNN", "gained", grid(mean), 0.10)
        assert found.verdict == verdict
        margin = stats.t.ppf((1 + CONFIDENCE) / 2, 23) * 0.04 / np.sqrt(24)  # worked by hand
        assert (found.estimate.low, found.estimate.high) == pytest.approx((mean - margin, mean + margin))

    def test_what_must_lie_below_is_judged_the_other_way(self, findings):
        assert [judge(findings, "", "lost", grid(mean), 0.05, above=False).verdict for mean in (0.0, 0.05, 0.2)] == [
            "supported", "not shown", "contradicted",
        ]  # fmt: skip

    def test_a_share(self, findings):
        flags = np.zeros((24, 8))
        assert judge_share(findings, "", "overfit", flags, 0.5).verdict == "contradicted"
        flags[:12] = 1
        assert judge_share(findings, "", "overfit", flags, 0.5).verdict == "not shown"

    def test_together_the_intervals_hold_in_95_percent_of_studies(self):
        assert pytest.approx(0.05) == JUDGED * (1 - CONFIDENCE)

    def test_the_same_on_another_draw(self, findings):
        """Fifty studies of the same truth: a verdict is never contradicted in one and supported in another."""
        rng = np.random.default_rng(0)
        drawn = [rng.normal(0.06, 0.1, size=(24, 1)) + rng.normal(0, 0.1, size=(24, 8)) for _ in range(50)]
        verdicts = {judge(findings, "", "gained", one, 0.05).verdict for one in drawn}
        assert not {"supported", "contradicted"} <= verdicts


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.04, 0.04, "the two are within 5 points of each other"),
        (0.0, 0.06, "it is open which of the two recognises more"),
        (-0.06, 0.0, "it is open which of the two recognises more"),
        (0.01, 0.06, "the CNN recognises more"),
        (-0.06, -0.01, "the FCNN recognises more"),
    ],
)
def test_the_network_that_is_ahead(low, high, words):
    assert ahead(Estimate((low + high) / 2, low, high, 24)) == words


class TestTooFew:
    def test_below_the_least_number_of_pairs_there_is_no_verdict_but_a_command(self, findings):
        found = judge(findings, "CNN", "gained", grid(0.5, pairs=MIN_PAIRS - 1), 0.10)
        assert found.verdict == "not shown"
        assert "Not shown at this sample size: 11 of at least 12 pairs" in found.settle
        command = found.settle.split("`")[1]
        assert shlex.split(command) == [
            "faceloupe", "study", "--data", "my faces", "--seed", "1", "--pairs", "12", "--out", "study-12",
        ]  # fmt: skip

    def test_the_size_comes_from_the_effect_measured_and_says_so(self, findings):
        found = judge(findings, "CNN", "gained", grid(0.11), 0.10)
        assert found.settle.startswith("If what was measured is the truth, about ")
        wanted = int(found.settle.split("about ")[1].split(" pairs")[0])
        more = judge(findings, "CNN", "gained", grid(0.11, pairs=wanted), 0.10)
        assert more.verdict == "supported"

    def test_more_than_there_are_is_said(self, findings):
        found = judge(findings, "CNN", "gained", grid(0.1001), 0.10)
        assert "these 40 subjects form only 780" in found.settle

    def test_a_network_that_has_not_learned_the_task_is_no_witness(self, findings):
        sure = judge(findings, "CNN", "lost", grid(0.5), 0.05)
        found = no_witness(sure, share_over_pairs(np.full((24, 8), 0.54)))
        assert (sure.verdict, found.verdict) == ("supported", "not shown")
        assert "54.0 % of held-out captures here: it is no witness" in found.settle


@pytest.fixture(scope="module")
def statements(finished):
    return check_statements(finished.findings)


class TestOfAStudy:
    def test_as_many_are_judged_as_was_said(self, statements):
        assert sum(judged.estimate is not None for one in statements for judged in one.judged) == JUDGED

    def test_three_pairs_are_too_few_for_any_of_them(self, statements):
        assert {j.verdict for one in statements for j in one.judged if j.estimate} == {"not shown"}
        assert all("--pairs" in j.settle or "form only" in j.settle or "no number" in j.settle or "witness" in j.settle
                   for one in statements for j in one.judged if j.estimate)  # fmt: skip

    def test_what_is_counted_needs_no_pairs(self, statements):
        counted = {(one.id, j.of): j.verdict for one in statements for j in one.judged if j.estimate is None}
        assert counted["efficient", "fewer parameters"] == "supported"
        assert counted["slips", "the window moves by 1"] == "contradicted"
        assert counted["hidden-layers", ""] == "contradicted"

    def test_each_verdict_names_the_networks_and_pixels_that_it_is_of(self, statements):
        overfitting = next(one for one in statements if one.id == "overfitting")
        assert [judged.of for judged in overfitting.judged] == [
            "FCNN, pixels as they are", "FCNN, mean pixel subtracted",
            "CNN, pixels as they are", "CNN, mean pixel subtracted",
        ]  # fmt: skip

    def test_separability_is_asked_of_both_networks_raw_and_centred_each_layer_with_a_control(self, statements):
        separable = next(one for one in statements if one.id == "separable")
        assert [judged.of for judged in separable.judged] == [
            "FCNN, pixels as they are", "FCNN, mean pixel subtracted",
            "CNN, pixels as they are", "CNN, mean pixel subtracted",
        ]  # fmt: skip
        assert len(separable.figures) == 1 + 2 * (2 + 5)  # the pixels once, then both kinds of two and five layers
        assert all("moved" in figure.value and "shuffled labels" in figure.interval for figure in separable.figures)

    def test_more_parameters_and_other_repairs_are_tried_and_named(self, statements):
        many = next(one for one in statements if one.id == "number-of-parameters")
        labels = " ".join(figure.label for figure in many.figures)
        for change in ("as few parameters", "16 times as many", "learning rate", "leaky ReLU", "He init", "mean pixel"):
            assert change in labels

    def test_no_network_at_chance_is_a_witness(self, finished):
        rows = [replace(row, accuracy=0.5) if row.experiment == "pairs" else row for row in finished.trials]
        location = next(
            one for one in check_statements(replace(finished, trials=Trials(rows)).findings) if one.id == "location"
        )
        assert all(judged.verdict == "not shown" and "no witness" in judged.settle for judged in location.judged)

    def test_both_halves_of_a_claim_are_judged(self, statements):
        location = next(one for one in statements if one.id == "location")
        assert [judged.of.split(":")[0] for judged in location.judged] == ["sensitive", "insensitive"]

    def test_nothing_is_quoted_and_asking_is_not_saying(self, statements):
        assert {one.manner for one in statements} == {"asks", "says", "shows"}
        assert not any(mark in one.claim for one in statements for mark in '"“”«»')
        assert next(one for one in statements if one.id == "overfitting").manner == "asks"
