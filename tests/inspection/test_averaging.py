"""Maps cut down to a page, against means taken square by square."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.inspection.averaging import averaged, block_side


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 20))
def test_each_number_is_the_mean_of_the_places_that_are_there(height, width, longest):
    maps = np.random.default_rng(height * width).normal(size=(2, height, width)).astype(np.float32)
    block = block_side((height, width), longest)
    rows, columns = (range(0, size, block) for size in (height, width))
    means = [[maps[:, row : row + block, column : column + block].mean(axis=(1, 2)) for column in columns]
             for row in rows]  # fmt: skip
    found = averaged(maps, block)
    assert max(found.shape[1:]) <= longest
    assert found.dtype == np.float32
    assert np.allclose(found, np.moveaxis(np.array(means), 2, 0), atol=1e-5)
    assert np.allclose(found[0], averaged(maps[0], block))


def test_a_ragged_edge_weighs_as_much_as_what_is_there():
    edge = np.arange(131, dtype=np.float32)[None]
    assert averaged(edge, 3)[0, -1] == np.mean([129, 130])
