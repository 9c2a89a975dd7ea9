"""Also tests ``training/base.py``."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelBinarizer

from faceloupe.errors import InputError
from faceloupe.training import (
    CNN,
    FCNN,
    CNNClassifier,
    DeepCNNClassifier,
    FCNNClassifier,
    NetworkClassifier,
    batch_orders,
    fit_network,
    initialise,
)

BOTH = pytest.mark.parametrize("classifier", [FCNNClassifier, CNNClassifier])
ALL = pytest.mark.parametrize("classifier", [FCNNClassifier, CNNClassifier, DeepCNNClassifier])
FACES = np.random.default_rng(0).random((12, 10, 10), dtype=np.float32)
SUBJECTS = np.array(["ann", "bo"] * 6)


def quick(classifier=FCNNClassifier, **settings):
    if classifier is CNNClassifier:
        settings = {"kernel_size": 3, "pool_size": 2, **settings}
    return classifier(**{"epochs": 2, **settings})


@BOTH
def test_two_people_are_told_apart_once_their_faces_are_centred(classifier, two_people):
    train, held_out = np.arange(20) % 2 == 0, np.arange(20) % 2 == 1
    model = classifier(preprocess="centre").fit(two_people.images[train], two_people.subject[train])
    assert model.score(two_people.images[held_out], two_people.subject[held_out]) >= 0.9


@BOTH
@pytest.mark.usefixtures("torch_as_found")
def test_a_fit_is_initialise_batch_orders_and_fit_network(classifier, two_people):
    model = classifier(seed=11, epochs=3).fit(two_people.images, two_people.subject)
    network = initialise({FCNNClassifier: FCNN, CNNClassifier: CNN}[classifier]((64, 64)), seed=11)
    history = fit_network(network, two_people.images[:, None], two_people.subject, batch_orders(20, 3, seed=11))
    assert all(torch.equal(a, b) for a, b in zip(model.network_.parameters(), network.parameters(), strict=True))
    np.testing.assert_array_equal(model.history_.loss, history.loss)


@BOTH
def test_rows_and_images_and_lists_are_the_same_faces(classifier):
    model = quick(classifier).fit(FACES, SUBJECTS)
    rows = quick(classifier).fit(FACES.reshape(12, -1), SUBJECTS)
    lists = quick(classifier).fit(FACES.tolist(), SUBJECTS.tolist())
    expected = model.predict_proba(FACES)
    assert (model.n_features_in_, model.image_shape_) == (100, (10, 10))
    for other in (model, rows, lists):
        np.testing.assert_array_equal(other.predict_proba(FACES.reshape(12, -1)), expected)
        np.testing.assert_array_equal(other.predict_proba(FACES), expected)


@BOTH
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_decisions_and_predictions_agree_with_the_network(classifier, n_classes):
    subjects = np.array(["ann", "bo", "cy"])[np.arange(12) % n_classes]
    model = quick(classifier, preprocess="standardise").fit(FACES, subjects)
    with torch.no_grad():
        logits = model.network_(torch.from_numpy(model.preprocessing_.apply(FACES))[:, None])
    probabilities = model.predict_proba(FACES)
    if n_classes == 2:
        np.testing.assert_allclose(model.decision_function(FACES), logits[:, 0], atol=1e-6)
        np.testing.assert_allclose(probabilities[:, 1], logits[:, 0].sigmoid(), atol=1e-6)
    else:
        np.testing.assert_allclose(model.decision_function(FACES), logits, atol=1e-6)
        np.testing.assert_allclose(probabilities, logits.softmax(dim=1), atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_array_equal(model.predict(FACES), model.classes_[probabilities.argmax(axis=1)])


@BOTH
@pytest.mark.parametrize(
    ("preprocess", "mean", "scale"),
    [("none", 0, 1), ("centre", FACES[:8].mean(), 1), ("standardise", FACES[:8].mean(), FACES[:8].std())],
)
def test_the_network_reads_faces_preprocessed_as_in_training(classifier, preprocess, mean, scale):
    model = quick(classifier, preprocess=preprocess).fit(FACES[:8], SUBJECTS[:8])
    for X in (FACES, FACES.reshape(12, -1), FACES.tolist()):
        prepared = model.prepare(X)
        assert (prepared.shape, prepared.dtype) == ((12, 1, 10, 10), np.float32)
        np.testing.assert_allclose(prepared[:, 0], (FACES - mean) / scale, atol=1e-6)


def test_preparing_wants_a_fit_and_faces_like_those_of_the_fit():
    with pytest.raises(NotFittedError):
        quick().prepare(FACES)
    with pytest.raises(InputError, match=r"faces of shape \(5, 20\), but the fit was on \(10, 10\)"):
        quick().fit(FACES, SUBJECTS).prepare(FACES.reshape(12, 5, 20))


@ALL
def test_telling_each_batch_changes_nothing(classifier):
    told, settings = [], {"epochs": 3, "batch_size": 5}
    watched = quick(classifier, **settings).fit(FACES, SUBJECTS, progress=lambda *told_of: told.append(told_of))
    batches = 2 if classifier is DeepCNNClassifier else 3  # of 12 captures; the deep network's have 6
    assert told == [(done, 3 * batches) for done in range(1, 3 * batches + 1)]
    plain = quick(classifier, **settings).fit(FACES, SUBJECTS)
    np.testing.assert_array_equal(watched.predict_proba(FACES), plain.predict_proba(FACES))


@ALL
def test_what_telling_raises_ends_the_fit_and_leaves_none(classifier):
    model = quick(classifier).fit(FACES, SUBJECTS)

    def stop(done, whole):
        if done == whole:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(FACES, SUBJECTS, progress=stop)
    with pytest.raises(NotFittedError):
        model.predict(FACES)
    assert model.fit(FACES, SUBJECTS).predict(FACES).shape == (12,)


@BOTH
def test_a_pipeline_hands_progress_on(classifier):
    told = []
    pipeline = make_pipeline(FunctionTransformer(), quick(classifier))
    pipeline.fit(FACES, SUBJECTS, **{f"{pipeline.steps[-1][0]}__progress": lambda *told_of: told.append(told_of)})
    assert told[-1] == (6, 6)


@BOTH
def test_a_capture_is_judged_alike_alone_and_in_company(classifier):
    model = quick(classifier).fit(FACES, SUBJECTS)
    alone = np.concatenate([model.decision_function(face[None]) for face in FACES])
    np.testing.assert_allclose(alone, model.decision_function(FACES), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("pixels", "settings", "shape"),
    [(36, {}, (6, 6)), (35, {}, (1, 35)), (35, {"image_shape": (5, 7)}, (5, 7)), (36, {"image_shape": [4, 9]}, (4, 9))],
)
def test_rows_are_squares_unless_they_cannot_be_or_are_said_not_to_be(pixels, settings, shape):
    rows = FACES.reshape(12, -1)[:, :pixels]
    assert quick(**settings).fit(rows, SUBJECTS).image_shape_ == shape


def test_a_kernel_and_a_pool_larger_than_the_face_are_clipped_and_say_so():
    with pytest.warns(UserWarning, match="is larger than what reaches it") as told:
        model = CNNClassifier(epochs=1).fit(FACES[:, :5, :], SUBJECTS)
    assert (model.kernel_size_, model.pool_size_) == ((5, 8), (1, 3))
    assert [str(warning.message) for warning in told] == [
        '"conv 4 8x8 relu" is larger than what reaches it, 5x10: clipped to "conv 4 5x8 relu"',
        '"pool 4" is larger than what reaches it, 1x3: clipped to "pool 1x3"',
    ]
    assert {warning.filename for warning in told} == {__file__}
    assert model.network_.conv.weight.shape == (4, 1, 5, 8)
    assert (model.kernel_size, model.pool_size) == (8, 4)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float64])
def test_numbers_of_any_type_are_computed_on_as_they_are(dtype):
    pixels = (FACES * 10).astype(dtype)
    expected = quick().fit(pixels.astype(np.float32), SUBJECTS).decision_function(pixels.astype(np.float32))
    np.testing.assert_array_equal(quick().fit(pixels, SUBJECTS).decision_function(pixels), expected)


def test_validation_captures_are_a_stratified_fraction_or_given():
    by_fraction = quick(validation=0.5, seed=3).fit(FACES, SUBJECTS)
    train, held_out, y_train, y_held_out = train_test_split(
        FACES, SUBJECTS, test_size=0.5, stratify=SUBJECTS, random_state=3
    )
    given = quick(validation=(held_out, y_held_out), seed=3).fit(train, y_train)
    np.testing.assert_array_equal(by_fraction.history_.validation_loss, given.history_.validation_loss)
    assert given.history_.validation_accuracy[-1] == given.score(held_out, y_held_out)
    assert quick().fit(FACES, SUBJECTS).history_.validation_loss is None


@BOTH
def test_cross_validation_grids_and_pipelines_take_it(classifier, two_people):
    rows = two_people.images.reshape(20, -1)
    scores = cross_val_score(classifier(preprocess="centre", epochs=10), two_people.images, two_people.subject, cv=4)
    assert scores.shape == (4,)
    assert scores.mean() > 0.7
    pipeline = make_pipeline(FunctionTransformer(np.sqrt), quick(classifier, preprocess="centre"))
    step = pipeline.steps[-1][0]
    search = GridSearchCV(pipeline, {f"{step}__hidden": [2, 8], f"{step}__preprocess": ["none", "centre"]}, cv=2)
    search.fit(rows, two_people.subject)
    assert len(search.cv_results_["params"]) == 4
    assert set(search.predict(rows)) <= {0, 1}


@BOTH
def test_clones_and_pickles_give_the_same_numbers(classifier):
    model = quick(classifier, seed=4, validation=(FACES[:3], SUBJECTS[:3])).fit(FACES, SUBJECTS)
    copy = clone(model)
    assert not hasattr(copy, "network_")
    for other in (copy.fit(FACES, SUBJECTS), pickle.loads(pickle.dumps(model))):  # noqa: S301  our own bytes
        np.testing.assert_array_equal(other.predict_proba(FACES), model.predict_proba(FACES))
        assert repr(other.history_) == repr(model.history_)


def test_settings_may_be_numpy_numbers_as_grids_hand_them_out():
    whole = {
        "filters": 2,
        "kernel_size": 3,
        "stride": 2,
        "pool_size": 2,
        "hidden": 3,
        "epochs": 2,
        "batch_size": 4,
        "seed": 5,
    }
    expected = CNNClassifier(**whole, learning_rate=0.5).fit(FACES, SUBJECTS).decision_function(FACES)
    grid = {name: np.int64(value) for name, value in whole.items()}
    model = CNNClassifier(**grid, learning_rate=np.float32(0.5)).fit(FACES, SUBJECTS)
    np.testing.assert_array_equal(model.decision_function(FACES), expected)


def test_seeds_differ_and_refitting_does_not_go_on_from_the_last_fit():
    model = quick(seed=1).fit(FACES, SUBJECTS)
    first = model.predict_proba(FACES)
    np.testing.assert_array_equal(model.fit(FACES, SUBJECTS).predict_proba(FACES), first)
    assert not np.array_equal(model.set_params(seed=2).fit(FACES, SUBJECTS).predict_proba(FACES), first)


@pytest.mark.usefixtures("torch_as_found")
def test_the_global_generator_of_torch_does_not_matter():
    first = quick(CNNClassifier).fit(FACES, SUBJECTS).predict_proba(FACES)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        np.testing.assert_array_equal(quick(CNNClassifier).fit(FACES, SUBJECTS).predict_proba(FACES), first)


def test_column_names_are_kept():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(FACES.reshape(12, -1)[:, :9], columns=[f"pixel {i}" for i in range(9)])
    model = quick().fit(frame, SUBJECTS)
    assert list(model.feature_names_in_) == list(frame.columns)
    assert model.predict(frame).shape == (12,)


@BOTH
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": -1}, "epochs must be a whole number, 0 or more, but is -1"),
        ({"epochs": 2.0}, "epochs must be a whole number"),
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more"),
        ({"hidden": 0}, "hidden must be a whole number, 1 or more"),
        ({"seed": -1}, "seed must be a whole number, 0 or more"),
        ({"seed": 2**32}, r"seed must be below 2\*\*32"),
        ({"seed": None}, "seed must be a whole number, 0 or more, but is None"),
        ({"learning_rate": 0}, "learning_rate must be a finite number above 0"),
        ({"learning_rate": np.inf}, "learning_rate must be a finite number above 0"),
        ({"learning_rate": "fast"}, "learning_rate must be a finite number above 0, but is 'fast'"),
        ({"preprocess": "center"}, "preprocess must be one of 'none', 'centre', 'standardise', but is 'center'"),
        ({"validation": 1.5}, "validation must be None, a share between 0 and 1"),
        ({"validation": "some"}, "validation must be None"),
        ({"validation": (FACES, ["eve"] * 12)}, "subjects that the training captures do not: .*eve"),
        ({"validation": (FACES[:, :5], SUBJECTS)}, "faces of shape"),
        ({"validation": (FACES, SUBJECTS[:5])}, "inconsistent numbers of samples"),
        ({"validation": (FACES[:0], SUBJECTS[:0])}, "0 sample"),
        ({"image_shape": (5, 5)}, "image_shape"),
        ({"image_shape": (100,)}, "image_shape"),
        ({"image_shape": "10x10"}, "image_shape"),
    ],
)
def test_settings_that_cannot_be_used_are_explained(classifier, settings, message):
    with pytest.raises(ValueError, match=message):
        quick(classifier, **settings).fit(FACES, SUBJECTS)


@pytest.mark.parametrize("name", ["filters", "kernel_size", "stride", "pool_size"])
def test_sizes_of_the_cnn_are_1_or_more(name):
    with pytest.raises(InputError, match=f"{name} must be a whole number, 1 or more, but is 0"):
        CNNClassifier(**{name: 0}).fit(FACES, SUBJECTS)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")  # and then reported
@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.where(FACES > 0.9, np.nan, FACES), SUBJECTS, "Input X contains NaN"),
        (np.where(FACES > 0.9, 1e300, FACES.astype(float)), SUBJECTS, "infinity"),
        (FACES, ["ann"] * 12, "y needs two subjects at least, but has 1 class: 'ann'"),
        (FACES, SUBJECTS[:5], "inconsistent numbers of samples"),
        (FACES[..., None].repeat(3, axis=3), SUBJECTS, r"average the colours first, such as X.mean\(axis=3\)"),
        (FACES[:, None].repeat(3, axis=1), SUBJECTS, r"average the colours first, such as X.mean\(axis=1\)"),
        (FACES[:0], SUBJECTS[:0], "0 sample"),
        (FACES, None, "requires y to be passed"),
        (FACES, np.linspace(0, 1, 12), "Unknown label type"),
        (FACES[0, 0], SUBJECTS[:10], "Expected 2D array"),
    ],
)
def test_faces_that_cannot_be_used_are_explained(X, y, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y)


def test_predicting_wants_a_fit_and_faces_like_those_of_the_fit():
    with pytest.raises(NotFittedError):
        quick().predict(FACES)
    model = quick().fit(FACES, SUBJECTS)
    with pytest.raises(ValueError, match="X has 50 features, but FCNNClassifier is expecting 100"):
        model.predict(FACES.reshape(12, -1)[:, :50])
    with pytest.raises(InputError, match=r"faces of shape \(5, 20\), but the fit was on \(10, 10\)"):
        model.predict(FACES.reshape(12, 5, 20))
    with pytest.raises(ValueError, match="NaN"):
        model.predict(FACES * np.nan)


def test_classes_of_the_labels_own_type_come_back():
    for subjects in (SUBJECTS, SUBJECTS == "bo", np.where(SUBJECTS == "bo", 7, -3), SUBJECTS.astype(object)):
        model = quick().fit(FACES, subjects)
        assert model.predict(FACES).dtype == subjects.dtype
        np.testing.assert_array_equal(model.classes_, np.unique(subjects))
        LabelBinarizer().fit(model.classes_).transform(model.predict(FACES))


@ALL
@pytest.mark.parametrize("shape", [(12, 10, 10, 1), (12, 1, 10, 10)])
def test_faces_as_keras_and_pytorch_shape_them_are_taken(classifier, shape):
    model = quick(classifier, batch_size=4).fit(FACES.reshape(shape), SUBJECTS)
    assert model.image_shape_ == (10, 10)
    expected = quick(classifier, batch_size=4).fit(FACES, SUBJECTS).predict_proba(FACES)
    np.testing.assert_array_equal(model.predict_proba(FACES.reshape(shape)), expected)


@ALL
def test_pixels_far_from_the_range_of_the_fit_are_warned_of(classifier):
    model = quick(classifier, batch_size=4).fit(FACES, SUBJECTS)
    for strange in (FACES * 255, FACES - 3, np.uint8(FACES * 255), FACES / 255):
        with pytest.warns(UserWarning, match="those of the fit from"):
            model.predict(strange)
    model.predict(np.clip(FACES * 1.3 - 0.1, 0, 1.2))  # a brighter photograph is no other scale


def test_a_training_that_diverges_is_no_network(two_people):
    with pytest.raises(InputError, match="The training diverged"):
        NetworkClassifier("dense 4; rate 1e30, epochs 2").fit(two_people.images, two_people.subject)


def test_a_training_whose_last_step_diverges_is_no_network():
    with pytest.raises(InputError, match="The training diverged"):
        NetworkClassifier("dense 4; rate 3e38, epochs 1, batch 100").fit(FACES, SUBJECTS)


def test_sizes_are_numbers_or_pairs():
    pairs = CNNClassifier(kernel_size=(3, 3), pool_size=(2, 2), stride=(1, 1), epochs=1).fit(FACES, SUBJECTS)
    numbers = CNNClassifier(kernel_size=3, pool_size=2, epochs=1).fit(FACES, SUBJECTS)
    np.testing.assert_array_equal(pairs.predict_proba(FACES), numbers.predict_proba(FACES))
    with pytest.raises(InputError, match="kernel_size"):
        CNNClassifier(kernel_size=(3, 3, 3)).fit(FACES, SUBJECTS)
