"""The difference attack on small tables: what it finds, what it leaves, and that every mart that hides counts is among what it reads."""

import re
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from core.settings import PROJECT
from tests.difference_attack import (
    AtMost,
    Derived,
    FewOrFewLeft,
    Figure,
    Identity,
    Ratio,
    Sum,
    Told,
    ZerosShown,
    attack,
    attack_releases,
)
from tests.integration.small_cells import DOMAINS, OF_AMOUNTS, OF_SHOWN

PLACES = Figure("places", "cases", ("place", "month"), least="1")
MONTHS = Figure("months", "cases", ("month",), is_public=True)
ADDED = Sum("month", ["place"], by=("month",))


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def write(marts: duckdb.DuckDBPyConnection, name: str, columns: str, *rows: tuple[object, ...]) -> None:
    """Make a table of a mart; its counts are `cases` and more."""
    marts.execute(f"create table {name} ({columns})")
    marts.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", rows)


def found(marts: duckdb.DuckDBPyConnection, figures: dict[str, Figure], *identities: Identity) -> list[Told]:
    """Attack."""
    return attack(figures, identities, lambda sql: marts.execute(sql).pl())


def write_places(marts: duckdb.DuckDBPyConnection, total: int | None, *cases: int | None) -> dict[str, Figure]:
    """Write the places of one month and its total; give the figures."""
    rows = [(place, 1, count) for place, count in zip("abcdefgh", cases, strict=False)]
    write(marts, "places", "place text, month int, cases int", *rows)
    write(marts, "months", "month int, cases int", (1, total))
    return {"place": PLACES, "month": MONTHS}


def test_the_one_hidden_part_of_a_shown_total_is_worked_out(marts: duckdb.DuckDBPyConnection) -> None:
    figures = write_places(marts, 13, 10, None)
    assert found(marts, figures, ADDED) == [Told("place", "worked out", ("b", "1"), 3)]


def test_that_nobody_is_left_is_told_unless_anybody_may_know_it(marts: duckdb.DuckDBPyConnection) -> None:
    figures = write_places(marts, 10, 10, None)
    zero = replace(figures["place"], least="0")
    assert found(marts, figures | {"place": zero}, ADDED) == [Told("place", "worked out", ("b", "1"), 0)]
    assert found(marts, figures | {"place": replace(zero, is_zero_public=True)}, ADDED) == []


def test_two_hidden_parts_of_a_total_are_not_told(marts: duckdb.DuckDBPyConnection) -> None:
    figures = write_places(marts, 21, 10, None, None)
    assert found(marts, figures, ADDED) == []


def test_two_hidden_parts_that_are_few_are_told_together(marts: duckdb.DuckDBPyConnection) -> None:
    figures = write_places(marts, 14, 10, None, None)
    assert found(marts, figures, ADDED) == [Told("place", "together", ("1",), 4)]


def test_parts_that_each_hold_at_least_one_are_told_where_only_ones_fit(marts: duckdb.DuckDBPyConnection) -> None:
    figures = write_places(marts, 15, 10, *[None] * 5)
    assert found(marts, figures, ADDED) == [Told("place", "worked out", (place, "1"), 1) for place in "bcdef"]


def test_a_small_count_that_is_shown_is_told_and_a_public_one_is_not(marts: duckdb.DuckDBPyConnection) -> None:
    figures = write_places(marts, 3, 3, 0)
    assert found(marts, figures, ADDED) == [Told("place", "shown", ("a", "1"), 3)]


def test_two_totals_of_two_marts_tell_what_neither_does_alone(marts: duckdb.DuckDBPyConnection) -> None:
    """By month a + b = 7 and c + d = 9; by group a + c = 9 and b + d = 7 leave much, that b + c = 6 leaves nothing."""
    cells = (("a", 1, "x", "p"), ("b", 1, "y", "q"), ("c", 2, "x", "q"), ("d", 2, "y", "p"))
    write(marts, "places", "place text, month int, grp text, other text, cases int", *((*cell, None) for cell in cells))
    write(marts, "months", "month int, cases int", (1, 7), (2, 9))
    write(marts, "groups", "grp text, cases int", ("x", 9), ("y", 7))
    write(marts, "others", "other text, cases int", ("q", 6))
    figures = {
        "place": Figure("places", "cases", ("place",)),
        "month": MONTHS,
        "group": Figure("groups", "cases", ("grp",), is_public=True),
    }
    identities = (ADDED, Sum("group", ["place"], by=("grp",)))
    assert found(marts, figures, *identities) == []
    figures["other"] = Figure("others", "cases", ("other",), is_public=True)
    told = found(marts, figures, *identities, Sum("other", ["place"], by=("other",)))
    assert told == [
        Told("place", "worked out", (place,), count) for place, count in zip("abcd", (5, 2, 4, 5), strict=True)
    ]


def test_a_percent_beside_its_denominator_tells_the_numerator(marts: duckdb.DuckDBPyConnection) -> None:
    write(
        marts,
        "stays",
        "place text, stays int, cases int, percent double",
        ("a", 30, None, 6.67),
        ("b", 3000, None, 0.1),
    )
    figures = {
        "cases": Figure("stays", "cases", ("place",)),
        "stays": Figure("stays", "stays", ("place",), is_public=True),
        "percent": Figure("stays", "percent", ("place",), is_public=True),
    }
    by = ("place",)
    assert found(marts, figures, Ratio("percent", "cases", "stays", by, decimals=2)) == [
        Told("cases", "worked out", ("a",), 2),
        Told("cases", "worked out", ("b",), 3),
    ]
    assert found(marts, figures, Ratio("percent", "cases", "stays", by, decimals=1)) == [
        Told("cases", "worked out", ("a",), 2)
    ], "of 3000 stays 0.05 to 0.15 percent are two to four"


def test_the_complement_and_a_part_of_another_part_are_followed(marts: duckdb.DuckDBPyConnection) -> None:
    write(
        marts,
        "days",
        "school text, enrolled int, present int, absent int, ill int",
        ("a", 40, 38, None, None),
        ("b", 40, 40, None, None),
    )
    figures = {
        "enrolled": Figure("days", "enrolled", ("school",), is_public=True),
        "present": Figure("days", "present", ("school",)),
        "absent": Figure("days", "absent", ("school",)),
        "ill": Figure("days", "ill", ("school",)),
    }
    by = ("school",)
    told = found(marts, figures, Sum("enrolled", ["present", "absent"], by), AtMost("ill", "absent", by))
    assert told == [
        Told("absent", "worked out", ("a",), 2),
        Told("absent", "worked out", ("b",), 0),
        Told("ill", "worked out", ("b",), 0),
    ]


def test_a_change_tells_the_week_before_under_its_own_key(marts: duckdb.DuckDBPyConnection) -> None:
    write(marts, "weeks", "week int, cases int, change int", (1, None, None), (2, 9, 7), (3, None, None))
    figures = {
        "cases": Figure("(select *, week + 1 as next_week from weeks)", "cases", ("week",)),
        "change": Figure("weeks", "change", ("week",), is_public=True),
    }
    told = found(marts, figures, Sum("cases", [("cases", ("next_week",)), "change"], by=("week",)))
    assert told == [Told("cases", "worked out", ("1",), 2)]


@pytest.mark.parametrize(
    ("total", "cases", "told"),
    [
        pytest.param(5, (None,) * 5 + (0,), [1] * 5, id="zeros are shown, so five that are five hold one each"),
        pytest.param(5, (None,) * 6 + (0,), [], id="one of the six is empty"),
        pytest.param(6, (None,) * 5 + (0,), [], id="one of the five holds two"),
        pytest.param(4, (None,) * 4 + (0,), [1] * 4, id="four that are four"),
    ],
)
def test_who_knows_that_zeros_are_shown_works_out_ones(
    marts: duckdb.DuckDBPyConnection, total: int, cases: tuple[int | None, ...], told: list[int]
) -> None:
    figures = write_places(marts, total, *cases) | {"place": Figure("places", "cases", ("place", "month"))}
    alone = [
        one.count for one in found(marts, figures, ADDED, ZerosShown("place", by=("month",))) if one.how == "worked out"
    ]
    assert alone == told


def test_five_cells_of_a_hidden_total_that_is_few_may_hold_anybody(marts: duckdb.DuckDBPyConnection) -> None:
    write_places(marts, None, *[None] * 5, 0)
    figures = {
        "place": Figure("places", "cases", ("place", "month")),
        "month": Figure("months", "cases", ("month",), least="1", most="4"),
    }
    assert found(marts, figures, ADDED, ZerosShown("place", by=("month",))) == []


def test_few_or_few_left_of_a_known_whole_are_told_by_an_extreme_sum(marts: duckdb.DuckDBPyConnection) -> None:
    """Two hidden parts of 100 that are 8 together are 4 and 4: one of them might be 96 or more, but not beside 8."""
    write(marts, "places", "place text, month int, cases int, of int", ("a", 1, None, 100), ("b", 1, None, 100))
    write(marts, "months", "month int, cases int", (1, 8))
    figures = {"place": PLACES, "month": MONTHS, "whole": Figure("places", '"of"', ("place", "month"), is_public=True)}
    rule = FewOrFewLeft("place", "whole", by=("place", "month"))
    assert found(marts, figures, ADDED, rule) == [Told("place", "worked out", (place, "1"), 4) for place in "ab"]
    marts.execute("update months set cases = 7")
    assert found(marts, figures, ADDED, rule) == []
    marts.execute("update months set cases = 198")
    assert [one.count for one in found(marts, figures, ADDED, rule)] == [99, 99], "one is left of each"


def test_figures_that_do_not_agree_are_refused(marts: duckdb.DuckDBPyConnection) -> None:
    figures = write_places(marts, 13, 10, 4)
    with pytest.raises(AssertionError, match=r"month of \(1,\): expected the figures to agree"):
        found(marts, figures, ADDED)
    marts.execute("update places set cases = null where place = 'b'; update months set cases = 9")
    with pytest.raises(AssertionError, match="expected counts that fit all identities"):
        found(marts, figures, ADDED)


def test_an_identity_whose_keys_never_meet_is_refused(marts: duckdb.DuckDBPyConnection) -> None:
    figures = write_places(marts, 13, 10, None)
    with pytest.raises(AssertionError, match="expected rows with the same key, got none"):
        found(marts, figures, Sum("month", [("place", ("place",))], by=("month",)))


def test_a_threshold_tells_the_hidden_week_it_is_computed_from(marts: duckdb.DuckDBPyConnection) -> None:
    figures = write_places(marts, 30, 10, None, None, 5)
    write(marts, "limits", "place text, month int, threshold double", ("a", 1, 12.5), ("b", 1, 9.25), ("c", 1, None))
    figures["threshold"] = Figure("limits", "threshold", ("place", "month"), is_public=True)
    assert found(marts, figures, ADDED) == []
    assert found(marts, figures, ADDED, Derived("threshold", "place", by=("place", "month"))) == [
        Told("place", "in threshold", ("b", "1"), 0)
    ]


def told_by_both(earlier: tuple[int, list[int | None]], later: tuple[int, list[int | None]]) -> list[Told]:
    """Attack two releases of the places of one month, each with its total."""
    with duckdb.connect() as one, duckdb.connect() as other:
        for connection, (total, cases) in ((one, earlier), (other, later)):
            write_places(connection, total, *cases)
        figures = {"place": PLACES, "month": MONTHS}
        return attack_releases(
            figures,
            [ADDED],
            lambda sql: one.execute(sql).pl(),
            lambda sql: other.execute(sql).pl(),
            growing=["place"],
        )


def test_another_cell_hidden_in_the_next_release_tells_the_first(marts: duckdb.DuckDBPyConnection) -> None:
    """Of 1, 6 and 7 the 6 is hidden beside the 1; when it has become 8 the 7 is, of which 14 - 7 - 6 is told."""
    assert [one.figure for one in found(marts, write_places(marts, 14, None, None, 7), ADDED)] == []
    assert told_by_both((14, [None, None, 7]), (16, [None, 8, None])) == [
        Told("earlier place", "worked out", ("a", "1"), 1),
        Told("earlier place", "worked out", ("b", "1"), 6),
        Told("later place", "worked out", ("a", "1"), 1),
        Told("later place", "worked out", ("c", "1"), 7),
    ]


def test_a_total_that_moves_by_one_tells_no_hidden_count_by_itself() -> None:
    assert told_by_both((14, [None, None, 7]), (15, [None, None, 7])) == []


def test_the_same_release_twice_tells_nothing_more() -> None:
    assert told_by_both((14, [None, None, 7]), (14, [None, None, 7])) == []


def test_what_one_release_tells_alone_is_not_told_by_two() -> None:
    assert told_by_both((13, [10, None]), (13, [10, None])) == []


def test_every_mart_that_hides_is_attacked() -> None:
    marts = PROJECT / "dbt_project" / "models" / "marts"
    hiding = {
        f"{path.parent.name}.{path.stem}"
        for path in marts.glob("*/*.sql")
        if any(
            word in path.read_text(encoding="utf-8")
            for word in ("is_small_cell", "least_cell", "is_hidden", "is_share_shown")
        )
    }
    assert len(hiding) >= 8
    relations = "\n".join(figure.relation for figures, _ in DOMAINS.values() for figure in figures.values())
    assert {mart for mart in hiding if mart not in relations} == OF_AMOUNTS | OF_SHOWN


@pytest.mark.parametrize("mart", sorted(OF_SHOWN))
def test_a_mart_of_shown_figures_reads_nothing_but_marts_and_lists(mart: str) -> None:
    models = PROJECT / "dbt_project" / "models"
    shown = {path.stem for path in (models / "marts").glob("*/*.sql")}
    lists = {path.stem for path in (PROJECT / "dbt_project" / "seeds").glob("*.csv")}
    sql = (models / "marts" / f"{mart.replace('.', '/')}.sql").read_text(encoding="utf-8")
    read = set(re.findall(r"ref\('(\w+)'\)", sql))
    assert read
    assert read <= shown | lists
