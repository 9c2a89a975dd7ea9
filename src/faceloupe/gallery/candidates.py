"""The answer to "whom does this face show?": the subjects most like it, or nobody."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from faceloupe.gallery.identity import label
from faceloupe.gallery.recall import Recall, changes_in_words
from faceloupe.recognition.detections import Detection
from faceloupe.recognition.thresholds import origin_in_words, point_in_words
from faceloupe.scores.identification import fpir_at_size, fpir_in_words
from faceloupe.scores.points import OperatingPoint, one_in

Who = int | tuple[str, str | None]
"""A subject's number, or name and external id, which are the same in several galleries."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subject that is like the probe.

    Attributes
    ----------
    name : str
        Name of the subject.
    subject_id : int
    rank : int
        1 for the one that is most like it.
    score : float
        Cosine with the subject's best reference, from -1 to 1.
    margin : float
        Score minus threshold; negative if it is too low.
    external_id : str or None
        What the subject is called elsewhere.
    gallery : str or None
        Where several galleries are searched as one, the one that `subject_id` is a number in.
    """

    name: str
    subject_id: int
    rank: int
    score: float
    margin: float
    external_id: str | None = None
    gallery: str | None = None

    @property
    def who(self) -> Who:
        """Who this is among the candidates: the number, or in several galleries name and external id."""
        return self.subject_id if self.gallery is None else (self.name, self.external_id)

    @property
    def label(self) -> str:
        """The name, with the external id if there is one."""
        return label(self.name, self.external_id)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The answer to "whom does this face show?", with everything it rests on. "Nobody" is an answer.

    Attributes
    ----------
    candidates : tuple of Candidate
        Candidates by rank, even below the threshold; empty if the gallery is.
    point : OperatingPoint
        The threshold, and what was measured at it.
    n_subjects, n_references : int
        Numbers of subjects and references that the face was compared with.
    detection : Detection or None
        The face in its photograph; None where a template was identified.
    elsewhere : tuple of int, or of name and external id
        Candidates (``who``) above the threshold that another face of the same photograph is more like: two faces of
        one photograph are two people.
    recall : Recall or None
        Of an approximate search, how many of the subjects most like a probe it finds; None for the exact one.
    """

    candidates: tuple[Candidate, ...]
    point: OperatingPoint
    n_subjects: int
    n_references: int
    detection: Detection | None = None
    elsewhere: tuple[Who, ...] = ()
    recall: Recall | None = None

    @property
    def named(self) -> Candidate | None:
        """The first candidate whose score reaches the threshold and whose name is not taken; None for nobody."""
        return next((candidate for candidate in self._above() if candidate.who not in self.elsewhere), None)

    @property
    def taken(self) -> tuple[str, ...]:
        """Names of the candidates that another face of the same photograph is more like."""
        return tuple(candidate.name for candidate in self.candidates if candidate.who in self.elsewhere)

    @property
    def nobody(self) -> bool:
        """True if there is no such candidate."""
        return self.named is None

    @property
    def name(self) -> str | None:
        """Name of the subject that the face shows; None for nobody."""
        return None if self.named is None else self.named.name

    @property
    def fmr(self) -> float:
        """The rate of false matches to reckon with: what was measured, or asked for where that is more."""
        return max(self.point.fmr, self.point.target_fmr)

    @property
    def fpir(self) -> float:
        """The share of strangers whom this gallery would give a name, see :func:`faceloupe.scores.fpir_at_size`."""
        return fpir_at_size(self.fmr, self.n_subjects) if self.n_subjects else 0.0

    def __repr__(self) -> str:
        if not self.candidates:
            return "Candidates(nobody: the gallery is empty)"
        first = self.named or self.candidates[0]
        sign = "<" if first.score < self.point.threshold else ">="
        who = f"nobody, at best {first.label}" if self.nobody else first.label
        taken_words = f", {' and '.join(self.taken)} taken by another face" if self.taken else ""
        return (
            f"Candidates({who}: {first.score:.4f} {sign} {self.point.threshold:.4f}{taken_words}, {self.n_subjects:,} "
            "subjects)"
        )

    def words(self) -> str:
        """Return the answer, what search may miss, how often a stranger gets a name, and the threshold; a line each."""
        return "\n".join([self.answer(), *self._recall_words(), *self._fpir_words(), *point_in_words(self.point)])

    def meaning(self) -> str:
        """Return what the search may miss, how often a stranger gets a name, and where the threshold comes from."""
        origin = f"{origin_in_words(self.point)}; on photographs unlike those, the rates are others."
        return " ".join([*self._recall_words(), *self._fpir_words(), origin])

    def answer(self) -> str:
        """Return the answer in a sentence or two."""
        if not self.candidates:
            return "Nobody: the gallery is empty."
        named, threshold = self.named, f"the threshold {self.point.threshold:.4f}"
        words = self.taken_words()
        taken_words = f" {words[0].upper()}{words[1:]}." if self.taken else ""
        if named is None:
            free = [candidate for candidate in self.candidates if candidate.who not in self.elsewhere]
            if not free:
                return f"Nobody.{taken_words}"
            best = f"{free[0].label} is most like it, with score {free[0].score:.4f}, {-free[0].margin:.4f} below"
            return f"Nobody: {best} {threshold}.{taken_words}"
        answer = f"{named.label}: score {named.score:.4f}, {named.margin:.4f} above {threshold}."
        others = [f"{rival.label} ({rival.score:.4f})" for rival in self._rivals()]
        return answer + (f" Above it, too: {', '.join(others)}." if others else "") + taken_words

    def taken_words(self) -> str:
        """Return whose names another face of the photograph got, in words."""
        return (
            f"it looks like {' and '.join(self.taken)} too, but so does another face of the photograph, and more; two "
            "faces of one photograph are taken for two people (a mirror or a collage may show one twice)"
        )

    def warnings(self) -> list[str]:
        """Return the reasons to doubt the answer: several subjects reach the threshold, or a name is taken."""
        several, rivals = [], [candidate.label for candidate in self._rivals()]
        if rivals and self.named is not None:
            reach = "reaches" if len(rivals) == 1 else "reach"
            several = [f"not only {self.named.label} but also {' and '.join(rivals)} {reach} the threshold"]
        return several + ([self.taken_words()] if self.taken else [])

    def _rivals(self) -> list[Candidate]:
        """Return the others who reach the threshold."""
        others = (candidate for candidate in self._above() if candidate != self.named)
        return [candidate for candidate in others if candidate.who not in self.elsewhere]

    def _above(self) -> list[Candidate]:
        return [candidate for candidate in self.candidates if candidate.score >= self.point.threshold]

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold, without vectors."""
        return {
            "schema": "faceloupe.candidates/1",
            "nobody": self.nobody,
            "name": self.name,
            "external_id": self.named and self.named.external_id,
            "candidates": [asdict(candidate) for candidate in self.candidates],
            "threshold": self.point.threshold,
            "point": self.point.to_document(),
            "subjects": self.n_subjects,
            "references": self.n_references,
            "fpir": self.fpir,
            "words": self.words(),
            "detection": self.detection and self.detection.to_document(),
            "taken": list(self.taken),
            "recall": self.recall and self.recall.to_document(),
        }

    def _recall_words(self) -> Iterator[str]:
        if self.recall is None:
            return
        changes = changes_in_words(self.recall.n_changed, rebuilt=self.recall.rebuilt)
        yield f"The search was approximate, at breadth {self.recall.ef}: {self.recall.words()}. {changes}".rstrip()

    def _fpir_words(self) -> Iterator[str]:
        if not self.n_subjects:
            return
        words = fpir_in_words(self.fmr, self.n_subjects)
        if self.n_references > self.n_subjects:
            share = one_in(fpir_at_size(self.fmr, self.n_references))
            words += f" With {self.n_references:,} references between them it may be up to {share}."
        yield words


def one_name_a_face(answers: Sequence[Candidates]) -> tuple[Candidates, ...]:
    """Return answers for the faces of one photograph such that no subject goes to two: the face most like it gets it.

    The best scores are dealt out first. A face whose candidate is taken gets its next one above the threshold, if
    there is one.
    """
    everywhere = range(len(answers))
    dealt = one_name_at_a_time(dict(enumerate(answers)), dict.fromkeys(everywhere, everywhere))
    return tuple(dealt[place] for place in everywhere)


def one_name_at_a_time(
    answers: Mapping[int, Candidates], together: Mapping[int, Collection[int]]
) -> dict[int, Candidates]:
    """Return answers such that no subject goes to two faces that are seen at the same time.

    Parameters
    ----------
    answers : dict of int to Candidates
        The answer for each face, by its number.
    together : dict of int to collection of int
        Numbers of the faces that each is seen together with.
    """
    scores = sorted(
        (-candidate.score, number, candidate.rank, candidate.who)
        for number, candidates in answers.items()
        for candidate in candidates.candidates
        if candidate.margin >= 0
    )
    owners: dict[int, Who] = {}
    elsewhere: dict[int, tuple[Who, ...]] = dict.fromkeys(answers, ())
    for _, number, _, subject in scores:
        if number in owners:
            continue
        if any(owners.get(other) == subject for other in together[number]):
            elsewhere[number] += (subject,)
        else:
            owners[number] = subject
    return {number: replace(candidates, elsewhere=elsewhere[number]) for number, candidates in answers.items()}
