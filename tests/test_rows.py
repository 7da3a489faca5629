import pytest

from tests.rows import each

TABLE = [("one", 1), ("two", 2), ("three", 3), ("none", None)]


@each(TABLE)
def test_a_table_without_a_fault_passes(row: tuple[str, int | None]) -> None:
    assert row[1] is None or row[1] < 4


def test_every_row_that_fails_is_named_with_what_is_wrong() -> None:
    @each(TABLE, name=lambda row: f"the row {row[0]}")
    def even(row: tuple[str, int | None]) -> None:
        number = row[1]
        assert number % 2 == 0, f"{number} is odd"  # type: ignore[operator]

    with pytest.raises(pytest.fail.Exception) as failure:
        even()
    said = str(failure.value)
    assert "the row one\n    AssertionError: 1 is odd" in said
    assert "the row three\n    AssertionError: 3 is odd" in said
    assert "the row none\n    TypeError: " in said
    assert "two" not in said


def test_a_table_without_rows_is_a_fault() -> None:
    @each([])
    def anything(row: object) -> None:
        pass

    with pytest.raises(AssertionError, match="no rows"):
        anything()
