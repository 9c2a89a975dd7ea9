import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloupe.faces.pixels import to_square


def test_to_square_cuts_the_centre_and_averages_when_shrinking():
    wide = np.zeros((8, 12), np.float32)
    wide[:, 2:10] = np.indices((8, 8)).sum(0) % 2  # a chequerboard between black edges
    np.testing.assert_allclose(to_square(wide, 2), 0.5, atol=0.02)
    tall = np.ascontiguousarray(wide.T)
    np.testing.assert_array_equal(to_square(tall, 8), tall[2:10])


@given(st.integers(1, 30), st.integers(1, 30), st.integers(4, 20), st.booleans())
@settings(max_examples=50)
def test_to_square_stays_within_the_range_of_the_image(height, width, size, colour):
    image = np.random.default_rng(height).random((height, width, 3) if colour else (height, width), dtype=np.float32)
    square = to_square(image, size)
    assert square.shape[:2] == (size, size)
    assert square.ndim == image.ndim
    assert image.min() - 1e-6 <= square.min() <= square.max() <= image.max() + 1e-6
