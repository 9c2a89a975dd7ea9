"""Training for strangers: it learns, goes on after a kill to the same network, and refuses what cannot be."""

import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from faceloupe.errors import InputError
from faceloupe.strangers.onnx_file import vectors_of
from faceloupe.strangers.training import StrangersPlan, train_network

PLAN = StrangersPlan(epochs=2, batch_size=32, held_out=0.4)


def made_up_faces(people=28, captures=6):
    """Chips of people who are patterns of eight by eight blocks, each capture a little other."""
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(people), captures)
    pattern = rng.uniform(0, 1, (people, 8, 8, 3))[subjects] + rng.normal(0, 0.25, (len(subjects), 8, 8, 3))
    chips = np.kron(np.clip(pattern, 0, 1), np.ones((1, 14, 14, 1)))
    return np.rint(255 * chips).astype(np.uint8), subjects


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_it_learns_what_carries_over_to_people_it_has_not_seen():
    chips, subjects = made_up_faces()
    trained = train_network(chips, subjects, StrangersPlan(epochs=8, batch_size=16, held_out=0.4))
    first, last = trained.epochs[0], trained.epochs[-1]
    assert (trained.people, trained.held_out_people, trained.photographs) == (17, 11, 102)
    assert last.loss < first.loss
    assert last.eer < 0.2
    assert last.low <= last.eer <= last.high
    assert "On 66 photographs of 11 others, the EER is" in trained.words()


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
import torch
torch.set_num_threads(1)
from pathlib import Path
import test_training
checkpoint = Path({checkpoint!r})
def end(*_):
    if checkpoint.exists():
        os.kill(os.getpid(), signal.SIGKILL)
faces = test_training.made_up_faces(24, 3)
test_training.train_network(*faces, test_training.PLAN, checkpoint=checkpoint, progress=end)
"""


def test_after_a_kill_it_goes_on_and_ends_as_if_nothing_had_happened(tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    path = [os.path.dirname(__file__), *sys.path]  # noqa: PTH120 - as sys.path holds it
    killed = subprocess.run([sys.executable, "-c", KILLED.format(path=path, checkpoint=str(checkpoint))], check=False)
    assert killed.returncode == -signal.SIGKILL
    done = torch.load(checkpoint, weights_only=True)["epochs"]
    assert len(done) == 1 < PLAN.epochs
    whole, resumed = (train_network(*made_up_faces(24, 3), PLAN, checkpoint=at) for at in (None, checkpoint))
    assert (whole.resumed, resumed.resumed) == (0, 1)
    assert [epoch.loss for epoch in resumed.epochs] == [epoch.loss for epoch in whole.epochs]
    faces = torch.rand(2, 3, 56, 56)
    np.testing.assert_array_equal(vectors_of(resumed.network, faces), vectors_of(whole.network, faces))


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    chips, subjects = made_up_faces(24, 2)
    checkpoint = tmp_path / "checkpoint.pt"
    plan = StrangersPlan(epochs=1, batch_size=32, held_out=0.4)
    train_network(chips, subjects, plan, checkpoint=checkpoint)
    with pytest.raises(InputError, match=r"a training with epochs 1 \(now 2\), seed 0 \(now 5\)"):
        train_network(
            chips, subjects, StrangersPlan(epochs=2, batch_size=32, held_out=0.4, seed=5), checkpoint=checkpoint
        )
    with pytest.raises(InputError, match="on other faces"):
        train_network(255 - chips, subjects, plan, checkpoint=checkpoint)
    whole = torch.load(checkpoint, weights_only=True)
    parts = [_saved({name: whole[name] for name in whole if name != left_out}) for left_out in whole]
    others = [_saved(whole | {name: [1]}) for name in ("plan", "network", "loss", "optimiser", "epochs", "resumed")]
    for damaged in (checkpoint.read_bytes()[:-100], b"nothing", _saved([1, 2]), *parts, *others):
        checkpoint.write_bytes(damaged)
        with pytest.raises(InputError, match="is damaged; remove it"):
            train_network(chips, subjects, plan, checkpoint=checkpoint)


def _saved(state):
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_that_is_no_number_is_a_failure_of_the_validation(monkeypatch, value):
    def with_one_broken(*given):
        vectors = vectors_of(*given)
        vectors[0] = value
        return vectors

    plan = StrangersPlan(epochs=1, batch_size=32, held_out=0.4)
    whole = train_network(*made_up_faces(24, 3), plan)
    monkeypatch.setattr("faceloupe.strangers.training.vectors_of", with_one_broken)
    broken = train_network(*made_up_faces(24, 3), plan)
    assert broken.epochs[0].loss == whole.epochs[0].loss
    assert 0 <= broken.epochs[0].low <= broken.epochs[0].eer <= broken.epochs[0].high <= 1


def test_people_with_one_capture_are_not_learned_from():
    chips, subjects = made_up_faces(24, 2)
    subjects = np.concatenate([subjects, [24, 25]])
    trained = train_network(np.concatenate([chips, chips[:2]]), subjects, StrangersPlan(epochs=1, held_out=0.4))
    assert trained.people + trained.held_out_people == 24


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 0}, "an epoch"),
        ({"learning_rate": 0}, "a learning rate"),
        ({"held_out": 1}, "held_out"),
        ({"loss": "triplet"}, '"cosface" or "arcface"'),
    ],
)
def test_a_plan_that_cannot_be_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        StrangersPlan(**change)


def test_too_few_people_are_refused():
    with pytest.raises(InputError, match="5 people have two usable photographs or more"):
        train_network(*made_up_faces(5, 2), StrangersPlan())
