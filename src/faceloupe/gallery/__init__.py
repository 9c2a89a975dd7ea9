"""People with their references, kept on disk: enrolled, found, renamed, merged, forgotten, and who did what.

SQLAlchemy (the extra ``recognition``) keeps them in an SQLite file, or on a PostgreSQL server (the extra ``postgres``).
"""

from faceloupe.errors import extra

with extra("recognition"):
    import sqlalchemy as _  # noqa: F401 - the tables are made of it as soon as they are imported

from faceloupe.gallery.backups import restore
from faceloupe.gallery.candidates import Candidate, Candidates
from faceloupe.gallery.checks import Finding, Report
from faceloupe.gallery.folders import ListedSubject, list_subjects
from faceloupe.gallery.gallery import Gallery
from faceloupe.gallery.opening import open_gallery
from faceloupe.gallery.person_decisions import PersonDecision
from faceloupe.gallery.records import (
    EmbedderId,
    Enrolled,
    Entry,
    Forgotten,
    Imported,
    Person,
    Record,
    Reference,
    Templates,
)
from faceloupe.gallery.sharding import Galleries, open_galleries

__all__ = [
    "Candidate",
    "Candidates",
    "EmbedderId",
    "Enrolled",
    "Entry",
    "Finding",
    "Forgotten",
    "Galleries",
    "Gallery",
    "Imported",
    "ListedSubject",
    "Person",
    "PersonDecision",
    "Record",
    "Reference",
    "Report",
    "Templates",
    "list_subjects",
    "open_galleries",
    "open_gallery",
    "restore",
]
