"""Files of Keras: the numbers are those that Keras gives, and what is not read is named."""

import os
import zipfile

import numpy as np
import pytest
import torch

from faceloupe.errors import InputError
from faceloupe.looking import look, open_model
from faceloupe.loupe.layers import loupe_layers

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("h5py")
keras = pytest.importorskip("keras")
layers = keras.layers
pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras on torch under NumPy 2


def tutorial():
    return [
        layers.Conv2D(4, 8, activation="relu", name="first"),
        layers.MaxPooling2D(4),
        layers.Flatten(),
        layers.Dense(4, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]


def saved(tmp_path, parts, shape=(32, 28, 1)):
    model = keras.Sequential([keras.Input(shape), *parts])
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.2, tuple(weights.shape)) for weights in model.weights])
    model.save(tmp_path / "net.keras")
    return model, tmp_path / "net.keras"


def faces(shape=(32, 28)):
    return np.random.default_rng(1).random((3, *shape)).astype(np.float32)


def test_the_tutorials_network_gives_the_logits_of_keras_and_the_loupe_opens_it(tmp_path):
    model, path = saved(tmp_path, tutorial())
    expected = keras.ops.convert_to_numpy(model(faces()[..., None]))
    opened = open_model(path)
    with torch.no_grad():
        logits = opened.network(torch.from_numpy(faces()[:, None]))
    np.testing.assert_allclose(torch.sigmoid(logits).numpy(), expected, atol=1e-5)
    names = [layer["name"] for layer in loupe_layers(opened.network.named_children())]
    assert names[:2] == ["first", "first_relu"]
    document = look(opened, faces()).to_document()
    assert "file of Keras" in str(document)


def test_colours_strides_padding_tanh_and_several_classes(tmp_path):
    parts = [
        layers.Conv2D(3, 3, padding="same", activation="tanh"),
        layers.Conv2D(5, (4, 3), strides=2, use_bias=False),
        layers.ReLU(),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(6, use_bias=False),
        layers.Activation("tanh"),
        layers.Dense(3, activation="softmax"),
    ]
    model, path = saved(tmp_path, parts, (20, 24, 3))
    colours = np.random.default_rng(2).random((2, 20, 24, 3)).astype(np.float32)
    opened = open_model(path)
    assert opened.colour
    with torch.no_grad():
        logits = opened.network(torch.from_numpy(colours.transpose(0, 3, 1, 2).copy()))
    expected = keras.ops.convert_to_numpy(model(colours))
    np.testing.assert_allclose(torch.softmax(logits, 1).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    "parts",
    [
        [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(negative_slope=0.3), layers.Flatten()],
        [layers.Conv2D(4, 3), layers.Flatten(), layers.BatchNormalization(scale=False), layers.LeakyReLU()],
        [layers.Conv2D(4, 3, activation="leaky_relu"), layers.GlobalAveragePooling2D()],
        [layers.Conv2D(4, 3), layers.GlobalMaxPooling2D(keepdims=True), layers.Flatten(), layers.Flatten()],
        [layers.Conv2D(4, 3), layers.Flatten(), layers.Flatten(), layers.Dense(5), layers.Flatten(), layers.Flatten()],
        [layers.Conv2D(4, 3, name="a", activation="tanh"), layers.Conv2D(4, 3, name="a_tanh"), layers.Flatten()],
    ],
)
def test_normalisation_global_pooling_and_leaky_units_give_the_numbers_of_keras(tmp_path, parts):
    model = keras.Sequential([keras.Input((12, 10, 3)), *parts, layers.Dense(3), layers.Softmax()])
    rng = np.random.default_rng(0)
    model.set_weights([np.abs(rng.normal(0, 0.3, tuple(weights.shape))) for weights in model.weights])
    model.save(tmp_path / "net.keras")
    colours = rng.random((2, 12, 10, 3)).astype(np.float32) - 0.5
    with torch.no_grad():
        logits = open_model(tmp_path / "net.keras").network(torch.from_numpy(colours.transpose(0, 3, 1, 2).copy()))
    expected = keras.ops.convert_to_numpy(model(colours))
    np.testing.assert_allclose(torch.softmax(logits, 1).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    "parts",
    [
        [layers.Conv2D(4, 3), layers.ReLU(max_value=0.5), layers.Flatten()],
        [layers.Conv2D(14, 3), layers.Dense(14), layers.Flatten(), layers.Dense(2)],
        [layers.Conv2D(4, 3), layers.Flatten()],
        [layers.Conv2D(4, 4, padding="same"), layers.Flatten(), layers.Dense(2)],
    ],
)
def test_what_would_give_other_numbers_is_refused_with_the_way_out(tmp_path, parts):
    _, path = saved(tmp_path, parts, (16, 16, 1))
    with pytest.raises(InputError, match=r"net\.keras: .*format='onnx'"):
        open_model(path)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_whole_numbers_are_not_taken_for_weights(tmp_path):
    model, path = saved(tmp_path, tutorial())
    model.quantize("int8")
    model.save(path)
    with pytest.raises(InputError, match=r"net\.keras: its weights are whole numbers"):
        open_model(path)


def test_a_network_in_memory_is_told_the_way():
    with pytest.raises(InputError, match=r"save it as 'net.keras'"):
        open_model(keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2)]), size=8)


def test_what_is_not_read_is_named_with_the_way_out(tmp_path):
    _, path = saved(tmp_path, [layers.SeparableConv2D(2, 3), layers.Flatten(), layers.Dense(1)])
    with pytest.raises(InputError, match=r"SeparableConv2D, is not read; .*format='onnx'"):
        open_model(path)


def test_a_damaged_file_is_refused(tmp_path):
    _, path = saved(tmp_path, tutorial())
    (tmp_path / "cut.keras").write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match=r"not a readable \.keras file"):
        open_model(tmp_path / "cut.keras")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "other.keras", "w") as other:
        other.writestr("config.json", whole.read("config.json"))
        other.writestr("model.weights.h5", b"no HDF5")
    with pytest.raises(InputError, match=r"not a readable \.keras file"):
        open_model(tmp_path / "other.keras")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "third.keras", "w") as third:
        third.writestr("config.json", whole.read("config.json"))
    with pytest.raises(InputError, match=r"third\.keras: it is not .*there is no model\.weights\.h5 in it"):
        open_model(tmp_path / "third.keras")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "fourth.keras", "w") as fourth:
        fourth.writestr("config.json", whole.read("config.json").replace(b"kernel_size", b"kernel"))
        fourth.writestr("model.weights.h5", whole.read("model.weights.h5"))
    with pytest.raises(InputError, match=r"fourth\.keras: its layers .* do not fit each other .*kernel_size"):
        open_model(tmp_path / "fourth.keras")
