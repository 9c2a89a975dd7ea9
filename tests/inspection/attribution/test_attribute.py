"""What is refused, what is left as it was found, and what an attribution tells."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from faceloupe.arrays import decode_array
from faceloupe.errors import InputError
from faceloupe.inspection import attribute
from faceloupe.inspection.attribution.methods import METHODS
from faceloupe.training.networks import CNN, FCNN
from helpers.attributing import SIDE, OnlyRuns, hooks_of, raw


@pytest.mark.parametrize("shape", [(SIDE,), (1, 1, SIDE, SIDE), (0, SIDE)])
def test_a_face_of_another_shape_is_refused(cnn, shape):
    with pytest.raises(InputError, match=r"face: expected finite numbers of shape \(C, H, W\) or \(H, W\)"):
        raw(cnn, np.zeros(shape))


def test_a_face_of_another_size_is_refused(cnn):
    with pytest.raises(InputError, match=r"the network cannot run on faces of shape \(1, 30, 30\)"):
        raw(cnn, np.zeros((30, 30)))


def test_numbers_that_are_not_finite_are_refused(cnn, face):
    with pytest.raises(InputError, match="face: expected finite numbers"):
        raw(cnn, np.where(face > 0, np.nan, face))
    with pytest.raises(InputError, match="baseline: expected finite numbers"):
        raw(cnn, face, baseline=np.inf)


def test_a_network_that_diverged_is_refused(face):
    network = FCNN((SIDE, SIDE))
    with torch.no_grad():
        network.output.bias.fill_(np.nan)
    with pytest.raises(InputError, match="is nan for this face; the network may have diverged"):
        raw(network, face)


def test_what_is_no_network_is_refused(cnn, face):
    class Classifier:
        network_ = cnn

    with pytest.raises(InputError, match=r"object with run\(faces\).*; pass its network_"):
        raw(Classifier(), face)


def test_a_network_that_answers_with_no_tensor_is_refused(face):
    class Describes(nn.Module):
        def forward(self, faces):
            return {"faces": len(faces)}

    with pytest.raises(InputError, match=r"answers with a tensor \(N, K\), got dict; wrap it in a module"):
        raw(Describes(), face)


def test_the_module_loads_no_torch():
    code = "import faceloupe.inspection.attribution, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_memory_is_bounded(cnn, face):
    network = OnlyRuns(cnn)
    attribute(network, face)
    assert max(network.batches) == 32
    assert sum(network.batches) > 22 * 22 + 21 * 17


def test_without_a_way_to_its_weights_the_certificate_says_so(cnn, face):
    certificate = attribute(OnlyRuns(cnn), face).certificate
    assert certificate.randomisation is None
    assert "weights cannot be reached" in certificate.reasons[-1]


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("ends", ["well", "badly"])
def test_modes_hooks_gradients_parameters_and_random_state(method, ends, face):
    network = nn.Sequential(
        *(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(2 * 22 * 22, 2))
    )
    network[2].eval()
    network[0].register_forward_hook(lambda *_: None)
    network[0].weight.requires_grad_(False)
    network[4].weight.grad = torch.ones_like(network[4].weight)
    parameters = list(network.parameters())
    state = {name: value.clone() for name, value in network.state_dict().items()}
    before = torch.get_rng_state()

    calls = []

    def stop(*numbers):
        calls.append(numbers)
        if ends == "badly" and len(calls) == 4:
            raise KeyboardInterrupt

    if ends == "badly":
        with pytest.raises(KeyboardInterrupt):
            attribute(network, face, 1, method, progress=stop)
    else:
        attribute(network, face, 1, method, progress=stop)

    assert hooks_of(network) == 1
    assert [module.training for module in network] == [True, True, False, True, True]
    assert [parameter.requires_grad for parameter in network.parameters()] == [False] + [True] * 5
    assert all(one is other for one, other in zip(network.parameters(), parameters, strict=True))
    assert torch.equal(network[4].weight.grad, torch.ones_like(network[4].weight))
    assert network[4].bias.grad is None
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), before)


def test_no_hook_stays_when_the_network_fails(face):
    class Fails(CNN):
        times = 0

        def forward(self, faces):
            self.times += 1
            if self.times >= 3:
                raise ValueError("enough")
            return super().forward(faces)

    network = Fails((SIDE, SIDE))
    with pytest.raises(InputError, match="ValueError: enough"):
        raw(network, face, method="grad-cam")
    assert hooks_of(network) == 0
    assert network.training


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_works_where_gradients_are_off_and_leaves_them_off(cnn, face, mode):
    expected = raw(cnn, face, method="gradient").map
    with mode():
        assert np.array_equal(raw(cnn, face, method="gradient").map, expected)
        assert not torch.is_grad_enabled()


def test_the_face_is_not_changed():
    face = np.full((1, 8, 8), -1, np.float32)
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 1))
    for method in ("occlusion", "gradient", "integrated-gradients"):
        raw(network, face, method=method)
    assert (face == -1).all()


def test_one_seed_gives_one_result(cnn, face):
    one, other = (attribute(cnn, face, seed=5) for _ in range(2))
    assert np.array_equal(one.map, other.map)
    assert one.certificate == other.certificate
    assert attribute(cnn, face, seed=6).certificate.randomisation != one.certificate.randomisation


def test_the_map_cannot_be_written(cnn, face):
    with pytest.raises(ValueError, match="read-only"):
        raw(cnn, face).map[:] = 0


def test_a_face_without_channel_axis_has_one_channel(cnn, face):
    assert np.array_equal(raw(cnn, face[0]).map, raw(cnn, face).map)


def test_the_baseline_is_named(cnn, face):
    assert raw(cnn, face).baseline == f"the face's mean, {face.mean():.3g}"
    assert raw(cnn, face, baseline=0).baseline == "0 everywhere"
    assert raw(cnn, face, baseline=face[0]).baseline == "the given picture"


def test_it_is_told_in_words(cnn, face):
    found = attribute(cnn, face, 1)
    assert repr(found).startswith(f"Attribution(occlusion of logit of class 1 = {found.value:.4g}: 22×22 map from ")
    assert "logit lost when a window of 3×3 pixels is covered; certificate " in repr(found)
    assert repr(raw(cnn, face)).endswith("; no certificate)")
    assert raw(cnn, face).warning is None


def test_the_document_is_plain_and_whole(cnn, face):
    found = attribute(cnn, face, method="gradient-x-activation")
    document = json.loads(json.dumps(found.to_document(), allow_nan=False))
    assert document == found.to_document()
    assert np.array_equal(decode_array(document["map"]), found.map)
    assert document["layer"] == "pool"
    assert document["certificate"]["completeness"]["passed"]
    assert len(document["certificate"]["randomisation"]["correlations"]) == 3


@pytest.mark.parametrize("method", ["occlusion", "correlation"])
@pytest.mark.parametrize("certify", [True, False])
def test_progress_counts_the_faces_that_run(cnn, face, method, certify):
    network, seen = OnlyRuns(cnn), []
    attribute(network, face, method=method, certify=certify, progress=lambda *numbers: seen.append(numbers))
    own_value, settling = 1, 4
    assert seen[-1] == (sum(network.batches) - own_value - settling,) * 2


def test_progress_runs_to_the_end(cnn, face):
    seen = []
    attribute(cnn, face, progress=lambda *numbers: seen.append(numbers))
    windows, deletions, floor = 22 * 22 + 1, 21 * 17, 19 * 17
    whole = 11 * windows + deletions + floor
    assert seen[0] == (windows, whole)
    assert seen[10] == (11 * windows + 10 * 17, whole)
    assert len(seen) == 41 + 1
    assert seen[-1] == (whole, whole)
    assert [worked for worked, _ in seen] == sorted(worked for worked, _ in seen)


def test_logits_that_sum_to_one_by_chance_are_logits():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2, bias=False))
    with torch.no_grad():
        network[1].weight[:] = torch.tensor([[0.25 / 16], [0.75 / 16]])
    face = np.ones((1, 4, 4), dtype=np.float32)
    assert attribute(network, face, method="gradient").unit.startswith("logit")
    softened = nn.Sequential(network, nn.Softmax(dim=1))
    assert attribute(softened, face, method="gradient").unit.startswith("probability")
