"""One embedder after another on the same captures: what chooses, what is measured, what is fitted on whom.

Also tests ``evaluation/baselines.py``, ``evaluation/failures.py``, ``evaluation/likelihood.py``,
``evaluation/paired.py``, ``evaluation/split.py``.
"""

from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from faceloupe.errors import InputError
from faceloupe.evaluation import LabelledPhotographs, Pairs
from faceloupe.evaluation.baselines import embed_grey, fit_embedder
from faceloupe.evaluation.bench import Bench, EvaluationPlan
from faceloupe.evaluation.embedding import SIDE, Captures
from faceloupe.evaluation.split import split
from faceloupe.recognition import Pose, Quality
from faceloupe.recognition.photographs import PhotoProblem
from faceloupe.scores import operating_point, remeasure

PLAN = EvaluationPlan(0.05, 3, 0)  # what six people support


class Made:
    """An embedder whose templates are there already."""

    def __init__(self, name="made", sha256="a" * 64):
        self.name, self.sha256 = name, sha256


def captures_of(vectors, failed=(), **more):
    n = len(vectors)
    lost = np.isin(np.arange(n), failed)
    qualities = tuple(
        None if gone else Quality(40 + number % 5, 9, 0.5, 0, Pose(number % 7, 0, 0), 0.9)
        for number, gone in enumerate(lost)
    )
    units = np.where(lost[:, None], 0, vectors).astype(np.float32)
    norms = np.linalg.norm(units, axis=1)
    every = {"made": units, **more}
    return Captures(
        tuple(map(str, range(n))),
        tuple(PhotoProblem("no face", "no face found") if gone else None for gone in lost),
        qualities,
        every,
        {name: norms if name == "made" else np.linalg.norm(rows, axis=1) for name, rows in every.items()},
        n,
        1.0,
    )


def folder_of(subjects):
    names = tuple(f"p{number}" for number in range(subjects.max() + 1))
    return LabelledPhotographs(
        "made up", tuple(Path(f"p{one}/{place}.jpg") for place, one in enumerate(subjects)), names, subjects
    )


def measured(data, captures, plan=PLAN, development=0.5):
    parts = split(data, np.arange(len(data.paths)), development, 0)
    bench = Bench(data, parts, captures, plan)
    bench.add("made", Made())
    return bench.results[0], parts


def test_a_folder_s_threshold_is_chosen_on_other_people(made_up):
    vectors, subjects = made_up
    found, parts = measured(folder_of(subjects), captures_of(vectors))
    choosing, testing = (set(subjects[side.captures]) for side in (parts.development, parts.test))
    assert len(choosing) == len(testing) == 6
    assert not choosing & testing
    (checked,) = found.point_checks
    assert checked.origin == "chosen"
    assert checked.point.target_fmr == 0.05
    assert (checked.point.n_mated, checked.on_test.n_mated) == (6 * 45, 6 * 45)
    assert checked.on_test.threshold == checked.point.threshold
    assert checked.point.source == "every two captures of the development subjects, made up"
    assert checked.on_test.source == "every two captures of the test subjects, made up"
    assert found.accuracy is None
    assert found.every_two is None
    assert (found.closed.n_subjects, found.open.n_subjects) == (6, 3)
    assert set(found.rejection) >= {"embedding norm", "sharpness"}
    assert found.rejection["sharpness"].threshold == checked.point.threshold
    assert found.notes == ()


def test_without_development_nothing_is_chosen_and_given_points_are_checked(made_up):
    vectors, subjects = made_up
    _, parts = measured(folder_of(subjects), captures_of(vectors))
    found, _ = measured(folder_of(subjects), captures_of(vectors), development=0)
    assert found.point_checks == ()
    assert found.rejection == {}
    assert found.open.at_threshold == ()
    from faceloupe.evaluation.comparisons import score

    scores = score(vectors, np.zeros(120, bool), parts.test.most).scores
    own = operating_point(scores, 0.05, source="elsewhere", embedder="made", weights_sha256="a" * 64)
    others = operating_point(scores, 0.05, source="elsewhere", embedder="another")
    found, _ = measured(folder_of(subjects), captures_of(vectors), EvaluationPlan(0.05, 3, 0, (own, others)), 0)
    (checked,) = found.point_checks
    assert (checked.origin, checked.point) == ("given", own)
    everything = score(vectors, np.zeros(120, bool), split(folder_of(subjects), np.arange(120), 0, 0).test.most)
    assert checked.on_test == remeasure(own, everything.scores, source="every two captures, made up")


def test_the_verdict_is_of_the_test_side(made_up):
    vectors, subjects = made_up
    found, _ = measured(folder_of(subjects), captures_of(vectors))
    (checked,) = found.point_checks
    assert checked.verdict == checked.on_test.verdict == "cannot be told"  # six people


def test_too_few_people_for_a_rate_choose_for_a_looser_one_and_say_so(made_up):
    vectors, subjects = made_up
    found, _ = measured(folder_of(subjects), captures_of(vectors), EvaluationPlan(1e-5, 3, 0))
    (check,) = found.point_checks
    assert (check.origin, check.point.target_fmr) == ("chosen", 0.05)
    assert found.notes[0].startswith(
        "No threshold was chosen for an FMR of 1 in 100,000, but one for 1 in 20: an FMR of 1 in 100,000 takes 300,000"
    )


def test_pairs_with_train_and_test(made_up):
    vectors, subjects = made_up
    mated = [[s * 10 + i, s * 10 + i + 1] for s in range(12) for i in range(0, 8, 2)]
    # With the next person of the same six, so that nobody is on both sides.
    non_mated = [[s * 10 + i, (s * 10 + i + 10) % 60 + 60 * (s >= 6)] for s in range(12) for i in range(4)]
    pairs = np.array(mated + non_mated)
    same = np.repeat([True, False], 48)
    folds = np.where(subjects[pairs[:, 0]] < 6, "train", "test")
    data = LabelledPhotographs(
        "pairs", folder_of(subjects).paths, folder_of(subjects).names, subjects, Pairs(pairs, same, tuple(folds))
    )
    found, parts = measured(data, captures_of(vectors))
    assert (found.accuracy.n_train, found.accuracy.n_test) == (48, 48)
    assert (found.main.n_mated, found.main.n_non_mated) == (24, 24)
    assert found.every_two.n_mated > 24
    assert found.point_checks[0].point.source == "every two photographs in the pairs of train, pairs"
    assert set(subjects[parts.test.captures]) == set(range(6, 12))
    blind, _ = measured(LabelledPhotographs("pairs", data.paths, pairs=data.pairs), captures_of(vectors))
    assert blind.accuracy.test == found.accuracy.test
    assert blind.accuracy.interval != found.accuracy.interval
    assert (blind.every_two, blind.closed, blind.main.band) == (None, None, None)
    assert blind.point_checks == ()
    assert "60 non-mated comparisons or more" in blind.notes[0]
    folded = LabelledPhotographs(
        "pairs", data.paths, pairs=Pairs(pairs, same, tuple(np.where(folds == "test", "b", "a")))
    )
    turns, parts = measured(folded, captures_of(vectors))
    assert parts.development is None
    assert turns.accuracy.folds.tolist() == ["a", "b"]


def test_failures_count_and_one_embedder_s_own_are_told_apart(made_up):
    vectors, subjects = made_up
    captures = captures_of(vectors, failed=[0, 1])
    units = captures.vectors["made"].copy()
    units[[2, 3, 4]] = 0
    alone = Captures(captures.digests, captures.problems, captures.qualities, {"made": units}, captures.norms, 120, 1.0)
    found, _ = measured(folder_of(subjects), alone, development=0)
    assert found.n_without_template == 3
    assert found.main.failed_mated == 45 - 10
    assert found.closed.mean(1) < 1


def test_the_worst_are_the_worst(made_up):
    vectors, subjects = made_up
    found, _ = measured(folder_of(subjects), captures_of(vectors), development=0)
    cosines = vectors.astype(np.float64) @ vectors.T
    same = np.triu(subjects[:, None] == subjects, 1)
    assert found.worst.mated[0][2] == pytest.approx(cosines[same].min())
    one, other, value = found.worst.non_mated[0]
    assert value == pytest.approx(cosines[~(same | same.T) & ~np.eye(120, dtype=bool)].max())
    assert cosines[one, other] == pytest.approx(value)
    document = found.to_document()
    assert document["worst"]["mated"][0] == list(found.worst.mated[0])


@pytest.fixture
def grey():
    """Grey faces of twelve people: a pattern each, and noise."""
    rng = np.random.default_rng(1)
    subjects = np.repeat(np.arange(12), 5)
    faces = 0.5 + 0.2 * rng.random((12, SIDE, SIDE))[subjects] + 0.1 * rng.random((60, SIDE, SIDE))
    return np.clip(faces, 0, 1).astype(np.float32), subjects


def test_pca_is_scikit_learn_s_on_half_of_the_people(grey):
    faces, subjects = grey
    made = fit_embedder("pca", faces, subjects, seed=0)
    assert len(made.subjects) == 6
    own = faces[np.isin(subjects, made.subjects)].reshape(30, -1)
    expected = PCA(29, whiten=True, svd_solver="randomized", random_state=0).fit(own).transform(faces.reshape(60, -1))
    np.testing.assert_allclose(embed_grey(made.embedder, faces), expected, rtol=1e-3, atol=1e-4)
    assert made.origin == "29 whitened components of 64×64 grey pixels, fitted on 30 captures of 6 development subjects"


def test_whom_it_was_fitted_on_chooses_no_threshold(grey):
    faces, subjects = grey
    pixels = faces.reshape(60, -1)
    captures = captures_of(np.ones((60, 2)), pixels=pixels / np.linalg.norm(pixels, axis=1, keepdims=True))
    captures.norms["pixels"] = np.linalg.norm(pixels, axis=1)
    data = folder_of(subjects)
    parts = split(data, np.arange(60), 0.7, 0)
    bench = Bench(data, parts, captures, EvaluationPlan(0.1, 2, 0))
    bench.add("pca", None)
    (found,) = bench.results
    assert list(bench.embedders) == ["pca"]
    # Eight people for development, four to fit: the other four are too few.
    assert (
        "No threshold was chosen: too few people for an FMR of 1 in 10: 150 comparisons of 4 people" in found.notes[0]
    )
    assert found.closed.mean(1) > 0.9


def test_networks_are_fitted_too(grey):
    faces, subjects = grey
    made = fit_embedder("cnn", faces, subjects, seed=0)
    assert made.embedder.name.startswith("cnn-")
    assert embed_grey(made.embedder, faces).shape == (60, 64)
    assert not np.array_equal(embed_grey(made.embedder, faces[:1]), embed_grey(made.embedder, faces[5:6]))


def test_too_few_people_to_fit_on(grey):
    faces, subjects = grey
    with pytest.raises(InputError, match="pca is fitted on half of the development subjects with 3 captures or more; "
                                         "there are 3, 4 are needed"):  # fmt: skip
        fit_embedder("pca", faces[:15], subjects[:15], seed=0)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_is_none(share):
    with pytest.raises(InputError, match="development: expected a share"):
        split(folder_of(np.repeat(np.arange(8), 2)), np.arange(16), share, 0)


def test_too_few_people_to_split():
    with pytest.raises(InputError, match="3 subjects: too few to choose"):
        split(folder_of(np.repeat(np.arange(3), 2)), np.arange(6), 0.5, 0)
    with pytest.raises(InputError, match="expected subjects, or pairs, or both"):
        split(LabelledPhotographs("bare", (Path("a.jpg"),)), np.arange(1), 0.5, 0)
