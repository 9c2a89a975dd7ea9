"""The table of trials: what is written is what is read, and grids are laid out by people and seed."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import StudyError
from faceloupe.studies import Trial, Trials
from faceloupe.studies.trials import COLUMNS, read_csv, write_csv

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00", exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.one_of(st.floats(width=32, allow_nan=True, allow_infinity=False), st.integers(-999, 999).map(float))
COLUMN_VALUES = {str: WORDS, int: st.integers(0, 2**40), float: NUMBERS}
ANY_TRIAL = st.builds(Trial, **{field.name: COLUMN_VALUES[field.type] for field in dataclasses.fields(Trial)})


def same(a: Trial, b: Trial) -> bool:
    """NaN equals NaN here, and a float32 what it was before it was written."""
    return all(
        x == y or (isinstance(x, float) and ((math.isnan(x) and math.isnan(y)) or np.float32(x) == np.float32(y)))
        for x, y in zip(dataclasses.astuple(a), dataclasses.astuple(b), strict=True)
    )


def grid_of(people=("0-1", "0-2"), seeds=(0, 1, 2), **more):
    return [
        Trial("pairs", "cnn", "none", who, seed, 5, accuracy=10 * row + seed, **more)
        for row, who in enumerate(people)
        for seed in seeds
    ]


class TestCsv:
    @given(st.lists(ANY_TRIAL, max_size=5))
    def test_what_was_written_is_read(self, rows):
        read = read_csv(write_csv(rows, header=True))
        assert len(read) == len(rows)
        assert all(same(a, b) for a, b in zip(rows, read, strict=True))

    @given(st.lists(ANY_TRIAL, max_size=5))
    def test_writing_again_changes_no_byte(self, rows):
        text = write_csv(rows, header=True)
        assert write_csv(read_csv(text), header=True) == text

    def test_appended_rows_are_read_with_the_first(self):
        rows = grid_of()
        text = write_csv(rows[:2], header=True) + write_csv(rows[2:], header=False)
        assert write_csv(read_csv(text), header=True) == write_csv(rows, header=True)

    def test_a_number_that_is_not_there_is_blank(self):
        assert ",nan" not in write_csv([Trial("pairs", "cnn", "none", "0-1", 0, 5)], header=False).lower()

    @given(st.integers(0, 200))
    def test_a_torn_row_is_left_out_when_asked(self, cut):
        whole, torn = (write_csv(grid_of(task=task), header=task == "a") for task in ("a", "b"))
        kept = read_csv(whole + torn[: min(cut, torn.index("\n") - len("b"))], skip_torn=True)
        assert len(kept.where(task="a")) == 6
        assert len(kept.where(task="b")) == 0

    def test_a_torn_row_is_an_error_otherwise(self):
        with pytest.raises(ValueError, match="zip"):
            read_csv(write_csv(grid_of(), header=True) + "pairs,cnn\n")

    @pytest.mark.parametrize(
        "header", ["", "a,b,c\n", ",".join(COLUMNS[:-1]) + "\n", ",".join(reversed(COLUMNS)) + "\n"]
    )
    def test_other_columns_are_refused(self, header):
        with pytest.raises(StudyError, match=r"expected to have the columns experiment.*task; it has"):
            read_csv(header)


class TestWhere:
    def test_one_value_or_one_of_several(self):
        table = Trials(grid_of())
        assert [row.seed for row in table.where(people="0-2", seed=(0, 2))] == [0, 2]
        assert len(table.where(seed=range(1, 3))) == len(table.where(seed=[1, 2])) == 4
        assert len(table.where(network="fcnn")) == 0

    def test_the_table_itself_stays(self):
        table = Trials(grid_of())
        table.where(seed=0)
        assert len(table) == 6

    def test_columns_and_distinct_values_are_in_order_of_appearance(self):
        table = Trials(reversed(grid_of()))
        assert table.column("accuracy").tolist() == [12, 11, 10, 2, 1, 0]
        assert table.values("people") == ["0-2", "0-1"]

    def test_an_unknown_column_is_no_empty_answer(self):
        with pytest.raises(AttributeError, match="netwrok"):
            Trials(grid_of()).where(netwrok="cnn")

    def test_the_repr_says_how_many_and_nothing_of_whom(self):
        assert repr(Trials(grid_of())) == "Trials(6 rows)"


class TestGrid:
    @given(st.permutations(grid_of(people=("0-1", "0-2", "10-3"))))
    def test_two_grids_are_paired_whatever_the_order_of_the_rows(self, rows):
        assert Trials(rows).grid("accuracy").tolist() == [[0, 1, 2], [10, 11, 12], [20, 21, 22]]

    def test_rows_of_one_cell_are_averaged(self):
        doubled = [*grid_of(), *(dataclasses.replace(row, accuracy=row.accuracy + 1) for row in grid_of())]
        assert Trials(doubled).grid("accuracy").tolist() == [[0.5, 1.5, 2.5], [10.5, 11.5, 12.5]]

    def test_values_that_are_no_column(self):
        table = Trials(grid_of())
        assert table.grid(table.column("accuracy") > 10).tolist() == [[0, 0, 0], [0, 1, 1]]

    @pytest.mark.parametrize("rows", [[], grid_of()[:-1], [*grid_of(), *grid_of(people=("1-2",), seeds=(0,))]])
    def test_a_grid_with_holes_is_refused(self, rows):
        with pytest.raises(StudyError, match="do not fill"):
            Trials(rows).grid("accuracy")
