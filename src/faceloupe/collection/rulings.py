"""Statements of people about a collection's groups: one person, two people, a name; each can be taken back.

A ruling is about two faces, not about groups, so that it outlives any grouping; what follows from it for others
outlives the two faces.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence, Set
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, tuple_, update

from faceloupe.collection.schema import actions, add_row, faces, groups, parts, rulings
from faceloupe.errors import InputError
from faceloupe.gallery.identity import checked_whom
from faceloupe.gallery.trail import current_user

FIT_FACES = 64
"""Faces of a group that a face is told apart from, the first ones: all of a group of usual size."""


class Ruling(NamedTuple):
    """Two faces that somebody said are one person, or two, and the action by which they did."""

    action: int
    same: bool
    one: int
    two: int

    def other(self, face: int) -> int:
        """Return the face that is not this one."""
        return self.two if face == self.one else self.one


def join(connection: Connection, first: int, second: int) -> int:
    """See :meth:`faceloupe.collection.Collection.join`."""
    members = {group: _members(connection, group) for group in (first, second)}
    if first == second:
        raise InputError(f"group {first} is one person already; name two groups")
    names = {group: _name(connection, group) for group in (first, second)}
    if all(names.values()):
        raise InputError(
            f"groups {first} and {second} are called {names[first]!r} and {names[second]!r}: take one name back first "
            f"(faceloupe name {second} --none)"
        )
    _check_compatible(connection, first, second)
    into, emptied = (second, first) if names[second] else (first, second)
    action = _note(connection, "join", members[emptied], emptied, removed=[emptied])
    face, *others = members[into] + members[emptied]
    _rule(connection, action, True, [(face, other) for other in others])
    connection.execute(update(faces).where(faces.c.group_id == emptied).values(group_id=into))
    drop_empty(connection)
    return into


def separate(connection: Connection, chosen: Sequence[int]) -> int:
    """See :meth:`faceloupe.collection.Collection.separate`."""
    homes = _homes(connection, chosen)
    missing = sorted(set(chosen) - homes.keys())
    if missing or not chosen:
        raise InputError(f"there is no face {missing[0]} in the collection" if missing else "name one face or more")
    home, *others = set(homes.values())
    if others or home is None:
        raise InputError(
            "name faces of one group; faceloupe group --json lists them, and so does the page that --out writes"
        )
    staying = [face for face in _members(connection, home) if face not in homes]
    if not staying:
        raise InputError(f"these are all faces of group {home}; leave one, or join the group to another")
    first, *rest = sorted(homes)
    new = add_row(connection, groups, name=None)
    _move(connection, homes, new)
    across = [row for row in _across(connection, new, home) if row.same]
    action = _note(connection, "separate", homes, home, broken=[[row.action_id, row.one, row.two] for row in across])
    if across:  # what held the rest together may have been among the faces that leave
        removed = [{"ruling": row.id} for row in across]
        connection.execute(delete(rulings).where(rulings.c.id == bindparam("ruling")), removed)
        _rule(connection, action, True, [(staying[0], other) for other in staying[1:]])
    _rule(connection, action, True, [(first, other) for other in rest])
    _rule(connection, action, False, [(first, other) for other in staying[:FIT_FACES]])
    return new


def confirm(connection: Connection, first: int, second: int) -> bool:
    """See :meth:`faceloupe.collection.Collection.confirm`."""
    homes = _homes(connection, [first, second])
    missing = [face for face in (first, second) if homes.get(face) is None]
    if missing or first == second:
        raise InputError(f"there is no face {missing[0]} in a group" if missing else "name two faces")
    same = bool(homes[first] == homes[second])
    action = _note(connection, "confirm", [], None)
    _rule(connection, action, same, [(first, second)])
    return same


def name(connection: Connection, group: int, name: str | None) -> None:
    """See :meth:`faceloupe.collection.Collection.name`."""
    name = name_for(connection, group, name)
    _note(connection, "name", [], None, named=[[group, _name(connection, group)]])
    connection.execute(update(groups).where(groups.c.id == group).values(name=name))


def name_for(connection: Connection, group: int, name: str | None) -> str | None:
    """Return a name as it is kept; raise InputError if the group is not there or cannot be given it."""
    name = None if name is None else checked_whom(name).name
    _members(connection, group)
    holder = connection.scalar(select(groups.c.id).where(groups.c.name == name)) if name else None
    if holder not in (None, group):
        raise InputError(
            f"group {holder} is called {name!r} already; if they are one person: faceloupe join {holder} {group}"
        )
    return name


def undo(connection: Connection) -> str | None:
    """See :meth:`faceloupe.collection.Collection.undo`."""
    query = select(actions).where(actions.c.undone.is_(False)).order_by(actions.c.id.desc()).limit(1)
    last = connection.execute(query).one_or_none()
    if last is None:
        return None
    before = last.before if isinstance(last.before, dict) else {}
    connection.execute(delete(rulings).where(rulings.c.action_id == last.id))
    broken = before.get("broken", [])
    there = _homes(connection, [face for _, *pair in broken for face in pair])  # photographs may have been removed
    for action, first, second in broken:
        if first in there and second in there:
            _rule(connection, action, True, [(first, second)])
    for group in before.get("removed", []):
        if not _exists(connection, group):
            connection.execute(insert(groups).values(id=group))
    for home, moved in _former_homes(before).items():
        _move(connection, moved, home if _exists(connection, home) else add_row(connection, groups, name=None))
    for group, former in before.get("named", []):
        connection.execute(update(groups).where(groups.c.id == group).values(name=former))
    drop_empty(connection)
    connection.execute(update(actions).where(actions.c.id == last.id).values(undone=True, before={}))
    what: str = last.what
    return what


def pairs_ruled(connection: Connection, *, same: bool) -> list[tuple[int, int]]:
    """See :meth:`faceloupe.collection.Collection.rulings`."""
    query = select(rulings.c.one, rulings.c.two).where(rulings.c.same == same).order_by(rulings.c.id)
    return [(row.one, row.two) for row in connection.execute(query)]


def following(statements: Iterable[Ruling], lost: Set[int]) -> list[Ruling]:
    """Return what statements about faces that are lost say of the others: who was held together by them still is.

    What follows from two statements goes with the later one, as that is taken back first.
    """
    follows: list[Ruling] = []
    about: dict[int, list[Ruling]] = defaultdict(list)  # by the first face that is lost
    for statement in statements:
        if lost_faces := lost & {statement.one, statement.two}:
            about[min(lost_faces)].append(statement)
    for face in sorted(lost):
        through = about.pop(face, [])
        alike = [statement for statement in through if statement.same]
        if not alike:
            continue
        first = min(alike, key=lambda statement: (statement.action, statement.other(face) in lost))
        stands_in = first.other(face)
        for statement in through:
            other = statement.other(face)
            if other != stands_in:
                follow = Ruling(max(statement.action, first.action), statement.same, stands_in, other)
                lost_faces = lost & {stands_in, other}
                (about[min(lost_faces)] if lost_faces else follows).append(follow)
    return follows


def drop_faces(connection: Connection, lost: Set[int]) -> None:
    """Remove the rulings about faces that go, also from what undoing would put back; keep what follows for others."""
    query = select(rulings.c.action_id, rulings.c.same, rulings.c.one, rulings.c.two).order_by(rulings.c.id)
    statements = [Ruling(*row) for row in connection.execute(query)]
    follows = following(statements, lost)
    for part in parts(lost):
        connection.execute(delete(rulings).where(rulings.c.one.in_(part) | rulings.c.two.in_(part)))
    _insert(connection, follows)
    following_rulings = set(follows)
    separated = (actions.c.what == "separate") & actions.c.undone.is_(False)
    for row in connection.execute(select(actions.c.id, actions.c.before).where(separated)).all():
        before = row.before if isinstance(row.before, dict) else {}
        broken = [Ruling(action, True, *pair) for action, *pair in before.get("broken", [])]
        remaining = [ruling for ruling in broken if not lost & {ruling.one, ruling.two}]
        if len(remaining) < len(broken):
            earlier = [ruling for ruling in statements if ruling.same and ruling.action < row.id]
            remaining += [ruling for ruling in following(broken + earlier, lost) if ruling not in following_rulings]
            back = [[ruling.action, ruling.one, ruling.two] for ruling in remaining]
            change = update(actions).where(actions.c.id == row.id)
            connection.execute(change.values(before={**before, "broken": back}))


def drop_empty(connection: Connection) -> None:
    """Remove groups without a face."""
    inhabited = select(faces.c.group_id).where(faces.c.group_id.is_not(None))
    connection.execute(delete(groups).where(groups.c.id.not_in(inhabited)))


def forget_names(connection: Connection) -> bool:
    """Remove the former names of groups that are there no more from what undoing would put back, if there are any."""
    forgotten = False
    for row in connection.execute(select(actions.c.id, actions.c.before).where(actions.c.what == "name")).all():
        named = (row.before or {}).get("named", [])
        if not all(_exists(connection, group) for group, _ in named):
            connection.execute(update(actions).where(actions.c.id == row.id).values(before={}))
            forgotten = True
    return forgotten


def _members(connection: Connection, group: int) -> list[int]:
    """Return the faces of a group, those of good quality first."""
    query = select(faces.c.id).where(faces.c.group_id == group).order_by(faces.c.unfit != "", faces.c.id)
    members = list(connection.scalars(query))
    if not members:
        raise InputError(f"there is no group {group}; faceloupe group lists them")
    return members


def _check_compatible(connection: Connection, first: int, second: int) -> None:
    of_first = select(faces.c.photograph_id).where(faces.c.group_id == first)
    shared = select(faces.c.id).where(faces.c.group_id == second, faces.c.photograph_id.in_(of_first)).limit(1)
    if (face := connection.scalar(shared)) is not None:
        raise InputError(f"face {face} and one of the other group are of one photograph: they are two people")
    if not all(row.same for row in _across(connection, first, second)):
        raise InputError("somebody said that they are two people: take that back first (faceloupe undo)")


def _across(connection: Connection, group: int, other: int) -> Sequence[Row[Any]]:
    """Return the rulings about a face of one group and a face of another."""
    first, second = faces.alias(), faces.alias()
    query = (
        select(rulings)
        .join(first, first.c.id == rulings.c.one)
        .join(second, second.c.id == rulings.c.two)
        .where(tuple_(first.c.group_id, second.c.group_id).in_([(group, other), (other, group)]))
    )
    return connection.execute(query).all()


def _homes(connection: Connection, some: Collection[int]) -> dict[int, int | None]:
    """Return the group of each face that is there."""
    homes: dict[int, int | None] = {}
    for part in parts(some):
        query = select(faces.c.id, faces.c.group_id).where(faces.c.id.in_(part))
        homes.update((row.id, row.group_id) for row in connection.execute(query))
    return homes


def _former_homes(before: dict[str, Any]) -> dict[int, list[int]]:
    """Return the faces that an action moved by the group they were in."""
    moved = before.get("faces", [])
    if "home" in before:
        return {before["home"]: moved} if moved else {}
    homes: dict[int, list[int]] = defaultdict(list)
    for face, home in moved:  # noted by faceloupe before it moved faces of one group only
        homes[home].append(face)
    return homes


def _note(connection: Connection, what: str, moved: Collection[int], home: int | None, **before: Any) -> int:
    """Note an action with what undoing it puts back, such as the group that faces were in, and return its id."""
    before |= {"faces": list(moved), "home": home}
    now, who = datetime.now(UTC), current_user()
    return add_row(connection, actions, at=now, who=who, what=what, before=before, undone=False)


def _rule(connection: Connection, action: int, same: bool, pairs: Iterable[tuple[int, int]]) -> None:
    _insert(connection, [Ruling(action, same, *pair) for pair in pairs])


def _insert(connection: Connection, statements: Iterable[Ruling]) -> None:
    rows = [{"action_id": action, "same": same, "one": one, "two": two} for action, same, one, two in statements]
    if rows:
        connection.execute(insert(rulings), rows)


def _move(connection: Connection, moved: Iterable[int], group: int) -> None:
    change = update(faces).where(faces.c.id == bindparam("face")).values(group_id=group)
    if rows := [{"face": face} for face in moved]:
        connection.execute(change, rows)


def _exists(connection: Connection, group: int | None) -> bool:
    return connection.scalar(select(groups.c.id).where(groups.c.id == group)) is not None


def _name(connection: Connection, group: int) -> str | None:
    name: str | None = connection.scalar(select(groups.c.name).where(groups.c.id == group))
    return name
