import hashlib
import pickle

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.faces import FaceSet, Skipped
from faceloupe.faces.faceset import find_duplicates

IMAGES = np.random.default_rng(0).random((6, 5, 4), dtype=np.float32)


def face_set(**changes):
    fields = {
        "images": IMAGES,
        "subject": [0, 1, 2, 0, 1, 2],
        "names": ["ann", "bob", "eve"],
        "captures": ["a1", "b1", "e1", "a2", "b2", "e2"],
        "source": "made up",
        "licence": "CC0",
    }
    return FaceSet(**{**fields, **changes})


def spoilt(value, index=3):
    images = IMAGES.copy()
    images[index] = value
    return images


def test_it_cannot_be_changed_not_even_through_the_array_it_was_made_from():
    mine = IMAGES.copy()
    faces = face_set(images=mine)
    mine[:] = 0.5
    np.testing.assert_array_equal(faces.images, IMAGES)
    with pytest.raises(ValueError, match="read-only"):
        faces.images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        faces.subject[0] = 1
    with pytest.raises(AttributeError):
        faces.names = ()


def test_a_read_only_view_of_a_writeable_array_is_copied():
    mine = IMAGES.copy()
    view = mine[:]
    view.flags.writeable = False
    faces = face_set(images=view)
    mine[:] = 0.5
    np.testing.assert_array_equal(faces.images, IMAGES)


def test_types_and_sizes():
    faces = face_set(images=IMAGES.astype(np.float64))
    assert faces.images.dtype == np.float32
    assert faces.subject.dtype == np.intp
    assert (len(faces), faces.n_subjects) == (6, 3)
    assert faces.captures_per_subject.tolist() == [2, 2, 2]
    assert repr(faces) == "FaceSet(6 captures of 3 subjects, 5 x 4 grey, made up)"


def test_the_repr_counts_what_was_skipped_and_names_nobody():
    text = repr(face_set(skipped=[Skipped("ann/x.png", "empty")], duplicates=[("a1", "a2")]))
    assert text.endswith("made up, 1 skipped, 1 groups of duplicates)")
    assert "ann" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"images": spoilt(np.nan)}, r"'a2' holds NaN or infinity \(1 of 6", id="NaN"),
        pytest.param({"images": spoilt(np.inf)}, "'a2' holds NaN or infinity", id="infinity"),
        pytest.param({"images": spoilt(0.5)}, "'a2' has no contrast", id="constant"),
        pytest.param({"images": np.zeros((6, 5, 4, 3), np.float32)}, r"no contrast.*\(6 of 6", id="constant colour"),
        pytest.param({"images": IMAGES * 255}, r"leaves \[0, 1\]", id="0 to 255"),
        pytest.param({"images": IMAGES - 0.5}, r"leaves \[0, 1\] \(all run from -0.4", id="centred"),
        pytest.param({"images": (IMAGES * 255).astype(np.uint8)}, "got uint8 .*divide", id="8 bits"),
        pytest.param({"images": IMAGES[0]}, r"\(N, H, W\).*got \(5, 4\)", id="one image"),
        pytest.param({"images": IMAGES.reshape(6, 20)}, r"\(N, H, W\)", id="flat"),
        pytest.param({"images": IMAGES[..., None]}, r"\(N, H, W, 3\)", id="one channel"),
        pytest.param({"images": IMAGES[:0], "subject": [], "captures": []}, "at least one capture", id="none"),
        pytest.param({"captures": ["a1"]}, "6 images; got 1", id="too few names of captures"),
        pytest.param({"subject": [0, 1, 2]}, r"shape \(6,\); got int64 \(3,\)", id="too few subjects"),
        pytest.param({"subject": [0.0] * 6}, "integer per capture", id="subjects that are floats"),
        pytest.param({"subject": [0, 1, 2, 0, 1, 3]}, "index the 3 names; got 0 to 3", id="a subject without a name"),
        pytest.param({"subject": [-1, 1, 2, 0, 1, 2]}, "got -1 to 2", id="a negative subject"),
        pytest.param({"names": ["ann", "ann", "eve"]}, "same name", id="two subjects of one name"),
    ],
)
def test_what_cannot_be_a_face_set_says_why(changes, words):
    with pytest.raises(InputError, match=words):
        face_set(**changes)


def test_a_flat_coloured_capture_has_no_contrast_but_a_coloured_pattern_has():
    red = np.zeros((1, 4, 4, 3), np.float32)
    red[..., 0] = 1
    one = {"subject": [0], "names": ["ann"], "captures": ["a1"]}
    with pytest.raises(InputError, match="no contrast"):
        face_set(images=red, **one)
    red[0, 0, 0, 0] = 0
    assert len(face_set(images=red, **one)) == 1


def test_take_keeps_labels_and_order():
    faces = face_set(duplicates=[("a1", "a2"), ("b1", "e1")]).take([3, 0, 2])
    assert faces.captures == ("a2", "a1", "e1")
    assert faces.subject.tolist() == [0, 0, 2]
    assert faces.names == ("ann", "bob", "eve")
    assert faces.duplicates == (("a1", "a2"),)
    np.testing.assert_array_equal(faces.images, IMAGES[[3, 0, 2]])


@pytest.mark.parametrize("indices", [[6], [-1], [0.0], [True, False, True, False, True, False], [[0]], [], 0])
def test_take_refuses_what_are_no_indices(indices):
    with pytest.raises(InputError, match=r"from 0 to 5|at least one"):
        face_set().take(indices)


@pytest.mark.parametrize("subjects", [["eve", "ann"], [2, 0], np.array([2, 0]), (2, "ann")])
def test_select_relabels_in_the_order_given(subjects):
    faces = face_set().select(subjects)
    assert faces.names == ("eve", "ann")
    assert faces.captures == ("e1", "e2", "a1", "a2")
    assert faces.subject.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(faces.images, IMAGES[[2, 5, 0, 3]])


@pytest.mark.parametrize(
    ("subjects", "words"),
    [
        (["zoe"], "no subject 'zoe'; there are 3"),
        ([3], "no subject 3"),
        ([-1], "no subject -1"),
        ([True], "no subject True"),
        ([1.0], "no subject 1.0"),
        (["ann", 0], "same subject twice"),
        ([], "list of indices or names"),
        ("ann", "list of indices or names"),
    ],
)
def test_select_refuses_whom_it_does_not_know(subjects, words):
    with pytest.raises(InputError, match=words):
        face_set().select(subjects)


def test_a_name_may_have_no_capture_left_and_then_cannot_be_selected_alone():
    rest = face_set().take([0, 3])
    assert rest.captures_per_subject.tolist() == [2, 0, 0]
    with pytest.raises(InputError, match=r"list of integers|at least one capture"):
        rest.select(["bob"])


def test_the_digest_is_sha256_of_shape_pixels_and_subjects():
    faces = face_set()
    by_hand = b"(6, 5, 4)" + IMAGES.astype("<f4").tobytes() + np.array([0, 1, 2, 0, 1, 2], "<i8").tobytes()
    assert faces.digest == hashlib.sha256(by_hand).hexdigest()
    assert faces.digest != face_set(images=spoilt(IMAGES[0])).digest
    assert faces.digest != face_set(subject=[0, 1, 2, 0, 1, 1]).digest
    assert faces.digest == face_set(names=["a", "b", "c"], source="elsewhere").digest


def test_it_travels_to_another_process():
    faces = pickle.loads(pickle.dumps(face_set(skipped=[Skipped("x", "y")])))  # noqa: S301
    assert faces.digest == face_set().digest
    assert faces.skipped == (Skipped("x", "y"),)


def test_duplicates_are_grouped_in_order_of_appearance():
    a, b, c = IMAGES[:3]
    assert find_duplicates(np.stack([a, b, a, c, b, a]), "uvwxyz") == (("u", "w", "z"), ("v", "y"))
    assert find_duplicates(IMAGES, "uvwxyz") == ()


def test_subjects_with_too_few_captures_are_left_out_and_named():
    faces = face_set(subject=[0, 1, 2, 0, 1, 1])
    assert faces.with_captures(1) is faces
    kept = faces.with_captures(2)
    assert (kept.names, kept.captures) == (("ann", "bob"), ("a1", "a2", "b1", "b2", "e2"))
    assert [(skip.path, skip.reason) for skip in kept.skipped] == [
        ("eve", "this subject has 1 capture, and 2 are needed")
    ]
    with pytest.raises(InputError):
        faces.with_captures(4)
