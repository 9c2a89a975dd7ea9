"""The page of a training for strangers: its curves, what it was made of, and how."""

from dataclasses import asdict
from typing import Any

from faceloupe.blocks import Block, chart, section, table, text
from faceloupe.numerals import counted
from faceloupe.strangers.train import StrangersTraining

_PLAN = {"held_out": "share of the people held out", "size": "size of the network"}
NAMED = 20  # photographs without a face


def write_training(training: StrangersTraining) -> dict[str, Any]:
    """Return the page of a training for strangers."""
    return {
        "title": f"{training.manifest.name}: an embedder trained for strangers",
        "lead": list(training.words()),
        "sections": [
            section("course", "How the training went", _course(training)),
            section("plan", "What was trained, and how", _plan(training)),
            section("meaning", "What the figure means", [text(_MEANING)]),
            *([section("failures", "Photographs without a face", _failures(training))] if training.failed else []),
        ],
        "plot": ["validation"],
        "evidence": training.to_document(),
        "provenance": {
            "command": training.provenance.command,
            "made": training.provenance.made,
            "trained on": training.manifest.training_data,
            "SHA-256 of the photographs": training.provenance.data_sha256,
            "SHA-256 of network.onnx": training.manifest.sha256,
            "device": training.trained.device,
            "versions": ", ".join(f"{name} {number}" for name, number in training.provenance.versions.items()),
            "this file holds": "numbers and the names of files without a face, no faces",
        },
    }


_MEANING = (
    "The equal error rate is that of every two photographs of people who were held out whole: the network never saw "
    "them, and nothing was chosen on them, for the last epoch is kept whatever its figure. The interval counts "
    "comparisons that share a person as dependent. It is of people and photographs like these. A network that somebody "
    "published was mostly trained on thousands of times as many: measure one beside it (`faceloupe evaluate FOLDER "
    "--embedder sface --embedder DIR`) before you use this one. To the people whom it was trained on it gives vectors "
    "as to nobody else: calibrate and evaluate it on others."
)


def _course(training: StrangersTraining) -> list[Block]:
    epochs = training.trained.epochs
    numbers = [float(number) for number in range(1, len(epochs) + 1)]
    high = max(max(epoch.high for epoch in epochs), 0.01)
    return [
        chart(
            "validation",
            "People held out",
            "Equal error rate after each epoch, every two photographs of the people held out; the band is the 95 % "
            "interval.",
            "line",
            x={"label": "epoch", "unit": ""},
            y={"label": "equal error rate", "unit": "%", "range": [0.0, high]},
            series=[
                {
                    "name": "people held out",
                    "style": "orange",
                    "x": numbers,
                    "y": [epoch.eer for epoch in epochs],
                    "lo": [epoch.low for epoch in epochs],
                    "hi": [epoch.high for epoch in epochs],
                }
            ],
        ),
        chart(
            "loss",
            "Loss",
            "Of the varied photographs as each epoch went by, with the margin.",
            "line",
            x={"label": "epoch", "unit": ""},
            y={"label": "mean loss in nats", "unit": "", "range": [0.0, max(epoch.loss for epoch in epochs) or 1.0]},
            series=[{"name": "training", "style": "blue", "x": numbers, "y": [epoch.loss for epoch in epochs]}],
        ),
    ]


def _plan(training: StrangersTraining) -> list[Block]:
    trained = training.trained
    rows = {
        "learned from": f"{trained.photographs:,} photographs of {trained.people:,} people",
        "held out": f"{trained.held_out_photographs:,} photographs of {trained.held_out_people:,} people",
        **{_PLAN.get(name, name.replace("_", " ")): f"{value}" for name, value in asdict(trained.plan).items()},
        "time": f"{sum(epoch.seconds for epoch in trained.epochs):,.0f} s on {trained.device}",
        "resumed": counted(trained.resumed, "time"),
    }
    return [
        table("plan", "The plan.", {"what": "left", "value": "left"}, [[name, value] for name, value in rows.items()])
    ]


def _failures(training: StrangersTraining) -> list[Block]:
    rows = [[failure.photograph, failure.reason] for failure in training.failed[:NAMED]]
    more = len(training.failed) - len(rows)
    note = f"{more:,} more are in training.json." if more else ""
    return [table("failures", "Not used.", {"photograph": "left", "why": "left"}, rows, note)]
