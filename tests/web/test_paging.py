"""Parts of a list: together they are the list, also when it changes in between."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.web.paging import page_of
from faceloupe.web.problems import HTTPProblem


def all_of(items, limit):
    found, cursor = [], ""
    while cursor is not None:
        part, cursor = page_of(items, cursor, limit, key=lambda item: item)
        found.extend(part)
    return found


@given(st.sets(st.text(max_size=5)), st.integers(1, 7))
def test_the_parts_are_the_list(names, limit):
    items = sorted(names)
    assert all_of(items, limit) == items


def test_who_comes_or_goes_in_between_moves_nobody():
    part, cursor = page_of(["b", "d", "f"], "", 2, key=str)
    assert part == ["b", "d"]
    assert page_of(["a", "c", "e", "f"], cursor, 2, key=str) == (["e", "f"], None)


def test_newest_first():
    part, cursor = page_of([5, 4, 3, 2, 1], "", 2, key=lambda number: -number)
    assert part == [5, 4]
    assert page_of([7, 6, 5, 4, 3, 2, 1], cursor, 2, key=lambda number: -number)[0] == [3, 2]


DEEP = base64.urlsafe_b64encode(b"[" * 1000 + b"]" * 1000).decode()


@pytest.mark.parametrize("cursor", ["x", "!!!!", "bnVsbA==", "MQ==", DEEP])
def test_a_forged_cursor_is_refused(cursor):
    with pytest.raises(HTTPProblem) as refused:
        page_of(["a", "b"], cursor, 1, key=str)
    assert refused.value.status_code == 422
