"""A document with every kind of block, made up and shaped like a real study's."""

from typing import Any

import numpy as np
import pytest

from faceloupe.arrays import encode_array

SEEDS = np.random.default_rng(7)


def smooth(height: int, width: int, seed: int) -> np.ndarray:
    """Waves of a few random directions, -1..1: something to look at that is nobody's face."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = sum(
        rng.normal() * np.sin(rng.uniform(2, 9) * x + rng.uniform(2, 9) * y + rng.uniform(0, 6)) for _ in range(6)
    )
    return (waves / np.abs(waves).max()).astype(np.float32)


def portrait(seed: int) -> np.ndarray:
    """A drawn oval with two eyes, 0..1, (64, 64)."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    rng = np.random.default_rng(seed)
    face = 0.25 + 0.5 * np.exp(-((x / 0.62) ** 4) - (y / 0.85) ** 4) + 0.08 * smooth(64, 64, seed)
    for side in (-0.27, 0.27):
        face -= 0.4 * np.exp(-(((x - side) / 0.1) ** 2) - ((y + 0.2) / (0.05 + 0.02 * rng.random())) ** 2)
    face -= 0.3 * np.exp(-((x / 0.25) ** 2) - ((y - 0.45) / 0.05) ** 2)
    return np.clip(face, 0, 1).astype(np.float32)


def panels(arrays: list[np.ndarray], label: str, alt: str) -> list[dict[str, Any]]:
    return [
        {"label": f"{label} {index}", "alt": f"{alt} {index}", "array": encode_array(array)}
        for index, array in enumerate(arrays, 1)
    ]


def accuracies(dead: float, mean: float, spread: float, n: int = 192, steps: int = 10) -> list[float]:
    alive = np.clip(SEEDS.normal(mean, spread, n), 0, 1)
    values = np.where(SEEDS.random(n) < dead, 0.5, alive)
    return [float(value) for value in np.round(values * steps) / steps]


def line_chart() -> dict[str, Any]:
    shifts = list(range(-16, 17, 2))
    drop = np.abs(np.array(shifts)) / 16

    def curve(name: str, style: str, top: float, loss: float) -> dict[str, Any]:
        y = top - loss * drop**1.4
        return {
            "name": name,
            "style": style,
            "x": shifts,
            "y": list(map(float, y)),
            "lo": list(map(float, y - 0.03)),
            "hi": list(map(float, y + 0.025)),
        }

    return {
        "type": "chart",
        "id": "shift",
        "title": "Moving the face sideways hurts both networks alike",
        "mark": "line",
        "caption": "Share of held-out captures recognised after a shift of so many pixels. At **16 pixels** the FCNN "
        "loses 17.2 points and the CNN 20.6; the band is the 95 % interval over 24 pairs of people.",
        "x": {"label": "Shift to the right", "unit": "pixels", "ticks": [-16, -8, 0, 8, 16]},
        "y": {"label": "Held-out accuracy", "unit": "%", "range": [0.4, 1.0]},
        "series": [
            curve("FCNN, pixels less their mean", "orange-alt", 0.937, 0.172),
            curve("CNN, pixels less their mean", "blue-alt", 0.933, 0.206),
            curve("FCNN", "orange", 0.553, 0.02),
            curve("CNN", "blue", 0.812, 0.18),
        ],
        "reference": [{"y": 0.5, "label": "chance"}],
    }


def epochs_chart() -> dict[str, Any]:
    epochs = list(range(1, 21))
    flat = [0.6931 + 0.004 / epoch for epoch in epochs]
    falling = [0.69 * float(np.exp(-epoch / 7)) + 0.02 for epoch in epochs]
    return {
        "type": "chart",
        "id": "loss",
        "title": "Training loss by epoch",
        "mark": "line",
        "caption": "The FCNN's loss stays at ln 2 = 0.693, that of an answer of one half whatever the face.",
        "x": {"label": "Epoch"},
        "y": {"label": "Loss", "unit": "nats", "range": None},
        "series": [
            {"name": "FCNN", "style": "orange", "x": epochs, "y": flat, "lo": None, "hi": None},
            {"name": "CNN", "style": "blue", "x": epochs, "y": falling, "lo": None, "hi": None},
        ],
        "reference": [{"y": float(np.log(2)), "label": "ln 2: nothing learned"}],
    }


def dots_chart() -> dict[str, Any]:
    groups = {
        ("FCNN", "orange"): accuracies(0.89, 0.9, 0.08),
        ("FCNN, pixels less their mean", "orange-alt"): accuracies(0.01, 0.93, 0.08),
        ("CNN", "blue"): accuracies(0.24, 0.88, 0.1),
        ("CNN, pixels less their mean", "blue-alt"): accuracies(0.01, 0.9, 0.1),
    }
    return {
        "type": "chart",
        "id": "seeds",
        "title": "Nine in ten FCNN fits never leave chance",
        "mark": "dots",
        "caption": "One dot a fit: 24 pairs of people, 8 seeds each. Below each pile its mean with the 95 % interval.",
        "x": {"label": ""},
        "y": {"label": "Held-out accuracy", "unit": "%", "range": [0.0, 1.0]},
        "series": [
            {"name": name, "style": style, "x": [name] * len(y), "y": y, "lo": None, "hi": None}
            for (name, style), y in groups.items()
        ],
        "summary": [
            {"x": name, "mean": float(np.mean(y)), "lo": float(np.mean(y)) - 0.03, "hi": float(np.mean(y)) + 0.028}
            for (name, _), y in groups.items()
        ],
        "reference": [{"y": 0.5, "label": "chance"}],
    }


def forest_chart(*, control: bool = False) -> dict[str, Any]:
    rows = {"pixels": 0.71, "convolution": 0.93, "pooling": 0.92, "hidden units": 0.88, "the last logit": 0.86}
    if not control:
        rows = {
            "CNN − FCNN, as the tutorial": 0.247,
            "CNN − FCNN, pixels less their mean": -0.031,
            "Equal parameters": 0.012,
        }
    series = [
        {
            "name": "measured",
            "style": "blue",
            "y": list(rows),
            "x": list(rows.values()),
            "lo": [value - 0.04 for value in rows.values()],
            "hi": [value + 0.05 for value in rows.values()],
        },
    ]
    if control:
        series.append(
            {
                **series[0],
                "name": "shuffled labels",
                "style": "grey",
                "x": [0.5, 0.51, 0.49, 0.5, 0.52],
                "lo": [0.45] * 5,
                "hi": [0.56] * 5,
            }
        )
    return {
        "type": "chart",
        "id": "probes" if control else "differences",
        "mark": "interval",
        "title": "Accuracy of a linear probe, layer by layer" if control else "What the difference is made of",
        "caption": "Points of held-out accuracy with 95 % intervals from a bootstrap over pairs, then seeds.",
        "x": {"label": "Accuracy of the probe" if control else "Difference of held-out accuracy", "unit": "%"},
        "y": {"label": "", "categories": list(rows)},
        "series": series,
        "reference": [{"x": 0.5, "label": "chance"}] if control else [{"x": 0.0, "label": "no difference"}],
    }


def pictures(kind: str, name: str, arrays: list[np.ndarray], columns: int, title: str, label: str) -> dict[str, Any]:
    scale = {"kind": kind, "limit": 1.0, "unit": "weight" if kind == "grey" else "contribution to the logit"}
    return {
        "type": "pictures",
        "id": name,
        "title": title,
        "columns": columns,
        "scale": scale,
        "caption": f"{title}: values from {np.min(arrays):.2f} to {np.max(arrays):.2f}.",
        "panels": panels(arrays, label, f"{title}, number"),
    }


def statement(name: str, claim: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "statement",
        "id": name,
        "claim": claim,
        "manner": "says",
        "judged": [
            {
                "of": of,
                "verdict": verdict,
                "quantity": "",
                "rule": "supported above 5 points",
                "settle": more.pop("settle", ""),
            }
            for of in more.pop("of", ("",))
        ],
        "block": None,
        "because": "The CNN has **3,405** parameters and the FCNN **16,393**: 4.8 times as many, by `state_dict`.",
        "figures": [
            {"label": "parameters, FCNN", "value": "16,393", "interval": None, "n": None},
            {"label": "parameters, CNN", "value": "3,405", "interval": None, "n": None},
            {
                "label": "held-out accuracy, CNN less FCNN",
                "value": "24.7 points",
                "interval": "[20.1, 29.3]",
                "n": "24 pairs",
            },
        ],
        **more,
    }


EXPERIMENT = """\
Two people, ten captures each, twenty epochs. The **FCNN** looks at 64 × 64 pixels with four hidden units; the **CNN**
slides four kernels of 8 × 8 over them, keeps the largest of each 4 × 4 and then does the same.

Both end in one logit, whose sign is the answer. The optimiser is `RMSprop`."""


def build_document() -> dict[str, Any]:
    anatomy = {
        "type": "table",
        "id": "anatomy",
        "caption": "The CNN, layer by layer",
        "columns": [
            {"label": "Layer", "align": "left"},
            {"label": "Output", "align": "right"},
            {"label": "Arithmetic", "align": "left"},
            {"label": "Parameters", "align": "right"},
            {"label": "Multiply-adds", "align": "right"},
        ],
        "rows": [
            ["`conv`", "4 × 57 × 57", "(8·8·1 + 1)·4", 260, 831744],
            ["`pool`", "4 × 14 × 14", "", 0, 0],
            ["`hidden`", "4", "(784 + 1)·4", 3140, 3136],
            ["`output`", "1", "4 + 1", 5, 4],
            ["**all**", "", "", 3405, 834884],
        ],
        "note": "The pooling never sees the 57th row and column: 57 = 14·4 + 1.",
    }
    return {
        "schema": "faceloupe.page/1",
        "title": "Does a convolutional network beat a fully connected one on faces?",
        "lead": [
            "A tutorial trains a fully connected network (FCNN) and a convolutional one (CNN) to tell two people "
            "apart, and says that the FCNN fails because it has too many parameters. Is that so?",
            "**No.** In 89 % of fits all four hidden units of the FCNN are dead and nothing was learned. Subtract "
            "the mean pixel, and it recognises 93.7 % of held-out captures, as many as the CNN.",
        ],
        "sections": [
            {
                "id": "experiment",
                "heading": "The tutorial’s experiment",
                "blocks": [
                    {"type": "text", "text": EXPERIMENT},
                    pictures("photograph", "faces", [portrait(1), portrait(2)], 2, "The two people", "Subject"),
                    anatomy,
                    epochs_chart(),
                    pictures(
                        "grey",
                        "filters",
                        [smooth(8, 8, s) for s in range(3, 7)],
                        4,
                        "The four learned filters",
                        "filter",
                    ),
                    pictures(
                        "diverging",
                        "weights",
                        [0.7 * smooth(64, 64, s) for s in range(8, 12)],
                        4,
                        "What the FCNN’s hidden units look for",
                        "unit",
                    ),
                ],
            },
            {
                "id": "evidence",
                "heading": "Many people, many seeds",
                "blocks": [
                    {"type": "text", "text": "One run shows one draw of the dice. Here are 768 fits."},
                    dots_chart(),
                    line_chart(),
                ],
            },
            {
                "id": "statements",
                "heading": "The statements, one by one",
                "blocks": [
                    statement("parameters", "The CNN has fewer parameters.", "supported"),
                    statement(
                        "locality",
                        "The FCNN is sensitive to location and the CNN is not.",
                        "contradicted",
                        block=forest_chart(),
                    ),
                    statement(
                        "separable",
                        "The hidden layers make the classes linearly separable.",
                        "not shown",
                        settle="About **140 pairs** of people, at the spread seen here.",
                        block=forest_chart(control=True),
                    ),
                ],
            },
        ],
        "provenance": {
            "data": "Olivetti faces, AT&T Laboratories Cambridge",
            "digest": "9f2c" * 16,
            "pairs": 24,
            "seeds": [0, 1, 2, 3],
            "command": "`faceloupe study --pairs 24 --seeds 8`",
            "versions": ["faceloupe 0.1.0", "torch 2.13.0", "numpy 2.4.1"],
        },
        "evidence": {"secret": 1},
        "networks": {},
    }


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    return build_document()
