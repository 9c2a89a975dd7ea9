"""The section on dead and duplicate units: the findings in words, and the input of each dead unit."""

from faceloupe.blocks import Block, chart, section, text
from faceloupe.inspection.measures.diagnosis import UnitReport

SENTENCES = 12  # a wide layer can have hundreds of dead units
UNITS = 12  # in the chart


def units_section(report: UnitReport) -> Block:
    """Return a report on a layer's units as a section."""
    count, *findings = report.words
    more = len(findings) - SENTENCES
    findings = [*findings[:SENTENCES], *([f"And {more} more findings of this layer."] if more > 0 else [])]
    blocks = [text("\n\n".join([f"**{count}**", *(f"{finding[0].upper()}{finding[1:]}" for finding in findings)]))]
    return section("units", f"Dead and duplicate units of {report.layer}", [*blocks, *_inputs(report)])


def _inputs(report: UnitReport) -> list[Block]:
    """Return the inputs of dead units as a chart, none where they are not known."""
    known = [(f"unit {unit.unit + 1}", unit.highest, unit.push) for unit in report.dead if unit.push][:UNITS]
    if not known:
        return []
    names = [name for name, _, _ in known]
    pushes = [push for _, _, push in known if push]
    which = f"The first {UNITS} of {len(report.dead)} dead units" if len(report.dead) > UNITS else "The dead units"
    return [
        chart(
            "inputs",
            "What keeps the dead units down",
            f"{which}, over {report.n} faces. A unit puts out something only where its input is above 0. The largest "
            "input that it ever gets, and what its input would be with the mean of what it reads subtracted: mean and "
            "standard deviation over faces and positions.",
            "interval",
            x={"label": "input of the unit"},
            y={"label": "unit", "categories": names},
            series=[
                {"name": "largest as it is", "style": "grey", "y": names, "x": [highest for _, highest, _ in known]},
                {
                    "name": "without the mean",
                    "style": "blue",
                    "y": names,
                    "x": [push.left for push in pushes],
                    "lo": [push.left - push.spread for push in pushes],
                    "hi": [push.left + push.spread for push in pushes],
                },
            ],
            reference=[{"x": 0.0, "label": "above: heard"}],
        )
    ]
