"""Networks as other people write them: how they answer, what they take, and what they do to the process.

Also tests ``inspection/torch_networks/answers.py``.
"""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from faceloupe import page
from faceloupe.errors import InputError
from faceloupe.looking import look, open_model

FACES = list(np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32))


def network(*end, classes=1):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes), *end
    )


class Ending(nn.Module):
    def __init__(self, end, classes=1):
        super().__init__()
        self.inner, self.end = network(classes=classes), end

    def forward(self, x):
        return self.end(self.inner(x))


def seen(module, **options):
    return look(open_model(module, size=16, **options), FACES, methods=[])


class TestWhatItAnswers:
    def test_a_sigmoid_is_a_probability(self):
        module = network(nn.Sigmoid())
        nn.init.constant_(module[4].bias, -4.0)
        found = look(open_model(module, size=16), FACES[:1], certify=False)
        assert found.unit == "probability"
        lead = " ".join(found.to_document()["lead"])
        assert "one probability: above 0.5 for class 1, below for class 0" in lead
        assert "It takes face 1 for **class 0**" in lead
        [drawn] = found.attributions.values()
        assert (drawn.target, drawn.value) == (
            "probability of class 0: 1 minus the number",
            pytest.approx(1 - found.outputs[0, 0]),
        )

    @pytest.mark.parametrize(
        ("end", "unit"), [(nn.Softmax(1), "probability"), (nn.LogSoftmax(1), "log-probability"), (nn.Tanh(), "logit")]
    )
    def test_its_end_says_what_the_numbers_are(self, end, unit):
        assert seen(network(end, classes=3)).unit == unit

    @pytest.mark.parametrize("kind", ["dict", "tuple", "object", "generator"])
    def test_one_of_several_outputs_is_its_answer_and_said(self, kind):
        class Output:
            def __init__(self, logits):
                self.logits = logits

        class Several(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = network(classes=3)

            def forward(self, x):
                y = self.inner(x)
                kinds = {
                    "dict": {"features": x, "logits": y}, "tuple": (y, x), "object": Output(y), "generator": iter([y])
                }  # fmt: skip
                return kinds[kind]

        found = seen(Several())
        assert found.outputs.shape == (2, 3)
        assert any("its answer is taken to be" in note for note in found.notes)

    @pytest.mark.parametrize(
        ("end", "classes"),
        [
            (lambda x: 1 / (1 + torch.exp(-x)), 1),
            (lambda x: (torch.tanh(x) + 1) / 2, 1),
            (lambda x: x.exp() / x.exp().sum(1, keepdim=True), 3),
            (lambda x: torch.special.expit(x).squeeze(-1), 1),
            (lambda x: x.double().softmax(1).float(), 3),
            (lambda x: x.log_softmax(1).exp(), 3),
            (lambda x: (x.softmax(1) + (2 * x).softmax(1)) / 2, 3),
            (lambda x: torch.cat([torch.sigmoid(x), 1 - torch.sigmoid(x)], 1), 1),
            (lambda x: (x.argmax(1), x.softmax(1)), 3),
        ],
    )
    def test_a_sigmoid_or_softmax_written_out_is_a_probability(self, end, classes):
        assert seen(Ending(end, classes)).unit == "probability"

    def test_one_face_whose_numbers_sum_to_1_by_chance_is_explained_as_the_others(self):
        class SumsTo1WhereDark(nn.Module):
            def forward(self, x):
                share = x.mean((1, 2, 3))
                return torch.stack([share + 3 * (x[:, 0, 0, 0] > 0.5), 1 - share], 1)

        dark, bright = np.zeros((16, 16, 3), np.float32), np.ones((16, 16, 3), np.float32)
        found = look(open_model(SumsTo1WhereDark(), size=16), [dark + 0.1, bright], certify=False)
        targets = [attribution.target for attribution in found.attributions.values()]
        assert targets == ["logit of class 1", "logit of class 0"]
        assert found.to_document()["unit"] == found.unit == "logit"

    def test_what_leaves_0_to_1_is_no_probability_whatever_it_ends_in(self):
        shares = Ending(lambda x: x.exp() / torch.add(x[:, :1].exp(), 1), 3)  # as a sigmoid, of the first alone
        nn.init.constant_(shares.inner[4].bias, 1.0)
        nn.init.constant_(shares.inner[4].weight, 0.0)
        with torch.no_grad():
            shares.inner[4].bias[1] = 3.0
        assert seen(shares).unit == "logit"

    def test_a_number_from_0_to_1_may_be_a_probability_and_that_is_said(self):
        mean = Ending(lambda x: (torch.sigmoid(x) + torch.sigmoid(2 * x)) / 2)
        assert any("no sigmoid was seen" in note for note in seen(mean).notes)

    @pytest.mark.parametrize("end", [lambda x: x.argmax(1), lambda x: x > 0, lambda x: x.to(torch.complex64)])
    def test_an_answer_that_was_chosen_already_is_refused(self, end):
        with pytest.raises(InputError, match="expected an answer of real numbers, got"):
            seen(Ending(end, 3))

    @pytest.mark.parametrize("end", [lambda x: x * float("nan"), lambda x: x.exp() / 0])
    def test_an_answer_that_is_no_number_is_refused(self, end):
        with pytest.raises(InputError, match=r"Ending answers with what is no finite number.*RGB, from 0 to 1"):
            seen(Ending(end, 3))

    def test_a_loss_that_stands_first_is_no_answer(self):
        class WithLoss(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = network(classes=3)

            def forward(self, x):
                return torch.zeros(()), self.inner(x)

        assert seen(WithLoss()).outputs.shape == (2, 3)

    @pytest.mark.parametrize("methods", [(), ("occlusion", "gradient")])
    def test_a_template_of_zeros_is_looked_at_without_its_cosine(self, methods):
        dead = network(nn.Linear(4, 64, bias=False), classes=4)
        nn.init.constant_(dead[0].bias, -9.0)
        nn.init.zeros_(dead[4].bias)
        found = look(open_model(dead, size=16), FACES, methods=methods)
        assert len(found.units[0].dead) == 4
        assert found.attributions == {}
        assert any("0 everywhere, and has no cosine" in note for note in found.notes) == bool(methods)
        assert page(found)["title"]

    def test_the_layer_of_a_second_head_is_not_what_an_answer_rests_on(self):
        class TwoHeads(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.fc, self.other = nn.Conv2d(3, 4, 3), nn.Linear(4, 3), nn.Conv2d(4, 2, 3)

            def forward(self, x):
                maps = self.conv(x)
                return self.fc(maps.mean((2, 3))), self.other(maps)

        found = look(open_model(TwoHeads(), size=16), FACES[:1], methods=["grad-cam"], certify=False)
        assert [attribution.layer for attribution in found.attributions.values()] == ["conv"]

    def test_what_has_no_layer_that_runs(self):
        class Unused(nn.Module):
            def __init__(self, answer):
                super().__init__()
                self.inner, self.answer = network(), answer

            def forward(self, x):
                return self.answer(x)

        found = seen(Unused(lambda x: x.mean((2, 3))))
        assert found.outputs.shape == (2, 3)
        assert any("no layer runs" in note for note in found.notes)
        assert page(found)["title"]
        with pytest.raises(InputError, match="expected one that answers with a tensor"):
            seen(Unused(lambda _: "a word"))

    def test_lazy_layers_are_told_the_way(self):
        with pytest.raises(InputError, match=r"lazy layers"):
            seen(nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(2)))


class TestWhatItTakes:
    def test_channels_are_those_of_the_layer_that_runs_first(self):
        class HeadFirst(nn.Module):
            def __init__(self):
                super().__init__()
                self.head, self.conv = nn.Linear(8, 4), nn.Conv2d(3, 8, 3)

            def forward(self, x):
                return self.head(self.conv(x).mean((2, 3)))

        assert open_model(HeadFirst(), size=16).colour

    def test_mean_and_deviation_of_each_channel(self):
        by_hand = (np.stack(FACES) - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
        for options in ({"pixels": "imagenet"}, {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}):
            prepared = open_model(network(), size=16, **options).prepare(np.stack(FACES))
            np.testing.assert_allclose(prepared, by_hand.transpose(0, 3, 1, 2), rtol=1e-5)
        turned = open_model(network(), size=16, pixels="imagenet", bgr=True).prepare(np.stack(FACES))
        np.testing.assert_allclose(turned, by_hand.transpose(0, 3, 1, 2)[:, ::-1], rtol=1e-5)

    @pytest.mark.parametrize("options", [{"mean": (0.5, 0.5)}, {"std": 0}, {"mean": float("nan")}, {"size": 100_000}])
    def test_numbers_that_do_not_fit_are_refused(self, options):
        with pytest.raises(InputError, match="expected"):
            open_model(network(), **{"size": 16, **options})

    def test_height_and_width(self):
        model = open_model(network(), size=(16, 12))
        assert look(model, FACES, methods=[]).prepared.shape == (2, 3, 16, 12)

    @pytest.mark.parametrize("before", ["module.", "_orig_mod.module.", ""])
    @pytest.mark.parametrize("wrapped", [lambda state: state, lambda state: {"epoch": 3, "weights": state}])
    def test_weights_of_torch_save(self, tmp_path, wrapped, before):
        trained = network(classes=3)
        nn.init.normal_(trained[4].weight)
        torch.save(
            wrapped({f"{before}{name}": value for name, value in trained.state_dict().items()}), tmp_path / "n.pth"
        )
        found = seen(network(classes=3), weights=tmp_path / "n.pth")
        with torch.no_grad():
            expected = trained(torch.tensor(found.prepared))
        np.testing.assert_allclose(found.outputs, expected, rtol=1e-5)
        assert "a file of torch.save, as numbers alone" in found.notes[0]

    def test_a_class_is_no_network(self):
        with pytest.raises(InputError, match=r"Ending is a class; give a network, such as Ending\(\)"):
            open_model(Ending, size=16)

    def test_a_pickle_of_code_is_not_run(self, tmp_path):
        torch.save(network(), tmp_path / "whole.pt")
        with pytest.raises(InputError, match=r"holds more than numbers, .*save_file"):
            seen(network(), weights=tmp_path / "whole.pt")

    def test_a_file_of_keras_is_told_the_way(self, tmp_path):
        (tmp_path / "net.h5").write_bytes(b"PK\x03\x04")
        with pytest.raises(InputError, match=r"is a file of Keras; .*format='onnx'"):
            open_model(tmp_path / "net.h5")

    @pytest.mark.parametrize(
        "scripted", [torch.jit.script, lambda net: torch.jit.trace(net, torch.zeros(1, 3, 16, 16))]
    )
    @pytest.mark.filterwarnings("ignore")
    def test_torchscript_is_told_the_way(self, scripted):
        with pytest.raises(InputError, match=r"TorchScript.*onnx"):
            seen(scripted(network().eval()))


@pytest.mark.parametrize("failure", [ValueError("labels are needed"), KeyError("mask"), SystemExit(3)])
def test_whatever_its_code_fails_with_is_an_error_of_the_input(failure):
    class Fails(nn.Module):
        def forward(self, _):
            raise failure

    with pytest.raises(InputError, match=f"cannot run .*{type(failure).__name__}"):
        seen(Fails())


FOREIGN = """
import os, time
from torch import nn
class Of(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.run = run
    def forward(self, x):
        self.run()
        return x.mean((2, 3))
def leaves(): os._exit(0)
def aborts(): return Of(os.abort)
def loops(): return Of(lambda: time.sleep(1000))
def needs(): return Of(lambda: bytearray(20_000_000_000))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="bounds of a process are those of POSIX")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("leaves", "ended the process by itself"),
        ("aborts", "SIGABRT"),
        ("loops", "took more than 2 seconds for one step"),
        ("needs", "more than the 4 GB of memory"),
    ],
)
def test_a_network_cannot_take_the_command_with_it(tmp_path, name, words):
    (tmp_path / "nets.py").write_text(FOREIGN)
    command = [sys.executable, "-m", "faceloupe", "look", f"nets:{name}", "orl:0", "--size", "16"]
    command += ["--seconds", "2"] * (name == "loops")
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 2
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
