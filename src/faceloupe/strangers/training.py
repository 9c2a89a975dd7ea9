"""Training a compact network with a margin loss to recognise people whom it has not seen, resumable at every epoch."""

import io
import math
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceloupe.errors import InputError
from faceloupe.evaluation.comparisons import every_two, score
from faceloupe.files import write_whole
from faceloupe.progress import Progress
from faceloupe.recognition.adapted import unit_vectors
from faceloupe.scores.intervals import eer_interval
from faceloupe.scores.rates import det_curve
from faceloupe.strangers.augmentation import vary_light
from faceloupe.strangers.margins import Kind, MarginLoss
from faceloupe.strangers.network import DIMENSIONS, SIDE, CompactNetwork, Size
from faceloupe.strangers.onnx_file import vectors_of
from faceloupe.training.augmentation import vary
from faceloupe.training.deep import one_cycle
from faceloupe.training.specs import Augmentation

Chips = NDArray[np.uint8]
Labels = NDArray[np.intp]

LEAST_HELD_OUT = 10
"""People that validation takes at least."""

MOVED = Augmentation(mirror=True, shift=0.06 * SIDE, rotate=10, zoom=10)
MOST = 1500  # captures that validation compares, every two
EPOCHS = 1_000_000  # more than anybody trains: each seed has its own numbers
CLIP = 5.0  # the longest gradient that is followed
PART = 256  # faces that are made floats at a time


@dataclass(frozen=True, slots=True)
class StrangersPlan:
    """The plan of a training.

    Parameters
    ----------
    epochs, batch_size : int
    learning_rate : float
        The highest of the cycle (Smith and Topin 2017, arXiv:1708.07120), with AdamW.
    weight_decay : float
    loss : {"cosface", "arcface"}
    margin, scale : float
        See :func:`faceloupe.strangers.margins.with_margin`.
    size : {"small", "large"}
        Size of the network.
    held_out : float
        Share of the people who are held out for validation, between 0 and 1.
    seed : int
        Seed of the people held out, the weights, the order and the variation of the faces.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    epochs: int = 60
    batch_size: int = 32
    learning_rate: float = 5e-3
    weight_decay: float = 0.05
    loss: Kind = "cosface"
    margin: float = 0.4
    scale: float = 16.0
    size: Size = "small"
    held_out: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2 or self.seed < 0:
            raise InputError(f"expected an epoch, two faces per batch and a seed of 0 at least, got {self}")
        if not (self.learning_rate > 0 and self.scale > 0 and self.margin >= 0 and self.weight_decay >= 0):
            raise InputError(f"expected a learning rate and a scale above 0, a margin and a decay from 0, got {self}")
        if not 0 < self.held_out < 1:
            raise InputError(f"held_out: expected a share between 0 and 1, got {self.held_out}")
        if self.loss not in ("cosface", "arcface"):
            raise InputError(f'loss: expected "cosface" or "arcface", got {self.loss!r}')


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch.

    Attributes
    ----------
    loss : float
        Mean over its captures, in nats, each before the step it leads to.
    eer, low, high : float
        Equal error rate among the people held out, every two captures, with its 95 % interval.
    seconds : float
        Seconds that it took, validation included.
    """

    loss: float
    eer: float
    low: float
    high: float
    seconds: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrainedNetwork:
    """A network trained for strangers.

    Attributes
    ----------
    network : CompactNetwork
        As the last epoch left it: nothing was chosen on the people held out.
    plan : StrangersPlan
    people, photographs : int
        Learned from.
    held_out_people, held_out_photographs : int
    epochs : tuple of Epoch
    device : str
        Device that it was trained on, such as "cpu".
    resumed : int
        Number of times that it went on after a stop.
    """

    network: CompactNetwork
    plan: StrangersPlan
    people: int
    photographs: int
    held_out_people: int
    held_out_photographs: int
    epochs: tuple[Epoch, ...]
    device: str
    resumed: int

    def __repr__(self) -> str:
        return f"TrainedNetwork({self.words()})"

    def words(self) -> str:
        """Return its training data and its result with the people held out, in a sentence."""
        last = self.epochs[-1]
        return (
            f"Trained on {self.photographs:,} photographs of {self.people:,} people. On {self.held_out_photographs:,} "
            f"photographs of {self.held_out_people:,} others, the EER is {100 * last.eer:.2f} % (95 % interval "
            f"{100 * last.low:.2f} to {100 * last.high:.2f} %)"
        )


def train_network(
    chips: Chips,
    subjects: Labels,
    plan: StrangersPlan,
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> TrainedNetwork:
    """Train a network on aligned faces; go on where it was stopped, if there is a checkpoint.

    On a GPU if there is one, there in mixed precision (bfloat16). On one core of a CPU the same plan and faces give the
    same network, stopped and resumed or not.

    Parameters
    ----------
    chips : array of uint8, (N, 112, 112, 3)
        RGB, as :func:`faceloupe.recognition.chips` aligns them.
    subjects : array of intp, (N,)
        Subject of each. Those with one capture are not used.
    plan : StrangersPlan
    checkpoint : Path, optional
        A file, written whole after each epoch.
    progress : callable, optional
        Called with (done, whole) after each batch.

    Raises
    ------
    InputError
        If there are too few people, or the checkpoint is of another training.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    learned, held_out = _sides(subjects, plan)
    run = _Run(_halved(chips), subjects, learned, held_out, plan, device)
    digest = sha256(np.ascontiguousarray(chips).data)
    digest.update(subjects.astype("<i8").data)
    epochs, resumed = run.resume(checkpoint, digest.hexdigest())
    while len(epochs) < plan.epochs:
        begun = perf_counter()
        loss = run.epoch(len(epochs), progress)
        epochs = [*epochs, Epoch(loss, *run.validate(), perf_counter() - begun)]
        if checkpoint is not None:
            run.write(checkpoint, digest.hexdigest(), epochs, resumed)
    return TrainedNetwork(
        run.network.cpu().eval(),
        plan,
        len(np.unique(subjects[learned])),
        len(learned),
        len(np.unique(subjects[held_out])),
        len(held_out),
        tuple(epochs),
        str(device),
        resumed,
    )


def _halved(chips: Chips) -> Tensor:
    """Return faces as the network takes them, (N, 112, 112, 3) -> (N, 3, 56, 56) in [0, 1]."""
    parts = (torch.from_numpy(chips[start : start + PART]) for start in range(0, len(chips), PART))
    return torch.cat([functional.avg_pool2d(part.permute(0, 3, 1, 2) / 255, 2) for part in parts])


class _Run:
    """A training under way: the network, its optimiser, and the faces that it learns from and is tested on."""

    def __init__(
        self,
        faces: Tensor,
        subjects: Labels,
        learned: Labels,
        held_out: Labels,
        plan: StrangersPlan,
        device: torch.device,
    ) -> None:
        self.plan, self.device, self.subjects, self.held_out = plan, device, subjects, held_out
        self.faces, self.tested = faces[torch.from_numpy(learned)], faces[torch.from_numpy(held_out)]
        people, labels = np.unique(subjects[learned], return_inverse=True)
        self.labels = torch.from_numpy(labels)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            self.network = CompactNetwork(plan.size).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.loss = MarginLoss(DIMENSIONS, len(people), scale=plan.scale, margin=plan.margin, kind=plan.loss).to(
                device
            )
        parameters = [*self.network.parameters(), *self.loss.parameters()]
        self.optimiser = torch.optim.AdamW(parameters, plan.learning_rate, weight_decay=plan.weight_decay)
        self.batches = max(1, len(learned) // plan.batch_size)

    def epoch(self, number: int, progress: Progress | None) -> float:
        """Train for an epoch; its order and variations depend on seed and number alone. Return the mean loss."""
        generator = torch.Generator().manual_seed(self.plan.seed * EPOCHS + number)
        order = torch.randperm(len(self.labels), generator=generator).tensor_split(self.batches)
        steps, total = self.plan.epochs * self.batches, 0.0
        self.network.train()
        for step, batch in enumerate(order, start=number * self.batches):
            for group in self.optimiser.param_groups:
                group["lr"] = self.plan.learning_rate * one_cycle(step, steps)
            varied = vary_light(vary(self.faces[batch], MOVED, generator), generator)
            inputs = varied.to(self.device, memory_format=torch.channels_last)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                vectors = self.network(inputs)
            loss = self.loss(vectors, self.labels[batch].to(self.device))
            self.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
            self.optimiser.step()
            total += loss.item() * len(batch)
            if not math.isfinite(total):
                raise InputError(f"the loss is not a number any more in epoch {number + 1}: give a lower learning rate")
            if progress:
                progress(step + 1, steps)
        return total / len(self.labels)

    def validate(self) -> tuple[float, float, float]:
        """Return the equal error rate among the people held out, and its interval."""
        self.network.eval()
        vectors = vectors_of(self.network, self.tested.contiguous(memory_format=torch.channels_last))
        people = np.unique(self.subjects[self.held_out], return_inverse=True)[1]
        vectors[~np.isfinite(vectors).all(axis=1)] = 0  # a vector without a direction counts as a failure
        units = unit_vectors(vectors)
        comparisons = every_two("held out", np.arange(len(people)), people, most=MOST, seed=self.plan.seed)
        scores = score(units.astype(np.float32), np.asarray(~units.any(axis=1)), comparisons).with_failures
        interval = eer_interval(scores)
        return det_curve(scores).eer.rate, interval.low, interval.high

    def write(self, checkpoint: Path, digest: str, epochs: list[Epoch], resumed: int) -> None:
        """Write all that the next epoch needs, whole or not at all."""
        content = io.BytesIO()
        state = {
            "plan": asdict(self.plan),
            "faces": digest,
            "epochs": [asdict(epoch) for epoch in epochs],
            "resumed": resumed,
            "network": self.network.state_dict(),
            "loss": self.loss.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, content)
        write_whole(checkpoint, content.getvalue())

    def resume(self, checkpoint: Path | None, digest: str) -> tuple[list[Epoch], int]:
        """Load a checkpoint; return the epochs done, and how often the training was resumed, this time included."""
        if checkpoint is None or not checkpoint.is_file():
            return [], 0
        try:
            state = torch.load(checkpoint, map_location=self.device, weights_only=True)  # runs no code
            old_plan, epochs = state["plan"], [Epoch(**epoch) for epoch in state["epochs"]]
            resumed, plan = state["resumed"] + 1, asdict(self.plan)
            if changes := [
                f"{name} {old_plan.get(name)} (now {value})"
                for name, value in plan.items()
                if old_plan.get(name) != value
            ]:
                raise InputError(
                    f"{checkpoint} is of a training with {', '.join(changes)}; go on as it was begun, or remove it"
                )
            if state["faces"] != digest:
                raise InputError(f"{checkpoint} is of a training on other faces; remove it to begin anew")
            for part, name in ((self.network, "network"), (self.loss, "loss"), (self.optimiser, "optimiser")):
                part.load_state_dict(state[name])
        except InputError:
            raise
        except (RuntimeError, UnpicklingError, EOFError, KeyError, TypeError, ValueError, AttributeError) as problem:
            raise InputError(f"{checkpoint} is damaged; remove it to begin anew") from problem
        return epochs, resumed


def _sides(subjects: Labels, plan: StrangersPlan) -> tuple[Labels, Labels]:
    """Return the captures to learn from and those held out, of people with several captures."""
    people, counts = np.unique(subjects, return_counts=True)
    several = people[counts > 1]
    count = max(LEAST_HELD_OUT, round(plan.held_out * len(several)))
    if len(several) < 2 * LEAST_HELD_OUT or count > len(several) - LEAST_HELD_OUT:
        raise InputError(
            f"{len(several)} people have two usable photographs or more; training for strangers takes "
            f"{2 * LEAST_HELD_OUT}, {LEAST_HELD_OUT} to learn from and {LEAST_HELD_OUT} held out, and hundreds to "
            "learn anything that carries over"
        )
    drawn = np.random.default_rng(plan.seed).permutation(several)
    return tuple(np.flatnonzero(np.isin(subjects, side)) for side in (drawn[count:], drawn[:count]))  # type: ignore[return-value]
