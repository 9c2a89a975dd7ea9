"""The shapes of the API's documents, for the OpenAPI document and the client; by subject, as the routes are.

Where a command does the same, they are what it prints with ``--json``; docs/guides/serve.md names three that differ.
"""

from faceloupe.web.shapes.collection import CollectedGroup, Erased, Joined, Review, TakenBack
from faceloupe.web.shapes.jobs import Address, Document, JobState, JobStates
from faceloupe.web.shapes.networks import Anatomy, Data, FeatureMaps, Network, Networks
from faceloupe.web.shapes.people import Audit, Enrolled, Entry, Forgotten, People, Person, Record
from faceloupe.web.shapes.recognising import Decision, Detections, Face, Identified, PersonDecision
from faceloupe.web.shapes.studies import Studies, Study
from faceloupe.web.shapes.system import Health, Point, Points

__all__ = [
    "Address",
    "Anatomy",
    "Audit",
    "CollectedGroup",
    "Data",
    "Decision",
    "Detections",
    "Document",
    "Enrolled",
    "Entry",
    "Erased",
    "Face",
    "FeatureMaps",
    "Forgotten",
    "Health",
    "Identified",
    "JobState",
    "JobStates",
    "Joined",
    "Network",
    "Networks",
    "People",
    "Person",
    "PersonDecision",
    "Point",
    "Points",
    "Record",
    "Review",
    "Studies",
    "Study",
    "TakenBack",
]
