import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.inspection import dead_units, duplicate_units


def test_a_unit_is_dead_only_if_it_is_silent_for_every_capture_everywhere():
    maps = np.zeros((3, 4, 5, 5), dtype=np.float32)
    maps[2, 1, 4, 0] = 1e-30
    maps[:, 3] = 1
    assert dead_units(maps).tolist() == [True, False, True, False]
    assert dead_units(maps[:, :, 4, 0]).tolist() == [True, False, True, False]


def test_a_unit_that_puts_out_nan_is_not_called_dead():
    assert dead_units(np.array([[np.nan, 0.0]])).tolist() == [False, True]


@pytest.mark.parametrize("outputs", [np.zeros(3), np.zeros((0, 4)), -np.ones((2, 4))])
def test_what_no_relu_puts_out_is_refused(outputs):
    with pytest.raises(InputError, match="outputs"):
        dead_units(outputs)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    units=st.integers(2, 8),
    data=st.data(),
    scale=st.floats(0.01, 100),
    positions=st.sampled_from([(), (3, 4)]),
)
def test_a_copied_unit_is_found(seed, units, data, scale, positions):
    rng = np.random.default_rng(seed)
    outputs = rng.standard_normal((30, units, *positions)).clip(0)
    original, copy = data.draw(st.permutations(range(units)))[:2]
    outputs[:, copy] = scale * outputs[:, original]
    assert duplicate_units(outputs) == (tuple(sorted((original, copy))),)


def test_groups_are_those_of_the_correlation_matrix():
    rng = np.random.default_rng(1)
    base = rng.standard_normal((50, 3))
    noise = rng.standard_normal((50, 9)) * np.tile([0.01, 0.3, 0.01], 3)
    outputs = np.repeat(base, 3, axis=1) + noise
    alike = np.corrcoef(outputs.T) > 0.999
    assert alike[0, 2]
    assert not alike[0, 1]
    assert duplicate_units(outputs) == ((0, 2), (3, 5), (6, 8))


def test_units_that_hardly_speak_are_not_compared():
    outputs = np.zeros((20, 3))
    outputs[7, :2] = 1  # heard once, for the same face: no evidence
    outputs[:, 2] = 5  # always the same: no correlation
    assert duplicate_units(outputs) == ()
