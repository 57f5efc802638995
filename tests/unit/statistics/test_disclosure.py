"""Nothing small leaves, and nothing small can be worked out."""

import itertools
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.statistics.attacker import exposed_counts
from registry.statistics.disclosure import (
    ReleasedTable,
    release_counts,
    release_proportion,
    release_rate,
    release_table,
    show_count,
    shown_proportion,
)
from registry.statistics.policy import RELEASE, SUPPRESSED, Policy, Shown, Sum, Suppressed
from registry.statistics.proportions import wilson
from registry.statistics.rates import eair

SMALL = range(1, 8)
ROW = Sum("total", ("a", "b", "c"))


def rows_of(size: int) -> st.SearchStrategy[dict[str, dict[str, int]]]:
    cell = st.one_of(st.integers(0, 12), st.integers(0, 60))
    return st.integers(1, size).flatmap(
        lambda columns: st.lists(
            st.lists(cell, min_size=columns, max_size=columns), min_size=1, max_size=size
        ).map(
            lambda rows: {
                f"site {i}": {f"c{j}": count for j, count in enumerate(row)}
                for i, row in enumerate(rows)
            }
        )
    )


@pytest.mark.parametrize(
    ("count", "shown"), [(0, 0), (8, 10), (12, 10), (13, 15), (17, 15), (18, 20), (402, 400)]
)
def test_other_counts_are_rounded_to_the_nearest_5(count: int, shown: int) -> None:
    assert show_count(count) == shown


@pytest.mark.parametrize("count", SMALL)
def test_counts_of_1_to_7_are_hidden_and_look_alike(count: int) -> None:
    assert show_count(count) is SUPPRESSED
    assert SUPPRESSED.as_json() == {"suppressed": True}


def test_a_proportion_is_computed_from_what_is_shown() -> None:
    assert release_proportion(22, 68) == wilson(20, 70)


@pytest.mark.parametrize(
    ("x", "n"), [(3, 100), (97, 100), (0, 19), (19, 19), (8, 17), (0, 0), (3, 5), (5, 5)]
)
def test_a_proportion_that_would_reveal_few_people_is_suppressed(x: int, n: int) -> None:
    assert release_proportion(x, n) is SUPPRESSED


def test_none_or_all_of_a_large_group_may_be_shown() -> None:
    assert release_proportion(0, 100) == wilson(0, 100)
    assert release_proportion(100, 100) == wilson(100, 100)


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_shown_proportion_never_exceeds_1(x: int, rest: int) -> None:
    share = release_proportion(x, x + rest)

    assert share is SUPPRESSED or (0 <= share.estimate <= 1 and share.n >= 20)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(7, 12))
def test_a_higher_threshold_never_shows_more(x: int, rest: int, threshold: int) -> None:
    strict = Policy("strict", hide_up_to=threshold, base=5, group=20)

    if release_proportion(x, x + rest) is SUPPRESSED:
        assert release_proportion(x, x + rest, policy=strict) is SUPPRESSED
    if show_count(x) is SUPPRESSED:
        assert show_count(x, strict) is SUPPRESSED


def test_a_proportion_of_a_hidden_count_is_hidden() -> None:
    assert shown_proportion(SUPPRESSED, 100) is SUPPRESSED
    assert shown_proportion(10, SUPPRESSED) is SUPPRESSED
    assert shown_proportion(10, 15) is SUPPRESSED
    assert shown_proportion(10, 20) == wilson(10, 20)


def test_a_rate_is_computed_from_the_shown_count() -> None:
    assert release_rate(22, 100, 36525) == eair(20, 36525)
    assert release_rate(3, 100, 36525) is SUPPRESSED
    assert release_rate(97, 100, 36525) is SUPPRESSED


def test_a_hidden_cell_takes_another_with_it() -> None:
    table = release_table({"site": {"a": 3, "b": 20, "c": 40}})

    assert table.cells["site"] == {"a": SUPPRESSED, "b": SUPPRESSED, "c": 40}
    assert (table.row_totals, table.total) == ({"site": 65}, 65)
    assert table.as_json()["cells"]["site"]["a"] == {"suppressed": True}


def test_two_small_counts_whose_sum_rounding_betrays_take_a_third() -> None:
    naive: dict[str, Shown] = {"a": SUPPRESSED, "b": SUPPRESSED, "c": 25, "total": 25}
    assert exposed_counts(naive, [ROW], {"a", "b"}) == {"a", "b"}

    table = release_table({"site": {"a": 1, "b": 1, "c": 23}})

    assert set(table.cells["site"].values()) == {SUPPRESSED}


def test_a_group_below_20_is_not_broken_down_even_into_noughts() -> None:
    for cells in ({"a": 15, "b": 0}, {"a": 0, "b": 15}, {"a": 8, "b": 7}):
        table = release_table({"site": cells})
        assert set(table.cells["site"].values()) == {SUPPRESSED}
        assert table.row_totals == {"site": 15}


def test_a_table_without_small_counts_is_only_rounded() -> None:
    table = release_table({"one": {"a": 11, "b": 22}, "two": {"a": 33, "b": 0}})

    assert table.cells == {"one": {"a": 10, "b": 20}, "two": {"a": 35, "b": 0}}
    assert (table.column_totals, table.total) == ({"a": 45, "b": 20}, 65)


def test_an_empty_table_is_a_table() -> None:
    assert release_table({}) == ReleasedTable({}, {}, {}, 0)
    assert release_table({"site": {}}).total == 0


def lines(table: ReleasedTable) -> list[list[Shown]]:
    """Every row and column of the released table with its total last."""
    rows = [[*cells.values(), table.row_totals[row]] for row, cells in table.cells.items()]
    rows.append([*table.column_totals.values(), table.total])
    return rows + [list(column) for column in zip(*rows, strict=True)]


@settings(max_examples=40)
@given(rows_of(4))
def test_no_margin_leaves_one_hidden_cell_alone_and_the_attacker_learns_nothing(
    rows: dict[str, dict[str, int]],
) -> None:
    table = release_table(rows)

    assert all(sum(isinstance(v, Suppressed) for v in line) != 1 for line in lines(table))
    assert_no_small_count_is_narrowed(rows, table)


def assert_no_small_count_is_narrowed(
    rows: dict[str, dict[str, int]], table: ReleasedTable
) -> None:
    """The attack again, with keys, sums and bounds of its own: none of the module's own lists."""
    shown = {(r, c): v for r, cells in table.cells.items() for c, v in cells.items()}
    true = {(r, c): v for r, cells in rows.items() for c, v in cells.items()}
    columns = list(table.column_totals)
    sums = []
    for r in rows:
        shown[r, ""], true[r, ""] = table.row_totals[r], sum(rows[r].values())
        sums.append(Sum((r, ""), tuple((r, c) for c in columns)))
    for c in columns:
        shown["", c], true["", c] = table.column_totals[c], sum(rows[r][c] for r in rows)
        sums.append(Sum(("", c), tuple((r, c) for r in rows), group=False))
    shown["", ""], true["", ""] = table.total, sum(true[r, ""] for r in rows)
    sums.append(Sum(("", ""), tuple((r, "") for r in rows)))
    small = {key for key, count in true.items() if count in SMALL}

    assert all(shown[key] is SUPPRESSED for key in small)
    assert exposed_counts(shown, sums, small) == set()


@settings(max_examples=40)
@given(rows_of(3))
def test_what_is_shown_is_the_rounded_truth(rows: dict[str, dict[str, int]]) -> None:
    table = release_table(rows)

    for row, cells in rows.items():
        for column, count in cells.items():
            shown = table.cells[row][column]
            assert isinstance(shown, Suppressed) or shown == RELEASE.rounded(count)


def possible_values(shown: dict[str, Shown]) -> dict[str, set[int]]:
    """Every value of every count of one row, by trying all rows: no integer program."""
    values: dict[str, set[int]] = defaultdict(set)
    ranges = [[v for v in range(41) if fits(v, shown[name], shown["total"])] for name in ROW.parts]
    for cells in itertools.product(*ranges):
        if fits(sum(cells), shown["total"], SUPPRESSED):
            for name, value in zip(ROW.keys, (sum(cells), *cells), strict=True):
                values[name].add(value)
    return values


def fits(value: int, shown: Shown, total: Shown) -> bool:
    if not isinstance(shown, Suppressed):
        return show_count(value) == shown
    return value > 0 or isinstance(total, Suppressed) or total <= 20


@settings(max_examples=40)
@given(st.tuples(*[st.one_of(st.just(SUPPRESSED), st.sampled_from([0, 10, 15]))] * 3), st.data())
def test_the_attacker_finds_what_trying_all_rows_finds(
    cells: tuple[Shown, Shown, Shown], data: st.DataObject
) -> None:
    total = data.draw(st.sampled_from([25, 30]))
    shown: dict[str, Shown] = dict(zip(ROW.parts, cells, strict=True)) | {"total": total}
    hidden = {name for name, value in shown.items() if value is SUPPRESSED}

    values = possible_values(shown)

    assert exposed_counts(shown, [ROW], hidden) == {
        name for name in hidden if not set(SMALL) <= values[name]
    }


def test_trying_every_table_of_two_cells_leaves_every_small_value_open() -> None:
    largest = 36
    by_release: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for a, b in itertools.product(range(largest + 1), repeat=2):
        by_release[str(release_table({"site": {"a": a, "b": b}}))].append((a, b))

    for released, tables in by_release.items():
        if max(map(sum, tables)) >= largest:
            continue  # tables beyond those tried may give the same release
        for values in (set(column) for column in zip(*tables, strict=True)):
            assert not values & set(SMALL) or set(SMALL) <= values, released


def test_a_difference_that_is_not_shown_is_protected_as_well() -> None:
    counts = {"any": 60, "serious": 58, "only mild": 2}
    sums = [Sum("any", ("serious", "only mild"), margin=False)]

    shown = release_counts(counts, sums, latent={"only mild"})

    assert "only mild" not in shown
    assert SUPPRESSED in shown.values()


def test_a_difference_that_rounding_covers_costs_nothing() -> None:
    counts = {"any": 62, "serious": 57, "only mild": 5}
    sums = [Sum("any", ("serious", "only mild"), margin=False)]

    assert release_counts(counts, sums, latent={"only mild"}) == {"any": 60, "serious": 55}


def test_counts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="add up"):
        release_counts({"a": 1, "b": 2, "c": 3, "total": 7}, [ROW])
    with pytest.raises(ValueError, match="negative"):
        release_counts({"a": -1, "b": 2, "c": 3, "total": 4}, [ROW])
    with pytest.raises(ValueError, match="-1"):
        show_count(-1)


def test_untied_counts_are_shown_or_hidden_on_their_own() -> None:
    assert release_counts({"a": 3, "b": 22}, []) == {"a": SUPPRESSED, "b": 20}


def test_where_fractions_would_fit_and_whole_people_do_not_the_attacker_knows() -> None:
    exact = Policy("exact", hide_up_to=7, base=1, group=0)
    pairs = [Sum(two, tuple(two), margin=False) for two in ("ab", "bc", "ca")]
    sums = [*pairs, Sum("all", ("d", "e"))]

    def exposed(pair: int) -> set[str]:
        hidden: dict[str, Shown] = dict.fromkeys("abcde", SUPPRESSED)
        shown = hidden | dict.fromkeys(("ab", "bc", "ca"), pair) | {"all": 30}
        return exposed_counts(shown, sums, {"d"}, exact)

    assert exposed(10) == set()
    assert exposed(9) == {"d"}  # a = b = c = 4.5


def test_a_small_count_that_was_left_standing_is_found() -> None:
    shown: dict[str, Shown] = {"a": 5, "b": 20, "c": SUPPRESSED, "total": 30}

    assert "a" in exposed_counts(shown, [ROW], {"a"})
