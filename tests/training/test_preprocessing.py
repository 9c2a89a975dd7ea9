import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceloupe.errors import InputError
from faceloupe.training import CNNClassifier, Preprocessing, fit_preprocessing

FACES = arrays(np.float32, (4, 3, 5), elements=st.floats(0, 1, width=32))


@given(FACES)
def test_none_changes_no_pixel_and_hands_out_no_view(images):
    images.flags.writeable = False
    applied = fit_preprocessing("none", images).apply(images)
    np.testing.assert_array_equal(applied, images)
    assert applied.dtype == np.float32
    assert applied.flags.writeable
    assert not np.shares_memory(applied, images)


@given(FACES)
def test_centre_subtracts_the_one_mean_pixel(images):
    applied = fit_preprocessing("centre", images).apply(images)
    np.testing.assert_allclose(applied, images - images.astype(float).mean(), atol=1e-6)


@given(FACES.filter(lambda images: images.std() > 1e-3))
def test_standardise_leaves_mean_0_and_standard_deviation_1(images):
    applied = fit_preprocessing("standardise", images).apply(images).astype(float)
    assert abs(applied.mean()) < 1e-3
    assert abs(applied.std() - 1) < 1e-3


def test_constant_pixels_become_zero_not_nan():
    images = np.full((2, 4, 4), 0.25, dtype=np.float32)
    assert not fit_preprocessing("standardise", images).apply(images).any()


def test_a_million_float32_pixels_are_averaged_without_loss():
    images = np.full((250, 64, 64), 0.1, dtype=np.float32)
    assert fit_preprocessing("centre", images).mean == pytest.approx(float(np.float32(0.1)), abs=1e-12)


def test_statistics_are_those_of_the_training_captures_only(two_people):
    train, held_out = two_people.images[::2], two_people.images[1::2]
    classifier = CNNClassifier(
        epochs=1, preprocess="standardise", validation=(held_out / 2, two_people.subject[1::2])
    ).fit(train, two_people.subject[::2])
    assert classifier.preprocessing_.mean == pytest.approx(train.mean(dtype=float))
    assert classifier.preprocessing_.scale == pytest.approx(train.std(dtype=float))
    before = classifier.preprocessing_
    classifier.predict(held_out)
    assert classifier.preprocessing_ is before


def test_an_unknown_kind_is_named_with_those_that_exist():
    with pytest.raises(InputError, match=r"'none', 'centre', 'standardise', but is 'center'"):
        fit_preprocessing("center", np.ones((1, 2)))


def test_it_is_a_frozen_value_that_pickles():
    value = Preprocessing("centre", 0.5)
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301  our own bytes
    with pytest.raises(AttributeError):
        value.mean = 0.0
