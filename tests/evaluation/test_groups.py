"""Error rates by group: counted as by hand, refused where few, never guessed.

Also tests ``evaluation/group_section.py``.
"""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.evaluation import evaluate, open_data
from faceloupe.evaluation.comparisons import every_two, score
from faceloupe.evaluation.groups import group_rates, read_groups
from faceloupe.pages import page
from faceloupe.scores import ScoreSet, given_point


@pytest.fixture
def compared():
    """Forty people of two groups, three captures each; those of b are more alike."""
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(40), 3)
    people = rng.normal(size=(40, 12))
    people[20:] += 1.2
    vectors = people[subjects] + 0.6 * rng.normal(size=(120, 12))
    vectors = np.float32(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return score(vectors, np.zeros(120, bool), every_two("all", np.arange(120), subjects))


@pytest.fixture
def groups():
    return ["a"] * 60 + ["b"] * 60


def test_rates_are_counted_within_and_across(compared, groups):
    found = group_rates(compared, groups, 0.6, 0.01)
    labels, pairs = np.array(groups), compared.comparisons.pairs
    cosines = np.empty(len(pairs))
    cosines[compared.mated], cosines[compared.non_mated] = compared.scores.mated, compared.scores.non_mated
    first, second = labels[pairs].T
    for rate, one, other in zip(found.fmr, "aba", "abb", strict=True):
        chosen = ~compared.comparisons.same & (first == one) & (second == other)
        assert rate.n == chosen.sum()
        assert rate.rate == pytest.approx((cosines[chosen] >= 0.6).mean())
        assert rate.rate in rate.interval
    assert [rate.groups for rate in found.fmr] == [("a",), ("b",), ("a", "b")]
    for rate, name in zip(found.fnmr, "ab", strict=True):
        chosen = compared.comparisons.same & (first == name)
        assert rate.rate == pytest.approx((cosines[chosen] < 0.6).mean())
        assert rate.interval.n_effective < rate.n
    a, b = (rate.rate for rate in found.within)
    assert b > a
    assert found.fmr_ratio == pytest.approx(b / math.sqrt(a * b))
    json.dumps(found.to_document(), allow_nan=False)


def test_few_people_have_no_rate_and_no_ratio(compared):
    found = group_rates(compared, ["a"] * 60 + ["b"] * 33 + ["c"] * 27, 0.6, 0.01)
    a, b, c = found.within
    assert a.rate is not None
    assert b.rate is not None
    assert (c.rate, c.interval, c.n_people) == (None, None, 9)
    assert c.why == "too few: 324 comparisons of 9 people; it takes 300 of 10 people or more"
    strict = group_rates(compared, ["a"] * 60 + ["b"] * 60, 0.6, 1e-4)
    assert [one.rate for one in strict.fmr] == [None] * 3
    assert strict.fmr_ratio is None


def test_a_group_without_error_gives_no_ratio(compared, groups):
    assert group_rates(compared, groups, 0.999999, 0.01).fmr_ratio is None


def test_who_is_in_no_group_is_counted(compared):
    found = group_rates(compared, ["a"] * 51 + [""] * 9 + ["b"] * 60, 0.6, 0.01)
    assert found.n_unknown == 3
    with pytest.raises(InputError, match="expected two or more among those measured, got a"):
        group_rates(compared, ["a"] * 60 + [""] * 60, 0.6, 0.01)


def test_a_file_says_who_is_in_which(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("Name;Group\nann;x\nbob;y\n")
    assert read_groups(path, ["ann", "bob", "eve"]) == {"ann": "x", "bob": "y"}
    path.write_text("name,group\nZo\u00eb,x\n", encoding="utf-8")
    assert read_groups(path, ["Zoe\u0308"]) == {"Zoe\u0308": "x"}
    with pytest.raises(InputError, match="two forms of Unicode"):
        read_groups(path, ["Zoe\u0308", "Zo\u00eb"])
    path.write_text("Name;Group\nann;x\nbob;y\n")
    with pytest.raises(InputError, match="line 2: there is no subject 'ann'"):
        read_groups(path, ["bob"])
    path.write_text("name,group\nann,x\nann,y\n")
    with pytest.raises(InputError, match="ann is in 'x' and in 'y'"):
        read_groups(path, ["ann"])


def test_a_column_of_pairs(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.jpg").touch()
    path = tmp_path / "pairs.csv"
    path.write_text("photo_a,photo_b,same,group_a,group_b\na.jpg,b.jpg,1,x,x\na.jpg,c.jpg,0,x,y\n")
    assert open_data(path).groups == ("x", "x", "y")
    path.write_text("photo_a,photo_b,same,group\na.jpg,b.jpg,1,x\na.jpg,c.jpg,0,y\n")
    with pytest.raises(InputError, match=r"a\.jpg is in the group 'x' and in 'y'"):
        open_data(path)


def test_from_photographs_to_the_page(people, coarse, tmp_path):
    path = tmp_path / "who.csv"
    path.write_text("name,group\n" + "".join(f"s{who},{'odd' if who % 2 else 'even'}\n" for who in range(1, 9)))
    given = given_point(ScoreSet([1], [0]), 0.9, source="elsewhere", embedder="coarse", weights_sha256="0" * 64)
    given = replace(given, target_fmr=0.1)
    found = evaluate(people, [coarse], groups=path, development=0, points=[given], fmr=0.2, draws=1)
    rates = found.recognisers[0].groups
    assert [one.groups for one in rates.fmr] == [("even",), ("odd",), ("even", "odd")]
    document = page(found)
    assert [part["id"] for part in document["sections"]].count("groups") == 1
    assert "too few: 96 comparisons of 4 people; it takes 30 of 10 people or more" in json.dumps(document)
    assert evaluate(people, [coarse], development=0, draws=1).recognisers[0].groups is None
