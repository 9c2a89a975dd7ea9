"""The page's JavaScript against PyTorch, NumPy and SciPy, on real faces and networks, under node."""

import ast
import json
import re
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
from faceloupe.loupe.layers import loupe_layers
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


COMMAND = [NODE, "--import", HERE / "register.mjs"]


@pytest.fixture(scope="module")
def run():
    """Do a job with the modules of the page: ``run("forward", faces=...)``."""
    with subprocess.Popen(
        [*COMMAND, HERE / "run.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as node:

        def done(job, **given):
            print(json.dumps({"job": job, **given}), file=node.stdin)
            return json.loads(node.stdout.readline())

        yield done
        node.stdin.close()


def as_given(network, preprocessing):
    """Layers and weights of a network, as the page gets them."""
    return {
        "layers": loupe_layers(network.named_children()),
        "preprocessing": {"mean": preprocessing.mean, "scale": preprocessing.scale},
        "weights": {
            name: encode_array(value.numpy().astype(np.float32))
            for name, value in network.state_dict().items()
            if value.ndim
        },
    }


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
    command = [*COMMAND, "--test", *sorted(HERE.glob("*.test.mjs"))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_arrays_are_read_as_python_wrote_them(run):
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    rng = np.random.default_rng(0)
    arrays = [halves.reshape(256, 256), rng.normal(size=(3, 5)).astype(np.float32), np.arange(256, dtype=np.uint8)]
    found = run("decode", arrays=[encode_array(array) for array in arrays])
    for array, one in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(decode_array(one), array.astype(decode_array(one).dtype))


ANY = {
    "the tutorial's": "conv 3 (4, 3), relu, pool 3, flatten, dense 5, relu, dense 1",
    "steps and padding": "conv 3 (5, 4) 2 (2, 1), leaky, conv 4 3 (2, 1) 1, tanh, flatten, dense 2",
    "several people": "conv 4 3 1 1, norm, relu, average 2, conv 6 3, relu, pool (3, 2) 1, flatten, dense 7, leaky, "
    "dense 5",
    "overlapping windows": "conv 5 4, relu, pool 3 2, average (2, 3) 1, flatten, dense 3",
    "one number a map": "conv 8 3 2, relu, dropout, global, flatten, dense 4",
    "no convolution": "flatten, dense 9, norm1, tanh, dropout, dense 6, relu, dense 1",
}


def network_of(sentence, size=(23, 18), seed=0):
    """A torch network of layers in brackets of their own, with weights that leave no two numbers alike."""
    torch.manual_seed(seed)
    layers, shape = torch.nn.Sequential(), torch.zeros(2, 1, *size)
    for place, text in enumerate(re.split(r", (?=[a-z])", sentence)):
        kind, *numbers = re.findall(r"[a-z]+1?|\(.*?\)|\d+", text)
        given = [ast.literal_eval(number) for number in numbers]
        channels = shape.shape[1]
        layer = {
            "conv": lambda: torch.nn.Conv2d(channels, *given),  # noqa: B023
            "pool": lambda: torch.nn.MaxPool2d(*given),  # noqa: B023
            "average": lambda: torch.nn.AvgPool2d(*given),  # noqa: B023
            "global": lambda: torch.nn.AdaptiveAvgPool2d(1),
            "dense": lambda: torch.nn.Linear(channels, *given),  # noqa: B023
            "norm": lambda: torch.nn.BatchNorm2d(channels),  # noqa: B023
            "norm1": lambda: torch.nn.BatchNorm1d(channels),  # noqa: B023
            "relu": torch.nn.ReLU,
            "leaky": lambda: torch.nn.LeakyReLU(0.2),
            "tanh": torch.nn.Tanh,
            "dropout": lambda: torch.nn.Dropout(0.25),
            "flatten": torch.nn.Flatten,
        }[kind]()
        layers.add_module(f"{kind}{place}", layer)
        shape = layer.eval()(shape)
    for name, value in layers.state_dict().items():
        if name.endswith(("running_mean", "running_var")) or "norm" in name:
            value.copy_(torch.rand_like(value.float()) + 0.5)
    return layers.eval()


@pytest.mark.parametrize("sentence", ANY.values(), ids=ANY)
def test_any_network_agrees_with_pytorch_layer_by_layer(run, sentence, grey, faces):
    network = network_of(sentence)
    preprocessing = fit_preprocessing("standardise", faces[:20])
    images = torch.from_numpy(preprocessing.apply(faces[:40, :23, :18])[:, np.newaxis])
    found = run("forward", faces=encode_array(grey[:40, :23, :18]), **as_given(network, preprocessing))
    with torch.no_grad():
        for place, layer in enumerate(network):
            before, images = images, layer(images)
            ours = settled(found["outputs"][place], images.shape)
            np.testing.assert_allclose(ours, images, atol=1e-4, rtol=0, err_msg=f"layer {place}, {layer}")
            if isinstance(layer, torch.nn.MaxPool2d):
                won = before.flatten(2).gather(2, winners_of(found, place, images).flatten(2)).view(images.shape)
                np.testing.assert_allclose(won, images, atol=1e-5, rtol=0)
    outputs = images.shape[1]
    expected = torch.softmax(images, 1) if outputs > 1 else torch.cat([1 - images.sigmoid(), images.sigmoid()], 1)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)


def winners_of(found, place, like):
    return torch.from_numpy(settled(found["winners"][place], like.shape).astype(np.int64))


@pytest.mark.parametrize(("kind", "preprocess"), KINDS)
def test_the_logits_of_all_400_faces_are_those_of_the_classifier(run, kind, preprocess, classifiers, grey, faces):
    classifier = classifiers[kind, preprocess]
    found = run("forward", faces=encode_array(grey), **given_by(classifier))
    logits = decode_array(found["outputs"][-1])[:, 0]
    np.testing.assert_allclose(logits, classifier.decision_function(faces), atol=1e-4, rtol=0)
    np.testing.assert_allclose(found["probabilities"], classifier.predict_proba(faces), atol=1e-5, rtol=0)


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("sentence", ANY.values(), ids=ANY)
def test_the_ledger_adds_up_and_its_terms_are_gradient_times_feature(run, sentence, target, grey, faces):
    network = network_of(sentence)
    preprocessing = fit_preprocessing("centre", faces[:20])
    images = torch.from_numpy(preprocessing.apply(faces[:10, :23, :18])[:, np.newaxis])
    first = next(place for place, layer in enumerate(network) if isinstance(layer, torch.nn.Linear))
    features = network[:first](images).detach().requires_grad_()
    logits = network[first:](features)
    if target >= logits.shape[1]:
        pytest.skip("one logit for two people")
    found = run("ledger", target=target, faces=encode_array(grey[:10, :23, :18]), **as_given(network, preprocessing))
    terms = decode_array(found["terms"])
    np.testing.assert_allclose(terms.sum(axis=1) + found["bias"], logits[:, target].detach(), atol=1e-4, rtol=0)
    np.testing.assert_allclose(found["logit"], logits[:, target].detach(), atol=1e-4, rtol=0)
    if not any(isinstance(layer, torch.nn.Tanh) for layer in network[first:]):
        (slopes,) = torch.autograd.grad(logits[:, target].sum(), features)
        np.testing.assert_allclose(terms, (slopes * features).detach(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("sentence", ANY.values(), ids=ANY)
def test_the_gradients_are_those_of_pytorch(run, sentence, grey, faces):
    network = network_of(re.sub("dropout, ", "", sentence)).train()
    given = as_given(network, fit_preprocessing("centre", faces[:20]))
    images = torch.from_numpy(faces[:6, :23, :18] - np.float32(given["preprocessing"]["mean"]))[:, np.newaxis]
    logits = network(images)
    slopes = torch.linspace(-1, 1.3, logits.numel()).view(logits.shape)
    logits.backward(slopes)
    found = run("gradients", faces=encode_array(grey[:6, :23, :18]), slopes=slopes.tolist(), **given)
    for name, value in network.named_parameters():
        ours = settled(found["gradients"][name], value.shape)
        np.testing.assert_allclose(ours, value.grad, atol=1e-4, rtol=1e-3, err_msg=name)
    for name, value in network.named_buffers():
        if value.ndim:  # what a batch normalisation remembers
            np.testing.assert_allclose(settled(found["weights"][name], value.shape), value, atol=1e-5, err_msg=name)


def test_a_cell_of_any_layer_agrees_with_numpy(run, grey, faces):
    network = network_of(ANY["several people"])
    preprocessing = fit_preprocessing("none", faces)
    cells = {"convolution": [(0, 0, 0, 0), (4, 5, 3, 2), (4, 1, 8, 6)], "pooling": [(3, 2, 5, 4), (6, 0, 1, 2)]}
    found = run("cells", faces=encode_array(grey[7:8, :23, :18]), **cells, **as_given(network, preprocessing))
    image = torch.from_numpy(faces[7:8, np.newaxis, :23, :18])
    with torch.no_grad():
        outputs = [layers(image)[0].numpy() for layers in (network[: place + 1] for place in range(len(network)))]
    for (place, filter_, row, column), cell in zip(cells["convolution"], found["convolution"], strict=True):
        before = image[0].numpy() if place == 0 else outputs[place - 1]
        around = network[place].padding
        before = np.pad(before, [(0, 0), (around[0],) * 2, (around[1],) * 2])
        patch = before[:, row : row + 3, column : column + 3]
        kernel = network[place].weight[filter_].detach().numpy()
        np.testing.assert_allclose(settled(cell["patch"], patch.shape), patch, atol=1e-5)
        np.testing.assert_array_equal(settled(cell["kernel"], kernel.shape), kernel)
        np.testing.assert_allclose(cell["channels"], (patch * kernel).sum(axis=(1, 2)), atol=1e-5)
        assert cell["value"] == pytest.approx(float(outputs[place][filter_, row, column]), abs=1e-4)
    (mean, most) = found["pooling"]
    window = outputs[2][2, 10:12, 8:10]
    np.testing.assert_allclose(settled(mean["values"], (2, 2)), window, atol=1e-5)
    assert (mean["winner"], mean["value"]) == (None, pytest.approx(window.mean(), abs=1e-5))
    window = outputs[5][0, 1:4, 2:4]
    top, left = np.unravel_index(window.argmax(), window.shape)
    assert most["winner"] == {"row": 1 + top, "column": 2 + left}
    assert (most["rows"], most["columns"]) == ([1, 4], [2, 4])


@pytest.mark.parametrize("kind", ["fcnn", "cnn"])
def test_silent_units_are_the_dead_units_of_inspection(run, kind, grey, faces):
    classifier = fit(kind, "none", 5, faces)
    names = [name for name, _ in classifier.network_.named_children()]
    layers = trace(classifier.network_, faces[:20, np.newaxis])
    found = {
        names[each["layer"]]: each["units"]
        for each in run("silent", faces=encode_array(grey[:20]), **given_by(classifier))
    }
    dead = {name: layers[name.replace("conv_relu", "pool")] for name in found}
    assert found == {name: dead_units(values).tolist() for name, values in dead.items()}
    assert len(found) == (1 if kind == "fcnn" else 2)
    assert any(any(units) for units in found.values())


@pytest.mark.parametrize(("kind", "preprocess"), KINDS)
def test_training_in_the_page_is_training_in_python(run, kind, preprocess, grey, faces):
    preprocessing = fit_preprocessing(preprocess, faces[:20])
    images = preprocessing.apply(faces[:20])[:, np.newaxis]
    orders = batch_orders(20, EPOCHS, SEEDS[kind])
    first, network = (initialise({"fcnn": FCNN, "cnn": CNN}[kind]((64, 64)), SEEDS[kind]) for _ in range(2))
    found = run(
        "train",
        faces=encode_array(grey[:20]),
        labels=LABELS.tolist(),
        how={"training": {"optimiser": "rmsprop", "rate": 1e-3, "batch": 5, "decay": 0}, "orders": orders.tolist()},
        **as_given(network, preprocessing),
    )
    fit_network(first, images, LABELS, orders[:1])
    history = fit_network(network, images, LABELS, orders)
    assert history.loss[-1] < 0.5, "a network that does not learn proves nothing"

    for epoch, after, atol in ((0, first, 1e-4), (-1, network, 1e-3)):
        for name, value in after.named_parameters():
            weights = settled(found["epochs"][epoch]["weights"][name], value.shape)
            np.testing.assert_allclose(weights, value.detach(), atol=atol, rtol=0, err_msg=f"{name}, epoch {epoch}")
    # Two captures that all but tie may fall to either side by rounding, and then the paths part a little.
    np.testing.assert_allclose([epoch["loss"] for epoch in found["epochs"]], history.loss, atol=1e-3)
    np.testing.assert_allclose([epoch["accuracy"] for epoch in found["epochs"]], history.accuracy, atol=0.051)
    logits = trace(network, images)["output"][:, 0]
    np.testing.assert_array_equal(np.array(found["logits"])[:, 0] > 0, logits > 0)


OPTIMISERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, 0.01),
    "momentum": lambda weights: torch.optim.SGD(weights, 0.01, momentum=0.9),
    "adam": lambda weights: torch.optim.Adam(weights, 0.001, eps=1e-7),
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_optimisers_are_those_of_pytorch_where_it_agrees_with_keras(run, optimiser, grey, faces):
    network = network_of(ANY["overlapping windows"]).train()
    given = as_given(network, fit_preprocessing("none", faces))
    labels, orders = torch.arange(12) % 3, [list(range(12))] * 3
    rate = {"sgd": 0.01, "momentum": 0.01, "adam": 0.001}[optimiser]
    how = {"training": {"optimiser": optimiser, "rate": rate, "batch": 4, "decay": 0}, "orders": orders}
    found = run("train", faces=encode_array(grey[:12, :23, :18]), labels=labels.tolist(), how=how, **given)
    images = torch.from_numpy(faces[:12, np.newaxis, :23, :18])
    steps = OPTIMISERS[optimiser](network.parameters())
    for order in orders:
        for batch in torch.tensor(order).split(4):
            steps.zero_grad()
            functional.cross_entropy(network(images[batch]), labels[batch]).backward()
            steps.step()
    for name, value in network.named_parameters():
        np.testing.assert_allclose(
            settled(found["epochs"][-1]["weights"][name], value.shape), value.detach(), atol=2e-4
        )


def test_the_cross_entropy_is_that_of_pytorch(run):
    logits = np.random.default_rng(0).normal(0, 5, (20, 4))
    found = run("loss", logits=logits.tolist(), labels=(np.arange(20) % 4).tolist())
    expected = functional.cross_entropy(torch.from_numpy(logits), torch.arange(20) % 4, reduction="none")
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.fixture(scope="module")
def changed(run):
    """A face after each of some changes: ``changed(face, {"dx": 3}, {"blur": 1})``."""

    def changed(face, *changes):
        return settled(run("change", face=encode_array(face), changes=list(changes)), (len(changes), *face.shape))

    return changed


SHAPES = pytest.mark.parametrize("shape", [(64, 64), (11, 13)])


@SHAPES
def test_changes_agree_with_the_perturbations_of_python(changed, shape, faces):
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
def test_an_occluder_covers_as_perturbations_do(changed, shape, seed, faces):
    face = faces[3, : shape[0], : shape[1]].copy()
    expected = perturbations.occlude(face[np.newaxis], 6, seed)[0]
    rows, columns = np.nonzero(expected == face.mean())
    square = {"row": int(rows.min()), "column": int(columns.min()), "side": 6}
    np.testing.assert_allclose(changed(face, {"occluder": square})[0], expected, atol=1e-6)


@SHAPES
def test_blur_is_that_of_scipy(changed, shape, faces):
    face = faces[3, : shape[0], : shape[1]].copy()
    sigmas = [0.1, 0.7, 1, 2.5, 6]
    for sigma, found in zip(sigmas, changed(face, *({"blur": sigma} for sigma in sigmas)), strict=True):
        np.testing.assert_allclose(found, ndimage.gaussian_filter(face, sigma, mode="nearest"), atol=1e-6)


@SHAPES
def test_zoom_turn_and_move_are_one_affine_map_of_scipy(changed, shape, faces):
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
def test_a_picture_is_averaged_by_area(run, height, width, size):
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
