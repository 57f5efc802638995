"""States of a follow-up and of a letter: legal moves, reminders, back-off, sending hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo


class FollowUpState(StrEnum):
    """Where one follow-up stands."""

    PLANNED = "planned"
    OPEN = "open"
    ANSWERED = "answered"
    ANSWERED_LATE = "answered_late"
    MISSED = "missed"
    CANCELLED = "cancelled"


class OutboxState(StrEnum):
    """Where one letter stands; `handover` lasts from just before the body to the kept reply."""

    QUEUED = "queued"
    LEASED = "leased"
    HANDOVER = "handover"
    SENT = "sent"
    FAILED = "failed"
    PARKED = "parked"
    CANCELLED = "cancelled"


_F = FollowUpState
# Answers may reach any state (paper is entered weeks later). A corrected treatment date moves the
# window, so planned and open, answered and answered_late, missed and open can change places.
FOLLOW_UP_MOVES: Mapping[FollowUpState, frozenset[FollowUpState]] = {
    _F.PLANNED: frozenset({_F.OPEN, _F.ANSWERED, _F.ANSWERED_LATE, _F.MISSED, _F.CANCELLED}),
    _F.OPEN: frozenset({_F.PLANNED, _F.ANSWERED, _F.ANSWERED_LATE, _F.MISSED, _F.CANCELLED}),
    _F.ANSWERED: frozenset({_F.ANSWERED_LATE}),
    _F.ANSWERED_LATE: frozenset({_F.ANSWERED}),
    _F.MISSED: frozenset({_F.PLANNED, _F.OPEN, _F.ANSWERED, _F.ANSWERED_LATE}),
    _F.CANCELLED: frozenset({_F.PLANNED, _F.ANSWERED, _F.ANSWERED_LATE}),
}

_O = OutboxState
# leased -> leased is a lapsed lease taken by another worker; handover -> leased is the one copy
# that an uncertain hand-over may cost; a person can free, drop or confirm what is parked, and free
# or drop what was refused.
OUTBOX_MOVES: Mapping[OutboxState, frozenset[OutboxState]] = {
    _O.QUEUED: frozenset({_O.LEASED, _O.CANCELLED, _O.PARKED}),
    _O.LEASED: frozenset({_O.LEASED, _O.HANDOVER, _O.QUEUED, _O.FAILED, _O.PARKED, _O.CANCELLED}),
    _O.HANDOVER: frozenset({_O.SENT, _O.QUEUED, _O.LEASED, _O.FAILED, _O.PARKED}),
    _O.SENT: frozenset(),
    _O.FAILED: frozenset({_O.QUEUED, _O.CANCELLED}),
    _O.PARKED: frozenset({_O.QUEUED, _O.CANCELLED, _O.SENT}),
    _O.CANCELLED: frozenset(),
}

ANSWERABLE = frozenset({_F.PLANNED, _F.OPEN, _F.MISSED})
"""States in which a link leads to the questions, until the link's last day."""

ANSWERED = frozenset({_F.ANSWERED, _F.ANSWERED_LATE})

_State = TypeVar("_State", bound=StrEnum)


class MoveError(ValueError):
    """A state was asked to become one that cannot follow it."""


def move(moves: Mapping[_State, frozenset[_State]], old: _State, new: _State) -> _State:
    """The new state if it may follow the old one; raises MoveError otherwise."""
    if new not in moves[old]:
        raise MoveError(f"{old} cannot become {new}; it can become: {_listed(moves[old])}")
    return new


def _listed(states: frozenset[_State]) -> str:
    return ", ".join(sorted(states)) or "nothing, it is final"


def sources(moves: Mapping[_State, frozenset[_State]], new: _State) -> frozenset[_State]:
    """The states from which `new` can be reached in one move: the guard of an UPDATE."""
    return frozenset(old for old, targets in moves.items() if new in targets)


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """When one time-point reminds, in days after the invitation went out.

    `before_close` adds one that many days before the window's last day; `call_day` is when silence
    becomes a call for the clinic; two mails to one patient are at least `min_gap` days apart;
    `alert_before_close` days before the last day silence raises an alert.
    """

    days: tuple[int, ...]
    call_day: int
    before_close: int | None = None
    min_gap: int = 3
    alert_before_close: int = 3

    @property
    def call_after(self) -> int:
        """Days from the last reminder to the call."""
        return self.call_day - max(self.days, default=0)


@dataclass(frozen=True, slots=True)
class Reminder:
    """One reminder of the rule: its fixed number (1 = first), its day, and why it is dropped."""

    number: int
    on: date
    dropped: str | None


def reminders(rule: ReminderRule, invited_on: date, closes_on: date) -> tuple[Reminder, ...]:
    """Every reminder of the rule in order of day, the dropped ones with their reason."""
    days = [invited_on + timedelta(days=days) for days in rule.days]
    if rule.before_close is not None:
        days.append(closes_on - timedelta(days=rule.before_close))
    planned, mailed_on = [], invited_on
    for on, number in sorted((on, number) for number, on in enumerate(days, start=1)):
        dropped = reminder_refusal(rule, on, mailed_on, closes_on)
        planned.append(Reminder(number, on, dropped))
        mailed_on = mailed_on if dropped else on
    return tuple(planned)


def reminder_refusal(rule: ReminderRule, on: date, mailed_on: date, closes_on: date) -> str | None:
    """Why no reminder may go out `on` that day after a mail of `mailed_on`; None when it may."""
    if on > closes_on:
        return "after the window"
    if (on - mailed_on).days < rule.min_gap:
        return f"within {rule.min_gap} days of the mail before"
    return None


def call_on(rule: ReminderRule, invited_on: date) -> date:
    """The day on which an unanswered invitation becomes a call for the clinic."""
    return invited_on + timedelta(days=rule.call_day)


BACK_OFF: Sequence[timedelta] = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240))
"""Pauses after certain failures; the last one repeats."""


def retry_at(at: datetime, failures: int) -> datetime:
    """When to try again after the given number of certain failures in a row (at least one)."""
    return at + BACK_OFF[min(failures, len(BACK_OFF)) - 1]


@dataclass(frozen=True, slots=True)
class SendWindow:
    """Local hours in which letters may go out: from `opens` up to, not including, `closes`.

    `weekdays` are Monday = 0 to Sunday = 6; `closed_on` are holidays.
    """

    opens: time
    closes: time
    weekdays: frozenset[int]
    closed_on: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        """Refuse hours that never open."""
        if not self.opens < self.closes or not self.weekdays or not self.weekdays <= set(range(7)):
            raise ValueError("a send window opens before it closes, on at least one weekday 0 to 6")

    def holds(self, local: datetime) -> bool:
        """Whether the wall clock stands inside the window."""
        is_working_day = local.weekday() in self.weekdays and local.date() not in self.closed_on
        return is_working_day and self.opens <= local.time() < self.closes

    def from_hour(self, hour: int) -> "SendWindow":
        """The same days from an hour that the patient chose, for at least three hours."""
        closes = max(self.closes, time(min(hour + 3, 23)))
        return replace(self, opens=time(hour), closes=closes)


WORKING_HOURS = SendWindow(time(9), time(17), frozenset(range(5)))


def next_send_instant(at: datetime, zone: ZoneInfo, window: SendWindow | None) -> datetime:
    """The first instant (UTC) at or after `at` that lies inside the window; None means always.

    Opening times that the zone's clock skips move on with the clock; days it skips are passed over.
    """
    if window is None or window.holds(at.astimezone(zone)):
        return at.astimezone(UTC)
    day = at.astimezone(zone).date()
    while True:
        for opening in _openings(day, zone, window):
            if opening >= at:
                return opening
        day += timedelta(days=1)


def _openings(day: date, zone: ZoneInfo, window: SendWindow) -> list[datetime]:
    """The instants at which the window opens on a civil day: twice when the clock is set back."""
    local = datetime.combine(day, window.opens, tzinfo=zone)
    instants = sorted({local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)})
    return [instant for instant in instants if window.holds(instant.astimezone(zone))]
