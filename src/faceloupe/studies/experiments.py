"""The experiments of a study. Each takes a plan, faces and a task, and returns trials.

``tutorial``   the tutorial's own pair, epoch by epoch, with every seed; its fits are kept for the page
``timing``     one fit after another, by the clock
``pairs``      both networks on many pairs of people, and on the same fits: ``controls`` (what should change the result
               if the explanation is right, and what should not), ``robustness`` (held-out captures shifted, turned,
               covered, brightened) and ``probe`` (how linearly separable the classes are, layer by layer)
``learning``   accuracy against captures per person
``people``     all subjects at once, against baselines
``filters``    a network that learns its filters; its kernels are kept for the page
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.faces import perturbations
from faceloupe.faces.faceset import FaceSet
from faceloupe.inspection.measures.separability import probed_shares
from faceloupe.studies.baselines import baseline
from faceloupe.studies.fits import FROZEN, PERMUTED, SHUFFLED, fit_group, held_out_split
from faceloupe.studies.groups import FitGroup, Images, answers, people_name
from faceloupe.studies.kept import kept_fits
from faceloupe.studies.networks import build, filter_learner
from faceloupe.studies.plan import COMPARED, MOVED, StudyPlan, Task, seeds_for
from faceloupe.studies.trials import Trial
from faceloupe.training.fit import batch_orders, fit_network
from faceloupe.training.networks import initialise
from faceloupe.training.specs import Training

NETWORKS = ("fcnn", "cnn")
REPAIRS = ("fcnn-equal", "fcnn-wide", "fcnn-slow", "fcnn-leaky", "fcnn-he")
BASELINES = ("1-nn", "pca-logistic", "pca-svm", "lda")
PEOPLE_SECONDS = {"deep": 3.7, "cnn": 1.2, "fcnn": 0.7}
FILTER_EPOCHS = 4  # times those of the study
TIMED_FITS = 5
SHUFFLES = 5  # of a probe's control

Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The result of a task: its trials, and arrays that the page needs, by name."""

    trials: list[Trial]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)


def tasks_of(plan: StudyPlan) -> list[Task]:
    """Return a study's tasks, the longest first so that no core waits long at the end."""
    return [
        *(Task("filters", None, variant) for variant in ("trained", "frozen")),
        *(Task("people", None, f"deep:{split}") for split in range(plan.deep_splits)),
        *(Task("people", None, f"{name}:{split}") for name in NETWORKS for split in range(plan.network_splits)),
        *(Task("pairs", pair) for pair in plan.pairs),
        *(Task("learning", pair) for pair in plan.pairs[: plan.learning_pairs]),
        Task("tutorial", plan.people),
        *(Task("people", None, f"{name}:{split}") for name in BASELINES for split in range(plan.splits)),
        Task("timing", plan.people),
    ]


def run_task(plan: StudyPlan, faces: FaceSet, task: Task) -> Outcome:
    """Carry out one task on one core."""
    outcome = EXPERIMENTS[task.experiment](plan, faces, task)
    return Outcome([replace(trial, task=task.key) for trial in outcome.trials], outcome.arrays)


def cost(plan: StudyPlan, task: Task) -> float:
    """Return about how many seconds a task takes on one core: measured at the default size, for progress and plans."""
    fits = plan.epochs / 20
    match task.experiment:
        case "people":
            return fits * PEOPLE_SECONDS.get(task.variant.split(":")[0], 0.1)
        case "filters":
            return 2.5 * fits * plan.filter_fits
        case "learning":
            return fits * plan.learning_seeds / 4 * 1.7 / plan.learning_step
        case "pairs":
            return fits * plan.seeds / 8 * (1.7 + 1.0 / plan.shift_step)
        case _:
            return 1.0 * fits * plan.seeds / 8


def half(labels: Labels) -> int:
    """Return half of the captures of the subject that has fewest: what is trained on when the rest is held out."""
    return int(np.bincount(labels).min()) // 2


def conditions(
    plan: StudyPlan, image_shape: tuple[int, int]
) -> Iterator[tuple[str, float, Callable[[Images], Images]]]:
    """Yield the changes of held-out captures: the name, its amount and the function that does it.

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


def _tutorial(plan: StudyPlan, faces: FaceSet, task: Task) -> Outcome:
    images, labels, people = _pair_of(faces, task)
    fit = partial(fit_group, plan, images, labels, people, seeds=range(plan.seeds))
    halves = {name: fit(name, captures=half(labels), keep_moments=True) for name in NETWORKS}
    groups = [group for name in NETWORKS for group in (fit(name, captures=None), halves[name])]
    trials = [trial for group in groups for trial in group.trials("tutorial")]
    trials += [trial for group in halves.values() for trial in group.epochs("tutorial")]
    return Outcome(trials, kept_fits(images, labels, halves))


def _timing(plan: StudyPlan, faces: FaceSet, task: Task) -> Outcome:
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
    return Outcome(trials)


def _pairs(plan: StudyPlan, faces: FaceSet, task: Task) -> Outcome:
    images, labels, people = _pair_of(faces, task)
    fit = partial(fit_group, plan, images, labels, people, seeds=range(plan.seeds))
    on_all = [fit(name, captures=None) for name in NETWORKS]
    together = {name: fit(name, captures=half(labels), also_shuffled=("centre",)) for name in NETWORKS}
    halves = {name: group.only() for name, group in together.items()}
    trials = [trial for group in (*on_all, *halves.values()) for trial in group.trials("pairs")]
    trials += [trial for group in together.values() for trial in group.only(control=SHUFFLED).trials("controls")]
    trials += _controls(plan, halves)
    trials += _robustness(plan, halves)
    trials += [trial for group in halves.values() for trial in _probed(plan, group)]
    return Outcome(trials)


def _controls(plan: StudyPlan, halves: dict[str, FitGroup]) -> list[Trial]:
    """Change one thing at a time about the fits of a pair, which ``pairs`` has done, with those on shuffled labels."""
    group = halves["cnn"]
    captures = group.train.shape[1] // 2
    fit = partial(fit_group, plan, group.images, group.labels, group.people, seeds=range(plan.seeds), captures=captures)
    groups = [
        *(fit(name, preprocess=("none",)) for name in REPAIRS),
        *(fit(name, preprocess=("centre",), control=PERMUTED) for name in NETWORKS),
        fit("cnn", control=FROZEN),
    ]
    return [trial for group in groups for trial in group.trials("controls")] + [
        _baseline_trial(plan, "controls", name, group.images, group.labels, group.people, seed, captures)
        for seed in range(plan.seeds)
        for name in ("1-nn", "pca-logistic")
    ]


def _robustness(plan: StudyPlan, halves: dict[str, FitGroup]) -> list[Trial]:
    """Ask the centred networks about held-out captures that were changed; most raw ones have learned nothing."""
    groups = [group.only("centre") for group in halves.values()]
    images = groups[0].images
    changes = list(conditions(plan, images.shape[1:]))
    shown = np.concatenate([images, *(change(images) for _, _, change in changes)])
    # all at once, (S, 1 + changes, M, 1) of each group
    logits = [group.logits(shown).reshape(len(group.seeds), -1, len(images), 1) for group in groups]
    return [
        trial
        for place, (condition, amount, _) in enumerate(changes, start=1)
        for group, own in zip(groups, logits, strict=True)
        for trial in group.conditions("robustness", condition, amount, own[:, place], answers(own[:, 0]))
    ]


def _learning(plan: StudyPlan, faces: FaceSet, task: Task) -> Outcome:
    images, labels, people = _pair_of(faces, task)
    seeds = range(plan.learning_seeds)
    trials = []
    for captures in range(1, int(np.bincount(labels).min()), plan.learning_step):
        for name in NETWORKS:
            group = fit_group(plan, images, labels, people, name, seeds=seeds, captures=captures, preprocess=COMPARED)
            trials += group.trials("learning")
        trials += [_baseline_trial(plan, "learning", "1-nn", images, labels, people, seed, captures) for seed in seeds]
    return Outcome(trials)


def _probed(plan: StudyPlan, group: FitGroup) -> Iterator[Trial]:
    """Probe the layers of every fit on held-out captures, as they are and moved; moved also with shuffled labels.

    Moved, each capture by a shift of its own, even the pixels do not tell two people apart nearly always. All networks
    get the same moved captures. What the pixels give is noted once, for the FCNN on pixels as they are.
    """
    moved = _moved(group.images, plan.seed)
    for fit, (seed, step) in enumerate(zip(group.seeds, group.preprocessing, strict=True)):
        if step.kind not in COMPARED:
            continue
        held_out = group.held_out[fit]
        for experiment, images, shuffles in (("probe", group.images, 0), ("probe moved", moved, SHUFFLES)):
            layers = group.layers(fit, images[held_out])
            if group.network == "fcnn" and step.kind == "none":
                layers = {"pixels": images[held_out]} | layers
            for name, output in layers.items():
                accuracy, control = probed_shares(output, group.labels[held_out], seed, shuffles)
                trial = Trial(
                    experiment, group.network, step.kind, people_name(group.people), seed, group.train.shape[1] // 2,
                    condition=name, amount=float(output[0].size), n_held_out=len(held_out), accuracy=accuracy,
                )  # fmt: skip
                yield trial
                if shuffles:
                    yield replace(trial, control=SHUFFLED, accuracy=control)


def _moved(images: Images, seed: int) -> Images:
    """Return each capture moved by a shift of its own, up to MOVED pixels to either side and up or down."""
    most = min(MOVED, min(images.shape[1:]) // 8)
    shifts = np.random.default_rng(seed).integers(-most, most + 1, size=(len(images), 2))
    return np.concatenate(
        [
            perturbations.shift(image[None], dx=int(dx), dy=int(dy))
            for image, (dx, dy) in zip(images, shifts, strict=True)
        ]
    )


def _filters(plan: StudyPlan, faces: FaceSet, task: Task) -> Outcome:
    control = FROZEN if task.variant == "frozen" else ""
    spec = filter_learner(faces.images.shape[1:], FILTER_EPOCHS * plan.epochs)
    group = fit_group(
        plan, faces.images, faces.subject, range(faces.n_subjects), spec, seeds=range(plan.filter_fits),
        captures=half(faces.subject), preprocess=[spec.training.preprocess], control=control,
    )  # fmt: skip
    trials = [replace(trial, network="cnn-filters") for trial in group.trials("filters")]
    if control:
        return Outcome(trials)
    kernels = {"start": group.start["conv.weight"], "end": group.fits.weights["conv.weight"]}
    return Outcome(trials, {name: weights[0, :, 0].numpy() for name, weights in kernels.items()})


def _people(plan: StudyPlan, faces: FaceSet, task: Task) -> Outcome:
    name, split = task.variant.split(":")
    captures = half(faces.subject)
    everyone = tuple(range(faces.n_subjects))
    if name in NETWORKS:
        group = fit_group(
            plan, faces.images, faces.subject, everyone, name,
            seeds=[int(split)], captures=captures, preprocess=COMPARED,
        )  # fmt: skip
        return Outcome(group.trials("people"))
    trial = _baseline_trial(plan, "people", name, faces.images, faces.subject, everyone, int(split), captures)
    return Outcome([trial])


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
    right = model.predict(pixels) == labels
    return Trial(
        experiment,
        name,
        "none",
        people_name(people),
        seed,
        captures,
        n_train=len(train),
        n_held_out=len(held_out),
        train_accuracy=float(right[train].mean()),
        accuracy=float(right[held_out].mean()),
        seconds=seconds,
    )


EXPERIMENTS: dict[str, Callable[[StudyPlan, FaceSet, Task], Outcome]] = {
    "tutorial": _tutorial,
    "timing": _timing,
    "pairs": _pairs,
    "learning": _learning,
    "people": _people,
    "filters": _filters,
}
