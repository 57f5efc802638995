"""What a patient chose on the page of preferences: each form of it is one choice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from sqlalchemy.orm import Session

from registry.actions import preferences
from registry.actions.facts import Unusable
from registry.door.visit import DOOR, Visit
from registry.queries.preferences import HOURS, PARTS_OF_DAY

Form: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Done:
    """What was kept, in words, or what is wrong, by box."""

    note: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


def carry_out(session: Session, found: Visit, form: Form, at: datetime) -> Done:
    """Keep the choice whose button was pressed. What is not understood is told, not kept."""
    act = ACTS.get(form.get("do", ""))
    if act is None:
        return Done()
    try:
        with session.begin_nested():
            return act(session, found, form, at)
    except Unusable as wrong:
        words = {
            problem.field: [found.words(f"preferences.missing_{problem.field}")]
            for problem in wrong.problems
        }
        return Done(errors=words)


def _snooze(session: Session, found: Visit, form: Form, at: datetime) -> Done:
    words, missing = found.words, {}
    day, hour = _day(form.get("day", "")), PARTS_OF_DAY.get(form.get("part", ""))
    if day is None:
        missing["day"] = [words("preferences.missing_day")]
    if hour is None:
        missing["part"] = [words("preferences.missing_part")]
    if day is None or hour is None:
        return Done(errors=missing)
    patient_id = found.follow_up.patient_id
    preferences.snooze(session, patient_id, day, hour, by=DOOR, at=at)
    part = words(f"preferences.{form['part']}")
    return Done(words("preferences.snoozed", day=words.weekday(day), part=part))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _times(session: Session, found: Visit, form: Form, at: datetime) -> Done:
    hour = form.get("hour", "")
    chosen = {str(one): one for one in HOURS}.get(hour, -1) if hour else None
    patient_id, zone = found.follow_up.patient_id, form.get("zone", "")
    preferences.choose_times(session, patient_id, chosen, zone, by=DOOR, at=at)
    return Done(found.words("preferences.times_kept"))


def _reminders(session: Session, found: Visit, form: Form, at: datetime) -> Done:
    if form.get("reminders") not in {"all", "fewer"}:
        return Done(errors={"reminders": [found.words("preferences.missing_reminders")]})
    fewer, patient_id = form["reminders"] == "fewer", found.follow_up.patient_id
    preferences.choose_reminders(session, patient_id, fewer, by=DOOR, at=at)
    return Done(found.words("preferences.reminders_kept"))


def _stop(session: Session, found: Visit, form: Form, at: datetime) -> Done:
    if form.get("sure") != "yes":
        return Done(errors={"sure": [found.words("preferences.missing_sure")]})
    preferences.stop_mail(session, found.follow_up.id, by=DOOR, at=at)
    return Done(found.words("preferences.stopped"))


ACTS: Mapping[str, Callable[[Session, Visit, Form, datetime], Done]] = {
    "snooze": _snooze,
    "times": _times,
    "reminders": _reminders,
    "stop": _stop,
}
