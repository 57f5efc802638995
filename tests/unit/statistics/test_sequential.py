"""Monthly looks: the boundary against a recursion written another way, and against simulation."""

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from registry.statistics.sequential import Bound, History, Plan, bounds

YEAR = 1461  # four years, so that 365.25 days a year make a whole number
MONTHLY = [20 * YEAR * k // 4 for k in range(1, 25)]  # 20 person-years a month, two years long
CONSTANT = Plan(most=12, rate=0.03)
PUBLISHED = Plan(most=12, history=History(events=18, years=600))


def new_events(plan: Plan, count: int, before: int, now: int, more: int) -> float:
    """The chance of more new events by scipy's distributions, one at a time."""
    if plan.history is None:
        return float(stats.poisson.pmf(more, plan.expected(now) - plan.expected(before)))
    years = [plan.history.years + days / 365.25 for days in (before, now)]
    shape = plan.history.events + 1 + count
    return float(stats.nbinom.pmf(more, shape, years[0] / years[1]))


def by_the_long_way(plan: Plan, days: list[int], top: int = 90) -> list[int | None]:
    """Every path count by count in a dictionary; the boundary by trying one count after another."""
    paths, spent, least = {0: 1.0}, 0.0, 1
    found: list[int | None] = []
    for before, now in pairwise([0, *days]):
        moved: dict[int, float] = {}
        for count, chance in paths.items():
            for more in range(top - count):
                step = new_events(plan, count, before, now, more)
                moved[count + more] = moved.get(count + more, 0.0) + chance * step
        allowed = plan.alpha * min(1.0, plan.expected(now) / plan.most) ** plan.exponent
        crossing = None
        for count in range(least, top):
            above = math.fsum(chance for reached, chance in moved.items() if reached >= count)
            if spent + above <= allowed:
                crossing = count
                spent += above
                break
        found.append(crossing)
        least = crossing or least
        paths = {c: p for c, p in moved.items() if crossing is None or c < crossing}
    return found


@pytest.mark.parametrize("plan", [CONSTANT, PUBLISHED], ids=["constant", "published"])
def test_the_boundary_is_that_of_another_recursion(plan: Plan) -> None:
    days = MONTHLY[:8]
    assert [bound.count for bound in bounds(plan, days)] == by_the_long_way(plan, days)


def crossings(plan: Plan, events: np.ndarray, days: list[int]) -> float:
    """The share of registries (rows of events so far by look) that ever cross."""
    limits = [math.inf if b.count is None else b.count for b in bounds(plan, days)]
    return float((events >= np.asarray(limits)).any(axis=1).mean())


@pytest.mark.parametrize("exponent", [1.0, 3.0])
def test_of_20_000_registries_at_the_tolerated_rate_at_most_one_in_20_ever_crosses(
    exponent: float,
) -> None:
    plan = Plan(most=12, rate=0.03, exponent=exponent)
    draw = np.random.default_rng(20260105)
    means = np.diff([plan.expected(day) for day in [0, *MONTHLY]])
    events = draw.poisson(means, (20_000, len(means))).cumsum(axis=1)
    found = crossings(plan, events, MONTHLY)
    spent = bounds(plan, MONTHLY)[-1].spent
    assert 0.03 < found <= 0.05
    assert found == pytest.approx(spent, abs=4 * math.sqrt(spent * (1 - spent) / 20_000))


def test_the_published_rate_is_a_sample_and_the_alarm_rate_holds_over_both() -> None:
    """Whatever the common rate: the history ends with its 18th event, the registry goes on."""
    draw = np.random.default_rng(7)
    rate, history, looks = 0.05, 18, np.asarray(MONTHLY) / 365.25
    crossed = []
    for _ in range(500):
        years = draw.gamma(history, 1 / rate)
        plan = Plan(most=12, history=History(history, years))
        steps = draw.poisson(rate * np.diff([0.0, *looks]))
        limits = [b.count or math.inf for b in bounds(plan, MONTHLY[::4])]
        crossed.append(bool((steps.cumsum()[::4] >= limits).any()))
    assert np.mean(crossed) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 500)


def test_twice_the_tolerated_rate_is_nearly_always_seen() -> None:
    plan, draw = Plan(most=36, rate=0.09), np.random.default_rng(3)
    means = np.diff([2 * plan.expected(day) for day in [0, *MONTHLY]])
    events = draw.poisson(means, (2000, len(means))).cumsum(axis=1)
    assert crossings(plan, events, MONTHLY) > 0.95


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 30_000), min_size=1, max_size=12).map(lambda steps: np.cumsum(steps)),
    st.sampled_from([CONSTANT, PUBLISHED, Plan(most=3, rate=0.2, alpha=0.01, exponent=2)]),
)
def test_no_more_is_spent_than_allowed_and_no_boundary_falls(days: np.ndarray, plan: Plan) -> None:
    found = bounds(plan, days.tolist())
    for bound, day in zip(found, days.tolist(), strict=True):
        assert bound.spent <= plan.may_spend(day) + 1e-12
        assert bound.expected == plan.expected(day)
    assert all(one.spent <= other.spent for one, other in pairwise(found))
    counts = [bound.count for bound in found if bound.count is not None]
    assert counts == sorted(counts)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200_000), st.sampled_from([CONSTANT, Plan(most=2, rate=0.01, alpha=0.1)]))
def test_one_look_is_the_exact_poisson_test(days: int, plan: Plan) -> None:
    (found,) = bounds(plan, [days])
    mean, room = plan.expected(days), plan.may_spend(days)
    assert found.count is not None
    assert stats.poisson.sf(found.count - 1, mean) <= room * (1 + 1e-9)
    if found.count > 1:
        assert stats.poisson.sf(found.count - 2, mean) > room * (1 - 1e-9)


def test_one_look_at_a_published_rate_is_the_conditional_binomial_test() -> None:
    """18 events in 600 years and x in 120: of 18 + x, each is ours with a chance of 120 / 720."""
    (found,) = bounds(PUBLISHED, [YEAR * 30])
    assert found.count is not None
    ours = Fraction(120, 720)
    for count, is_rare in ((found.count, True), (found.count - 1, False)):
        every = 18 + count
        ways = (math.comb(every, x) * ours**x * (1 - ours) ** (every - x) for x in range(count))
        assert (1 - sum(ways) <= Fraction(PUBLISHED.may_spend(YEAR * 30))) is is_rare


@pytest.mark.parametrize("mean", [2, 4, 8, 18])
def test_a_published_study_of_fixed_length_gives_no_more_false_alarms(mean: int) -> None:
    """Whatever the common rate: the study counts its 100 years, the registry goes on beside it."""
    draw = np.random.default_rng(mean)
    published = draw.poisson(mean, 20_000)
    looks = MONTHLY[::6]
    means = mean * np.diff([0, *looks]) / 365.25 / 100
    ours = draw.poisson(means, (20_000, len(looks))).cumsum(axis=1)
    alarms = 0.0
    for events in np.unique(published[published > 0]).tolist():
        plan = Plan(most=2, history=History(events, 100))
        rows = ours[published == events]
        alarms += crossings(plan, rows, looks) * len(rows)
    assert alarms / 20_000 <= 0.05


def test_a_published_rate_that_is_known_very_well_is_a_constant() -> None:
    well_known = Plan(most=12, history=History(3_000_000, 100_000_000))
    assert [b.count for b in bounds(well_known, MONTHLY)] == [
        b.count for b in bounds(CONSTANT, MONTHLY)
    ]


def test_a_small_history_asks_for_more_events() -> None:
    ours, theirs = bounds(CONSTANT, MONTHLY)[-1], bounds(PUBLISHED, MONTHLY)[-1]
    assert (theirs.count or 0) > (ours.count or 0)


def test_more_days_without_an_event_never_cross() -> None:
    # late spending leaves so much that the third boundary would fall to 2
    found = bounds(Plan(most=1, rate=0.05, alpha=0.4, exponent=4), [2437, 3389, 7636])
    assert [bound.count for bound in found] == [3, 3, 3]


def test_a_look_without_new_days_changes_nothing() -> None:
    once = bounds(CONSTANT, [5000, 9000])
    again = bounds(CONSTANT, [5000, 5000, 4000, 9000])
    assert [again[0].count, again[-1].count] == [bound.count for bound in once]
    assert again[1].count == again[2].count == again[0].count


def test_before_anybody_is_at_risk_nothing_crosses() -> None:
    (found,) = bounds(CONSTANT, [0])
    assert found == Bound(0.0, None, 0.0)
    assert not found.is_crossed(5)
    assert bounds(CONSTANT, []) == []


@pytest.mark.parametrize(
    "faulty",
    [
        {"most": 10},
        {"most": 10, "rate": 0.1, "history": History(3, 10)},
        {"most": 0, "rate": 0.1},
        {"most": 10, "rate": 0.0},
        {"most": 10, "rate": 0.1, "alpha": 0.7},
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(faulty: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"monitored|only one"):
        Plan(**faulty)


def test_a_history_without_events_and_days_below_nought_are_refused() -> None:
    with pytest.raises(ValueError, match="no rate"):
        History(0, 100)
    with pytest.raises(ValueError, match="negative"):
        bounds(CONSTANT, [-1])
