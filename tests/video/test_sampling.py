"""Frames that hardly differ are passed over, and none is waited for longer than was said."""

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.video.sampling import Chooser, Sampling

STILL = np.full((36, 64), 100, np.uint8)


def chosen(frames, **choices):
    choose = Chooser(Sampling(**choices))
    return [time for time, grey in frames if choose(time, grey)]


def test_of_a_still_picture_a_frame_is_taken_as_often_as_the_longest_gap_asks():
    still = [(number / 25, STILL) for number in range(76)]
    assert chosen(still, most=1.0) == [0.0, 1.0, 2.0, 3.0]


def test_a_cut_is_taken_at_once_and_motion_at_the_shortest_gap():
    cut = STILL.copy()
    cut[:, 32:] = 200
    frames = [(0.0, STILL), (0.2, STILL), (0.24, cut), (0.28, cut), (0.4, STILL)]
    assert chosen(frames, least=0.1, most=5.0) == [0.0, 0.24, 0.4]
    moving = [(number / 50, np.roll(cut, number * 3, axis=1)) for number in range(51)]
    assert np.diff(chosen(moving, least=0.1)).min() >= 0.1 - 1e-9
    assert len(chosen(moving, least=0.1)) >= 9


def test_a_change_in_a_small_part_is_seen_where_the_whole_hardly_changes():
    small = STILL.copy()
    small[:5, :8] += 20  # one 64th of the picture
    assert chosen([(0.0, STILL), (0.5, small)], most=9.0) == [0.0, 0.5]
    assert chosen([(0.0, STILL), (0.5, STILL + 1)], most=9.0) == [0.0]


def test_the_first_change_is_noted_though_it_comes_too_soon_to_be_looked_at():
    cut = STILL + 50
    choose = Chooser(Sampling(least=0.1, most=9.0))
    assert [choose(time, grey) for time, grey in [(0.0, STILL), (0.02, STILL), (0.04, cut), (4.0, cut)]] == [
        True, False, False, True,
    ]  # fmt: skip
    assert choose.changed == {0.0: 0.04}


@pytest.mark.parametrize("choices", [{"least": 2, "most": 1}, {"least": -1}, {"change": 256}, {"most": float("inf")}])
def test_a_sampling_that_cannot_be_is_refused(choices):
    with pytest.raises(InputError, match="sampling"):
        Sampling(**choices)
