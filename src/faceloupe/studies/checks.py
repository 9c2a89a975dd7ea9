"""All checks of the tutorial's statements, in the order of the page."""

from collections.abc import Callable, Iterator

from faceloupe.studies import checks_of_fits, checks_of_structure
from faceloupe.studies.findings import Findings
from faceloupe.studies.statements import Statement

__all__ = ["check_statements"]

CHECKS: tuple[Callable[[Findings], Iterator[Statement]], ...] = (
    checks_of_structure.fewer_parameters,
    checks_of_structure.cheaper,
    checks_of_fits.training_accuracy,
    checks_of_fits.overfitting,
    checks_of_fits.number_of_parameters,
    checks_of_fits.location,
    checks_of_fits.local_patterns,
    checks_of_structure.pooling_stride,
    checks_of_structure.hidden_layers,
    checks_of_structure.relu,
    checks_of_fits.separable,
)


def check_statements(findings: Findings) -> list[Statement]:
    """Check every statement that the study's trials allow to be checked."""
    return [statement for check in CHECKS for statement in check(findings)]
