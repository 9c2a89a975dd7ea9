"""Faces that nobody was named for: kept for a time in a collection of their own beside the gallery, then erased.

Its place follows from the gallery's: ``faceloupe forget`` and the server erase these faces too where they forget
somebody; ``Gallery.forget`` alone does not. They are reviewed as any collection is; who is named goes into the gallery,
who is dismissed is erased at once.
"""

from collections.abc import Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func, inspect, select

from faceloupe.collection import dropping
from faceloupe.collection.adding import add_faces, add_photograph
from faceloupe.collection.collection import Collection, open_collection
from faceloupe.collection.members import all_faces, detector_of, embedder_of, photographs_of
from faceloupe.collection.schema import KEPT_FOR, faces, keep_setting, parts, photographs, setting, settings
from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import trail
from faceloupe.gallery.answers import IdentifiedPhotograph
from faceloupe.gallery.database import Database
from faceloupe.gallery.encryption import VARIABLE, is_plain, key_of_environment
from faceloupe.gallery.identity import find, has_subject
from faceloupe.gallery.records import EmbedderId, Enrolled
from faceloupe.gallery.schema import references
from faceloupe.gallery.templates import made_by
from faceloupe.numerals import counted
from faceloupe.recognition.limits import limits_of, shortcomings
from faceloupe.recognition.thresholds import find_point
from faceloupe.recognition.yunet import detector_in_words

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery

MOST = 10_000
"""Faces that are kept; further ones are not until some have gone."""

ALIKE = 5
"""Faces at the threshold of one another that are kept: who stands before a camera does not fill the collection."""

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=366)

UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))

Vectors = NDArray[np.float32]


class UnknownFaces:
    """The unknown faces of a gallery; :func:`open_unknown` opens them.

    Parameters
    ----------
    collection : Collection
        Closed with this.
    gallery : Gallery
        Its trail says what was kept for how long, and what was erased; never whose or which face.
    period : timedelta, optional
        Time that faces are kept for, from now on all of them; those whose time was over before are erased first.
        Without it none are added, and those that are there stay for as long as was said before.
    keep_chips : bool
        Keep the face chips too.

    Raises
    ------
    InputError
        If the period is shorter than a minute or longer than a year, or the faces are by another embedder than the
        gallery's.
    GalleryError
        If the collection holds photographs that were indexed.
    """

    def __init__(
        self, collection: Collection, gallery: "Gallery", period: timedelta | None = None, *, keep_chips: bool = False
    ) -> None:
        self.collection, self.gallery = collection, gallery
        self.adds, self._keep_chips = period is not None, keep_chips
        self._state: str | None = None
        self._vectors: dict[int, Vectors] = {}  # of the faces that were here in that state, by their ids
        if period is not None and not SHORTEST <= period <= LONGEST:
            raise InputError(f"unknown faces are kept for 1 minute to 366 days; got {period}")
        with collection.reading() as connection:
            before = setting(connection, KEPT_FOR)
            if before is None and connection.scalar(select(photographs.c.id).limit(1)) is not None:
                raise GalleryError(
                    f"{collection.location} holds photographs that were indexed, and no place for unknown faces, which "
                    "are erased after a time: move it, or keep the gallery elsewhere"
                )
        self.period = timedelta(seconds=before if isinstance(before, int | float) else 0)
        self.drop_expired()
        if period is not None:
            self._keep_for(period, before)

    def _keep_for(self, period: timedelta, before: object) -> None:
        """Note for how long faces are kept from now on, and erase those whose time is over now."""
        self.period, seconds = period, period.total_seconds()
        with self.collection.writing() as connection:
            self._check_makers(connection)
            keep_setting(connection, KEPT_FOR, seconds)
        if seconds != before:
            with self.gallery.writing() as connection:
                trail.note(connection, "keep unknown", seconds=round(seconds))
            self.drop_expired()

    def _check_makers(self, connection: Connection) -> None:
        """Note the gallery's embedder and detector, and refuse faces that others made."""
        embedder = EmbedderId(self.gallery.embedder.name, self.gallery.embedder.sha256)
        made_by = embedder_of(connection)
        detector, found_by = detector_in_words(self.gallery.detector), detector_of(connection)
        where = f"the unknown faces in {self.collection.location}"
        if connection.scalar(select(faces.c.id).limit(1)) is not None:
            if made_by not in (None, embedder):
                raise InputError(
                    f"{where} were embedded by {made_by}, not by {embedder}: they cannot be compared. Serve with that "
                    "embedder until they have gone or are dismissed"
                )
            if found_by != detector:
                raise InputError(
                    f"{where} were found by {found_by}, not by {detector}: serve with that detector until they have "
                    "gone or are dismissed"
                )
        keep_setting(connection, "embedder", list(embedder))
        keep_setting(connection, "detector", detector)

    def keep(self, identified: IdentifiedPhotograph) -> int:
        """Keep the faces of a photograph that nobody was named for, and return how many.

        Not kept are faces whose quality is too low for a gallery, of which ``ALIKE`` that are like it are there
        already, or of a photograph that is; and none while ``MOST`` are there.
        """
        numbers = [
            number
            for number, face in enumerate(identified.faces, start=1)
            if face.candidates.nobody
            and not shortcomings(face.template.quality, limits_of(face.template.embedder))
            and self._alike(face.template.vector, face.candidates.point.threshold) < ALIKE
        ]
        if not numbers:
            return 0
        with self.collection.writing() as connection:
            room = MOST - (connection.scalar(select(func.count()).select_from(faces)) or 0)
            same = select(photographs.c.id).where(photographs.c.sha256 == identified.photograph.sha256)
            if room <= 0 or connection.scalar(same) is not None:
                return 0
            own = add_photograph(connection, identified.photograph)
            return add_faces(connection, identified.photograph, own, numbers[:room], keep_chips=self._keep_chips)

    def drop_expired(self, now: datetime | None = None) -> int:
        """Erase the faces whose time is over, and return how many there were."""
        with self.collection.reading() as connection:
            old = select(faces.c.id).join_from(faces, photographs)
            old = old.where(photographs.c.indexed <= (now or datetime.now(UTC)) - self.period)
            expired = set(connection.scalars(old))
        return self._drop(expired, "expired")

    def dismiss(self, groups: Sequence[int]) -> int:
        """Erase the faces of groups, and return how many there were.

        Raises
        ------
        InputError
            If there is no such group.
        """
        with self.collection.reading() as connection:
            rows = connection.execute(select(faces.c.id, faces.c.group_id).where(faces.c.group_id.in_(groups))).all()
        if missing := sorted(set(groups) - {row.group_id for row in rows}):
            raise InputError(f"there is no group {missing[0]} of unknown faces")
        return self._drop({row.id for row in rows}, "dismissed")

    def name(self, group: int, name: str, *, consent: str = "") -> Enrolled:
        """Enrol the faces of a group in the gallery, and take the group out of here; return what came of them.

        If none can be enrolled, all stay as they are.

        Raises
        ------
        InputError
            If there is no such group, or the name cannot be one.
        """
        with self.collection.reading() as connection:  # others may group further faces into it meanwhile: they stay
            own = set(connection.scalars(select(faces.c.id).where(faces.c.group_id == group)))
            photographs = photographs_of(connection, group)
        if not own:
            raise InputError(f"there is no group {group} of unknown faces")
        enrolled = self.gallery.enrol(name, photographs, consent=consent)
        if enrolled.enrolled or enrolled.already_enrolled:
            self._drop(own, "named")
        return enrolled

    def forget(self, subject: str | int) -> int:
        """Erase the faces that are like a subject's references, with those grouped with them; return how many.

        To be called before the subject is forgotten: afterwards nobody knows whom to look for.
        """
        with self.gallery.reading() as connection, self.collection.reading() as own:
            embedder = embedder_of(own)
            if embedder is None:
                return 0
            number = find(connection, subject).id if has_subject(connection, subject) else None
            mine = select(references.c.vector).where(references.c.subject_id == number, made_by(embedder))
            vectors = list(connection.scalars(mine))
            indexed = all_faces(own)
        point = find_point(embedder, self.gallery.point(embedder))
        if point is None or not vectors or not len(indexed):
            return 0
        alike = (indexed.vectors @ np.stack(vectors).T).max(axis=1) >= point.threshold
        with_them = np.isin(indexed.groups, indexed.groups[alike & (indexed.groups > 0)])
        return self._drop(set(indexed.ids[alike | with_them].tolist()), "forgotten")

    def words(self) -> str:
        """Return in a sentence what is kept, where, and for how long."""
        what = "Faces that nobody is named for" if self.adds else "Unknown faces of earlier"
        chips = " with their pictures" if self._keep_chips else ""
        return f"{what} are kept{chips} for {in_words(self.period)} in {self.collection.location}, then erased."

    def close(self) -> None:
        """Close the collection."""
        self.collection.close()

    def __enter__(self) -> "UnknownFaces":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _drop(self, lost: Set[int], why: str) -> int:
        dropped = 0
        if lost:
            with self.collection.writing() as connection:
                dropped = dropping.drop_faces(connection, lost)
                connection.execute(delete(photographs).where(photographs.c.id.not_in(select(faces.c.photograph_id))))
        if dropped:
            with self.gallery.writing() as connection:
                trail.note(connection, "erase unknown", faces=dropped, why=why)
        self.collection.erase()  # also what an earlier call could not
        return dropped

    def _alike(self, vector: Vectors, threshold: float) -> int:
        """Return how many faces are as like a face as the threshold asks."""
        state = self.collection.state()
        if self._state != state:
            self._take_in()
            self._state = state
        whole_vectors = [own for own in self._vectors.values() if len(own) == len(vector)]  # others are damaged
        return int((np.stack(whole_vectors) @ vector >= threshold).sum()) if whole_vectors else 0

    def _take_in(self) -> None:
        """Read the faces that came since the last time, and let go of those that went."""
        with self.collection.reading() as connection:
            there = set(connection.scalars(select(faces.c.id)))
            self._vectors = {face: vector for face, vector in self._vectors.items() if face in there}
            for part in parts(there - self._vectors.keys()):
                query = select(faces.c.id, faces.c.vector).where(faces.c.id.in_(part))
                self._vectors.update((row.id, row.vector) for row in connection.execute(query))


def in_words(period: timedelta) -> str:
    """Return a time in the largest unit that gives a whole number."""
    seconds = round(period.total_seconds())
    size, unit = next(each for each in UNITS if seconds % each[0] == 0)
    return counted(seconds // size, unit)


def place_beside(gallery: str) -> str:
    """Return where the unknown faces of a gallery lie: in ``NAME.unknown.db`` beside ``NAME.db``, or its database.

    What is a link lies where its file does, so that each way to a gallery is one to its unknown faces.
    """
    path = Database(gallery, key=None).path
    if path is None:
        return gallery
    file = path.resolve()
    return str(file.with_name(f"{file.stem}.unknown{file.suffix}"))


def open_unknown(
    gallery: "Gallery", location: str, period: timedelta | None = None, *, keep_chips: bool = False
) -> UnknownFaces | None:
    """Open the unknown faces of a gallery, and erase those whose time is over.

    Parameters
    ----------
    gallery : Gallery
    location : str
        File or URL of the gallery.
    period, keep_chips
        As for :class:`UnknownFaces`; with a period the collection is made.

    Returns
    -------
    UnknownFaces or None
        None if nothing was ever kept, and nothing is to be.

    Raises
    ------
    InputError, GalleryError
        As :class:`UnknownFaces`; also if the collection cannot be read or written.
    """
    place = place_beside(location)
    _check_encrypted(place)
    if period is None and not _are_there(place):
        return None
    collection = open_collection(place, create=period is not None)
    try:
        return UnknownFaces(collection, gallery, period, keep_chips=keep_chips)
    except BaseException:
        collection.close()
        raise


def _check_encrypted(place: str) -> None:
    """Raise GalleryError where unknown faces are left from the time before the gallery was encrypted."""
    path = Database(place, key=None).path
    if path is not None and path.is_file() and key_of_environment() and is_plain(path):
        raise GalleryError(
            f"{place} holds unknown faces and is not encrypted, as the gallery was not when they were kept, and "
            f"{VARIABLE} names a key. Stop the server and delete that file with its -wal and -shm, or name these faces "
            "in the former gallery first, without that variable"
        )


def _are_there(place: str) -> bool:
    database = Database(place)
    try:
        if database.path is not None:
            return database.path.exists()
        with database.reading() as connection:
            has_settings = settings.name in inspect(connection).get_table_names()
            return has_settings and setting(connection, KEPT_FOR) is not None
    finally:
        database.close()
