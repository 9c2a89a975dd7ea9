"""The pages of what is made here: an adapted embedder, and a network trained for strangers."""

from importlib.metadata import version
from typing import Any

from faceloupe.blocks import Block, chart, section, table, text
from faceloupe.scores.paired import PairedDifference
from faceloupe.strangers.adapt import Adaptation
from faceloupe.strangers.gain import points_gained


def write_adaptation(adaptation: Adaptation) -> dict[str, Any]:
    """Return the page of an adaptation."""
    return {
        "title": f"{adaptation.base}, adapted to {adaptation.source}",
        "lead": list(adaptation.words()),
        "sections": [
            section("gain", "Are other people told apart better?", _gains(adaptation)),
            section("recipes", "Which head?", _recipes(adaptation)),
            section("method", "How this was measured", [text(_METHOD), text(_MEANING)]),
            *(
                [section("notes", "What else to know", _notes(adaptation))]
                if adaptation.notes or adaptation.failed
                else []
            ),
        ],
        "plot": ["gains"],
        "evidence": adaptation.to_document(),
        "provenance": {
            "made by": f"faceloupe {version('faceloupe')}",
            "learned from": f"{adaptation.photographs:,} photographs of {adaptation.people:,} people, "
            f"{adaptation.source}",
            "embedder underneath": adaptation.base,
            **({"embedder": f"{adaptation.embedder.name} {adaptation.embedder.sha256}"} if adaptation.embedder else {}),
            "this file holds": "numbers, no faces",
        },
    }


_METHOD = (
    "A head takes the mean of the vectors away, and then (but for *centre*) whitens how photographs of one person "
    "differ. *wccn* leaves it at that, *plda* weighs every direction by what it tells of who somebody is, *lda* keeps "
    "the better half of the directions. Covariances are shrunk as Ledoit and Wolf say, and that of one person's "
    "photographs is drawn further towards equal in all directions by the shrinkage named. People were split into five "
    "parts; each part was compared with heads made of the others, so that nobody was compared by a head that had seen "
    "them. For the gain the choice of the recipe was repeated within, among the people learned from alone. EER is the "
    "equal error rate; its interval draws people with replacement, and both ways of scoring see the same draws."
)
_MEANING = (
    "A gain holds for people and photographs like these. It says nothing of other cameras, and the head makes new "
    "templates: thresholds of the embedder underneath do not hold for them. Calibrate it on people that it was not "
    "learned from."
)


def _gains(adaptation: Adaptation) -> list[Block]:
    gains = {"adapted": adaptation.gain, "cohort instead": adaptation.with_cohort}
    return [
        chart(
            "gains",
            "Gain in equal error rate",
            f"Points of EER gained over {adaptation.base}, with 95 % intervals, on {adaptation.measured_on}. Right of "
            "the line is better.",
            "interval",
            x={"label": "EER before − EER after", "unit": "%"},
            y={"label": "", "categories": list(gains)},
            series=[
                {
                    "name": adaptation.base,
                    "style": "blue",
                    "x": [-gain.eer.difference for gain in gains.values()],
                    "y": list(gains),
                    "lo": [-gain.eer.high for gain in gains.values()],
                    "hi": [-gain.eer.low for gain in gains.values()],
                }
            ],
            reference=[{"x": 0.0, "label": "no gain"}],
        ),
        table(
            "gains-in-numbers",
            "The same in numbers, and other rates.",
            {"way of scoring": "left", "rate": "left", "before": "right", "after": "right", "gain, points": "right"},
            [[name, *_row(rate)] for name, gain in gains.items() for rate in (gain.eer, *gain.others)],
            f"{adaptation.gain.n_mated:,} mated and {adaptation.gain.n_non_mated:,} non-mated comparisons of "
            f"{adaptation.gain.n_subjects:,} people. The EER decides. Of the AUC, higher is better.",
        ),
    ]


def _row(rate: PairedDifference) -> list[str]:
    gained, low, high = points_gained(rate)
    if rate.what == "AUC":
        gained, low, high = -gained, -high, -low
    between = f"{gained:+.2f} [{low:+.2f}, {high:+.2f}]"
    return [rate.what, f"{100 * rate.first:.2f} %", f"{100 * rate.second:.2f} %", between]


def _recipes(adaptation: Adaptation) -> list[Block]:
    return [
        table(
            "recipes",
            "Equal error rate by cross-validation among the people learned from.",
            {"recipe": "left", "EER": "right", "": "left"},
            [
                [str(recipe), f"{100 * rate:.2f} %", "chosen" if recipe == adaptation.chosen else ""]
                for recipe, rate in adaptation.rates.items()
            ],
            "The lowest of several rates flatters; the gain above does not rest on it.",
        )
    ]


def _notes(adaptation: Adaptation) -> list[Block]:
    failed = [text(f"{failure.photograph} gave no template: {failure.reason}.") for failure in adaptation.failed]
    return [*map(text, adaptation.notes), *failed]
