"""Copies of photographs, pairs listed twice, and pairs on both sides of a split: said, counted once, or refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.evaluation import LabelledPhotographs, Pairs
from faceloupe.evaluation.audit import audit_pairs, people_of_pairs, usable_captures


def listed(rows, folds=None):
    """Return pairs of photographs a, b, c, ... with 1 for one person."""
    letters = sorted({letter for row in rows for letter in row[:2]})
    captures = np.array([[letters.index(one), letters.index(other)] for one, other, _ in rows])
    paths = tuple(Path(f"all/{letter}.jpg") for letter in letters)
    return LabelledPhotographs(
        "the list", paths, pairs=Pairs(captures, np.array([bool(row[2]) for row in rows]), folds)
    )


def own_content(data):
    return [path.name for path in data.paths]


def test_copies_of_a_file_are_left_out_and_those_of_two_people_named():
    kept, notes = usable_captures(["a", "b", "a", "b", ""], np.array([0, 0, 0, 1, 1]), ["a1", "a2", "a3", "b1", "b2"])
    assert kept.tolist() == [0, 4]
    assert notes == (
        "a3 has the same content as a1: left out.",
        "b1 has the same content as a2: both are left out, for one of the two names is wrong.",
    )


def test_a_pair_listed_often_or_the_other_way_round_counts_once():
    data = listed([("a", "b", 1), ("c", "d", 0), ("a", "b", 1), ("b", "a", 1), ("d", "c", 0)])
    audited, notes = audit_pairs(data, own_content(data))
    assert len(audited.pairs.same) == 2
    assert notes == (
        "3 of the 5 listed pairs repeat an earlier pair, perhaps in the other order: each pair counts once.",
    )


def test_a_pair_of_copies_is_the_same_pair():
    data = listed([("a", "b", 1), ("a", "e", 1), ("c", "d", 0)])
    audited, notes = audit_pairs(data, ["a", "b", "c", "d", "b"])
    assert len(audited.pairs.same) == 2
    assert "1 of the 3 listed pairs" in notes[0]


def test_a_photograph_against_its_copy_says_nothing():
    data = listed([("a", "b", 1), ("a", "c", 1), ("c", "d", 0)])
    audited, notes = audit_pairs(data, ["a", "a", "c", "d"])
    assert len(audited.pairs.same) == 2
    assert notes == (
        "1 pair of two copies of one photograph left out, for that says nothing: all/a.jpg and all/b.jpg.",
    )


def test_copies_are_one_photograph_wherever_they_are_listed():
    """The person of a copy was another one than that of the photograph, so that comparisons counted as independent."""
    data = listed([("a", "b", 1), ("c", "d", 1), ("b", "e", 0)])
    audited, notes = audit_pairs(data, ["a", "b", "a", "d", "e"])
    assert (audited.pairs.captures.tolist(), notes) == ([[0, 1], [0, 3], [1, 4]], ())
    assert people_of_pairs(audited, audited.pairs)[[0, 1, 3]].tolist() == [0, 0, 0]


def test_pairs_with_a_photograph_of_two_people_are_left_out():
    data = replace(listed([("a", "b", 1), ("c", "d", 1), ("b", "d", 0)]), subjects=np.array([0, 0, 1, 1]))
    audited, notes = audit_pairs(data, ["a", "b", "a", "d"])
    assert audited.pairs.captures.tolist() == [[1, 3]]
    assert notes[0].startswith("2 pairs left out: a photograph in each has a copy under another person's name: all/a")


@pytest.mark.parametrize("again", [("a", "b", 1), ("b", "a", 1)])
def test_a_pair_in_train_and_in_test_is_refused(again):
    data = listed([("a", "b", 1), ("c", "d", 0), again, ("e", "f", 0)], ("train", "train", "test", "test"))
    with pytest.raises(InputError, match=r"are compared in train and in test .* would be measured on itself"):
        audit_pairs(data, own_content(data))


def test_photographs_in_train_and_in_test_are_told():
    data = listed([("a", "b", 1), ("c", "d", 0), ("a", "e", 1), ("f", "g", 0)], ("train", "train", "test", "test"))
    _, notes = audit_pairs(data, own_content(data))
    assert notes[0].startswith("1 photograph in more than one fold, such as all/a.jpg: what is measured on one fold")


def test_folds_stay_with_their_pairs():
    data = listed([("a", "b", 1), ("b", "a", 1), ("c", "d", 0), ("e", "f", 1)], ("1", "1", "1", "2"))
    audited, _ = audit_pairs(data, own_content(data))
    assert audited.pairs.folds == ("1", "1", "2")


def test_one_pair_that_is_said_to_show_one_person_and_two():
    data = listed([("a", "b", 1), ("b", "a", 0)])
    with pytest.raises(InputError, match=r"all/b\.jpg and all/a\.jpg are said to show one person, and two"):
        audit_pairs(data, own_content(data))


def test_pairs_of_one_person_link_photographs():
    data = listed([("a", "b", 1), ("b", "c", 1), ("c", "d", 0), ("d", "e", 1)])
    people = people_of_pairs(data, data.pairs)
    assert people[0] == people[1] == people[2] != people[3] == people[4]


def test_a_contradiction_of_links_is_refused():
    data = listed([("a", "b", 1), ("b", "c", 1), ("a", "c", 0)])
    with pytest.raises(InputError, match=r"all/a.jpg and all/c.jpg are said to show two people, and other pairs make"):
        people_of_pairs(data, data.pairs)
