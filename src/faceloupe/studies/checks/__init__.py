"""The checks of what the tutorial asks, says and shows, in the order of its steps."""

from collections.abc import Callable, Iterator

from faceloupe.studies.checks import seeing, structure, training
from faceloupe.studies.findings import Findings
from faceloupe.studies.statements import Statement

__all__ = ["check_statements"]

CHECKS: tuple[Callable[[Findings], Iterator[Statement]], ...] = (
    structure.efficient,
    structure.slips,
    training.training_accuracy,
    training.overfitting,
    training.number_of_parameters,
    training.applies,
    training.better,
    seeing.location,
    seeing.local_patterns,
    seeing.separable,
    seeing.learned_filters,
    structure.hidden_layers,
)


def check_statements(findings: Findings) -> list[Statement]:
    """Check every statement on a study's trials."""
    return [statement for check in CHECKS for statement in check(findings)]
