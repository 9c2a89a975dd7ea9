"""Galleries of one reference a subject: hand-worked cases, failures and strangers."""

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.evaluation.identification import Templates, closed_set, open_sets

EYE = np.eye(8, dtype=np.float32)


def perfect(captures=3, people=8):
    """Captures of a subject are alike, those of two are at right angles."""
    subjects = np.repeat(np.arange(people), captures)
    return Templates(EYE[subjects], subjects, np.zeros(len(subjects), bool))


def test_who_can_be_told_apart_is_named():
    found = closed_set(perfect(), np.arange(24), draws=3)
    assert found.at(1) == (1, 1, 1)
    assert (found.n_subjects, found.cmcs[0].n_probes) == (8, 16)
    assert found.interval.low == pytest.approx(0.025 ** (1 / 8), abs=1e-3)  # eight people, of whom each is one
    assert found.interval.high == 1
    assert repr(found) == "ClosedSet(rank 1: 100.00 %, 100.00 to 100.00 in 3 draws)"
    assert len(found.to_document()["rates"]) == 8


def test_subjects_with_one_capture_are_left_out():
    templates = perfect(captures=2)
    subjects = templates.subjects.copy()
    subjects[[1, 3]] = [8, 9]  # these four captures now show four people
    found = closed_set(Templates(templates.vectors, subjects, templates.failed), np.arange(16), draws=1)
    assert (found.n_subjects, found.cmcs[0].n_probes) == (6, 6)


def test_a_failed_probe_is_never_named_and_a_failed_reference_loses_its_subject():
    templates = perfect()
    templates.failed[:2] = True  # two of the three captures of subject 0
    found = closed_set(templates, np.arange(24), draws=40)
    rates = found.at(1)
    # Of 16 probes: the reference is the good capture (2 failed probes), or a failed one (both probes lost).
    assert set(rates) == {14 / 16}
    assert found.mean(8) == 14 / 16  # though some galleries have seven subjects
    assert found.to_document()["rates"] == [14 / 16] * 8


def test_strangers_are_named_by_mistake_and_people_missed():
    found = open_sets(perfect(), np.arange(24), 0.5, draws=5)
    assert found.n_subjects == 4
    assert (found.mean("fpir"), found.mean("fnir")) == (0, 0)
    assert (found.at_threshold[0].n_mated, found.at_threshold[0].n_non_mated) == (8, 12)
    everybody = open_sets(perfect(), np.arange(24), -0.5, draws=5)
    assert everybody.mean("fpir") == 1
    nobody = open_sets(perfect(), np.arange(24), 1.5, draws=5)
    assert (nobody.mean("fpir"), nobody.mean("fnir")) == (0, 1)
    assert nobody.interval("fnir").high == 1
    assert open_sets(perfect(), np.arange(24), None).at_threshold == ()


def test_the_trade_off_is_as_asked(made_up):
    vectors, subjects = made_up
    found = open_sets(Templates(vectors, subjects, np.zeros(120, bool)), np.arange(120), 0.5)
    assert (np.diff(found.fpir) >= 0).all()
    assert (np.diff(found.fnir) <= 0).all()
    assert found.fpir[-1] == pytest.approx(0.5, abs=0.02)
    assert "FPIR" in repr(found)


def test_failed_captures_are_missed_or_no_threat():
    templates = perfect()
    templates.failed[:] = np.arange(24) % 3 == 0
    found = open_sets(templates, np.arange(24), 0.5, draws=20)
    assert found.mean("fpir") == 0
    assert found.mean("fnir") > 0.3


def test_the_same_seed_draws_the_same(made_up):
    vectors, subjects = made_up
    templates = Templates(vectors, subjects, np.zeros(120, bool))
    assert closed_set(templates, np.arange(120), seed=3).at(1) == closed_set(templates, np.arange(120), seed=3).at(1)


@pytest.mark.parametrize("measure", [closed_set, lambda *given: open_sets(*given, 0.5)])
def test_two_subjects_with_two_captures_are_needed(measure):
    templates = perfect(captures=1)
    with pytest.raises(InputError, match="two subjects with two captures each, 0 of those"):
        measure(templates, np.arange(8))


def test_where_nothing_was_enrolled():
    templates = perfect()
    templates.failed[:] = True
    with pytest.raises(InputError, match="no probe is left"):
        closed_set(templates, np.arange(24))
