"""The page's JavaScript against PyTorch, NumPy and SciPy, on real faces and networks, under node."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional

from faceloupe.arrays import decode_array, encode_array
from faceloupe.faces import load_faces, perturbations
from faceloupe.inspection import dead_units, trace
from faceloupe.training import (
    CNN,
    FCNN,
    CNNClassifier,
    FCNNClassifier,
    batch_orders,
    fit_network,
    fit_preprocessing,
    initialise,
)

HERE = Path(__file__).parent / "loupe"
NODE = shutil.which("node")
KINDS = [(kind, preprocess) for kind in ("fcnn", "cnn") for preprocess in ("none", "centre")]
EPOCHS = 20
LABELS = np.repeat([0, 1], 10)  # the first two subjects of ORL
SEEDS = {"fcnn": 17, "cnn": 13}  # fits that learn on raw pixels too, and that rounding does not lead astray

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def node(*arguments, given=""):
    command = [NODE, "--import", HERE / "register.mjs", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(job, **given):
    return json.loads(node(HERE / "run.mjs", given=json.dumps({"job": job, **given})))


def encode_weights(network, dtype=np.float32):
    return {name: encode_array(value.detach().numpy().astype(dtype)) for name, value in network.named_parameters()}


def as_given(network, preprocessing):
    """Entry and weights of a network, as the page gets them."""
    entry = {"preprocessing": {"mean": preprocessing.mean, "scale": preprocessing.scale}}
    if isinstance(network, CNN):
        entry |= {"kind": "cnn", "pool_size": network.pool.kernel_size}
    else:
        entry |= {"kind": "fcnn"}
    return {"entry": entry, "weights": encode_weights(network)}


def given_by(classifier):
    return as_given(classifier.network_, classifier.preprocessing_)


def fit(kind, preprocess, seed, faces):
    make = {"fcnn": FCNNClassifier, "cnn": CNNClassifier}[kind]
    return make(preprocess=preprocess, seed=seed).fit(faces[:20], LABELS)


def settled(found, shape):
    return decode_array(found).reshape(shape)


@pytest.fixture(scope="module")
def grey():
    """All 400 captures of ORL as the page holds them: 8 bits a pixel."""
    return np.round(load_faces("orl").images * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def faces(grey):
    return (grey / 255).astype(np.float32)


@pytest.fixture(scope="module")
def classifiers(faces):
    return {(kind, preprocess): fit(kind, preprocess, SEEDS[kind], faces) for kind, preprocess in KINDS}


def test_the_modules_pass_their_own_tests():
    modules = ("arrays", "network", "training", "changes")
    node("--test", *(HERE / f"{module}.test.mjs" for module in modules))


def test_arrays_are_read_as_python_wrote_them():
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    rng = np.random.default_rng(0)
    arrays = [halves.reshape(256, 256), rng.normal(size=(3, 5)).astype(np.float32), np.arange(256, dtype=np.uint8)]
    found = run("decode", arrays=[encode_array(array) for array in arrays])
    for array, one in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(decode_array(one), array.astype(decode_array(one).dtype))


@pytest.mark.parametrize(("kind", "preprocess"), KINDS)
def test_every_layer_agrees_with_pytorch_on_all_400_faces(kind, preprocess, classifiers, grey, faces):
    classifier = classifiers[kind, preprocess]
    images = torch.from_numpy(classifier.prepare(faces))
    layers = trace(classifier.network_, images)
    found = run("forward", faces=encode_array(grey), **given_by(classifier))

    np.testing.assert_allclose(found["logit"], layers["output"][:, 0], atol=1e-4, rtol=0)
    np.testing.assert_allclose(found["probability"], classifier.predict_proba(faces)[:, 1], atol=1e-5, rtol=0)
    np.testing.assert_allclose(decode_array(found["sums"]), layers["hidden"], atol=1e-4, rtol=0)
    np.testing.assert_allclose(decode_array(found["hidden"]), np.maximum(layers["hidden"], 0), atol=1e-4, rtol=0)
    if kind == "cnn":
        np.testing.assert_allclose(settled(found["conv"], layers["conv"].shape), layers["conv"], atol=1e-5, rtol=0)
        np.testing.assert_allclose(settled(found["pool"], layers["pool"].shape), layers["pool"], atol=1e-5, rtol=0)
        relu = torch.tensor(layers["conv_relu"])
        _, winners = functional.max_pool2d(relu, 4, return_indices=True)
        ours = torch.from_numpy(settled(found["winners"], winners.shape).astype(np.int64))
        assert (ours != winners).float().mean() < 1e-3  # two cells that are equal but for rounding
        won = relu.flatten(2).gather(2, ours.flatten(2)).view(ours.shape)
        np.testing.assert_allclose(won, layers["pool"], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("kind", "preprocess"), KINDS)
def test_the_ledger_is_the_logit_of_pytorch_and_its_terms_are_gradient_times_feature(
    kind, preprocess, classifiers, grey, faces
):
    classifier = classifiers[kind, preprocess]
    network = classifier.network_
    found = run("ledger", faces=encode_array(grey[:40]), **given_by(classifier))
    terms = decode_array(found["terms"])

    images = torch.from_numpy(classifier.prepare(faces[:40]))
    layers = list(network)
    front, head = torch.nn.Sequential(*layers[:-3]), torch.nn.Sequential(*layers[-3:])
    features = front(images).detach().requires_grad_()
    logits = head(features)[:, 0]
    (slopes,) = torch.autograd.grad(logits.sum(), features)
    np.testing.assert_allclose(terms, (slopes * features).detach(), atol=1e-5, rtol=0)
    np.testing.assert_allclose(terms.sum(axis=1) + found["bias"], logits.detach(), atol=1e-5, rtol=0)


def test_a_place_in_the_convolution_and_in_the_pooling_agrees_with_numpy(classifiers, grey, faces):
    classifier = classifiers["cnn", "centre"]
    weights = {name: value.detach().numpy() for name, value in classifier.network_.named_parameters()}
    image = classifier.preprocessing_.apply(faces[7])
    convolution = [(0, 0, 0), (1, 20, 33), (3, 56, 56)]
    pooling = [(0, 0, 0), (2, 7, 3), (3, 13, 13)]
    given = given_by(classifier)
    found = run("places", faces=encode_array(grey[7:8]), convolution=convolution, pooling=pooling, **given)

    for (filter_, row, column), one in zip(convolution, found["convolution"], strict=True):
        patch, kernel = image[row : row + 8, column : column + 8], weights["conv.weight"][filter_, 0]
        np.testing.assert_allclose(settled(one["patch"], (8, 8)), patch, atol=1e-7)
        np.testing.assert_array_equal(settled(one["kernel"], (8, 8)), kernel)
        np.testing.assert_allclose(settled(one["products"], (8, 8)), patch * kernel, atol=1e-7)
        assert one["bias"] == weights["conv.bias"][filter_]
        assert one["value"] == pytest.approx((patch * kernel).sum() + one["bias"], abs=1e-5)
        assert one["relu"] == max(one["value"], 0)

    maps = trace(classifier.network_, image[np.newaxis, np.newaxis])["conv_relu"][0]
    for (filter_, row, column), one in zip(pooling, found["pooling"], strict=True):
        window = maps[filter_, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        assert (one["rows"], one["columns"]) == ([4 * row, 4 * row + 4], [4 * column, 4 * column + 4])
        np.testing.assert_allclose(settled(one["values"], (4, 4)), window, atol=1e-5)
        assert one["value"] == one["winner"]["value"] == pytest.approx(window.max(), abs=1e-5)
        top, left = np.unravel_index(window.argmax(), (4, 4))
        assert (one["winner"]["row"], one["winner"]["column"]) == (4 * row + top, 4 * column + left)


def test_odd_sizes_agree_with_pytorch(grey, faces):
    network = CNN((23, 18), filters=3, kernel_size=(3, 6), pool_size=(4, 3), hidden=5)
    network.conv.bias.data = torch.tensor([-0.1, 0.0, 0.2])
    preprocessing = fit_preprocessing("standardise", faces[:20])
    layers = trace(network, preprocessing.apply(faces[:9, :23, :18])[:, np.newaxis])
    found = run("forward", faces=encode_array(grey[:9, :23, :18]), **as_given(network, preprocessing))
    for name in ("conv", "pool"):
        np.testing.assert_allclose(settled(found[name], layers[name].shape), layers[name], atol=1e-5, rtol=0)
    np.testing.assert_allclose(found["logit"], layers["output"][:, 0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["fcnn", "cnn"])
def test_dead_units_are_those_of_inspection(kind, grey, faces):
    classifier = fit(kind, "none", 5, faces)
    layers = trace(classifier.network_, faces[:20, np.newaxis])
    found = run("dead", faces=encode_array(grey[:20]), **given_by(classifier))
    assert found["hidden"] == dead_units(layers["relu" if kind == "fcnn" else "hidden_relu"]).tolist()
    assert found["conv"] == (dead_units(layers["pool"]).tolist() if kind == "cnn" else [])
    assert any(found["hidden"])


@pytest.mark.parametrize(("kind", "preprocess"), KINDS)
def test_training_in_the_page_is_training_in_python(kind, preprocess, grey, faces):
    preprocessing = fit_preprocessing(preprocess, faces[:20])
    images = preprocessing.apply(faces[:20])[:, np.newaxis]
    orders = batch_orders(20, EPOCHS, SEEDS[kind])
    first, network = (initialise({"fcnn": FCNN, "cnn": CNN}[kind]((64, 64)), SEEDS[kind]) for _ in range(2))
    found = run(
        "train",
        faces=encode_array(grey[:20]),
        labels=LABELS.tolist(),
        training={"batchSize": 5, "learningRate": 1e-3, "orders": orders.tolist()},
        **as_given(network, preprocessing),
    )
    fit_network(first, images, LABELS, orders[:1])
    history = fit_network(network, images, LABELS, orders)
    assert history.loss[-1] < 0.5, "a network that does not learn proves nothing"

    for epoch, after in ((0, first), (-1, network)):
        for name, value in after.named_parameters():
            weights = settled(found["epochs"][epoch]["weights"][name], value.shape)
            np.testing.assert_allclose(weights, value.detach(), atol=1e-4, rtol=0, err_msg=f"{name}, epoch {epoch}")
    np.testing.assert_allclose([epoch["loss"] for epoch in found["epochs"]], history.loss, atol=1e-4)
    np.testing.assert_allclose([epoch["accuracy"] for epoch in found["epochs"]], history.accuracy, atol=1e-6)
    logits = trace(network, images)["output"][:, 0]
    np.testing.assert_array_equal(np.array(found["logit"]) > 0, logits > 0)


def changed(face, *changes):
    return settled(run("change", face=encode_array(face), changes=list(changes)), (len(changes), *face.shape))


SHAPES = pytest.mark.parametrize("shape", [(64, 64), (11, 13)])


@SHAPES
def test_changes_agree_with_the_perturbations_of_python(shape, faces):
    face = faces[3, : shape[0], : shape[1]].copy()
    shifts = [(0, 0), (5, 0), (-3, 2), (10, -10), (0, 7)]
    for (dx, dy), found in zip(shifts, changed(face, *({"dx": dx, "dy": dy} for dx, dy in shifts)), strict=True):
        np.testing.assert_array_equal(found, perturbations.shift(face[np.newaxis], dx, dy)[0])
    angles = [-170, -90, -12.5, 3, 45, 180]
    for degrees, found in zip(angles, changed(face, *({"degrees": angle} for angle in angles)), strict=True):
        np.testing.assert_allclose(found, perturbations.rotate(face[np.newaxis], degrees)[0], atol=1e-6)
    amounts = [-1, -0.3, 0.25, 1]
    for amount, found in zip(amounts, changed(face, *({"brightness": amount} for amount in amounts)), strict=True):
        np.testing.assert_allclose(found, perturbations.brighten(face[np.newaxis], amount)[0], atol=1e-6)


@SHAPES
@pytest.mark.parametrize("seed", [0, 1])
def test_an_occluder_covers_as_perturbations_do(shape, seed, faces):
    face = faces[3, : shape[0], : shape[1]].copy()
    expected = perturbations.occlude(face[np.newaxis], 6, seed)[0]
    rows, columns = np.nonzero(expected == face.mean())
    square = {"row": int(rows.min()), "column": int(columns.min()), "side": 6}
    np.testing.assert_allclose(changed(face, {"occluder": square})[0], expected, atol=1e-6)


@SHAPES
def test_blur_is_that_of_scipy(shape, faces):
    face = faces[3, : shape[0], : shape[1]].copy()
    sigmas = [0.1, 0.7, 1, 2.5, 6]
    for sigma, found in zip(sigmas, changed(face, *({"blur": sigma} for sigma in sigmas)), strict=True):
        np.testing.assert_allclose(found, ndimage.gaussian_filter(face, sigma, mode="nearest"), atol=1e-6)


@SHAPES
def test_zoom_turn_and_move_are_one_affine_map_of_scipy(shape, faces):
    face = faces[3, : shape[0], : shape[1]].copy()
    motions = [(0.5, -1.25, 0, 1), (0, 0, 0, 1.7), (0, 0, 0, 0.6), (2.5, 3, 20, 1.3), (-4, 1.5, -75, 0.8)]
    names = ("dx", "dy", "degrees", "zoom")
    for motion, found in zip(motions, changed(face, *(dict(zip(names, m, strict=True)) for m in motions)), strict=True):
        dx, dy, degrees, zoom = motion
        cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        back = np.array([[cosine, sine], [-sine, cosine]]) / zoom  # rows and columns of the result -> of the face
        middle = (np.array(shape) - 1) / 2
        offset = middle - back @ np.add(middle, [dy, dx])
        expected = ndimage.affine_transform(face, back, offset, order=1, mode="nearest")
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(("height", "width", "size"), [(9, 16, (4, 4)), (31, 17, (7, 5)), (5, 4, (8, 8))])
def test_a_picture_is_averaged_by_area(height, width, size):
    rgb = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    rgba = np.dstack([rgb, np.full((height, width), 255, np.uint8)])
    found = run("picture", picture={"width": width, "height": height, "rgba": encode_array(rgba)}, size=size)

    luma = rgb @ [0.299, 0.587, 0.114] / 255
    # Each pixel cut into parts so small that boxes hold whole numbers of them: the scale is a fraction of two sizes.
    scale_by_width = width * size[0] <= height * size[1]
    n, m = (width, size[1]) if scale_by_width else (height, size[0])
    fine = np.repeat(np.repeat(luma, 2 * m, axis=0), 2 * m, axis=1)
    box = 2 * n
    top, left = ((fine.shape[axis] - size[axis] * box) // 2 for axis in (0, 1))
    cut = fine[top : top + size[0] * box, left : left + size[1] * box]
    expected = cut.reshape(size[0], box, size[1], box).mean(axis=(1, 3))
    np.testing.assert_allclose(decode_array(found), expected, atol=1e-6)
