"""States, reminders and sending hours, the last against a search minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.lifecycle import (
    ANSWERABLE,
    ANSWERED,
    FOLLOW_UP_MOVES,
    OUTBOX_MOVES,
    WORKING_HOURS,
    FollowUpState,
    MoveError,
    OutboxState,
    ReminderRule,
    SendWindow,
    call_on,
    move,
    next_send_instant,
    reminder_refusal,
    reminders,
    retry_at,
    sources,
)

FOLLOW_UP = FollowUpState
LETTER = OutboxState
MONTH_1 = ReminderRule(days=(3, 7), call_day=9)
LATER = ReminderRule(days=(3, 7, 14), call_day=17, before_close=7)


# ---- states


@pytest.mark.parametrize(
    ("states", "moves"), [(FOLLOW_UP, FOLLOW_UP_MOVES), (LETTER, OUTBOX_MOVES)]
)
def test_every_state_has_its_moves_and_every_state_but_the_first_can_be_reached(states, moves):
    assert set(moves) == set(states)
    reached = set().union(*moves.values())
    assert set(states) - reached <= {states("queued") if states is LETTER else None}


def test_nothing_leaves_a_final_state_of_a_letter():
    assert {state for state in LETTER if not OUTBOX_MOVES[state]} == {
        LETTER.SENT,
        LETTER.CANCELLED,
    }


def test_a_letter_is_sent_only_through_the_handover_or_by_a_person():
    assert sources(OUTBOX_MOVES, LETTER.SENT) == {LETTER.HANDOVER, LETTER.PARKED}
    assert sources(OUTBOX_MOVES, LETTER.HANDOVER) == {LETTER.LEASED}


def test_an_answer_is_never_thrown_away_again():
    for state in ANSWERED:
        assert FOLLOW_UP_MOVES[state] <= ANSWERED
    assert not ANSWERABLE & ANSWERED


@pytest.mark.parametrize("moves", [FOLLOW_UP_MOVES, OUTBOX_MOVES])
def test_moves_that_are_not_listed_are_refused_by_name(moves):
    for old, targets in moves.items():
        for new in moves:
            if new in targets:
                assert move(moves, old, new) is new
                assert old in sources(moves, new)
            else:
                with pytest.raises(MoveError, match=f"{old} cannot become {new}"):
                    move(moves, old, new)
                assert old not in sources(moves, new)


def test_a_refused_move_says_what_is_possible():
    with pytest.raises(MoveError, match="it can become: cancelled, leased, parked"):
        move(OUTBOX_MOVES, LETTER.QUEUED, LETTER.SENT)
    with pytest.raises(MoveError, match="nothing, it is final"):
        move(OUTBOX_MOVES, LETTER.SENT, LETTER.QUEUED)


@given(st.lists(st.integers(0, 5), max_size=30))
def test_whatever_workers_do_a_letter_is_not_sent_without_a_handover_or_a_person(choices):
    history = [LETTER.QUEUED]
    for choice in choices:
        targets = sorted(OUTBOX_MOVES[history[-1]])
        if targets:
            history.append(move(OUTBOX_MOVES, history[-1], targets[choice % len(targets)]))
    for old, new in pairwise(history):
        assert new is not LETTER.SENT or old in {LETTER.HANDOVER, LETTER.PARKED}
        assert new is not LETTER.HANDOVER or old is LETTER.LEASED


# ---- reminders


def _days(rule, invited_on, closes_on):
    return [
        (r.number, (r.on - invited_on).days, r.dropped)
        for r in reminders(rule, invited_on, closes_on)
    ]


def test_month_1_reminds_on_days_3_and_7_and_calls_on_day_9():
    invited_on = date(2024, 2, 29)
    assert _days(MONTH_1, invited_on, date(2024, 3, 15)) == [(1, 3, None), (2, 7, None)]
    assert call_on(MONTH_1, invited_on) == date(2024, 3, 9)


def test_later_time_points_remind_four_times_and_call_three_days_after_the_third():
    invited_on, closes_on = date(2024, 4, 10), date(2024, 5, 10)
    found = _days(LATER, invited_on, closes_on)
    assert found == [(1, 3, None), (2, 7, None), (3, 14, None), (4, 23, None)]
    assert (call_on(LATER, invited_on) - invited_on).days == 17


def test_a_late_invitation_drops_what_would_come_after_the_window_or_too_close():
    found = _days(LATER, date(2024, 5, 1), date(2024, 5, 10))
    assert found == [
        (4, 2, "within 3 days of the mail before"),
        (1, 3, None),
        (2, 7, None),
        (3, 14, "after the window"),
    ]


def test_a_reminder_at_the_last_day_goes_out_and_three_days_are_enough():
    assert reminder_refusal(LATER, date(2024, 5, 10), date(2024, 5, 7), date(2024, 5, 10)) is None
    assert reminder_refusal(LATER, date(2024, 5, 10), date(2024, 5, 8), date(2024, 5, 10))
    assert reminder_refusal(LATER, date(2024, 5, 11), date(2024, 5, 1), date(2024, 5, 10))


@given(
    st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    st.integers(-5, 200),
    st.lists(st.integers(0, 60), max_size=6),
    st.none() | st.integers(0, 30),
    st.integers(1, 10),
)
def test_reminders_keep_apart_and_inside_the_window(invited_on, left, days, before_close, gap):
    rule_ = ReminderRule(tuple(days), 20, before_close, gap)
    closes_on = invited_on + timedelta(days=left)
    found = reminders(rule_, invited_on, closes_on)
    assert sorted(r.number for r in found) == list(
        range(1, len(days) + 1 + (before_close is not None))
    )
    sent = [invited_on, *(r.on for r in found if r.dropped is None)]
    assert all((b - a).days >= gap for a, b in pairwise(sent))
    assert all(on <= closes_on for on in sent[1:])


# ---- back-off


def test_pauses_grow_to_four_hours_and_stay_there():
    at = datetime(2024, 5, 1, tzinfo=UTC)
    minutes = [(retry_at(at, failures) - at).total_seconds() / 60 for failures in range(1, 8)]
    assert minutes == [1, 5, 15, 60, 240, 240, 240]


# ---- sending hours

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        ("2024-05-02T09:00+02:00", "2024-05-02T09:00+02:00"),
        ("2024-05-02T08:59+02:00", "2024-05-02T09:00+02:00"),
        ("2024-05-02T16:59+02:00", "2024-05-02T16:59+02:00"),
        ("2024-05-02T17:00+02:00", "2024-05-03T09:00+02:00"),
        ("2024-05-03T18:00+02:00", "2024-05-06T09:00+02:00"),
        ("2024-03-29T18:00+01:00", "2024-04-01T09:00+02:00"),
        ("2024-10-25T18:00+02:00", "2024-10-28T09:00+01:00"),
    ],
)
def test_letters_wait_for_working_hours_where_the_patient_lives(at, sent):
    found = next_send_instant(datetime.fromisoformat(at), BERLIN, WORKING_HOURS)
    assert found == datetime.fromisoformat(sent)
    assert found.utcoffset() == timedelta(0)


def test_always_means_at_once():
    at = datetime(2024, 5, 4, 23, tzinfo=BERLIN)
    assert next_send_instant(at, BERLIN, None) == at


def test_in_every_zone_the_first_instant_inside_the_window_is_found():
    quarters = 20 * 35040  # twenty years
    for n, zone in enumerate(sorted(available_timezones())):
        for k in range(4):
            quarter = (n * 7919 + k * 104729 + k * k * 15485863) % quarters
            at = datetime(2020, 1, 1, tzinfo=UTC) + quarter * timedelta(minutes=15)
            found = next_send_instant(at, ZoneInfo(zone), WORKING_HOURS)
            assert found == _by_search(at, ZoneInfo(zone), WORKING_HOURS), (zone, at)


def test_around_every_clock_change_of_a_year_the_first_instant_is_found():
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"):
        for day in range(0, 366, 1):
            at = datetime(2026, 1, 1, 1, 45, tzinfo=UTC) + timedelta(days=day)
            window = SendWindow(time(2, 15), time(4), frozenset({5, 6}))
            found = next_send_instant(at, ZoneInfo(zone), window)
            first = _by_search(at, ZoneInfo(zone), window)
            # An opening that the clock skips moves on with it; the search stops at the jump.
            assert first <= found <= first + timedelta(minutes=30), (zone, at)


def _by_search(at: datetime, zone: ZoneInfo, window: SendWindow) -> datetime:
    """Step by quarters of an hour: all zones of these years are whole quarters from UTC."""
    while True:
        wall = at.astimezone(zone)
        if wall.weekday() in window.weekdays and window.opens <= wall.time() < window.closes:
            return at
        at += timedelta(minutes=15)


@pytest.mark.parametrize(
    ("zone", "at", "opens", "sent"),
    [
        # 02:30 does not exist on 31 March 2024: the clock goes from 02:00 to 03:00.
        ("Europe/Berlin", "2024-03-31T00:00+01:00", time(2, 30), "2024-03-31T03:30+02:00"),
        # 02:30 comes twice on 27 October 2024.
        ("Europe/Berlin", "2024-10-27T00:00+02:00", time(2, 30), "2024-10-27T02:30+02:00"),
        # The second 02:15 stands before the second opening.
        ("Europe/Berlin", "2024-10-27T02:15+01:00", time(2, 30), "2024-10-27T02:30+01:00"),
        # 30 December 2011 was left out in Samoa.
        ("Pacific/Apia", "2011-12-29T20:00-10:00", time(9), "2011-12-31T09:00+14:00"),
    ],
)
def test_clock_changes_neither_lose_nor_double_the_opening(zone, at, opens, sent):
    window = SendWindow(opens, time(17) if opens == time(9) else time(4), frozenset(range(7)))
    found = next_send_instant(datetime.fromisoformat(at), ZoneInfo(zone), window)
    assert found == datetime.fromisoformat(sent)


@pytest.mark.parametrize(
    ("opens", "closes", "weekdays"),
    [
        (time(17), time(9), {0}),
        (time(9), time(9), {0}),
        (time(9), time(17), set()),
        (time(9), time(17), {7}),
    ],
)
def test_hours_that_never_open_are_refused(opens, closes, weekdays):
    with pytest.raises(ValueError, match="opens before it closes"):
        SendWindow(opens, closes, frozenset(weekdays))
