"""Arrays become the pixels that their scale says."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from faceloupe.report.pictures import array_to_pixels, png_uri

GREY = {"kind": "grey", "limit": 2.0, "unit": "weight"}
DIVERGING = {"kind": "diverging", "limit": 2.0, "unit": "weight"}
PHOTOGRAPH = {"kind": "photograph", "limit": 1.0, "unit": ""}


def test_grey_is_symmetric_about_zero() -> None:
    assert array_to_pixels(np.array([[-2.0, 0.0, 2.0]]), GREY).tolist() == [[0, 128, 255]]


@given(st.floats(1e-6, 1))
def test_grey_has_a_level_for_zero_alone(amount: float) -> None:
    below, zero, above = array_to_pixels(np.array([[-2 * amount, 0.0, 2 * amount]]), GREY)[0].astype(int)
    assert zero == 128
    assert below <= zero <= above
    assert abs((above - zero) - (zero - below)) <= 1


def test_photographs_run_from_black_to_white() -> None:
    assert array_to_pixels(np.array([[0.0, 1.0]]), PHOTOGRAPH).tolist() == [[0, 255]]
    assert array_to_pixels(np.ones((4, 5, 3)), PHOTOGRAPH).shape == (4, 5, 3)


def test_diverging_is_blue_below_white_at_and_orange_above_zero() -> None:
    below, zero, above = array_to_pixels(np.array([[-1.0, 0.0, 1.0]]), DIVERGING)[0].astype(int)
    assert zero.tolist() == [255, 255, 255]
    assert below[2] > below[1] > below[0]
    assert above[0] > above[1] > above[2]


@given(st.floats(0.01, 1))
def test_diverging_darkens_alike_to_both_sides(amount: float) -> None:
    pixels = array_to_pixels(np.array([[-2 * amount, 2 * amount]]), DIVERGING)[0] @ [0.2126, 0.7152, 0.0722]
    assert abs(pixels[0] - pixels[1]) < 32
    assert pixels.max() < 255


@pytest.mark.parametrize("scale", [GREY, DIVERGING, PHOTOGRAPH])
def test_values_beyond_the_scale_take_the_colour_of_its_end(scale: dict[str, object]) -> None:
    ends = array_to_pixels(np.array([[-2.0, 2.0]]), scale)
    np.testing.assert_array_equal(array_to_pixels(np.array([[-9.0, 9.0]]), scale), ends)


def test_what_is_no_number_is_transparent() -> None:
    pixels = array_to_pixels(np.array([[np.nan, 0.0, np.inf]]), GREY)
    assert pixels[0, :, 3].tolist() == [0, 255, 0]


def test_a_dead_units_map_is_mid_grey() -> None:
    assert set(array_to_pixels(np.zeros((3, 3)), {**GREY, "limit": 0.0}).flat) == {128}


@given(arrays(np.uint8, st.sampled_from([(3, 5), (4, 2, 3), (2, 2, 4)])))
def test_a_png_gives_its_pixels_back(pixels: np.ndarray) -> None:
    png = Image.open(io.BytesIO(base64.b64decode(png_uri(pixels).split(",")[1])))
    np.testing.assert_array_equal(np.asarray(png), pixels)
