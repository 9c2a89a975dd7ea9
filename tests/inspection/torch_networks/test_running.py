"""Torch networks as other people write them, watched by one thread or several.

Also tests ``inspection/failures.py``.
"""

import random
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from faceloupe.errors import InputError
from faceloupe.inspection import anatomy, attribute, trace
from faceloupe.inspection.torch_networks.running import at_rest

FACES = np.random.default_rng(0).random((2, 3, 16, 16), dtype=np.float32)


class ByFunctions(nn.Module):
    def __init__(self, rectify=torch.relu):
        super().__init__()
        self.conv, self.hidden, self.out = nn.Conv2d(3, 4, 3), nn.Linear(4, 6), nn.Linear(6, 2)
        self.rectify = rectify

    def forward(self, x):
        x = functional.conv2d(x, self.conv.weight, self.conv.bias)
        return self.out(input=self.rectify(functional.linear(x.mean((2, 3)), self.hidden.weight, self.hidden.bias)))


def test_functions_count_as_modules_do():
    found = anatomy(ByFunctions(), (3, 16, 16))
    counts = {layer.name: (layer.parameters, layer.multiply_adds) for layer in found.layers}
    assert counts == {
        "conv2d()": (112, 14 * 14 * 4 * 27), "linear()": (30, 24), "relu()": (0, 0), "out": (14, 12)
    }  # fmt: skip
    assert found.not_counted == ()
    assert list(trace(ByFunctions(), FACES)) == list(counts)


def test_attention_and_weights_made_of_others_are_counted():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch = weight_norm(nn.Conv2d(3, 8, 4, 4))
            self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

        def forward(self, x):
            return self.encoder(self.patch(x).flatten(2).transpose(1, 2)).mean(1)

    found = anatomy(Tokens().eval(), (3, 16, 16))
    counts = {layer.name: layer.multiply_adds for layer in found.layers}
    assert counts["patch"] == 16 * 8 * 48
    assert counts["encoder.self_attn"] == 4 * 16 * 8 * 8 + 2 * 16 * 16 * 8
    assert counts["encoder.linear1"] == counts["encoder.linear2"] == 16 * 8 * 16
    assert found.not_counted == ()


def test_what_torch_does_not_show_is_named():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.out = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

        def forward(self, x):
            pooled = torch.from_numpy(self.conv(x).numpy().mean((2, 3)))
            return self.out(torch.cdist(pooled, pooled) + pooled)

    assert anatomy(Hidden(), (3, 16, 16)).not_counted == ("cdist()", "what runs before cdist()")


def test_bytes_are_those_of_the_precision():
    network = ByFunctions().half()
    assert anatomy(network, (3, 16, 16)).parameter_bytes == 2 * sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("turned", [FACES[..., ::-1], FACES[:, ::-1], FACES.astype(">f4")])
def test_captures_may_lie_in_any_order(turned):
    network = ByFunctions()
    expected = trace(network, np.ascontiguousarray(turned, dtype=np.float32))
    assert all(np.array_equal(trace(network, turned)[name], expected[name]) for name in expected)


def test_threads_look_into_one_network_each_for_itself():
    network = nn.Sequential(*[part for _ in range(6) for part in (nn.Conv2d(3, 3, 3, padding=1), nn.ReLU())]).train()
    names, wrong = list(trace(network, FACES)), []

    def work():
        for _ in range(5):
            try:
                wrong.extend([1] * (list(trace(network, FACES)) != names))
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert network.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_a_face_is_explained_alone_where_a_batch_would_change_its_answer():
    class ByItsBatch(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.out = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

        def forward(self, x):
            maps = functional.batch_norm(self.conv(x), None, None, training=True)
            return self.out(functional.relu(maps).mean((2, 3)))

    torch.manual_seed(0)
    network, face = ByItsBatch().eval(), FACES[0]
    found = attribute(network, face, 1, certify=False)
    covered = face.copy()
    covered[:, :2, :2] = face.mean((1, 2), keepdims=True)
    with torch.no_grad():
        whole, less = (float(network(torch.tensor(each[None]))[0, 1]) for each in (face, covered))
    assert found.map[0, 0] == pytest.approx(whole - less, abs=1e-6)


def test_maps_of_untrained_networks_seldom_depend_on_what_was_learned():
    passed = 0
    for seed in range(12):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(36, 4))
        passed += attribute(network, FACES[0], seed=seed).certificate.randomisation.passed
    assert passed <= 3  # 99.8 % of the time for a chance of 1/20


def test_lazy_layers_are_refused_and_left_as_they_were():
    network = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    for look in (lambda: anatomy(network, (3, 16, 16)), lambda: trace(network, FACES)):
        with pytest.raises(InputError, match=r"lazy layers.* run it on a batch"):
            look()
    assert network[0].has_uninitialized_params()
    network(torch.tensor(FACES))
    assert len(trace(network, FACES)) == 4


def random_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002


def test_what_a_network_changes_as_it_runs_is_put_back():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.normal, self.out = nn.BatchNorm2d(3), nn.Linear(3, 2)
            self.register_buffer("calls", torch.zeros(1))

        def forward(self, x):
            self.calls = self.calls + 1
            np.random.seed(1)  # noqa: NPY002
            torch.set_default_dtype(torch.float64)
            return self.out(self.normal.train()(x).mean((2, 3)))

    network = Counting()
    before, drawn = {name: each.clone() for name, each in network.state_dict().items()}, random_state()
    trace(network, FACES)
    attribute(network, FACES[0], certify=False)
    assert all(torch.equal(before[name], each) for name, each in network.state_dict().items())
    assert (random_state() == drawn).all()
    assert torch.get_default_dtype() == torch.float32


def test_buffers_of_any_kind_are_put_back():
    class Filling(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(3, 2)
            self.register_buffer("mask", None)
            self.register_buffer("sparse", torch.eye(2).to_sparse())

        def forward(self, x):
            y = torch.sparse.mm(self.sparse, self.out(x.mean((2, 3))).T).T
            self.mask = torch.ones_like(y)
            self.sparse.mul_(2)
            self.register_buffer("seen", y)
            return y * self.mask

    network = Filling().train()
    trace(network, FACES)
    assert list(network.state_dict()) == ["sparse", "out.weight", "out.bias"]
    assert network.mask is None
    assert torch.equal(network.sparse.to_dense(), torch.eye(2))
    assert network.training
    assert network.out.training


def test_the_last_to_leave_any_network_restores_the_random_states():
    before = random_state(), random.getstate(), torch.get_rng_state()
    first, second = at_rest(nn.Identity()), at_rest(nn.ReLU())
    first.__enter__()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert (random_state() == before[0]).all()
    assert random.getstate() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


@pytest.mark.parametrize("method", ["gradient", "integrated-gradients"])
def test_a_network_that_computes_beside_torch_has_no_gradients(method):
    class ByNumPy(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(3, 2)

        def forward(self, x):
            return self.out(torch.from_numpy(x.detach().numpy().mean((2, 3))))

    with pytest.raises(InputError, match="gradients do not lead back"):
        attribute(ByNumPy(), FACES[0], method=method, certify=False)


def test_a_network_that_takes_one_face_at_a_time_is_traced_one_by_one():
    class Single(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(3, 2)

        def forward(self, x):
            return self.out(x.mean((2, 3)).view(1, 3))

    network = Single()
    expected = [trace(network, face[None])["out"][0] for face in FACES]
    np.testing.assert_array_equal(trace(network, FACES)["out"], expected)


def test_a_module_compiled_in_place_runs_as_it_was_written():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    network.compile(backend="eager")
    assert list(trace(network, FACES)) == ["0", "1"]


def test_weights_on_the_meta_device_are_none():
    with pytest.raises(InputError, match="meta device"):
        trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to("meta"), FACES)
