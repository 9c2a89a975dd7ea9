"""Ask a server about the unknown faces that it keeps."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from faceloupe.collection.schema import faces, photographs
from helpers.serving import photo

WEEK = timedelta(days=7)


def look(ask, *people, capture=0, key="recognise"):
    answer = ask("POST", "/identify", key=key, files={"photo": photo(*people, capture=capture)})
    assert answer.status_code == 200
    return [face["name"] for face in answer.json()["photographs"][0]["faces"]]


def counts(ask):
    return [group["count"] for group in ask("GET", "/unknown").json()["groups"]]


def make_old(ask, **age):
    """Let all that is kept have been seen so long ago."""
    with ask.service.strangers.faces.collection.writing() as connection:
        connection.execute(update(photographs).values(indexed=datetime.now(UTC) - timedelta(**age)))


def held(folder):
    """The bytes of all files of the unknown faces."""
    return b"".join(path.read_bytes() for path in folder.glob("faces.unknown.db*"))


def vector_of_first(ask):
    with ask.service.strangers.faces.collection.reading() as connection:
        return connection.scalar(select(faces.c.vector)).tobytes()
