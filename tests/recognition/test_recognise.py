import numpy as np
import pytest
from PIL import Image

from faceloupe.errors import ImageError, InputError
from faceloupe.recognition import FaceSearch, compare, detect, find_faces, template_of, templates_of

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture
def saved(tmp_path):
    def save(photo, name="ana.png", **options):
        Image.fromarray(np.rint(photo * 255).astype(np.uint8)).save(tmp_path / name, **options)
        return tmp_path / name

    return save


def test_the_steps_are_put_together(saved, portrait):
    (chip,) = find_faces(saved(portrait))
    (found,) = detect(portrait)
    np.testing.assert_allclose(chip.detection.landmarks, found.landmarks, atol=0.2)
    assert compare(template_of(saved(portrait)), templates_of([chip])[0]) == pytest.approx(1, abs=1e-6)


def test_a_file_and_its_array_give_one_template(saved, portrait):
    whole = (np.rint(portrait * 255) / 255).astype(np.float32)
    assert compare(template_of(saved(portrait)), template_of(whole)) == pytest.approx(1, abs=1e-6)


def test_a_file_of_sixteen_bits_keeps_them(photographs, tmp_path):
    deep = Image.fromarray(np.rint(photographs[0] * 65535).astype(np.uint16))
    deep.save(tmp_path / "deep.png")
    assert compare(template_of(tmp_path / "deep.png"), template_of(photographs[0])) == pytest.approx(1, abs=1e-6)


def test_a_sideways_photograph_is_turned_first(saved, portrait):
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = saved(np.rot90(portrait, 1), "sideways.png", exif=exif)
    assert compare(template_of(sideways), template_of(saved(portrait))) == pytest.approx(1, abs=1e-6)


def test_every_face_is_found(saved, photographs):
    photo = saved(np.hstack([photographs[0], photographs[5]]), "both.png")
    chips = find_faces(photo)
    left, right = sorted(chips, key=lambda chip: chip.detection.box.x)
    alone = [template_of(photographs[index]) for index in (0, 5)]
    for template, other in zip(templates_of([left, right]), alone, strict=True):
        assert compare(template, other) > 0.9


def test_several_faces_are_reported_never_guessed(saved, photographs):
    photo = saved(np.hstack([photographs[0], photographs[5]]), "both.png")
    with pytest.raises(ImageError, match=r"both.png: several faces found where one was meant"):
        template_of(photo)


def test_no_face_is_an_empty_answer_or_an_error_that_helps(saved):
    wall = saved(np.full((768, 1024, 3), 0.5), "wall.png")
    assert find_faces(wall) == ()
    with pytest.raises(ImageError, match=r"wall.png: no face found: it should show one"):
        template_of(wall)


def test_a_doubtful_face_is_reported_with_its_score(saved, portrait):
    (chip,) = find_faces(saved(portrait))
    score = chip.detection.score
    with pytest.raises(ImageError, match=rf"best detection score {score:.2f}, 0.99 is asked for: .*lower min_score"):
        template_of(saved(portrait), faces=FaceSearch("one", min_score=0.99))


def test_a_small_face_is_reported_with_its_size(saved, portrait):
    with pytest.raises(ImageError, match=r"largest is \d+ pixels wide, 200 are asked for: .*lower min_size"):
        template_of(saved(portrait), faces=FaceSearch("one", min_size=200))


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ImageError, match=r"empty\.jpg"):
        find_faces(tmp_path / "empty.jpg")
    with pytest.raises(InputError, match="float32"):
        find_faces(np.zeros((64, 64), np.float64))
