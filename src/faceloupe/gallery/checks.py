"""Faults and suspicions in a gallery: damage, an embedder mix, one photograph or one person as two subjects."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Text, cast, func, select

from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import saved_points, trail
from faceloupe.gallery.consents import consent_ended
from faceloupe.gallery.identity import BY_NUMBER, LONGEST, checked_metadata, label
from faceloupe.gallery.lookalikes import LookAlikes, look_alikes
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import UNKNOWN, audit, references, subjects
from faceloupe.gallery.soundness import REMEDY, flaws, is_object, unprintable
from faceloupe.gallery.strangers import Strangers, strangers
from faceloupe.gallery.templates import embedders, templates

Kind = Literal[
    "damage", "trail", "erasure", "consent", "embedders", "detectors", "photograph", "look-alikes", "stranger"
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or looks wrong.

    Attributes
    ----------
    kind : {"damage", "trail", "erasure", "consent", "embedders", "detectors", "photograph", "look-alikes", "stranger"}
        The file is damaged; lines of the trail were changed; bytes of somebody forgotten are left; a consent has ended;
        a subject lacks references of the embedder that others have; faces were found by several detectors; two subjects
        share a photograph; two subjects look like one person; a reference looks like none of its subject's others.
    words : str
        The finding, and what to do about it.
    subjects : tuple of str
        Names of those it is about.
    by_chance : bool
        Whether a sound gallery of this size is expected to give as many look-alikes, or strangers: worth a look, no
        fault.
    """

    kind: Kind
    words: str
    subjects: tuple[str, ...] = ()
    by_chance: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of a check of a gallery.

    Attributes
    ----------
    subjects, references : int
        Numbers of those checked.
    findings : tuple of Finding
        Damage first.
    remarks : tuple of str
        Remarks on how look-alikes were looked for, and how many to expect by chance.
    """

    subjects: int
    references: int
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that chance does not explain."""
        return tuple(finding for finding in self.findings if not finding.by_chance)

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return {"schema": "faceloupe.checked/1", **asdict(self)}


def check(connection: Connection, noted: str | None = None) -> Report:
    """Look at everything, see :meth:`faceloupe.gallery.Gallery.check`."""
    who = connection.execute(select(subjects.c.id, subjects.c.name, subjects.c.external_id))
    names = {row.id: label(row.name, row.external_id) for row in who}
    damage = [
        *_damage_of_file(connection),
        *_damage_of_references(connection),
        *_damage_of_subjects(connection),
        *_damage_of_trail(connection),
        *_damage_of_thresholds(connection),
        *_empty(connection),
    ]
    changed = list(_broken_trail(connection, noted))
    alike, alone = ([], []) if damage else _compared(connection)  # what is whole is compared
    return Report(
        subjects=len(names),
        references=connection.scalar(select(func.count()).select_from(references)) or 0,
        findings=(
            *damage,
            *changed,
            *_unfinished_erasure(connection),
            *_ended_consent(connection),
            *_embedder_mix(connection, names),
            *_detector_mix(connection),
            *_shared_photographs(connection, names),
            *(finding for each in alike for finding in _words_of_look_alikes(each, names)),
            *(finding for each in alone for finding in _words_of_strangers(each, names)),
        ),
        remarks=tuple(words for each in alike if (words := each.words())),
    )


def _compared(connection: Connection) -> tuple[list[LookAlikes], list[Strangers]]:
    """Compare the references of each embedder; one without a threshold finds no strangers."""
    alike, alone = [], []
    for embedder in embedders(connection):
        vectors = templates(connection, embedder)
        alike.append(look_alikes(connection, embedder, vectors))
        if point := saved_points.point_for(connection, embedder):
            alone.append(strangers(vectors, point))
    return alike, alone


def _damage_of_file(connection: Connection) -> Iterator[Finding]:
    if connection.dialect.name != "sqlite":
        return  # a server checks its files and keys itself
    restore = (
        "Restore a backup (faceloupe restore), or carry what is sound into a new gallery (faceloupe export, faceloupe "
        "import)"
    )
    for (complaint,) in connection.exec_driver_sql("PRAGMA integrity_check").all():
        if complaint != "ok":
            yield Finding("damage", f"the file is damaged: {complaint}. {restore}.")
    for table, row, other, _ in connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        yield Finding("damage", f"row {row} of {table} belongs to a row of {other} that is missing. {restore}.")


def _ended_consent(connection: Connection) -> Iterator[Finding]:
    for number, name, end in consent_ended(connection, datetime.now(UTC).date()):
        words = f"the consent of subject {number}, {name!r}, ended on {end}. faceloupe forget --consent-ended erases"
        renewing = f"faceloupe enrol {BY_NUMBER}{number} PHOTO --consent-until DATE renews it"
        yield Finding("consent", f"{words} all whose consent has ended; {renewing}.", (name,))


def _damage_of_references(connection: Connection) -> Iterator[Finding]:
    for _, words, name in flaws(connection):
        yield Finding("damage", f"{words}. {REMEDY}.", (name,))


def _damage_of_subjects(connection: Connection) -> Iterator[Finding]:
    query = select(subjects, cast(subjects.c["metadata"], Text).label("text")).order_by(subjects.c.id)
    for row in connection.execute(query):
        who, address = f"subject {row.id}, {row.name[:LONGEST]!r},", f"{BY_NUMBER}{row.id}"
        if len(row.name) > LONGEST:
            words = f"has a name of {len(row.name):,} characters, more than the {LONGEST} that an import takes"
            yield Finding("damage", f"{who} {words}: faceloupe rename {address} NAME.", (row.name,))
        if unprintable(row.name) or not row.name:
            yield Finding(
                "damage",
                f"{who} has a name that cannot be printed. Give another one: faceloupe rename {address} NAME.",
                (row.name,),
            )
        if unprintable(row.consent, note=True):
            yield Finding(
                "damage", f"{who} has a consent note with characters that cannot be printed. {REMEDY}.", (row.name,)
            )
        if row.external_id is not None and (unprintable(row.external_id) or not row.external_id):
            words = "has an external id that cannot be printed. Give another one"
            yield Finding("damage", f"{who} {words}: faceloupe describe {address} --external-id ID.", (row.name,))
        if not _are_metadata(row.text):
            words = "has metadata that are none. Give others"
            yield Finding("damage", f"{who} {words}: faceloupe describe {address} --metadata JSON.", (row.name,))
        if row.created == UNKNOWN:
            yield Finding("damage", f"{who} has no date of enrolment. {REMEDY}.", (row.name,))


def _are_metadata(text: Any) -> bool:
    try:
        checked_metadata(text if isinstance(text, str) else "")
    except InputError:
        return False
    return True


def _damage_of_trail(connection: Connection) -> Iterator[Finding]:
    for row in connection.execute(select(audit.c.id, audit.c.at, cast(audit.c.details, Text).label("text"))):
        if row.at == UNKNOWN or not is_object(row.text):
            yield Finding(
                "damage",
                f"line {row.id} of the trail is damaged: who did it, and when, is not known. Restore a backup, or "
                "live with it: the people are not concerned.",
            )


def _broken_trail(connection: Connection, noted: str | None) -> Iterator[Finding]:
    broken = list(trail.broken_links(connection))
    if broken:
        yield Finding(
            "trail",
            f"the trail was changed: line {broken[0]} and {len(broken) - 1:,} more are not what was written there, or "
            "a line before them is missing. Who could write the file? A backup has the trail as it was.",
        )
    if noted and not trail.holds(connection, noted):
        yield Finding(
            "trail", f"the trail has no line {noted!r} any more: lines were taken off, or it was written anew."
        )


def _damage_of_thresholds(connection: Connection) -> Iterator[Finding]:
    try:
        saved_points.latest_of_all(connection)
    except GalleryError as problem:
        yield Finding("damage", f"{problem}.")


def _empty(connection: Connection) -> Iterator[Finding]:
    has_any = select(references.c.id).where(references.c.subject_id == subjects.c.id).exists()
    for number, name in connection.execute(select(subjects.c.id, subjects.c.name).where(~has_any)):
        address = f"{BY_NUMBER}{number}"
        yield Finding(
            "damage",
            f"subject {number}, {name!r}, has no reference. Enrol a photograph (faceloupe enrol {address} PHOTO), or "
            f"forget the subject (faceloupe forget {address}).",
            (name,),
        )


def _unfinished_erasure(connection: Connection) -> Iterator[Finding]:
    if trail.erasure_is_pending(connection):
        last = select(audit.c.subject_id, audit.c.details).where(audit.c.id == trail.last_forget(connection))
        subject, details = connection.execute(last).one()
        only = f" --reference {details['reference']}" if "reference" in details else ""
        yield Finding(
            "erasure",
            "somebody was forgotten, but the command was stopped before the bytes were erased from the file: faceloupe "
            f"forget {BY_NUMBER}{subject}{only} erases them.",
        )


def _embedder_mix(connection: Connection, names: dict[int, str]) -> Iterator[Finding]:
    made = select(references.c.embedder, references.c.weights_sha256, references.c.subject_id).distinct()
    with_it: dict[EmbedderId, set[int]] = defaultdict(set)
    for embedder, weights, subject in connection.execute(made):
        with_it[EmbedderId(embedder, weights)].add(subject)
    everybody = names.keys() & set().union(*with_it.values())
    for embedder in sorted(with_it):
        without = tuple(sorted(names[subject] for subject in everybody - with_it[embedder]))
        if without:
            yield Finding(
                "embedders",
                f"{len(without):,} of {len(names):,} subjects have no reference made by {embedder}, and so nobody who "
                f"looks for people with it finds them: {_listed(without)}.",
                without,
            )


def _detector_mix(connection: Connection) -> Iterator[Finding]:
    detectors = sorted(connection.scalars(select(references.c.detector).where(references.c.detector != "").distinct()))
    if len(detectors) > 1:
        yield Finding(
            "detectors",
            f"the faces were found by {' and '.join(detectors)}: a threshold holds for one detector. faceloupe "
            "embedder reembed NEW.db --embedder NAME --photographs DIR --detector NAME makes a gallery with one.",
        )


def _shared_photographs(connection: Connection, names: dict[int, str]) -> Iterator[Finding]:
    rows = connection.execute(
        select(references.c.source_sha256, subjects.c.id).join_from(references, subjects).distinct()
    )
    holders: dict[str, set[int]] = defaultdict(set)
    for digest, number in rows:
        holders[digest].add(number)
    each_shared = (sorted(names[number] for number in numbers) for numbers in holders.values() if len(numbers) > 1)
    shared = Counter(map(tuple, each_shared))
    for who, count in sorted(shared.items()):
        photographs = "the same photograph is" if count == 1 else f"the same {count:,} photographs are"
        remedy = "One person? faceloupe merge. Otherwise forget whose it is not, and enrol the right ones again."
        yield Finding("photograph", f"{photographs} enrolled as {_listed(who)}. {remedy}", who)


def _words_of_look_alikes(alike: LookAlikes, names: dict[int, str]) -> Iterator[Finding]:
    for first, second, score in alike.pairs:
        pair = (names[first], names[second])
        words = f"{pair[0]!r} and {pair[1]!r} look like one person: score {score:.3f}, threshold {alike.threshold:.3f}."
        yield Finding("look-alikes", words, pair, alike.by_chance)


def _words_of_strangers(alone: Strangers, names: dict[int, str]) -> Iterator[Finding]:
    for subject, reference, best in alone.unlike:
        words = (
            f"reference {reference} of {names[subject]!r} looks like none of the others: best score {best:.3f}, "
            f"threshold {alone.point.threshold:.3f}. Does its photograph show somebody else? faceloupe forget "
            f"{BY_NUMBER}{subject} --reference {reference} erases it."
        )
        yield Finding("stranger", words, (names[subject],), alone.by_chance)


def _listed(names: tuple[str, ...], most: int = 10) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
