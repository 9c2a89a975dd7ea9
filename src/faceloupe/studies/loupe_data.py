"""The data of the page's loupe: captures of the tutorial's pair, and both networks with all their weights."""

from math import isnan
from typing import Any

import numpy as np

from faceloupe.faces.perturbations import shift
from faceloupe.loupe.data import loupe_data, loupe_fit, loupe_network, loupe_state, tutorial_layers
from faceloupe.studies.experiments import NETWORKS
from faceloupe.studies.kept import Arrays, KeptFits
from faceloupe.studies.labels import LABELS, PIXELS
from faceloupe.studies.pictures import shown_layers
from faceloupe.studies.plan import COMPARED
from faceloupe.studies.run import Study
from faceloupe.studies.trials import Trial

MOVED = 16  # pixels: as far as the page's slider goes
NEVER = MOVED + 1


def loupe_document(study: Study) -> dict[str, Any]:
    """Return the data of :func:`faceloupe.report.loupe_section.render_loupe`.

    The fits are those of the tutorial's pair with half of the captures held out, every seed, that of the pictures
    first; of that one also the weights before training and after each epoch. The centred networks come first, for they
    are those worth moving a face for: most raw ones answer the same to every face. Weights are rounded to half
    precision and pixels to 8 bits.
    """
    plan, fits = study.plan, study.fits
    kinds = sorted(
        plan.preprocess, key=lambda kind: (kind != "centre", COMPARED.index(kind) if kind in COMPARED else 2)
    )
    return loupe_data(
        [f"subject {who + 1}" for who in plan.people],
        fits.pixels,
        fits.labels.tolist(),
        {f"{name}/{kind}": _network(study, name, kind) for kind in kinds for name in NETWORKS},
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        training_faces=fits.network("cnn", "centre").train[fits.shown].tolist(),
        opening_face=opening_face(fits),
    )


def opening_face(fits: KeptFits) -> int:
    """Return the face worth moving most: right at rest, and a small step sideways changes one network's mind first.

    The networks are the centred ones that the page shows; the first face if nowhere one changes before the other.
    """
    steps = np.arange(-MOVED, MOVED + 1)
    steps = steps[abs(steps) < fits.faces.shape[2]]
    moved = np.concatenate([shift(fits.pixels, dx=int(step), dy=0) for step in steps])
    changed, right = [], []
    for name in NETWORKS:
        answers = (shown_layers(fits, name, "centre", moved)["output"][:, 0] > 0).reshape(len(steps), -1)
        still = answers[steps == 0][0]
        right.append(still == fits.labels)
        changed.append(np.where(answers == still, NEVER, abs(steps)[:, None]).min(axis=0))
    worth = np.where(np.all(right, axis=0) & (changed[0] != changed[1]), np.min(changed, axis=0), NEVER)
    return int(worth.argmin())


def _network(study: Study, name: str, kind: str) -> dict[str, Any]:
    """Return all fits of one network with one preprocessing."""
    fits: KeptFits = study.fits
    trained = fits.network(name, kind)
    trials = study.trials.where(experiment="tutorial", network=name, preprocess=kind, condition="")
    reached: dict[int, Trial] = {trial.seed: trial for trial in trials if trial.n_held_out}
    seeds = sorted(reached, key=lambda seed: (seed != fits.shown, seed))
    drawn = [
        loupe_fit(
            loupe_state(float(trained.mean[seed]), float(trained.scale[seed]), _half(trained.weights, seed)),
            seed=seed,
            accuracy=reached[seed].accuracy,
            train_accuracy=reached[seed].train_accuracy,
            dead={
                "conv": None if isnan(reached[seed].dead_conv) else int(reached[seed].dead_conv),
                "hidden": int(reached[seed].dead_hidden),
            },
            trained_on=trained.train[seed].tolist(),
        )
        for seed in seeds
    ]
    history = {
        "seed": fits.shown,
        "loss": trained.loss.tolist(),
        "accuracy": trained.accuracy.tolist(),
        **loupe_state(float(trained.mean[fits.shown]), float(trained.scale[fits.shown]), trained.moments),
    }
    return loupe_network(name, f"{LABELS[name]}, {PIXELS[kind]}", drawn, layers=tutorial_layers(name), history=history)


def _half(weights: Arrays, seed: int) -> Arrays:
    return {part: value[seed].astype(np.float16) for part, value in weights.items()}
