"""The deep network: many people from few captures each."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError

from faceloupe.errors import InputError
from faceloupe.faces import load_faces, split_by_capture
from faceloupe.training import DeepCNN, DeepCNNClassifier, load_network
from faceloupe.training.augmentation import vary
from faceloupe.training.deep import VARIED


@pytest.fixture(scope="module")
def faces():
    return load_faces("orl")


@pytest.fixture(scope="module")
def split(faces):
    return split_by_capture(faces.subject, train=5, seed=0)


@pytest.fixture(scope="module")
def fitted(faces, split):
    return DeepCNNClassifier().fit(faces.images[split.train], faces.subject[split.train])


def test_it_names_people_better_than_the_best_baseline(faces, split, fitted):
    flat = faces.images.reshape(len(faces), -1)
    baseline = LinearDiscriminantAnalysis().fit(flat[split.train], faces.subject[split.train])
    ours = fitted.score(faces.images[split.held_out], faces.subject[split.held_out])
    assert ours >= 0.97
    assert ours > baseline.score(flat[split.held_out], faces.subject[split.held_out])


def test_a_face_and_its_mirror_image_get_one_answer(faces, fitted):
    np.testing.assert_allclose(
        fitted.decision_function(faces.images[:8]), fitted.decision_function(faces.images[:8, :, ::-1]), atol=1e-6
    )


def test_vectors_are_of_unit_length_and_tell_strangers_apart(fitted):
    strangers = load_faces("orl", subjects=range(30, 40))
    vectors = fitted.embed(strangers.images)
    assert vectors.shape == (100, 128)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    scores, mated = vectors @ vectors.T, strangers.subject[:, None] == strangers.subject
    others = ~np.eye(100, dtype=bool)
    assert np.mean(scores[mated & others][:, None] > scores[~mated]) > 0.9  # the area under the ROC curve


def test_the_same_seed_gives_the_same_numbers(faces, split, torch_as_found):  # noqa: ARG001
    chosen = faces.images[split.train], faces.subject[split.train]
    one, two, other = (DeepCNNClassifier(epochs=1, seed=seed).fit(*chosen) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.decision_function(faces.images), two.decision_function(faces.images))
    assert not np.allclose(one.decision_function(faces.images), other.decision_function(faces.images))


def test_it_survives_the_disk(faces, fitted, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = load_network(tmp_path / "model")
    assert isinstance(loaded, DeepCNNClassifier)
    np.testing.assert_array_equal(loaded.decision_function(faces.images), fitted.decision_function(faces.images))


def test_faces_of_other_sizes_are_resized(two_people):
    small = two_people.images[:, ::2, ::2]
    assert DeepCNNClassifier().fit(small, two_people.subject).score(small, two_people.subject) == 1


def test_what_it_reads_is_standardised_and_resized_as_pytorch_resizes(two_people):
    small = two_people.images[:, ::2, 1::3]
    fitted = DeepCNNClassifier(epochs=1).fit(small, two_people.subject)
    pixels = torch.from_numpy((small - small.mean(dtype=float)) / small.std(dtype=float)).float()[:, None]
    expected = torch.nn.functional.interpolate(pixels, (64, 64), mode="bilinear", antialias=True)
    np.testing.assert_allclose(fitted.prepare(small), expected, atol=1e-5)


def test_one_step_is_a_fit(two_people):
    fitted = DeepCNNClassifier(epochs=1).fit(two_people.images, two_people.subject)
    assert np.isfinite(fitted.decision_function(two_people.images)).all()


def test_a_training_that_diverges_is_no_network(two_people):
    classifier = DeepCNNClassifier(epochs=2, learning_rate=1e30, batch_size=8)
    with pytest.raises(InputError, match="The training diverged"):
        classifier.fit(two_people.images[::2, ::4, ::4], two_people.subject[::2])
    with pytest.raises(NotFittedError):
        classifier.embed(two_people.images)


def test_before_the_fit_there_is_nothing_to_ask(faces):
    with pytest.raises(NotFittedError):
        DeepCNNClassifier().embed(faces.images)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": 1}, {"seed": -1}, {"learning_rate": 0.0}])
def test_what_cannot_be_is_refused(wrong, two_people):
    with pytest.raises(InputError, match=next(iter(wrong))):
        DeepCNNClassifier(**wrong).fit(two_people.images, two_people.subject)


def test_varied_faces_stay_near_the_face_and_within_its_range(two_people):
    faces = torch.tensor(two_people.images[:, None])
    varied = vary(faces, VARIED, torch.Generator().manual_seed(0))
    assert varied.shape == faces.shape
    assert varied.min() >= faces.min() - 1e-6
    assert varied.max() <= faces.max() + 1e-6
    near = torch.minimum((varied - faces).abs().mean(), (varied.flip(3) - faces).abs().mean())
    assert 0.01 < near < 0.25


def test_the_network_is_the_same_each_time_it_is_made(torch_as_found):  # noqa: ARG001
    one, two = DeepCNN(7).state_dict(), DeepCNN(7).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
