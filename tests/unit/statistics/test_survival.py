"""Kaplan-Meier against a textbook, lifelines, and a definition written out patient by patient."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random

import lifelines
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lifelines.utils import median_survival_times, restricted_mean_survival_time
from scipy import stats

from registry.statistics.proportions import proportion
from registry.statistics.survival import (
    ALL_EVENTS,
    NO_EVENTS,
    NOBODY,
    Curve,
    kaplan_meier,
    survival_json,
)

# 21 children on 6-mercaptopurine, weeks of remission (Freireich 1963); a negative week is censored
REMISSION = (
    6,
    6,
    6,
    -6,
    7,
    -9,
    10,
    -10,
    -11,
    13,
    16,
    -17,
    -19,
    -20,
    22,
    23,
    -25,
    -32,
    -32,
    -34,
    -35,
)

Patient = tuple[int, bool]
PATIENTS = st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=60)
LATE = st.lists(
    st.tuples(st.integers(0, 25), st.integers(0, 40), st.booleans()), min_size=1, max_size=60
)


def curve_of(patients: Sequence[Patient], level: float = 0.95) -> Curve:
    days = [day for day, _ in patients]
    events = [int(died) for _, died in patients]
    return kaplan_meier(days, events, [1 - died for died in events], level=level)


def remission() -> Curve:
    return curve_of([(abs(week), week > 0) for week in REMISSION])


@pytest.mark.parametrize(
    ("week", "survival", "error", "at_risk"),
    [
        (6, 0.857, 0.0764, 21),
        (7, 0.807, 0.0869, 17),
        (10, 0.753, 0.0963, 15),
        (13, 0.690, 0.1068, 12),
        (16, 0.627, 0.1141, 11),
        (22, 0.538, 0.1282, 7),
        (23, 0.448, 0.1346, 6),
    ],
)
def test_the_remission_data_give_the_textbook_figures(
    week: int, survival: float, error: float, at_risk: int
) -> None:
    curve = remission()
    at = curve.at(week)
    greenwood = float(curve.hazard_variance[curve.time == week][0])

    assert round(at.survival, 3) == survival
    assert round(at.survival * math.sqrt(greenwood), 4) == error
    assert at.at_risk == at_risk


def test_the_median_of_the_remission_data_has_no_upper_limit() -> None:
    median = remission().median()

    assert (median.estimate, median.lower, median.upper) == (23, 13, math.inf)
    assert median.as_json()["upper"] == "infinity"


@settings(max_examples=40)
@given(PATIENTS, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_curve_and_interval_agree_with_lifelines(patients: list[Patient], level: float) -> None:
    curve = curve_of(patients, level)
    days, died = zip(*patients, strict=True)
    theirs = lifelines.KaplanMeierFitter(alpha=1 - level).fit(days, died)

    for day in sorted(set(days)):
        at = curve.at(day)
        assert at.survival == pytest.approx(float(theirs.predict(day)), abs=1e-12)
        assert at.at_risk == theirs.event_table.loc[day, "at_risk"]
        if at.lower is not None:
            limits = tuple(theirs.confidence_interval_.loc[day])
            assert (at.lower, at.upper) == pytest.approx(limits, abs=1e-9)


@given(PATIENTS)
def test_the_median_is_the_first_day_at_one_half_or_less_in_exact_arithmetic(
    patients: list[Patient],
) -> None:
    survival, expected = Fraction(1), None
    for day in sorted({day for day, _ in patients}):
        n = sum(last >= day for last, _ in patients)
        survival *= 1 - Fraction(sum(p == (day, True) for p in patients), n)
        if survival <= Fraction(1, 2):
            expected = day
            break

    assert curve_of(patients).median().estimate == expected


def test_median_limits_agree_with_lifelines() -> None:
    rng = np.random.default_rng(7)
    patients = [(int(day), bool(rng.random() < 0.7)) for day in rng.integers(1, 400, 300)]
    days, died = zip(*patients, strict=True)
    theirs = lifelines.KaplanMeierFitter().fit(days, died)
    limits = median_survival_times(theirs.confidence_interval_).iloc[0]

    median = curve_of(patients).median()

    assert (median.lower, median.upper) == tuple(limits)


@given(PATIENTS)
def test_the_curve_agrees_with_scipy(patients: list[Patient]) -> None:
    died = [day for day, event in patients if event]
    left = [day for day, event in patients if not event]
    theirs = stats.ecdf(stats.CensoredData(uncensored=died, right=left)).sf

    for day in {day for day, _ in patients}:
        assert curve_of(patients).at(day).survival == pytest.approx(
            float(theirs.evaluate(day)), abs=1e-12
        )


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80), st.integers(0, 60))
def test_without_censoring_the_curve_is_the_share_still_free(days: list[int], day: int) -> None:
    at = curve_of([(d, True) for d in days]).at(day)

    assert at.survival == pytest.approx(sum(d > day for d in days) / len(days), abs=1e-12)


def at_risk_patients(patients: Sequence[tuple[int, int, bool]], day: int) -> int:
    return sum((entry == 0 or entry < day) and last >= day for entry, last, _ in patients)


@given(LATE)
def test_delayed_entry_is_the_definition_written_out(
    drawn: list[tuple[int, int, bool]],
) -> None:
    patients = [p for p in drawn if p[0] == 0 or p[1] > p[0]]
    assume(patients)
    rows = [(last, int(died), int(not died), 0) for _, last, died in patients]
    rows += [(entry, 0, 0, 1) for entry, _, _ in patients]
    curve = kaplan_meier(*np.array(rows).T)

    survival = 1.0
    for day in range(max(last for _, last, _ in patients) + 1):
        n = at_risk_patients(patients, day)
        d = sum(last == day and died for _, last, died in patients)
        assert curve.at(day).at_risk == n
        if curve.end is not None and day >= curve.end:
            assert curve.at(day).survival is None
            continue
        survival *= 1 - d / n if n else 1
        assert curve.at(day).survival == pytest.approx(survival, abs=1e-12)


def test_a_first_risk_set_that_dies_out_stops_the_curve_with_the_reason() -> None:
    curve = kaplan_meier([0, 5, 10, 50], [0, 1, 0, 9], [0, 0, 0, 11], [0, 0, 20, 0])

    assert curve.at(4).survival == 1
    assert curve.at(5).survival is None
    assert "day 5" in curve.at(30).reason
    assert "day 5" in curve.median().reason
    assert "day 5" in curve.rmst(30).mean.reason


def test_a_patient_who_left_before_entering_is_a_reason_not_a_crash() -> None:
    curve = kaplan_meier([5, 9], [1, 0], [0, 0], [0, 1])

    assert curve.at(5).survival is None
    assert "entry" in curve.at(5).reason


@given(PATIENTS, st.randoms(use_true_random=False))
def test_the_order_and_the_splitting_of_rows_change_nothing(
    patients: list[Patient], random: Random
) -> None:
    shuffled = list(patients)
    random.shuffle(shuffled)
    one, other = curve_of(patients), curve_of(shuffled)
    days = np.unique([day for day, _ in patients])
    grouped = kaplan_meier(
        days,
        [sum(d == day and died for d, died in patients) for day in days],
        [sum(d == day and not died for d, died in patients) for day in days],
    )

    assert one.steps() == other.steps() == grouped.steps()


@given(PATIENTS, st.integers(2, 9))
def test_the_same_cohort_c_times_over_has_the_same_curve_and_a_smaller_error(
    patients: list[Patient], times: int
) -> None:
    once, often = curve_of(patients), curve_of(patients * times)

    assert often.survival == pytest.approx(once.survival, abs=1e-12)
    finite = np.isfinite(once.hazard_variance)
    assert often.hazard_variance[finite] * times == pytest.approx(once.hazard_variance[finite])


@given(PATIENTS)
def test_the_curve_falls_and_stays_inside_its_band(patients: list[Patient]) -> None:
    steps = curve_of(patients).steps()

    assert steps[0].day == 0
    assert all(a.survival >= b.survival for a, b in pairwise(steps))
    for step in steps:
        if step.lower is not None:
            assert 0 <= step.lower <= step.survival <= step.upper <= 1


@given(PATIENTS)
def test_at_risk_events_and_censored_add_up(patients: list[Patient]) -> None:
    steps = curve_of(patients).steps()

    assert steps[0].at_risk == sum(step.events + step.censored for step in steps) == len(patients)
    for a, b in pairwise(steps):
        assert b.at_risk == a.at_risk - a.events - a.censored


@given(PATIENTS, st.integers(1, 40))
def test_the_restricted_mean_agrees_with_lifelines(patients: list[Patient], tau: int) -> None:
    curve = curve_of(patients)
    mean = curve.rmst(tau).mean
    if mean.estimate is None:
        assert tau > curve.last_day
        return
    theirs = lifelines.KaplanMeierFitter().fit(*zip(*patients, strict=True))

    assert mean.estimate == pytest.approx(restricted_mean_survival_time(theirs, t=tau), abs=1e-9)


@given(st.lists(st.integers(0, 60), min_size=2, max_size=80), st.integers(1, 70))
def test_without_censoring_the_restricted_mean_is_a_plain_mean(days: list[int], tau: int) -> None:
    times = np.minimum(days, tau)
    result = curve_of([(day, True) for day in days]).rmst(tau)

    assert result.mean.estimate == pytest.approx(times.mean())
    # the last risk set is all events and drops out: the plain variance holds where it lies past tau
    if max(days) > tau:
        assert result.variance == pytest.approx(times.var() / len(days), abs=1e-9)


def test_the_restricted_mean_of_the_remission_data() -> None:
    result = remission().rmst(20)
    half = 1.959963984540054 * math.sqrt(result.variance)

    assert result.mean.lower == pytest.approx(max(0, result.mean.estimate - half))
    assert result.mean.upper == pytest.approx(min(20, result.mean.estimate + half))
    assert result.as_json()["tau"] == 20


def test_nobody_followed_is_not_estimable_everywhere() -> None:
    written = survival_json(kaplan_meier([], [], []))

    assert written["deaths"] == 0
    for value in (*written["at"].values(), written["median"], written["rmst"]):
        assert value["reason"] == NOBODY
    assert kaplan_meier([3], [0], [0]).at(3).reason == NOBODY


def test_all_censored_stays_at_one_without_an_interval_and_ends_with_the_data() -> None:
    curve = kaplan_meier([400], [0], [9])

    assert curve.at(365).as_json() == {
        "survival": 1.0,
        "lower": None,
        "upper": None,
        "at_risk": 9,
        "reason": NO_EVENTS,
    }
    assert curve.at(730).survival is None
    assert "day 400" in curve.at(730).reason
    assert curve.median().reason == "median not reached"
    assert curve.rmst(365).mean.estimate == 365
    assert curve.rmst(365).mean.lower is None


def test_everyone_dead_on_day_0_is_a_curve_at_0() -> None:
    curve = kaplan_meier([0], [5], [0])

    assert (curve.at(0).at_risk, curve.at(0).survival) == (5, 0)
    assert (curve.at(730).survival, curve.at(730).reason) == (0, ALL_EVENTS)
    assert (curve.median().estimate, curve.median().upper) == (0, None)
    assert curve.rmst(730).mean.estimate == 0
    assert curve.rmst(730).mean.reason == ALL_EVENTS


def test_everything_on_day_0_counts_everyone_at_risk() -> None:
    at = kaplan_meier([0, 0], [3, 0], [0, 7]).at(0)

    assert (at.survival, at.at_risk) == (0.7, 10)
    assert at.lower < 0.7 < at.upper


def test_one_patient() -> None:
    assert kaplan_meier([10], [1], [0]).at(9).survival == 1
    assert kaplan_meier([10], [1], [0]).at(10).survival == 0
    assert kaplan_meier([10], [0], [1]).at(10).reason == NO_EVENTS


def test_a_half_reached_exactly_is_the_median_in_spite_of_rounding() -> None:
    curve = curve_of([(day, True) for day in range(1, 11)])

    assert curve.median().estimate == 5


def test_the_report_has_the_days_of_the_contract_and_cuts_tau_to_the_follow_up() -> None:
    written = survival_json(kaplan_meier([100, 500], [4, 0], [0, 16]))

    assert list(written["at"]) == ["30", "91", "183", "365", "730"]
    assert written["deaths"] == 4
    assert written["rmst"]["tau"] == 500
    assert written["at"]["365"]["survival"] == pytest.approx(0.8)
    assert written["at"]["730"]["survival"] is None


def test_before_treatment_there_is_no_survival() -> None:
    assert kaplan_meier([5], [1], [3]).at(-1).survival is None
    assert kaplan_meier([5], [1], [3]).rmst(0).mean.estimate is None


def test_a_wider_level_gives_a_wider_band() -> None:
    narrow, wide = (kaplan_meier([5, 9], [2, 0], [0, 8], level=v).at(5) for v in (0.8, 0.99))

    assert wide.lower < narrow.lower < narrow.upper < wide.upper


def test_at_a_single_early_event_the_log_log_band_is_not_the_wilson_band() -> None:
    # both hold 0.9 of 10, but they are different methods and the report names them apart
    curve, share = kaplan_meier([5, 9], [1, 0], [0, 9]).at(5), proportion(9, 10)

    assert curve.survival == pytest.approx(share.estimate)
    assert abs(curve.lower - share.lower) > 0.01


@pytest.mark.parametrize(
    ("day", "events", "censored"),
    [([-1], [1], [0]), ([1], [-1], [0]), ([1, 2], [1], [0, 0])],
)
def test_impossible_rows_are_refused(
    day: list[int], events: list[int], censored: list[int]
) -> None:
    with pytest.raises(ValueError, match="count"):
        kaplan_meier(day, events, censored)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """2,000 registries of 300, followed for 200 to 900 days, every fourth from day 60 on."""
    rng = np.random.default_rng(30)
    truth = math.exp(-0.3)
    daily = 0.3 / 365
    covered = []
    for _ in range(2000):
        died = np.floor(rng.exponential(1 / daily, 300)).astype(int) + 1
        left = rng.integers(200, 900, 300)
        entry = np.where(rng.random(300) < 0.25, 60, 0)
        last = np.minimum(died, left)
        here = last > entry
        none = np.zeros(here.sum(), dtype=int)
        rows = (
            np.concatenate([last[here], entry[here]]),
            np.concatenate([died[here] <= left[here], none]),
            np.concatenate([died[here] > left[here], none]),
            np.concatenate([none, none + 1]),
        )
        at = kaplan_meier(*rows).at(365)
        covered.append(at.lower <= truth <= at.upper)

    assert 0.93 <= np.mean(covered) <= 0.97
