"""Aalen-Johansen against statsmodels, the variance written out, and what must hold of it."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight

from registry.statistics.incidence import Incidence, aalen_johansen
from registry.statistics.risk_sets import NOBODY
from registry.statistics.survival import ALL_EVENTS, NO_EVENTS, kaplan_meier

Patient = tuple[int, int]
"""Day, and why it was the last: 1 the event, 2 the competing one, 0 neither."""
PATIENTS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), min_size=1, max_size=60)
LATE = st.lists(
    st.tuples(st.integers(0, 25), st.integers(0, 40), st.integers(0, 2)), min_size=1, max_size=60
)


def curve_of(patients: Sequence[Patient], level: float = 0.95) -> Incidence:
    day, why = np.array(patients).T
    return aalen_johansen(day, why == 1, why == 2, why == 0, level=level)


def late_curve(patients: Sequence[tuple[int, int, int]]) -> Incidence:
    entry, day, why = np.array(patients).T
    none = np.zeros_like(entry)
    columns = [(day, entry), *((why == cause, none) for cause in (1, 2, 0)), (none, none + 1)]
    return aalen_johansen(*(np.concatenate(pair) for pair in columns))


@settings(max_examples=60)
@given(PATIENTS)
def test_incidence_and_error_agree_with_statsmodels(patients: list[Patient]) -> None:
    day, why = np.array(patients).T
    assume((why == 1).any())
    ours = curve_of(patients)
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = CumIncidenceRight(day.astype(float), why)
    for when, share, error in zip(theirs.times, theirs.cinc[0], theirs.cinc_se[0], strict=True):
        place = np.searchsorted(ours.time, when)
        assert ours.incidence[place] == pytest.approx(share, abs=1e-12)
        if np.isfinite(error):  # it divides by nought where everyone at risk had an event
            assert math.sqrt(ours.variance[place]) == pytest.approx(error, abs=1e-7)


def written_out(patients: Sequence[tuple[int, int, int]], until: int) -> tuple[float, float]:
    """Incidence by a day and its variance, from the definition and patient by patient."""
    steps, free = [], 1.0
    for day in range(until + 1):
        n = sum((entry == 0 or entry < day) and last >= day for entry, last, _ in patients)
        d1, d2 = (
            sum(last == day and why == cause for _, last, why in patients) for cause in (1, 2)
        )
        if d1 + d2:
            steps.append((n, d1, d1 + d2, free, d1 / n * free))
            free *= 1 - (d1 + d2) / n
    shares = np.cumsum([step[-1] for step in steps])
    total = float(shares[-1]) if steps else 0.0
    variance = 0.0
    for (n, d1, d, before, _), share in zip(steps, shares, strict=True):
        rest = total - share
        variance += rest**2 * d / (n * (n - d)) if d < n else 0
        variance += before**2 * d1 * (n - d1) / n**3 - 2 * rest * before * d1 / n**2
    return total, variance


@given(LATE, st.integers(0, 40))
def test_late_entries_are_the_definition_written_out(
    drawn: list[tuple[int, int, int]], day: int
) -> None:
    patients = [p for p in drawn if p[0] == 0 or p[1] > p[0]]
    assume(patients)
    curve = late_curve(patients)
    found = curve.at(day)
    assume(found.incidence is not None)
    share, variance = written_out(patients, day)
    place = int(np.searchsorted(curve.time, day, side="right")) - 1

    assert found.incidence == pytest.approx(share, abs=1e-12)
    assert curve.variance[place] == pytest.approx(variance, abs=1e-12)


@given(PATIENTS)
def test_both_incidences_and_the_free_add_up_to_one(patients: list[Patient]) -> None:
    curve = curve_of(patients)

    assert curve.incidence + curve.other + curve.free == pytest.approx(1, abs=1e-12)


@given(PATIENTS, st.sampled_from([0.8, 0.95]))
def test_without_competing_events_it_is_kaplan_meier_turned_over(
    patients: list[Patient], level: float
) -> None:
    patients = [(day, min(why, 1)) for day, why in patients]
    day, why = np.array(patients).T
    theirs = kaplan_meier(day, why, 1 - why, level=level)
    for ours, step in zip(curve_of(patients, level).steps(), theirs.steps(), strict=True):
        assert ours.incidence == 1 - step.survival
        assert (ours.lower is None) == (step.lower is None)
        if ours.lower is not None:
            assert ours.lower == pytest.approx(1 - step.upper, abs=1e-9)
            assert ours.upper == pytest.approx(1 - step.lower, abs=1e-9)


@given(PATIENTS)
def test_death_as_censoring_would_overstate_it(patients: list[Patient]) -> None:
    day, why = np.array(patients).T
    wrong = kaplan_meier(day, why == 1, why != 1)
    for ours, step in zip(curve_of(patients).steps(), wrong.steps(), strict=True):
        assert ours.incidence <= 1 - step.survival + 1e-12


@given(PATIENTS)
def test_it_rises_and_stays_inside_its_limits(patients: list[Patient]) -> None:
    steps = curve_of(patients).steps()

    assert all(a.incidence <= b.incidence + 1e-15 for a, b in pairwise(steps))
    for step in steps:
        if step.lower is not None:
            assert 0 <= step.lower <= step.incidence <= step.upper <= 1


@given(PATIENTS, st.integers(2, 9))
def test_the_same_cohort_c_times_over_has_the_same_curve_and_a_smaller_error(
    patients: list[Patient], times: int
) -> None:
    once, often = curve_of(patients), curve_of(patients * times)

    assert often.incidence == pytest.approx(once.incidence, abs=1e-12)
    # where one day ends all, its own term is all that the variance has, in either size
    assert often.variance * times == pytest.approx(once.variance, abs=1e-12)


@given(PATIENTS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(patients: list[Patient], random: object) -> None:
    shuffled = list(patients)
    random.shuffle(shuffled)

    assert curve_of(patients).steps() == curve_of(shuffled).steps()


def test_without_censoring_it_is_the_share_and_its_binomial_error() -> None:
    patients = [(3, 1)] * 4 + [(7, 2)] * 5 + [(9, 1)] * 3 + [(11, 2)] * 8
    curve = curve_of(patients)

    assert curve.at(9).incidence == pytest.approx(7 / 20)
    assert curve.variance[curve.time == 9][0] == pytest.approx(0.35 * 0.65 / 20)


def test_ties_are_counted_as_they_are_and_not_jittered() -> None:
    # 10 events, 6 deaths and 44 who leave on each of two days, as days make them: moved apart at
    # random, some leave before the events of their day and the share comes out too high
    day = np.repeat([5, 9], 60)
    why = np.tile(np.repeat([1, 2, 0], [10, 6, 44]), 2)
    share, variance = written_out([(0, *each) for each in zip(day, why, strict=True)], 9)
    ours = curve_of(list(zip(day, why, strict=True)))
    moved = 1000 * day + np.random.default_rng(3).permutation(120)
    jittered = curve_of(list(zip(moved, why, strict=True)))

    assert ours.at(9).incidence == pytest.approx(share) == pytest.approx(1 / 12 + 104 / 120 / 6)
    assert ours.variance[-1] == pytest.approx(variance)
    assert jittered.at(9999).incidence > share + 0.02


def test_events_on_the_day_of_treatment_count() -> None:
    curve = aalen_johansen([0], [12], [8], [80])

    assert curve.at(0).incidence == 0.12
    assert curve.variance[0] == pytest.approx(0.12 * 0.88 / 100)


def test_nobody_followed_is_not_estimable() -> None:
    assert aalen_johansen([], [], [], []).at(30).as_json() == {
        "incidence": None,
        "lower": None,
        "upper": None,
        "reason": NOBODY,
    }


def test_all_censored_is_0_without_an_interval_and_ends_with_the_data() -> None:
    curve = aalen_johansen([400], [0], [0], [9])

    assert (curve.at(365).incidence, curve.at(365).lower) == (0, None)
    assert curve.at(365).reason == NO_EVENTS
    assert "day 400" in curve.at(730).reason


def test_everyone_on_day_0() -> None:
    assert aalen_johansen([0], [5], [0], [0]).at(730).reason == ALL_EVENTS
    both = aalen_johansen([0], [2], [3], [0]).at(730)
    assert (both.incidence, both.reason) == (0.4, None)
    assert both.lower < 0.4 < both.upper
    assert aalen_johansen([0], [0], [3], [0]).at(730).incidence == 0


def test_a_risk_set_that_dies_out_before_others_enter_ends_the_curve() -> None:
    curve = aalen_johansen([5, 10, 50], [0, 0, 9], [1, 0, 0], [0, 0, 11], [0, 20, 0])

    assert curve.at(4).incidence == 0
    assert "day 5" in curve.at(30).reason


def test_impossible_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="count"):
        aalen_johansen([1], [-1], [0], [0])
    with pytest.raises(ValueError, match="before treatment"):
        aalen_johansen([-1], [1], [0], [0])
    assert "entry" in aalen_johansen([5, 9], [1, 0], [0, 0], [0, 0], [0, 1]).at(5).reason
