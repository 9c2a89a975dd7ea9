"""Also tests ``training/loading.py``."""

import json
import os
import re
import stat
import sys
import tracemalloc
from time import process_time

import numpy as np
import pytest
import safetensors.numpy
from sklearn.exceptions import NotFittedError

from faceloupe.arrays import encode_array
from faceloupe.errors import InputError
from faceloupe.training import CNNClassifier, FCNNClassifier, NetworkClassifier, load_network, parse_network

BOTH = pytest.mark.parametrize("classifier", [FCNNClassifier, CNNClassifier])
FACES = np.random.default_rng(0).random((12, 10, 12), dtype=np.float32)
SUBJECTS = np.array(["ann", "bo", "cy"] * 4)


def fitted(classifier=CNNClassifier, subjects=SUBJECTS, **settings):
    if classifier is CNNClassifier:
        settings = {"kernel_size": 3, "pool_size": 2, **settings}
    return classifier(**{"epochs": 2, **settings}).fit(FACES, subjects)


@pytest.fixture
def saved(tmp_path):
    """A saved classifier's folder; tests damage it."""
    fitted().save(tmp_path / "model")
    return tmp_path / "model"


def edit_manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@BOTH
@pytest.mark.parametrize("subjects", [SUBJECTS, SUBJECTS == "bo"])
def test_what_is_loaded_is_what_was_saved(classifier, subjects, tmp_path):
    model = fitted(classifier, subjects, preprocess="standardise", validation=0.5, image_shape=(10, 12), seed=9)
    model.save(tmp_path / "model")
    loaded = load_network(tmp_path / "model")
    assert type(loaded) is classifier
    assert loaded.get_params() == model.get_params()
    assert vars(loaded).keys() == vars(model).keys()
    assert loaded.preprocessing_ == model.preprocessing_
    assert (loaded.image_shape_, loaded.n_features_in_) == ((10, 12), 120)
    for curve in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        np.testing.assert_array_equal(getattr(loaded.history_, curve), getattr(model.history_, curve))
    np.testing.assert_array_equal(loaded.predict_proba(FACES), model.predict_proba(FACES))
    np.testing.assert_array_equal(loaded.predict(FACES), model.predict(FACES))
    np.testing.assert_array_equal(loaded.fit(FACES, subjects).predict_proba(FACES), model.predict_proba(FACES))


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["ann", "Zoë", "李"]),
        np.array(["ann", "bo", "cy"], dtype=object),
        np.array([-3, 0, 2**62]),
        np.array([1, 2, 200], dtype=np.uint8),
        np.array([-1.0, 0.0, 3.0]),
        np.array([0.0, 1.0, 2.0], dtype=np.float32),
        np.array([False, True]),
    ],
    ids=lambda classes: str(classes.dtype),
)
def test_classes_keep_type_and_value(classes, tmp_path):
    model = fitted(FCNNClassifier, classes[np.arange(12) % len(classes)])
    model.save(tmp_path / "model")
    loaded = load_network(tmp_path / "model")
    assert loaded.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(loaded.classes_, model.classes_)
    assert loaded.predict(FACES).tolist() == model.predict(FACES).tolist()


def test_classes_that_json_cannot_hold_are_refused_before_anything_is_written(tmp_path):
    days = np.array(["2024-01-01", "2024-01-02"] * 6, dtype="datetime64[D]")
    model = fitted(FCNNClassifier)
    model.classes_ = np.unique(days)
    with pytest.raises(InputError, match="Classes of dtype datetime64"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_settings_given_as_numpy_numbers_are_saved_as_numbers(tmp_path):
    fitted(seed=np.int64(3), learning_rate=np.float32(0.5), image_shape=[10, 12]).save(tmp_path / "model")
    parameters = load_network(tmp_path / "model").get_params()
    assert (parameters["seed"], parameters["learning_rate"], parameters["image_shape"]) == (3, 0.5, (10, 12))


def test_validation_faces_are_not_saved(tmp_path):
    fitted(validation=(FACES, SUBJECTS)).save(tmp_path / "model")
    loaded = load_network(tmp_path / "model")
    assert loaded.validation is None
    assert loaded.history_.validation_loss.shape == (2,)


def test_column_names_are_saved(tmp_path):
    model = fitted(FCNNClassifier)
    model.feature_names_in_ = np.array([f"pixel {i}" for i in range(120)], dtype=object)
    model.save(tmp_path / "model")
    assert list(load_network(tmp_path / "model").feature_names_in_) == list(model.feature_names_in_)


def test_a_clipped_kernel_is_loaded_without_a_second_warning(tmp_path):
    with pytest.warns(UserWarning, match="is larger than what reaches it"):
        model = fitted(kernel_size=11, pool_size=1)
    model.save(tmp_path / "model")
    loaded = load_network(tmp_path / "model")
    assert (loaded.kernel_size, loaded.kernel_size_) == (11, (10, 11))


def test_a_network_of_the_language_is_saved_with_its_sentence(tmp_path):
    sentence = "conv 3 3x3 leaky, pool 2, batchnorm relu, dense 6 tanh, dropout 0.2; optimiser adam, augment mirror"
    model = NetworkClassifier(sentence, epochs=2, preprocess="standardise", seed=4).fit(FACES, SUBJECTS)
    model.save(tmp_path / "model")
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert parse_network(manifest["network"]) == model.spec_
    loaded = load_network(tmp_path / "model")
    assert loaded.get_params() == model.get_params()
    assert loaded.spec_ == model.spec_
    np.testing.assert_array_equal(loaded.decision_function(FACES), model.decision_function(FACES))
    np.testing.assert_array_equal(loaded.filters_.before, model.filters_.before)


def test_a_folder_of_version_1_is_read(saved):
    """Version 1 kept clipped sizes, and neither the sentence nor the range of the pixels."""
    manifest = json.loads((saved / "manifest.json").read_text())
    del manifest["network"], manifest["pixel_range"]
    sizes = {"kernel_size_": [3, 3], "pool_size_": [2, 2]}
    manifest |= {"schema_version": 1, "shapes": manifest["shapes"] | sizes}
    (saved / "manifest.json").write_text(json.dumps(manifest))
    loaded = load_network(saved)
    assert loaded.pixel_range_ is None
    loaded.predict(FACES * 255)  # what the range was is not known, and nothing is said


def test_any_safetensors_reader_can_read_the_weights(saved):
    weights = safetensors.numpy.load_file(saved / "weights.safetensors")
    for name, value in load_network(saved).network_.state_dict().items():
        np.testing.assert_array_equal(weights[name], value)


def test_nothing_is_saved_over_what_is_there(saved, tmp_path):
    before = (saved / "manifest.json").read_bytes()
    with pytest.raises(InputError, match="exists already"):
        fitted(FCNNClassifier).save(saved)
    assert (saved / "manifest.json").read_bytes() == before
    (tmp_path / "empty").mkdir()
    fitted().save(tmp_path / "empty")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="exists already"):
        fitted().save(tmp_path / "file")
    with pytest.raises(InputError, match="is not a folder; make it first"):
        fitted().save(tmp_path / "no" / "model")


def test_only_a_fitted_classifier_of_ours_is_saved(tmp_path):
    class Own(CNNClassifier):
        """What is read back could not be one."""

    with pytest.raises(NotFittedError):
        CNNClassifier().save(tmp_path / "new")
    with pytest.raises(InputError, match="this is of Own"):
        Own().save(tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_save_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(sys.modules["faceloupe.training.saving"], "write_json", full)
    with pytest.raises(OSError, match="No space left"):
        fitted().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_what_was_saved_is_its_owners(saved):
    assert stat.S_IMODE(saved.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in saved.iterdir()} == {0o600}


def test_missing_files_are_named(saved, tmp_path):
    with pytest.raises(InputError, match=r"nowhere is not a saved classifier: it has no manifest\.json"):
        load_network(tmp_path / "nowhere")
    (saved / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"it has no weights\.safetensors"):
        load_network(saved)
    (saved / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"it has no manifest\.json"):
        load_network(saved)


HUGE = encode_array(np.zeros(1), compress=True) | {"shape": [200_000_000]}
LIES = {
    "history": [
        {"loss": HUGE | {"shape": [31_000_000]}, "accuracy": HUGE},
        {"loss": encode_array(np.zeros((2, 2))), "accuracy": encode_array(np.zeros(2))},
        {"loss": encode_array(np.zeros(2, int)), "accuracy": encode_array(np.zeros(2))},
        {"loss": None},
    ],
    "preprocessing": [
        {"kind": "centre", "mean": "0.5", "scale": 1.0},
        {"kind": "centre", "mean": 0.5, "scale": 0},
        {"kind": "centre", "mean": 0.5, "scale": -1},
        {"kind": "centre", "mean": None, "scale": 1},
        {"kind": "centre", "mean": True, "scale": 1},
        {"kind": "magic", "mean": 0.5, "scale": 1},
        {},
        [],
    ],
    "shapes": [
        {"image_shape_": shape} for shape in ([50_000, 50_000], [10**9, 1], [0, 12], [10.0, 12], [10], "10", None)
    ],
    "classes": [
        {"dtype": "<U500000000", "values": ["ann", "bo", "cy"]},
        {"dtype": "|V1000000000", "values": ["ann", "bo", "cy"]},
        {"dtype": "|O", "values": [{}, [], 1]},
        {"dtype": "<U3", "values": [f"{number}" for number in range(100_000)]},
        {"dtype": "<i8", "values": [10**30, 1, 2]},
    ],
    "parameters": [
        {"network": "dense 1000000000 relu"},
        {"network": "conv 100000 1x1, conv 100000 1x1"},
        {"network": "conv 3 3x3 padding 100000, global pool"},
        {"network": ", ".join(["dense 4 relu"] * 1500)},
        {"network": "dense 4 relu, " * 1_000_000},
        {"network": ["dense"] * 100_000},
        {"nosuch": 1},
    ],
    "pixel_range": [[0, "1"], [None, 1], [], 5],
    "feature_names": [5, [{"a": 1}]],
}


@pytest.mark.parametrize(("part", "lie"), [(part, lie) for part, lies in LIES.items() for lie in lies])
def test_what_a_manifest_cannot_mean_is_refused_before_memory_is_taken(tmp_path, part, lie):
    NetworkClassifier("dense 4 relu", epochs=1).fit(FACES, SUBJECTS).save(tmp_path / "model")
    edit_manifest(tmp_path / "model", **{part: lie})
    tracemalloc.start()
    began = process_time()
    with pytest.raises(InputError, match=r"manifest\.json"):
        load_network(tmp_path / "model")
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    assert process_time() - began < 20
    tracemalloc.stop()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_manifest_of_what_is_no_number_is_refused(saved, number):
    path = saved / "manifest.json"
    path.write_text(re.sub(r'"mean": [^,}]*', f'"mean": {number}', path.read_text()))
    with pytest.raises(InputError, match="is damaged"):
        load_network(saved)


def test_weights_that_are_too_large_to_read_are_not_read(saved):
    with (saved / "weights.safetensors").open("r+b") as file:
        file.truncate(40 << 30)
    with pytest.raises(InputError, match="at most 1,073,741,824 are read"):
        load_network(saved)


def test_one_flipped_bit_of_the_weights_is_noticed(saved):
    path = saved / "weights.safetensors"
    weights = bytearray(path.read_bytes())
    weights[-1] ^= 1
    path.write_bytes(weights)
    with pytest.raises(InputError, match="damaged or was changed: its SHA-256"):
        load_network(saved)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"format": '])
def test_a_manifest_that_is_no_json_is_damaged(content, saved):
    (saved / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        load_network(saved)


@pytest.mark.parametrize("content", ["[]", "null", "{}", '{"format": "faceloupe.study/1"}'])
def test_a_manifest_of_something_else_is_told_apart(content, saved):
    (saved / "manifest.json").write_text(content)
    with pytest.raises(InputError, match="does not describe a saved classifier"):
        load_network(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 3}, "has schema version 3, but this faceloupe reads up to 2; upgrade it"),
        ({"schema_version": None}, "has schema version None"),
        ({"kind": "SVC"}, "describes a SVC, but one of NetworkClassifier, FCNNClassifier, CNNClassifier, Deep"),
        ({"kind": ["CNNClassifier"]}, "describes a "),
        ({"kind": "FCNNClassifier"}, "does not fit its weights"),
        ({"parameters": {}}, "does not fit its weights"),
        ({"parameters": None}, "does not fit its weights"),
        ({"classes": {"dtype": "|O", "values": ["ann", "bo", "cy", "di"]}}, "does not fit its weights"),
        ({"shapes": {"image_shape_": [5, 24]}}, "does not fit its weights"),
        ({"shapes": {}}, "does not fit its weights"),
        ({"shapes": [10, 12]}, "does not fit its weights"),
        ({"preprocessing": {"kind": "centre", "median": 1}}, "does not fit its weights"),
        ({"history": {"loss": {"dtype": "<f8", "shape": [5], "base64": "AAAA"}}}, "does not fit its weights"),
    ],
)
def test_a_manifest_that_cannot_be_right_is_explained(changes, message, saved):
    edit_manifest(saved, **changes)
    with pytest.raises(InputError, match=message):
        load_network(saved)


def test_a_pickle_in_place_of_the_weights_is_not_run(saved, tmp_path):
    import hashlib
    import pickle

    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "boom"),))

    content = pickle.dumps(Bomb())
    (saved / "weights.safetensors").write_bytes(content)
    edit_manifest(saved, weights_sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(InputError, match="does not fit its weights"):
        load_network(saved)
    assert not (tmp_path / "boom").exists()
