"""The experiments of a study. Each takes a plan, faces and a task, and returns trials.

``tutorial``    the tutorial's own pair, epoch by epoch, with every seed
``timing``      one fit after another, by the clock
``pairs``       both networks on many pairs of people: the main evidence
``controls``    what should change the result if the explanation is right, and what should not
``robustness``  held-out captures shifted, turned, covered, brightened
``learning``    accuracy against captures per person
``probe``       how linearly separable the classes are, layer by layer
``people``      all subjects at once, against baselines
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.faces import FaceSet, perturbations
from faceloupe.inspection import probe, trace
from faceloupe.studies.baselines import baseline
from faceloupe.studies.fits import (
    PERMUTED,
    SHUFFLED,
    FitGroup,
    Images,
    answers,
    build,
    fit_group,
    held_out_split,
    people_name,
)
from faceloupe.studies.plan import StudyPlan, Task, seeds_for
from faceloupe.studies.trials import Trial
from faceloupe.training.fit import batch_orders, fit_network
from faceloupe.training.networks import initialise
from faceloupe.training.specs import Training

__all__ = ["EXPERIMENTS", "conditions", "cost", "half", "run_task", "tasks_of"]

NETWORKS = ("fcnn", "cnn")
BASELINES = ("1-nn", "pca-logistic", "pca-svm", "lda")
PEOPLE_SECONDS = {"deep": 8.5, "cnn": 2.8, "fcnn": 0.4}
TIMED_FITS = 5
PROBED_LAYERS = ("pixels", "conv_relu", "pool", "hidden", "hidden_relu")

Labels = NDArray[np.intp]


def tasks_of(plan: StudyPlan) -> list[Task]:
    """Return a study's tasks, the longest first so that no core waits long at the end."""
    return [
        *(Task("people", None, f"deep:{split}") for split in range(plan.deep_splits)),
        *(Task("people", None, f"{name}:{split}") for name in NETWORKS for split in range(plan.network_splits)),
        *(Task("people", None, f"{name}:{split}") for name in BASELINES for split in range(plan.splits)),
        *(Task("robustness", pair) for pair in plan.some_pairs),
        *(Task("learning", pair) for pair in plan.some_pairs),
        *(Task("controls", pair) for pair in plan.some_pairs),
        *(Task("probe", pair) for pair in plan.some_pairs),
        Task("tutorial", plan.people),
        *(Task("pairs", pair) for pair in plan.pairs),
        Task("timing", plan.people),
    ]


def run_task(plan: StudyPlan, faces: FaceSet, task: Task) -> list[Trial]:
    """Carry out one task on one core."""
    return [replace(trial, task=task.key) for trial in EXPERIMENTS[task.experiment](plan, faces, task)]


def cost(plan: StudyPlan, task: Task) -> float:
    """Return about how many seconds a task takes on one core: measured at the default size, for progress and plans."""
    fits = plan.epochs / 20
    side = fits * plan.side_seeds / 4
    match task.experiment:
        case "people":
            return fits * PEOPLE_SECONDS.get(task.variant.split(":")[0], 0.1)
        case "robustness":
            return side * (0.9 + 2.4 / plan.shift_step)
        case "learning":
            return side * 4.2 / plan.learning_step
        case "controls":
            return 1.4 * side
        case "probe":
            return 0.4 * side
        case _:
            return 1.6 * fits * plan.seeds / 8


def half(labels: Labels) -> int:
    """Return half of the captures of the subject that has fewest: what is trained on when the rest is held out."""
    return int(np.bincount(labels).min()) // 2


def conditions(
    plan: StudyPlan, image_shape: tuple[int, int]
) -> Iterator[tuple[str, float, Callable[[Images], Images]]]:
    """Yield what is done to held-out captures: its name, its amount and the function that does it.

    Shifts and squares that would leave nothing of a small face are left out.
    """
    side_of_face = min(image_shape)
    for pixels in (pixels for pixels in range(-16, 17, plan.shift_step) if abs(pixels) < side_of_face):
        yield "shift x", pixels, partial(perturbations.shift, dx=pixels, dy=0)
        yield "shift y", pixels, partial(perturbations.shift, dx=0, dy=pixels)
    for degrees in range(-30, 31, 10):
        yield "rotation", degrees, partial(perturbations.rotate, degrees=degrees)
    for side in (side for side in (0, 8, 16, 24, 32) if side < side_of_face):
        yield "occlusion", side, partial(perturbations.occlude, side=side, seed=plan.seed)
    for percent in (-40, -20, -10, 0, 10, 20, 40):
        yield "brightness", percent, partial(perturbations.brighten, amount=percent / 100)


def _pair_of(faces: FaceSet, task: Task) -> tuple[Images, Labels, tuple[int, ...]]:
    people = tuple(range(faces.n_subjects)) if task.people is None else task.people
    chosen = faces.select(people)
    return chosen.images, chosen.subject, people


def _tutorial(plan: StudyPlan, faces: FaceSet, task: Task) -> list[Trial]:
    images, labels, people = _pair_of(faces, task)
    groups = [
        fit_group(plan, images, labels, people, network, seeds=range(plan.seeds), captures=captures)
        for network in NETWORKS
        for captures in (None, half(labels))
    ]
    trials = [trial for group in groups for trial in group.trials("tutorial")]
    return trials + [trial for group in groups if not group.held_out.size for trial in group.epochs("tutorial")]


def _timing(plan: StudyPlan, faces: FaceSet, task: Task) -> list[Trial]:
    """Fit the networks one after another, as somebody would who trains one; in turns: a slow moment hits both."""
    images, labels, people = _pair_of(faces, task)
    trials = []
    for seed in range(TIMED_FITS):
        _, weights_seed, order_seed = map(int, seeds_for(plan, people, seed))
        for name in NETWORKS:
            network = initialise(build(name, images.shape[1:]), weights_seed)
            orders = batch_orders(len(labels), plan.epochs, order_seed)
            started = perf_counter()
            fit_network(network, images[:, None], labels, orders, Training(batch_size=plan.batch_size))
            seconds = perf_counter() - started
            trials.append(Trial("timing", name, "none", people_name(people), seed, len(labels) // 2, seconds=seconds))
    return trials


def _pairs(plan: StudyPlan, faces: FaceSet, task: Task) -> list[Trial]:
    images, labels, people = _pair_of(faces, task)
    return [
        trial
        for network in NETWORKS
        for captures in (None, half(labels))
        for trial in fit_group(
            plan, images, labels, people, network, seeds=range(plan.seeds), captures=captures
        ).trials("pairs")
    ]


def _controls(plan: StudyPlan, faces: FaceSet, task: Task) -> list[Trial]:
    images, labels, people = _pair_of(faces, task)
    fit = partial(fit_group, plan, images, labels, people, seeds=range(plan.side_seeds), captures=half(labels))
    groups = [
        *(fit(name, preprocess=("none", "centre")) for name in ("fcnn", "cnn", "fcnn-equal", "cnn-global")),
        *(fit(name, preprocess=("centre",), control=PERMUTED) for name in NETWORKS),
        *(fit(name, preprocess=("centre",), control=SHUFFLED) for name in NETWORKS),
    ]
    return [trial for group in groups for trial in group.trials("controls")] + [
        _baseline_trial(plan, "controls", name, images, labels, people, seed, half(labels))
        for seed in range(plan.side_seeds)
        for name in ("1-nn", "pca-logistic")
    ]


def _robustness(plan: StudyPlan, faces: FaceSet, task: Task) -> list[Trial]:
    images, labels, people = _pair_of(faces, task)
    groups = [
        fit_group(
            plan,
            images,
            labels,
            people,
            name,
            seeds=range(plan.side_seeds),
            captures=half(labels),
            preprocess=("centre",),
        )
        for name in ("fcnn", "cnn", "cnn-global")
    ]
    before = [answers(group.logits(images)) for group in groups]
    return [
        trial
        for condition, amount, change in conditions(plan, images.shape[1:])
        for changed in [change(images)]
        for group, answered in zip(groups, before, strict=True)
        for trial in group.conditions("robustness", condition, amount, changed, answered)
    ]


def _learning(plan: StudyPlan, faces: FaceSet, task: Task) -> list[Trial]:
    images, labels, people = _pair_of(faces, task)
    seeds = range(plan.side_seeds)
    trials = []
    for captures in range(1, int(np.bincount(labels).min()), plan.learning_step):
        for name in NETWORKS:
            group = fit_group(
                plan, images, labels, people, name, seeds=seeds, captures=captures, preprocess=("none", "centre")
            )
            trials += group.trials("learning")
        trials += [_baseline_trial(plan, "learning", "1-nn", images, labels, people, seed, captures) for seed in seeds]
    return trials


def _probe(plan: StudyPlan, faces: FaceSet, task: Task) -> list[Trial]:
    """Probe the CNN's layers on held-out captures, with the same probe on shuffled labels as control."""
    images, labels, people = _pair_of(faces, task)
    group = fit_group(
        plan, images, labels, people, "cnn", seeds=range(plan.side_seeds), captures=half(labels), preprocess=("centre",)
    )
    return [trial for fit in range(len(group.seeds)) for trial in _probed(group, fit)]


def _probed(group: FitGroup, fit: int) -> Iterator[Trial]:
    network = group.shape
    network.load_state_dict({name: stacked[fit] for name, stacked in group.fits.weights.items()})
    held_out = group.held_out[fit]
    faces = group.preprocessing[fit].apply(group.images[held_out])[:, None]
    layers = {"pixels": faces, **trace(network, faces)}
    for name in PROBED_LAYERS:
        found = probe(layers[name], group.labels[held_out], seed=group.seeds[fit])
        details: dict[str, Any] = {
            "people": people_name(group.people),
            "seed": group.seeds[fit],
            "captures": group.train.shape[1] // 2,
            "condition": name,
            "amount": float(found.d),
            "n_held_out": found.n,
        }
        yield Trial("probe", "cnn", "centre", accuracy=found.accuracy, **details)
        yield Trial("probe", "cnn", "centre", control=SHUFFLED, accuracy=found.shuffled_accuracy, **details)


def _people(plan: StudyPlan, faces: FaceSet, task: Task) -> list[Trial]:
    name, split = task.variant.split(":")
    captures = half(faces.subject)
    everyone = tuple(range(faces.n_subjects))
    if name in NETWORKS:
        group = fit_group(
            plan, faces.images, faces.subject, everyone, name,
            seeds=[int(split)], captures=captures, preprocess=("none", "centre"),
        )  # fmt: skip
        return group.trials("people")
    return [_baseline_trial(plan, "people", name, faces.images, faces.subject, everyone, int(split), captures)]


def _baseline_trial(
    plan: StudyPlan,
    experiment: str,
    name: str,
    images: Images,
    labels: Labels,
    people: Sequence[int],
    seed: int,
    captures: int,
) -> Trial:
    train, held_out = held_out_split(plan, labels, people, seed, captures)
    pixels = images.reshape(len(images), -1) if name != "deep" else images
    started = perf_counter()
    model = baseline(name, seed, plan.epochs).fit(pixels[train], labels[train])
    seconds = perf_counter() - started
    return Trial(
        experiment,
        name,
        "none",
        people_name(people),
        seed,
        captures,
        n_train=len(train),
        n_held_out=len(held_out),
        train_accuracy=float(model.score(pixels[train], labels[train])),
        accuracy=float(model.score(pixels[held_out], labels[held_out])),
        seconds=seconds,
    )


EXPERIMENTS: dict[str, Callable[[StudyPlan, FaceSet, Task], list[Trial]]] = {
    "tutorial": _tutorial,
    "timing": _timing,
    "pairs": _pairs,
    "controls": _controls,
    "robustness": _robustness,
    "learning": _learning,
    "probe": _probe,
    "people": _people,
}
