import numpy as np
import pytest

from faceloupe import load_faces
from faceloupe.errors import ImageError, InputError
from faceloupe.recognition import find_faces
from faceloupe.recognition.face_crops import FaceCrop

pytestmark = pytest.mark.usefixtures("published")


def test_it_is_the_aligned_face_grey_or_in_colour(portrait):
    (chip,) = find_faces(portrait)
    crop = FaceCrop()
    grey = crop(portrait if portrait.ndim == 2 else portrait[..., 0])
    assert grey.shape == (112, 112)
    colour = crop(portrait if portrait.ndim == 3 else np.repeat(portrait[..., None], 3, axis=2))
    np.testing.assert_allclose(colour, chip.image, atol=1e-6)
    assert crop.words() == "Faces were found by YuNet, aligned and cropped in 2 photographs."


def test_a_picture_no_larger_than_a_crop_is_one_unless_asked():
    small = np.full((112, 90), 0.5, np.float32)
    crop = FaceCrop()
    assert crop(small) is small
    assert crop.words() == ""
    with pytest.raises(ImageError, match="no face"):
        FaceCrop(always=True)(small)


def test_data_sets_are_taken_as_they_were_published():
    with pytest.raises(InputError, match="crop is for a folder"):
        load_faces("orl", crop=FaceCrop())
