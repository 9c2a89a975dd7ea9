import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceloupe.errors import InputError
from faceloupe.faces.perturbations import brighten, occlude, permute_pixels, rotate, shift

FACES = np.random.default_rng(0).random((3, 9, 7), dtype=np.float32)
SMOOTH = np.stack([np.add.outer(np.linspace(0, 0.6, 32), np.linspace(0, 0.4, 32) ** 2)]).astype(np.float32)


@given(st.integers(-6, 6), st.integers(-8, 8))
def test_shift_moves_right_and_down_and_repeats_the_edge(dx, dy):
    padded = np.pad(FACES, ((0, 0), (8, 8), (6, 6)), mode="edge")
    by_hand = padded[:, 8 - dy : 17 - dy, 6 - dx : 13 - dx]
    np.testing.assert_array_equal(shift(FACES, dx, dy), by_hand)


@pytest.mark.parametrize("degrees", [-20.0, 5, 15.0, 40.0])
def test_rotate_turns_counter_clockwise_as_pillow_does(degrees):
    by_pillow = np.asarray(Image.fromarray(SMOOTH[0]).rotate(degrees, Image.Resampling.BILINEAR))
    inside = np.hypot(*(np.indices((32, 32)) - 15.5)) < 14
    np.testing.assert_allclose(rotate(SMOOTH, degrees)[0][inside], by_pillow[inside], atol=2e-3)


def test_rotate_by_right_angles_is_exact():
    square = FACES[:, :7]
    np.testing.assert_allclose(rotate(square, 90), np.rot90(square, axes=(1, 2)), atol=1e-6)
    np.testing.assert_array_equal(rotate(FACES, 0), FACES)


def test_occlude_covers_one_square_with_the_mean_and_nothing_else():
    covered = occlude(FACES, 4, seed=1)
    for before, after in zip(FACES, covered, strict=True):
        rows, columns = np.nonzero(before != after)
        assert (np.ptp(rows), np.ptp(columns), rows.size) == (3, 3, 16)
        np.testing.assert_allclose(after[rows, columns], before.mean(), rtol=1e-6)


def test_occlude_draws_a_place_for_every_picture_and_the_same_for_the_same_seed():
    many = np.repeat(FACES[:1], 200, axis=0)
    covered = occlude(many, 3, seed=0)
    places = {tuple(np.argwhere(picture != FACES[0])[0]) for picture in covered}
    assert len(places) == 35  # (9 - 2) x (7 - 2): every place there is
    np.testing.assert_array_equal(covered, occlude(many, 3, seed=0))
    assert (covered != occlude(many, 3, seed=1)).any()


def test_occlude_at_its_ends():
    np.testing.assert_array_equal(occlude(FACES, 0, seed=0), FACES)
    square = FACES[:, :7]
    np.testing.assert_allclose(
        occlude(square, 7, seed=0), np.broadcast_to(square.mean((1, 2), keepdims=True), square.shape)
    )


@given(st.floats(-1, 1))
def test_brighten_adds_and_clips(amount):
    np.testing.assert_allclose(brighten(FACES, amount), np.clip(FACES.astype(float) + amount, 0, 1), atol=1e-6)


def test_permute_pixels_is_one_order_for_all_and_loses_nothing():
    mixed = permute_pixels(FACES, seed=0).reshape(3, -1)
    order = [int(np.flatnonzero(FACES[0].ravel() == value)[0]) for value in mixed[0]]
    assert sorted(order) == list(range(63))
    assert order != list(range(63))
    np.testing.assert_array_equal(mixed, FACES.reshape(3, -1)[:, order])
    np.testing.assert_array_equal(permute_pixels(FACES[1:], seed=0).reshape(2, -1), mixed[1:])
    assert (permute_pixels(FACES, seed=1).reshape(3, -1) != mixed).any()


CHANGES = {
    "shift": lambda images: shift(images, 2, -1),
    "rotate": lambda images: rotate(images, 33.0),
    "occlude": lambda images: occlude(images, 2, 0),
    "brighten": lambda images: brighten(images, 0.3),
    "permute_pixels": lambda images: permute_pixels(images, 0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@given(seed=st.integers(0, 100), shape=st.tuples(st.integers(1, 4), st.integers(3, 12), st.integers(3, 12)))
@settings(max_examples=20)
def test_every_change_keeps_shape_type_range_and_the_original(change, seed, shape):
    images = np.random.default_rng(seed).random(shape)
    before = images.copy()
    changed = change(images)
    assert changed.shape == shape
    assert changed.dtype == np.float32
    assert 0 <= changed.min() <= changed.max() <= 1
    np.testing.assert_array_equal(images, before)
    frozen = images.astype(np.float32)
    frozen.flags.writeable = False  # as a FaceSet holds them
    np.testing.assert_array_equal(change(frozen), changed)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(
    ("images", "words"),
    [
        (FACES[0], r"shape \(N, H, W\)"),
        (np.zeros((2, 8, 8, 3)), r"shape \(N, H, W\)"),
        (np.zeros((2, 8, 8), np.uint8), "got uint8"),
        (FACES * 255, r"lie in \[0, 1\]"),
        (FACES - 0.5, r"lie in \[0, 1\]"),
        (FACES * np.nan, "got nan"),
        (FACES[:0], r"shape \(N, H, W\)"),
    ],
)
def test_what_are_no_images_says_why(change, images, words):
    with pytest.raises(InputError, match=words):
        change(images)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: shift(FACES, 7, 0), "dx must be an integer from -6 to 6; got 7"),
        (lambda: shift(FACES, 0, -9), "dy must be an integer from -8 to 8"),
        (lambda: shift(FACES, 0.5, 0), "dx must be an integer"),
        (lambda: rotate(FACES, np.nan), "degrees must be a finite number"),
        (lambda: rotate(FACES, "10"), "degrees must be a finite number"),
        (lambda: occlude(FACES, 8, 0), "side must be an integer from 0 to 7"),
        (lambda: occlude(FACES, 2, -1), "seed must be an integer of at least 0"),
        (lambda: brighten(FACES, 1.5), r"amount must lie in \[-1, 1\]"),
        (lambda: brighten(FACES, np.inf), "amount must be a finite number"),
        (lambda: permute_pixels(FACES, True), "seed must be an integer"),
    ],
)
def test_amounts_that_make_no_sense_say_why(change, words):
    with pytest.raises(InputError, match=words):
        change()
