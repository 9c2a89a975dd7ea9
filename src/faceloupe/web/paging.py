"""Lists in parts: a cursor names the last item sent, so that changes in between neither repeat nor skip anybody."""

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query

from faceloupe.documents import parse_json
from faceloupe.errors import InputError
from faceloupe.web.problems import HTTPProblem

Item = TypeVar("Item")

Cursor = Annotated[str, Query(max_length=2000, description="`next` of the part before, to go on from there.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Number of entries, at most.")]


def page_of(
    items: Sequence[Item], cursor: str, limit: int, *, key: Callable[[Item], Any]
) -> tuple[Sequence[Item], str | None]:
    """Return a part of a list that is in the order of its keys, and the cursor of the next part; None at the end.

    The cursor of the first part is empty. Raises HTTPProblem for a cursor that this function did not write.
    """
    start = bisect_right(items, _read(cursor, items, key), key=key) if cursor else 0
    part = items[start : start + limit]
    more = start + limit < len(items)
    return part, base64.urlsafe_b64encode(json.dumps(key(part[-1])).encode()).decode() if more else None


def _read(cursor: str, items: Sequence[Item], key: Callable[[Item], Any]) -> Any:
    try:
        place = parse_json(base64.urlsafe_b64decode(cursor), max_depth=0)
    except (binascii.Error, ValueError, InputError) as problem:
        raise HTTPProblem("input", "cursor: expected `next` of the part before") from problem
    if items and type(place) is not type(key(items[0])):
        raise HTTPProblem("input", "cursor: expected `next` of the part before, of the same list")
    return place
