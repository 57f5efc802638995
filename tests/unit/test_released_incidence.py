"""What a released curve of first serious events gives away: another attacker solves for it."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from registry.queries.sufficient_incidence import CauseCounts
from registry.reports.incidence import exact_incidence
from registry.reports.released_incidence import Elsewhere, Known, released_incidence
from registry.reports.values import IncidenceFigures
from registry.statistics.policy import RELEASE, SUPPRESSED, Shown, Suppressed

WHY = st.sampled_from([0, 0, 1, 1, 2])


def shown(count: int) -> Shown:
    return SUPPRESSED if RELEASE.is_small(count) else RELEASE.rounded(count)


def known(count: int) -> Known:
    return Known(count, shown(count))


def rows_of(patients: Sequence[tuple[int, int]], late: int = 0) -> list[CauseCounts]:
    """Day counts of (day, why): 1 an event, 2 a death, 0 neither; some of the last entered late."""
    found = []
    for day in sorted({*(day for day, _ in patients), 10}):
        causes = [sum(p == (day, why) for p in patients) for why in (1, 2, 0)]
        found.append(CauseCounts(day, *causes, late if day == 10 else 0))
    return found


def ranges(
    counts: dict[str, tuple[int, int]], sums: list[tuple[str, list[str]]]
) -> dict[str, tuple[int, int]]:
    """The least and the most that each count can be, given the least and most of all and sums."""
    names = list(counts)
    matrix = np.zeros((len(sums), len(names)))
    for row, (total, parts) in enumerate(sums):
        matrix[row, names.index(total)] = -1
        for part in parts:
            matrix[row, names.index(part)] += 1
    low, high = np.array(list(counts.values()), dtype=float).T
    found = {}
    for place, name in enumerate(names):
        ends = []
        for sign in (1, -1):
            aim = np.zeros(len(names))
            aim[place] = sign
            solved = optimize.milp(
                aim,
                integrality=np.ones(len(names)),
                bounds=optimize.Bounds(low, high),
                constraints=optimize.LinearConstraint(matrix, 0, 0),
            )
            assert solved.x is not None, "what is released contradicts itself"
            ends.append(round(solved.x[place]))
        found[name] = (ends[0], ends[1])
    return found


def bounds(count: Shown | None) -> tuple[int, int]:
    if count is None or isinstance(count, Suppressed):
        return 0, 400
    return (max(8, count - 2), count + 2) if count else (0, 0)


def steps_of(found: IncidenceFigures) -> list[tuple[int, int, int]]:
    """At risk, events and deaths of each step, as anybody can work them out of the figures."""
    return [(s.at_risk, s.events, s.competing) for s in found.steps if s.day > 0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(11, 730), WHY), min_size=20, max_size=150),
    *[st.integers(0, 9)] * 4,
)
def test_no_small_difference_can_be_told_from_the_steps(
    patients: list[tuple[int, int]], before: int, others: int, none: int, after: int
) -> None:
    events, deaths = (sum(why == cause for _, why in patients) for cause in (1, 2))
    serious, any_, died = events + before, events + before + others, deaths + after
    treated = max(len(patients) + none + before, any_)
    beside = Elsewhere(known(treated), known(any_), known(serious), known(died))
    found = released_incidence(rows_of(patients), beside, RELEASE)
    steps = steps_of(found)
    if not steps:
        assert all(isinstance(at, Suppressed) for at in found.at.values())
        return
    assert all(n % 5 == 0 and n >= 20 for n, _, _ in steps)
    assert all(
        count == 0 or (count >= 10 and count % 5 == 0) for step in steps for count in step[1:]
    )

    table = {"treated": bounds(shown(treated)), "any": bounds(shown(any_))}
    table |= {"serious": bounds(shown(serious)), "died": bounds(shown(died))}
    table |= {f"events {k}": bounds(step[1]) for k, step in enumerate(steps)}
    table |= {f"deaths {k}": bounds(step[2]) for k, step in enumerate(steps)}
    table |= {"at risk": bounds(steps[0][0]), "not there": (0, 400), "no event": (0, 400)}
    table |= {"only others": (0, 400), "other times": (0, 400), "died otherwise": (0, 400)}
    numbers = range(len(steps))
    inside = sum(
        step.events
        for step in exact_incidence(rows_of(patients)).steps
        if step.day <= found.steps[-1].day
    )
    gone = sum(
        step.competing
        for step in exact_incidence(rows_of(patients)).steps
        if step.day <= found.steps[-1].day
    )
    truth = {
        "not there": treated - len(patients), "no event": treated - any_, "only others": others,
        "other times": serious - inside, "died otherwise": died - gone,
    }  # fmt: skip
    reach = ranges(
        table,
        [
            ("treated", ["at risk", "not there"]),
            ("treated", ["any", "no event"]),
            ("any", ["serious", "only others"]),
            ("serious", [*(f"events {k}" for k in numbers), "other times"]),
            ("died", [*(f"deaths {k}" for k in numbers), "died otherwise"]),
        ],
    )
    for name, count in truth.items():
        if RELEASE.is_small(count):
            least, most = reach[name]
            assert least <= 1, f"{name} is {count}, at least {least} is known"
            assert most >= 7, f"{name} is {count}, at most {most} is known"


def test_events_that_the_safety_table_counts_beyond_the_curve_hide_its_events() -> None:
    # 18 of 20 with a serious event had it on the curve: side by side "20" and "20" would say that
    # at most 4 had it at another time
    patients = [(100 + n, 1) for n in range(18)] + [(730, 0)] * 60
    apart = Elsewhere(known(100), known(40), known(20), known(0))
    found = released_incidence(rows_of(patients), apart, RELEASE)

    # nobody had one by day 91, which may be told
    assert [at for at in found.at.values() if not isinstance(at, Suppressed) and at.incidence] == []
    assert isinstance(found.at[183], Suppressed)
    assert max(step.day for step in found.steps) == 91


def test_a_large_registry_shows_rounded_steps() -> None:
    patients = [(1 + n, 1) for n in range(203)] + [(2 + 3 * n, 2) for n in range(101)]
    patients += [(730, 0)] * 597
    exact = exact_incidence(rows_of(patients))
    beside = Elsewhere(known(901), known(303), known(203), known(131))
    found = released_incidence(rows_of(patients), beside, RELEASE)

    for day in (91, 183, 365, 730):
        at, true = found.at[day], exact.at[day]
        assert not isinstance(at, Suppressed)
        assert not isinstance(true, Suppressed)
        assert abs((at.incidence or 0) - (true.incidence or 0)) < 0.02
        assert at.incidence != true.incidence
    assert (found.events, found.deaths) == (SUPPRESSED, SUPPRESSED)


def test_nobody_and_few_show_nothing() -> None:
    for patients in ([], [(5, 1)], [(0, 1)] * 12, [(730, 0)] * 15):
        n = len(patients)
        events = sum(why == 1 for _, why in patients)
        beside = Elsewhere(known(n), known(events), known(events), known(0))
        found = released_incidence(rows_of(patients), beside, RELEASE)
        assert all(isinstance(at, Suppressed) for at in found.at.values())
