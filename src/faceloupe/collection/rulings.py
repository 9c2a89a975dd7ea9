"""What people say of a collection's groups: one person, two people, a name; each can be taken back.

A ruling is about two faces, not about groups, so that it outlives any grouping.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from faceloupe.collection.schema import actions, add_row, faces, groups, rulings
from faceloupe.errors import InputError
from faceloupe.gallery.people import checked_name
from faceloupe.gallery.trail import current_user

__all__ = ["confirm", "drop_empty", "join", "name", "separate", "undo"]

FIT_FACES = 64
"""Faces of a group that a face is told apart from, the first ones: all of a group of usual size."""


def join(connection: Connection, one: int, other: int) -> int:
    """See :meth:`faceloupe.collection.Collection.join`."""
    members = {group: _members(connection, group) for group in (one, other)}
    if one == other:
        raise InputError(f"group {one} is one person already; name two groups")
    names = {group: _name(connection, group) for group in (one, other)}
    if all(names.values()):
        raise InputError(
            f"groups {one} and {other} are called {names[one]!r} and {names[other]!r}: take one name back first "
            f"(faceloupe name {other} --none)"
        )
    _check_compatible(connection, members[one], members[other])
    into, gone = (other, one) if names[other] else (one, other)
    action = _note(connection, "join", members[gone], removed=[gone])
    first, *others = members[into] + members[gone]
    _rule(connection, action, True, [(first, other) for other in others])
    _move(connection, members[gone], into)
    drop_empty(connection)
    return into


def separate(connection: Connection, chosen: Sequence[int]) -> int:
    """See :meth:`faceloupe.collection.Collection.separate`."""
    query = select(faces.c.id, faces.c.group_id).where(faces.c.id.in_(chosen))
    homes = {row.id: row.group_id for row in connection.execute(query)}
    missing = sorted(set(chosen) - homes.keys())
    if missing or not chosen:
        raise InputError(f"there is no face {missing[0]} in the collection" if missing else "name one face or more")
    if len(set(homes.values())) > 1 or None in homes.values():
        raise InputError("name faces of one group; faceloupe group lists them")
    home = next(iter(homes.values()))
    left = [face for face in _members(connection, home) if face not in homes]
    if not left:
        raise InputError(f"these are all faces of group {home}; leave one, or join the group to another")
    first, *others = sorted(homes)
    broken = _same_between(connection, [first, *others], left)
    action = _note(connection, "separate", [first, *others], broken=[list(row) for row in broken])
    if broken:  # what held the rest together may have been among the faces that leave
        connection.execute(delete(rulings).where(rulings.c.id.in_([row.id for row in broken])))
        _rule(connection, action, True, [(left[0], other) for other in left[1:]])
    _rule(connection, action, True, [(first, other) for other in others])
    _rule(connection, action, False, [(first, other) for other in left[:FIT_FACES]])
    new = add_row(connection, groups, name=None)
    _move(connection, [first, *others], new)
    return new


def confirm(connection: Connection, one: int, other: int) -> bool:
    """See :meth:`faceloupe.collection.Collection.confirm`."""
    homes = {
        row.id: row.group_id
        for row in connection.execute(select(faces.c.id, faces.c.group_id).where(faces.c.id.in_([one, other])))
    }
    missing = [face for face in (one, other) if homes.get(face) is None]
    if missing or one == other:
        raise InputError(f"there is no face {missing[0]} in a group" if missing else "name two faces")
    same = bool(homes[one] == homes[other])
    action = _note(connection, "confirm", [])
    _rule(connection, action, same, [(one, other)])
    return same


def name(connection: Connection, group: int, name: str | None) -> None:
    """See :meth:`faceloupe.collection.Collection.name`."""
    name = None if name is None else checked_name(name)
    _members(connection, group)
    holder = connection.scalar(select(groups.c.id).where(groups.c.name == name)) if name else None
    if holder not in (None, group):
        raise InputError(
            f"group {holder} is called {name!r} already; if they are one person: faceloupe join {holder} {group}"
        )
    _note(connection, "name", [], named=[[group, _name(connection, group)]])
    connection.execute(update(groups).where(groups.c.id == group).values(name=name))


def undo(connection: Connection) -> str | None:
    """See :meth:`faceloupe.collection.Collection.undo`."""
    query = select(actions).where(actions.c.undone.is_(False)).order_by(actions.c.id.desc()).limit(1)
    last = connection.execute(query).one_or_none()
    if last is None:
        return None
    connection.execute(delete(rulings).where(rulings.c.action_id == last.id))
    for _, action, first, second in last.before.get("broken", []):
        _rule(connection, action, True, [(first, second)])
    for group in last.before.get("removed", []):
        if not _exists(connection, group):
            connection.execute(insert(groups).values(id=group))
    for face, group in last.before["faces"]:
        _move(connection, [face], group if _exists(connection, group) else add_row(connection, groups, name=None))
    for group, former in last.before.get("named", []):
        connection.execute(update(groups).where(groups.c.id == group).values(name=former))
    drop_empty(connection)
    connection.execute(update(actions).where(actions.c.id == last.id).values(undone=True))
    what: str = last.what
    return what


def drop_empty(connection: Connection) -> None:
    """Remove groups without a face."""
    inhabited = select(faces.c.group_id).where(faces.c.group_id.is_not(None))
    connection.execute(delete(groups).where(groups.c.id.not_in(inhabited)))


def _members(connection: Connection, group: int) -> list[int]:
    """Return the faces of a group, those of good quality first."""
    query = select(faces.c.id).where(faces.c.group_id == group).order_by(faces.c.unfit != "", faces.c.id)
    members = list(connection.scalars(query))
    if not members:
        raise InputError(f"there is no group {group}; faceloupe group lists them")
    return members


def _check_compatible(connection: Connection, some: Collection[int], others: Collection[int]) -> None:
    of_one = select(faces.c.photograph_id).where(faces.c.id.in_(some))
    shared = select(faces.c.id).where(faces.c.id.in_(others), faces.c.photograph_id.in_(of_one)).limit(1)
    if (face := connection.scalar(shared)) is not None:
        raise InputError(f"face {face} and one of the other group are of one photograph: they are two people")
    apart = select(rulings.c.id).where(rulings.c.same.is_(False), _across(some, others))
    if connection.scalar(apart.limit(1)) is not None:
        raise InputError("somebody said that they are two people: take that back first (faceloupe undo)")


def _same_between(connection: Connection, some: Collection[int], others: Collection[int]) -> Sequence[Any]:
    """Return what was said to be one person across two sets of faces."""
    query = select(rulings.c.id, rulings.c.action_id, rulings.c.one, rulings.c.two)
    return connection.execute(query.where(rulings.c.same.is_(True), _across(some, others))).all()


def _across(some: Collection[int], others: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a ruling is about a face of one set and a face of another."""
    one, two = rulings.c.one, rulings.c.two
    return (one.in_(some) & two.in_(others)) | (one.in_(others) & two.in_(some))


def _note(connection: Connection, what: str, moved: Collection[int], **before: Any) -> int:
    """Note an action with what undoing it puts back, and return its id."""
    homes = connection.execute(select(faces.c.id, faces.c.group_id).where(faces.c.id.in_(moved)))
    before["faces"] = [list(row) for row in homes]
    return add_row(
        connection, actions, at=datetime.now(UTC), who=current_user(), what=what, before=before, undone=False
    )


def _rule(connection: Connection, action: int, same: bool, pairs: Iterable[tuple[int, int]]) -> None:
    rows = [{"action_id": action, "same": same, "one": first, "two": second} for first, second in pairs]
    if rows:
        connection.execute(insert(rulings), rows)


def _move(connection: Connection, moved: Collection[int], group: int) -> None:
    connection.execute(update(faces).where(faces.c.id.in_(moved)).values(group_id=group))


def _exists(connection: Connection, group: int | None) -> bool:
    return connection.scalar(select(groups.c.id).where(groups.c.id == group)) is not None


def _name(connection: Connection, group: int) -> str | None:
    name: str | None = connection.scalar(select(groups.c.name).where(groups.c.id == group))
    return name
