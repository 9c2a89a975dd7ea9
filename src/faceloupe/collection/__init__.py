"""Faces of unlabelled photographs: indexed once, grouped into people, searched for one person, named.

``Collection`` keeps them in SQLite or PostgreSQL (the extras of a gallery); ``index`` fills one, ``group`` makes people
of its faces, ``find`` looks for one person, and the methods of ``Collection`` say what a person knows better.
"""

from faceloupe.collection.collection import Collection, open_collection
from faceloupe.collection.finding import Sighting, Sightings, find
from faceloupe.collection.grouping import Grouping, Join, group_faces
from faceloupe.collection.groups import group, grouped
from faceloupe.collection.indexing import Indexed, index
from faceloupe.collection.people import Group, People

__all__ = [
    "Collection",
    "Group",
    "Grouping",
    "Indexed",
    "Join",
    "People",
    "Sighting",
    "Sightings",
    "find",
    "group",
    "group_faces",
    "grouped",
    "index",
    "open_collection",
]
