"""What the page's loupe computes with: captures of the tutorial's pair, and both networks with all their weights."""

from math import isnan
from typing import Any

import numpy as np

from faceloupe.documents import encode_array
from faceloupe.faces import FaceSet
from faceloupe.studies.charts import KINDS
from faceloupe.studies.experiments import NETWORKS, half
from faceloupe.studies.fits import FitGroup, fit_group
from faceloupe.studies.plan import StudyPlan
from faceloupe.studies.tables import LABELS
from faceloupe.training.fronts import Weights

__all__ = ["loupe_document"]


def loupe_document(plan: StudyPlan, faces: FaceSet) -> dict[str, Any]:
    """Return the data of :func:`faceloupe.report.loupe.render_loupe`.

    The fits are those of the tutorial's pair with half of the captures held out, every seed; of the first seed also the
    weights before training and after each epoch. Weights are rounded to half precision and pixels to 8 bits.
    """
    pair = faces.select(plan.people)
    groups = {
        name: fit_group(
            plan,
            pair.images,
            pair.subject,
            plan.people,
            name,
            seeds=range(plan.seeds),
            captures=half(pair.subject),
            keep_moments=True,
        )
        for name in NETWORKS
    }
    return {
        "people": [f"subject {who + 1}" for who in plan.people],
        "faces": encode_array(np.rint(255 * pair.images).astype(np.uint8), compress=True),
        "labels": pair.subject.tolist(),
        "training": {
            "epochs": plan.epochs,
            "batch_size": plan.batch_size,
            "learning_rate": plan.learning_rate,
            "faces": groups["cnn"].train[0].tolist(),
        },
        "networks": {
            f"{name}/{kind}": _network(group, kind) for kind in plan.preprocess for name, group in groups.items()
        },
    }


def _network(group: FitGroup, kind: str) -> dict[str, Any]:
    """Return all fits of one network with one preprocessing."""
    places = [place for place, one in enumerate(group.preprocessing) if one.kind == kind]
    trials = group.trials("tutorial")
    first = places[0]
    return {
        "kind": group.network,
        "label": f"{LABELS[group.network]}, {KINDS[kind]}",
        "fits": [
            {
                "seed": group.seeds[place],
                "accuracy": trials[place].accuracy,
                "train_accuracy": trials[place].train_accuracy,
                "dead": {
                    "conv": None if isnan(trials[place].dead_conv) else int(trials[place].dead_conv),
                    "hidden": int(trials[place].dead_hidden),
                },
                "preprocessing": _scaling(group, place),
                "weights": _weights(group.fits.weights, place),
            }
            for place in places
        ],
        "history": {
            "seed": group.seeds[first],
            "loss": group.fits.loss[first].tolist(),
            "accuracy": group.fits.accuracy[first].tolist(),
            "preprocessing": _scaling(group, first),
            "weights": _weights(group.fits.moments or {}, first),
        },
    }


def _scaling(group: FitGroup, place: int) -> dict[str, float]:
    return {"mean": group.preprocessing[place].mean, "scale": group.preprocessing[place].scale}


def _weights(stacked: Weights, place: int) -> dict[str, Any]:
    return {
        name: encode_array(value[place].numpy().astype(np.float16), compress=True) for name, value in stacked.items()
    }
