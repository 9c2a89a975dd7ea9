import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceloupe.errors import InputError
from faceloupe.scores import cmc, fpir_at_size, fpir_in_words, open_set

# Worked by hand: ann has two references. Best of each subject:  ann  bob  cid
SIMILARITIES = [
    [0.2, 0.9, 0.5, 0.1],  # shows ann                            0.9  0.5  0.1   rank 1
    [0.3, 0.6, 0.5, 0.1],  # shows bob                            0.6  0.5  0.1   rank 2
    [0.7, 0.1, 0.7, 0.7],  # shows cid                            0.7  0.7  0.7   rank 3, ties go first
    [0.1, 0.2, 0.8, 0.3],  # shows bob                            0.2  0.8  0.3   rank 1
]
GALLERY = ["ann", "ann", "bob", "cid"]
PROBES = ["ann", "bob", "cid", "bob"]


def ranks_by_hand(similarities, probes, gallery):
    ranks = []
    for scores, subject in zip(similarities, probes, strict=True):
        best = {name: max(s for s, g in zip(scores, gallery, strict=True) if g == name) for name in set(gallery)}
        ranks.append(1 + sum(best[name] >= best[subject] for name in best if name != subject))
    return ranks


class TestCmc:
    def test_by_hand(self):
        found = cmc(SIMILARITIES, PROBES, GALLERY)
        assert found.rates.tolist() == [0.5, 0.75, 1]
        assert (found.at(1), found.at(3)) == (0.5, 1)
        assert repr(found) == "Cmc(rank 1: 50.00 %; 4 probes, 3 subjects)"

    def test_failed_probes_are_never_identified(self):
        found = cmc(SIMILARITIES, PROBES, GALLERY, n_failed=4)
        assert found.rates.tolist() == [0.25, 0.375, 0.5]
        assert "8 probes, 4 failed" in repr(found)

    @given(st.data())
    def test_agrees_with_counting_one_probe_at_a_time(self, data):
        gallery = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=8))
        probes = data.draw(st.lists(st.sampled_from(gallery), min_size=1, max_size=6))
        scores = data.draw(arrays(np.int64, (len(probes), len(gallery)), elements=st.integers(0, 5)))
        ranks = np.array(ranks_by_hand(scores, probes, gallery))
        found = cmc(scores, probes, gallery)
        np.testing.assert_allclose(found.rates, [(ranks <= r).mean() for r in range(1, len(set(gallery)) + 1)])
        assert found.rates[-1] == 1

    def test_the_order_of_the_gallery_does_not_matter(self):
        order = [3, 1, 0, 2]
        shuffled = cmc(np.array(SIMILARITIES)[:, order], PROBES, np.array(GALLERY)[order])
        assert np.array_equal(shuffled.rates, cmc(SIMILARITIES, PROBES, GALLERY).rates)

    def test_a_recogniser_that_tells_nobody_apart_identifies_nobody(self):
        assert cmc(np.ones((2, 3)), [0, 1], [0, 1, 2]).rates.tolist() == [0, 0, 1]

    @pytest.mark.parametrize(
        ("scores", "probes", "gallery", "message"),
        [
            ([[0.1, 0.2]], ["dan"], ["ann", "bob"], "1 of 1 probes show nobody"),
            ([[0.1, 0.2]], ["zoe"], ["ann", "bob"], "1 of 1 probes show nobody"),
            ([[0.1, np.nan]], ["ann"], ["ann", "bob"], "1 NaN"),
            ([[0.1, 0.2]], ["ann"], ["ann"], "got \\(1, 2\\)"),
            ([0.1, 0.2], ["ann"], ["ann", "bob"], "2 axes"),
        ],
    )
    def test_what_cannot_be_ranked_is_refused(self, scores, probes, gallery, message):
        with pytest.raises(InputError, match=message):
            cmc(scores, probes, gallery)

    @pytest.mark.parametrize("rank", [0, 4])
    def test_there_are_as_many_ranks_as_subjects(self, rank):
        with pytest.raises(InputError, match="expected 1 to 3"):
            cmc(SIMILARITIES, PROBES, GALLERY).at(rank)

    def test_failures_are_counted_from_zero(self):
        with pytest.raises(InputError, match="n_failed"):
            cmc(SIMILARITIES, PROBES, GALLERY, n_failed=-1)


class TestOpenSet:
    # The four probes above and two strangers, whose best scores are 0.4 and 0.75.
    SCORES = (*SIMILARITIES, [0.4, 0.1, 0.2, 0.3], [0.1, 0.1, 0.1, 0.75])
    SHOWN = (*PROBES, "dan", "eve")

    @pytest.mark.parametrize(
        ("threshold", "fpir", "fnir"),
        [
            (0.0, 1, 0.5),  # bob is taken for ann, cid shares the first rank
            (0.4, 1, 0.5),
            (0.41, 0.5, 0.5),
            (0.75, 0.5, 0.5),
            (0.8, 0, 0.5),
            (0.85, 0, 0.75),
            (1.0, 0, 1),
        ],
    )
    def test_by_hand(self, threshold, fpir, fnir):
        found = open_set(self.SCORES, self.SHOWN, GALLERY, threshold)
        assert (found.fpir, found.fnir) == (fpir, fnir)
        assert (found.n_mated, found.n_non_mated, found.n_subjects) == (4, 2, 3)
        assert fpir in found.fpir_interval
        assert fnir in found.fnir_interval

    def test_the_repr(self):
        found = repr(open_set(self.SCORES, self.SHOWN, GALLERY, 0.85))
        assert found == "OpenSet(FPIR 0.00 % of 2, FNIR 75.00 % of 4 probes at 0.8500, 3 subjects)"

    @given(arrays(np.int64, (8, 6), elements=st.integers(0, 5)), st.integers(-1, 6), st.integers(-1, 6))
    def test_a_higher_threshold_names_fewer(self, scores, one, other):
        probes, gallery = np.arange(8), [0, 0, 1, 2, 3, 4]
        low, high = (open_set(scores, probes, gallery, t) for t in sorted([one, other]))
        assert 0 <= high.fpir <= low.fpir <= 1
        assert 0 <= low.fnir <= high.fnir <= 1
        assert low.fnir >= 1 - cmc(scores[:5], probes[:5], gallery).at(1) - 1e-12

    def test_one_reference_makes_it_verification(self):
        found = open_set([[0.9], [0.3], [0.6], [0.2]], ["ann", "ann", "bob", "cid"], ["ann"], 0.5)
        assert (found.fnir, found.fpir) == (0.5, 0.5)

    def test_the_documents_are_plain(self):
        found = open_set(self.SCORES, self.SHOWN, GALLERY, 0.85)
        document = json.loads(json.dumps([found.to_document(), cmc(SIMILARITIES, PROBES, GALLERY).to_document()]))
        assert document[0]["fnir_interval"]["high"] == found.fnir_interval.high
        assert document[1] == {"rates": [0.5, 0.75, 1], "n_probes": 4, "n_failed": 0}

    @pytest.mark.parametrize("shown", [["ann"] * 4, ["dan"] * 4])
    def test_probes_of_one_kind_are_refused(self, shown):
        with pytest.raises(InputError, match="in the gallery and of people who are not"):
            open_set(SIMILARITIES, shown, GALLERY, 0.5)

    def test_a_threshold_is_finite(self):
        with pytest.raises(InputError, match="finite"):
            open_set(self.SCORES, self.SHOWN, GALLERY, np.inf)


class TestFpirAtSize:
    @given(st.floats(0, 1), st.integers(1, 200))
    def test_is_the_formula(self, fmr, n):
        assert fpir_at_size(fmr, n) == pytest.approx(1 - (1 - fmr) ** n, abs=1e-12)

    def test_small_rates_keep_their_digits(self):
        assert fpir_at_size(1e-20, 1000) == pytest.approx(1e-17, rel=1e-12)

    def test_independent_comparisons_give_it(self):
        named = np.random.default_rng(0).random((20_000, 50)) < 0.01
        assert fpir_at_size(0.01, 50) == pytest.approx(named.any(axis=1).mean(), abs=0.01)

    def test_in_words(self):
        assert fpir_in_words(1e-4, 1) == (
            "At an FMR of 1 in 10,000 and 1 person in the gallery, about 1 in 10,000 strangers would be given a name."
        )

    @pytest.mark.parametrize(("fmr", "n"), [(-0.1, 5), (1.1, 5), (np.nan, 5), (0.1, 0)])
    def test_what_cannot_be_is_refused(self, fmr, n):
        with pytest.raises(InputError, match="expected an FMR"):
            fpir_at_size(fmr, n)
