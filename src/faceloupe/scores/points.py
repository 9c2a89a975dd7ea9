"""A threshold, what it was chosen for, and what was measured there, on what."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from faceloupe.errors import InputError
from faceloupe.scores.confidence import Interval
from faceloupe.scores.evidence import LikelihoodRatio
from faceloupe.scores.sets import checked_share, from_plain

LEAST = 1e-12  # a rate below would take more comparisons than there are pairs of people
NEAR, HOLDS = 1.1, 2  # times the rate asked for that the measured and the true one may be where a threshold holds

Verdict = Literal["holds", "does not hold", "cannot be told"]


class Maker(Protocol):
    """A maker of templates: an embedder, or what identifies it, name and hash."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def sha256(self) -> str:
        """SHA-256 of its weights."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold with its error rates and where they were measured.

    Attributes
    ----------
    threshold : float
        "Match" when score >= threshold.
    target_fmr : float
        FMR that the threshold was chosen for, between 0 and 1.
    fmr : float
        Measured, in [0, 1].
    fmr_interval : Interval
        Around it.
    fnmr, fnmr_interval
        Likewise; None where there was no mated comparison.
    n_mated, n_non_mated : int
        Comparisons made.
    n_failed : int
        Comparisons that could not be made; they enter neither rate.
    source : str
        Data that the rates were measured on.
    embedder : str
        Embedder that made the templates.
    weights_sha256 : str
        SHA-256 of the embedder's weights, in hexadecimal; empty if it has none.
    given : bool
        Whether the threshold was given and not chosen for an FMR; `target_fmr` is then where the interval ends.
    likelihood : LikelihoodRatio or None
        Likelihood ratios of scores, fitted to the same comparisons; None where that was not done.
    detector : str
        Detector that found the faces: "yunet", another's name and the first digits of its hash, or "" if not known.

    Raises
    ------
    InputError
        If the threshold is not finite, or a rate or count is out of range.
    """

    threshold: float
    target_fmr: float
    fmr: float
    fmr_interval: Interval
    fnmr: float | None
    fnmr_interval: Interval | None
    n_mated: int
    n_non_mated: int
    n_failed: int
    source: str
    embedder: str
    weights_sha256: str = ""
    given: bool = False
    likelihood: LikelihoodRatio | None = None
    detector: str = "yunet"

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise InputError(f"threshold: expected a finite number, got {self.threshold}")
        checked_share("target FMR", self.target_fmr)
        if not (0 <= self.fmr <= 1 and (self.fnmr is None or 0 <= self.fnmr <= 1)):
            raise InputError(f"expected FMR and FNMR from 0 to 1, got {self.fmr} and {self.fnmr}")
        if self.n_mated < 0 or self.n_non_mated < 1 or self.n_failed < 0:
            raise InputError(
                f"expected non-mated comparisons, got {self.n_mated} mated, {self.n_non_mated} non-mated "
                f"and {self.n_failed} failed"
            )
        if (self.fnmr is None) != (self.n_mated == 0) or (self.fnmr is None) != (self.fnmr_interval is None):
            raise InputError(f"expected an FNMR with its interval where there are mated comparisons, got {self.fnmr}")

    def __repr__(self) -> str:
        return f"OperatingPoint(score >= {self.threshold:.4f}: {self._fmr_words()}; {self._fnmr_words()})"

    def is_of(self, maker: Maker) -> bool:
        """Return whether the threshold holds for templates of this maker, with these weights."""
        return (self.embedder, self.weights_sha256) == (maker.name, maker.sha256)

    def words(self) -> str:
        """Return the meaning of the threshold, with the measurements that it rests on."""
        origin = "Threshold given" if self.given else f"FMR {one_in(self.target_fmr)} asked for"
        measured = f"{origin}, measured on {self.source}"
        sentences = [f"{measured}: {self._fmr_words()}", self._fnmr_words(), *self._remarks()]
        return " ".join(f"{sentence}." for sentence in sentences)

    def to_document(self) -> dict[str, Any]:
        """Return the point as a plain dictionary."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "OperatingPoint":
        """Return the point that :meth:`to_document` wrote.

        Raises
        ------
        InputError
            If the document is of something else.
        """
        return from_plain(
            cls, document, "an operating point", fmr_interval=_interval, fnmr_interval=_interval,
            likelihood=LikelihoodRatio.from_document,
        )  # fmt: skip

    @property
    def verdict(self) -> Verdict:
        """Verdict on whether the FMR is the one asked for, as far as these comparisons can tell.

        "does not hold" where the interval lies above the rate asked for. "holds" where the measured rate is at most a
        tenth above that and the interval ends at twice that or below. Otherwise it "cannot be told": there are too few
        people or comparisons. Where the threshold was chosen on these very comparisons this says little.
        """
        if self.fmr_interval.low > self.target_fmr:
            return "does not hold"
        near = self.fmr <= NEAR * self.target_fmr and self.fmr_interval.high <= HOLDS * self.target_fmr
        return "holds" if near else "cannot be told"

    @property
    def false_matches(self) -> int:
        """Number of non-mated comparisons that matched."""
        return round(self.fmr * self.n_non_mated)

    def _fmr_words(self) -> str:
        return _rate_words("FMR", one_in, self.fmr, self.fmr_interval, self.n_non_mated, "non-mated")

    def _fnmr_words(self) -> str:
        if self.fnmr is None or self.fnmr_interval is None:
            return "FNMR not known: nobody has two photographs"
        return _rate_words("FNMR", _percent, self.fnmr, self.fnmr_interval, self.n_mated, "mated")

    def _remarks(self) -> list[str]:
        remarks = []
        if self.n_failed:
            remarks.append(f"{self.n_failed:,} more comparisons could not be made and are in neither rate")
        if self.given:
            return remarks
        if self.n_non_mated < rule_of_3(self.target_fmr):
            remarks.append(
                f"Too few to check an FMR of {one_in(self.target_fmr)}: the rule of 3 asks for "
                f"{rule_of_3(self.target_fmr):,} non-mated comparisons or more"
            )
        elif self.false_matches < 30:
            remarks.append(
                f"False matches seen: {self.false_matches}; by the rule of 30, knowing the FMR to within 30 % of "
                f"itself takes about {rule_of_30(self.target_fmr):,} independent non-mated comparisons"
            )
        return remarks


def _interval(document: dict[str, Any]) -> Interval:
    return Interval(**document)


def rule_of_3(fmr: float) -> int:
    """Return how many independent comparisons without an error it takes to say, at 95 %, that the rate is below `fmr`.

    3/N (ISO/IEC 19795-1; Hanley & Lippman-Hand 1983, "If nothing goes wrong, is everything all right?").

    Raises
    ------
    InputError
        If `fmr` is not between 0 and 1, or below 1e-12.

    >>> rule_of_3(1e-3)
    3000
    """
    return _quotient(3, checked_share("FMR", fmr))


def rule_of_30(fmr: float) -> int:
    """Return the number of independent comparisons that it takes to expect 30 errors at a rate of `fmr`.

    With 30 errors one is 90 % confident that the true rate is within 30 % of the measured one (ISO/IEC 19795-1;
    Doddington et al. 2000, "The NIST speaker recognition evaluation").

    Raises
    ------
    InputError
        If `fmr` is not between 0 and 1, or below 1e-12.
    """
    return _quotient(30, checked_share("FMR", fmr))


def one_in(rate: float) -> str:
    """Return a rate as people say it: "1 in 1,000", "20 %" past one in ten, "0".

    >>> one_in(0.00026), one_in(0.2)
    ('1 in 3,850', '20 %')
    """
    if not 0 < rate <= 0.1:
        return _percent(rate) if rate else "0"
    return f"1 in {float(f'{1 / rate:.3g}'):,.0f}"


def _percent(rate: float) -> str:
    return "under 0.001 %" if 0 < rate < 1e-5 else f"{100 * rate:.3g} %"


def _quotient(errors: int, rate: float) -> int:
    if rate < LEAST:
        raise InputError(
            f"FMR: expected at least {LEAST:g}, got {rate:g}: nobody can make the comparisons that show it"
        )
    # 3 / 1e-7 is 30000000.000000004 in binary, which is no reason to ask for one more.
    return math.ceil(round(errors / rate, 6))


def _rate_words(name: str, say: Callable[[float], str], rate: float, interval: Interval, n: int, kind: str) -> str:
    limits = f"{100 * interval.confidence:g} % interval {say(interval.least)} to {say(interval.high)}"
    worth = f", worth about {interval.n_effective:,.0f} independent ones" if round(interval.n_effective) < n else ""
    return f"{name} {say(rate)}, {limits}, {n:,} {kind} comparisons{worth}"
