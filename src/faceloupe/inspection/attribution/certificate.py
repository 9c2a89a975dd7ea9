"""The certificate of a map: three checks of what it claims, with their numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.arrays import plain_fields
from faceloupe.inspection.attribution.access import Access, TorchNetwork, target_values
from faceloupe.inspection.attribution.methods import Method, Question
from faceloupe.inspection.attribution.placement import Placement

DRAWS = 10  # networks with re-drawn weights, whose maps are drawn, unless the first few are clearly unlike the map
CLEAR = 3  # first maps that end the drawing if none of their correlations is above UNLIKE
UNLIKE = 0.35  # half of ALIKE: seven more maps would have to correlate 0.85 on average for the mean to reach it
FLOOR = 19  # networks whose answers are moved: an untrained one beats all once in 20 times
TILES = 4  # along each side of the face, covered one at a time for that
ALIKE = 0.7  # rank correlation from which two maps count as alike: half of the variation of their ranks is common
MOVES = 20  # of the map to other places: one that says nothing beats them all once in 21 times
SURE = 1e-6  # nearer to 0 or 1 a probability in float32 says nothing
CELLS = 16  # along each axis of the face, for deletion
STEPS = 16  # of deletion

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Completeness:
    """The check that the map's values sum to what the method promises.

    `total` is the sum of the values, `expected` the sum that is due, `absolute` the sum of their absolute values, all
    in the target's unit.
    """

    total: float
    expected: float
    absolute: float

    @property
    def error(self) -> float:
        """The error of the sum."""
        return self.total - self.expected

    @property
    def passed(self) -> bool:
        """True if the sum is off by at most 1 % of all that the map shows, of either sign."""
        return abs(self.error) <= 0.01 * self.absolute

    def __str__(self) -> str:
        sums = f"the map sums to {self.total:.4g} and should sum to {self.expected:.4g}"
        return f"complete: {sums}" if self.passed else f"not complete: {sums}"


@dataclass(frozen=True, slots=True)
class Randomisation:
    """A check of what remains of the map, and of the network's hold on the face, once its weights are shuffled.

    An untrained network's weights come in no order, so that it is like its own re-drawn networks: only what goes beyond
    those can be called learned.

    Attributes
    ----------
    correlations : tuple of float
        Spearman's rank correlation between |map| and |map| of each re-drawn network; 0 where one of them is constant.
    movement : float
        Change of the network's outputs when a sixteenth of the face is covered: root mean square over the sixteen.
    floor : tuple of float
        The same of each re-drawn network.
    """

    correlations: tuple[float, ...]
    movement: float
    floor: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean correlation over the draws."""
        return float(np.mean(self.correlations))

    @property
    def differs(self) -> bool:
        """True if the mean correlation is below 0.7 (half of the ranks' variation is common), a convention."""
        return self.mean < ALIKE

    @property
    def above_floor(self) -> bool:
        """True if the network's outputs move further than those of all re-drawn networks."""
        return self.movement > max(self.floor)

    @property
    def passed(self) -> bool:
        """True if the map differs and the network is above the floor."""
        return self.differs and self.above_floor

    def __str__(self) -> str:
        low, high = min(self.correlations), max(self.correlations)
        correlation = (
            f"rank correlation {self.mean:+.2f} with maps of {len(self.correlations)} re-drawn networks "
            f"({low:+.2f} to {high:+.2f})"
        )
        if not self.differs:
            return f"looks much the same without what was learned: {correlation}"
        moved = (
            f"a covered tile moves its outputs by {self.movement:.3g}, those of {len(self.floor)} re-drawn "
            f"networks by {min(self.floor):.3g} to {max(self.floor):.3g}"
        )
        judged = "depends on what was learned" if self.above_floor else "may come from an untrained network"
        return f"{judged}: {moved}; {correlation}"


@dataclass(frozen=True, slots=True)
class Deletion:
    """A check of how fast the target falls as the face is deleted, highest values of the map first.

    Attributes
    ----------
    area : float
        Mean of the target while the face is deleted, cell by cell, in the target's unit.
    random_areas : tuple of float
        The same for the same map laid elsewhere: shifted round the edges and mirrored at random. Single cells in random
        order are no fair control: of 320 maps of smooth noise, 35 % beat all of them and 6 % themselves laid elsewhere.
    """

    area: float
    random_areas: tuple[float, ...]

    @property
    def gain(self) -> float:
        """Mean difference by which the target is lower than with the map laid elsewhere."""
        return float(np.mean(self.random_areas)) - self.area

    @property
    def passed(self) -> bool:
        """True if the map does better in its place than everywhere else it was laid."""
        return self.area < min(self.random_areas)

    def __str__(self) -> str:
        judged = "finds what counts" if self.passed else "finds what counts no better than chance"
        low, high = min(self.random_areas), max(self.random_areas)
        return (
            f"{judged}: deleted in the map's order the target is {self.area:.3g} on average, with the map laid "
            f"elsewhere {np.mean(self.random_areas):.3g} ({low:.3g} to {high:.3g}, {len(self.random_areas)} times)"
        )


@dataclass(frozen=True, slots=True)
class Certificate:
    """The results of three checks of a map; a check that does not apply is None.

    Attributes
    ----------
    completeness : Completeness or None
        None where the method promises no sum.
    randomisation : Randomisation or None
        Adebayo et al. 2018 (arXiv:1810.03292). None where the network's weights cannot be reached, or the map is empty.
    deletion : Deletion or None
        Petsiuk et al. 2018 (RISE, arXiv:1806.07421), beside the same map laid elsewhere. None where the map is empty.
    passed : bool
        Whether every check that applies passed; False for an empty map.
    reasons : tuple of str
        One sentence for each check, made from its numbers.
    """

    completeness: Completeness | None
    randomisation: Randomisation | None
    deletion: Deletion | None
    passed: bool
    reasons: tuple[str, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """The reasons why it did not pass."""
        failed = (check for check in (self.completeness, self.randomisation, self.deletion) if check)
        return tuple(str(check) for check in failed if not check.passed) or (() if self.passed else self.reasons)

    def to_document(self) -> dict[str, Any]:
        """Return numbers and sentences as a plain dictionary."""
        return {
            "completeness": _document(self.completeness),
            "randomisation": _document(self.randomisation),
            "deletion": _document(self.deletion),
            "passed": self.passed,
            "reasons": list(self.reasons),
        }

    def __str__(self) -> str:
        return "\n".join([f"certificate: {'passed' if self.passed else 'failed'}", *self.reasons])


def make_certificate(
    network: Access,
    question: Question,
    method: Method,
    values: Floats,
    expected: float | None,
    placement: Placement,
    seed: int,
    tick: Callable[[int], None],
) -> Certificate:
    """Check a map `values` (h, w) that the method made of the question, and return the certificate.

    `expected` is the sum that is due (None: the method promises none). The seed draws weights and orders. `tick` is
    called after each map and each deletion with the number of faces that it took to run.
    """
    completeness = (
        None if expected is None else Completeness(float(values.sum()), expected, float(np.abs(values).sum()))
    )
    if not values.any():
        return Certificate(completeness, None, None, passed=False, reasons=(_empty(network, question),))
    weights_seed, order_seed = np.random.SeedSequence(seed).spawn(2)
    randomisation = _randomisation(network, question, method, values, weights_seed, tick)
    deletion = _deletion(network, question, placement.spread(values, question.face.shape[1:]), order_seed, tick)
    checks = [check for check in (completeness, randomisation, deletion) if check]
    reasons = tuple(map(str, checks))
    if randomisation is None:
        reasons += ("not checked against re-drawn weights: this network's weights cannot be reached",)
    return Certificate(completeness, randomisation, deletion, all(check.passed for check in checks), reasons)


def faces_to_check(network: Access, faces: int) -> int:
    """Return the number of faces that a network runs on to check a map that took it `faces`."""
    deletions = (MOVES + 1) * (STEPS + 1)
    return deletions + (DRAWS * faces + _redraws(network) * (TILES**2 + 1)) * network.can_be_redrawn


def _redraws(network: Access) -> int:
    """Return the number of networks to re-draw; opening a file anew takes seconds each."""
    return FLOOR if isinstance(network, TorchNetwork) else DRAWS


def _empty(network: Access, question: Question) -> str:
    [value] = target_values(network, question.target, [question.face])
    return (
        f"the map is 0 everywhere: nothing of the face moves the {question.target.text}, as when all hidden units are "
        f"off; its value, {value:.4g}, is the bias alone"
    )


def _randomisation(
    network: Access,
    question: Question,
    method: Method,
    values: Floats,
    seeds: np.random.SeedSequence,
    tick: Callable[[int], None],
) -> Randomisation | None:
    if not network.can_be_redrawn:
        return None
    correlations: list[float] = []
    floor, faces = [], method.faces(question.face.shape[1:])
    covered = _covered_faces(question)
    for place, seed in enumerate(seeds.generate_state(_redraws(network))):
        redrawn = network.redrawn(int(seed))
        floor.append(_movement(redrawn, covered, question.target.unit))
        if place < DRAWS and not _clearly_unlike(correlations):
            other, _ = method.compute(redrawn, question)
            correlations.append(_rank_correlation(np.abs(values), np.abs(other)))
        tick(faces * (place < DRAWS) + len(covered))
    return Randomisation(tuple(correlations), _movement(network, covered, question.target.unit), tuple(floor))


def _clearly_unlike(correlations: list[float]) -> bool:
    return len(correlations) >= CLEAR and max(correlations) <= UNLIKE


def _covered_faces(question: Question) -> NDArray[np.float32]:
    """Return the face and, after it, the face with one tile after the other covered by the baseline."""
    rows, columns = (np.linspace(0, size, TILES + 1).astype(int) for size in question.face.shape[1:])
    faces = [question.face]
    for (top, bottom), (left, right) in product(pairwise(rows), pairwise(columns)):
        faces.append(question.face.copy())
        faces[-1][:, top:bottom, left:right] = question.baseline[:, top:bottom, left:right]
    return np.stack(faces)


def _movement(network: Access, covered: NDArray[np.float32], unit: str) -> float:
    """Return the root mean square of how far outputs move from those for the first face.

    Templates are compared by their direction, and so are they here; probabilities are taken as log-odds.

    Batch normalisation measures what these faces make of the layer before it: the means and variances of training
    belong to the weights in their order, and would tell a re-drawn network from an untrained one.
    """
    if network.at_once == 1:
        outputs = np.concatenate([network.outputs(face[None]) for face in covered])
    else:
        outputs = network.normalised_by_its_batch().outputs(covered)
    if unit == "cosine":
        outputs = outputs / np.maximum(np.linalg.norm(outputs, axis=1, keepdims=True), SURE)
    if unit == "probability":
        odds = np.clip(outputs, SURE, 1 - SURE)
        outputs = np.log(odds / (1 - odds))
    return float(np.sqrt(((outputs[1:] - outputs[0]) ** 2).sum(axis=1).mean()))


def _rank_correlation(values: Floats, other: Floats) -> float:
    from scipy.stats import spearmanr

    if not np.ptp(values) or not np.ptp(other):
        return 0.0
    return float(spearmanr(values, other, axis=None).statistic)


def _deletion(
    network: Access, question: Question, spread: Floats, seeds: np.random.SeedSequence, tick: Callable[[int], None]
) -> Deletion:
    cells, shape = _cells(spread.shape)
    heights = (np.bincount(cells.ravel(), spread.ravel()) / np.bincount(cells.ravel())).reshape(shape)
    rng = np.random.default_rng(seeds)
    areas = []
    for placed in (heights, *(_moved(heights, rng) for _ in range(MOVES))):
        areas.append(_area(network, question, cells, np.argsort(-placed, axis=None, kind="stable")))
        tick(STEPS + 1)
    return Deletion(areas[0], tuple(areas[1:]))


def _cells(shape: tuple[int, ...]) -> tuple[NDArray[np.intp], tuple[int, int]]:
    """Return the number of the cell that each pixel (H, W) belongs to, and the cells' rows and columns."""
    down, across = (min(CELLS, size) for size in shape)
    rows, columns = np.arange(shape[0]) * down // shape[0], np.arange(shape[1]) * across // shape[1]
    return rows[:, None] * across + columns, (down, across)


def _moved(heights: Floats, rng: np.random.Generator) -> Floats:
    """Return the same values elsewhere: shifted round the edges and mirrored, at random."""
    shifted = np.roll(heights, rng.integers(heights.shape), axis=(0, 1))
    down, across = rng.choice([-1, 1], size=2)
    return shifted[::down, ::across]


def _area(network: Access, question: Question, cells: NDArray[np.intp], order: NDArray[np.intp]) -> float:
    """Return the mean of the target from the whole face to the whole baseline, by the trapezoidal rule."""
    rank = np.empty(len(order))
    rank[order] = np.arange(len(order))
    deleted_at = rank[cells] / len(order)
    faces = (np.where(deleted_at < share, question.baseline, question.face) for share in np.linspace(0, 1, STEPS + 1))
    curve = target_values(network, question.target, faces)
    return float((curve[:-1] + curve[1:]).mean() / 2)


def _document(check: Completeness | Randomisation | Deletion | None) -> dict[str, Any] | None:
    if check is None:
        return None
    return {**plain_fields(check), "passed": check.passed, "text": str(check)}
