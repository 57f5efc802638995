"""Counting people one by one, without a database: slow, short, and nothing of the report's own."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from registry.demo.truth import (
    NAMED,
    SAFETY_DAYS,
    TARGETS,
    WINDOWS,
    Event,
    Person,
    Questionnaire,
)

LETTERS = ("I", "P", "R", "NC", "O", "U", "NE")
BY_EVENT = (
    *("serious_event", "any_event", "infection", "serious_infection"),
    *("malignancy", "herpes_zoster"),
)
STEROID_POPULATION_MG = 10


@dataclass(frozen=True)
class Followed:
    """One person at the cut-off, in days since treatment; None where there is no such day."""

    person: Person
    cut: int
    left: int | None
    died: int | None

    @classmethod
    def at(cls, person: Person, as_of: date) -> "Followed":
        """As a report of that day sees the person: no death after leaving the registry."""
        day = person.treated_on.toordinal()
        cut = as_of.toordinal() - day
        left = person.left_on.toordinal() - day if person.left_on else None
        died = person.died_on.toordinal() - day if person.died_on else None
        left = None if left is None or left > cut else left
        if died is not None and (died > cut or (left is not None and died > left)):
            died = None
        return cls(person, cut, left, died)

    def day(self, on: date) -> int:
        """Days since treatment."""
        return (on - self.person.treated_on).days

    @property
    def end(self) -> int:
        """The last day of safety follow-up."""
        days = (self.died, self.left, self.cut, SAFETY_DAYS)
        return max(0, min(day for day in days if day is not None))

    @property
    def entry(self) -> int:
        """The day of a consent given after treatment, else 0."""
        consented = self.person.consented_on
        return max(0, self.day(consented)) if consented else 0

    def usable(self, on: date) -> bool:
        """Whether something of that day may be used."""
        return self.day(on) <= (self.cut if self.left is None else self.left)

    def questionnaires(self, month: int | None = None) -> list[Questionnaire]:
        """Those that may be used, of one month or all."""
        mine = [one for one in self.person.questionnaires if self.usable(one.on)]
        return [one for one in mine if month is None or one.month == month]

    def contact(self) -> int:
        """The last day on which somebody met or heard of the patient alive."""
        days = [self.person.treated_on, *self.person.seen]
        days += [one.on for one in self.person.questionnaires]
        days += [on for on, _ in self.person.bloods]
        days += [note.on for note in self.person.notes if note.code in ("refused", "other")]
        return max(self.day(on) for on in days if self.usable(on))

    def events(self) -> list[tuple[int, Event]]:
        """The clinic's events inside follow-up with their day."""
        dated = [(self.day(event.on), event) for event in self.person.events]
        return [(day, event) for day, event in dated if 0 <= day <= self.end]


def disposition(one: Followed, month: int) -> str:
    """What became of a due patient's questionnaire: the first rule that applies."""
    opens, closes = WINDOWS[month]
    inside = [each for each in one.questionnaires(month) if opens <= one.day(each.on) <= closes]
    notes = {n.code for n in one.person.notes if n.month == month and one.usable(n.on)}
    rules = (
        ("I", any(each.sent and each.status == "complete" for each in inside)),
        ("P", any(each.status != "break_off" for each in inside)),
        ("NE", one.died is not None and one.died <= closes),
        ("R", one.left is not None and one.left <= closes),
        ("R", bool(inside)),
        ("R", "refused" in notes),
        ("O", "other" in notes),
        ("U", "undeliverable" in notes and not (one.died or one.contact() >= closes)),
    )
    return next((letter for letter, applies in rules if applies), "NC")


def complete(one: Followed, month: int) -> Questionnaire | None:
    """The complete answer that counts."""
    opens, closes = WINDOWS[month]
    good = [
        each
        for each in one.questionnaires(month)
        if each.sent and each.status == "complete" and opens <= one.day(each.on) <= closes
    ]
    return min(good, key=lambda each: each.on, default=None)


@dataclass
class Outcome:
    """Of `due` people `yes` have it, `no` do not, and `dead` died before it could be known."""

    due: int = 0
    yes: int = 0
    no: int = 0
    dead: int = 0

    @property
    def silent(self) -> int:
        """Nobody knows."""
        return self.due - self.yes - self.no - self.dead

    def by_rule(self) -> dict[str, tuple[int, int]]:
        """(x, n) under each rule for missing answers."""
        return {
            "observed_only": (self.yes, self.yes + self.no),
            "nri": (self.yes, self.due),
            "worst_case": (self.yes, self.due),
            "best_case": (self.yes + self.silent, self.due),
            "while_alive": (self.yes, self.due - self.dead),
        }


def outcomes(due: Sequence[Followed], month: int) -> dict[str, Outcome]:
    """Every outcome of a time-point."""
    codes = ["responder", "anti_dsdna_raised", "death", *BY_EVENT]
    codes += ["steroid_reduced"] if month > 1 else []
    found = {code: Outcome() for code in codes}
    for one in due:
        for code, counts in found.items():
            if code == "steroid_reduced" and not _takes_steroids(one):
                continue
            counts.due += 1
            has, dead = _has(one, month, code)
            counts.yes += has is True
            counts.no += has is False
            counts.dead += has is None and dead
    return found


def _takes_steroids(one: Followed) -> bool:
    return (one.person.steroid_mg or 0) >= STEROID_POPULATION_MG


def _has(one: Followed, month: int, code: str) -> tuple[bool | None, bool]:
    """Whether the person has the outcome, and whether death is why it is not known."""
    closes, by = WINDOWS[month][1], TARGETS[month]
    if code in ("responder", "steroid_reduced"):
        answer = complete(one, month)
        has = answer.met.get(code) if answer else None
        return has, disposition(one, month) == "NE"
    if code == "anti_dsdna_raised":
        return _raised(one, month), one.died is not None and one.died <= closes
    died = one.died is not None and one.died <= by
    days = [day for day, event in one.events() if code in event.categories]
    if code == "death":
        days = [one.died] if one.died is not None and one.died <= one.end else []
    if days and min(days) <= by:
        return True, died
    gone = died or (one.left is not None and one.left < by)
    return (None if gone else False), died


def _raised(one: Followed, month: int) -> bool | None:
    """The last judged blood test in the window; a raised one of the same day counts."""
    opens, closes = WINDOWS[month]
    judged = [
        (on, high)
        for on, high in one.person.bloods
        if high is not None and opens <= one.day(on) <= closes and one.usable(on)
    ]
    return max(judged)[1] if judged else None


@dataclass
class Line:
    """One label of a safety table: patients and events, and the days up to each first event."""

    patients: int = 0
    events: int = 0
    days_to_first: int = 0


Days = dict[str, list[int]]


def by_clinic(everyone: Iterable[Followed]) -> tuple[dict[str, Line], int, int, int, int]:
    """Lines of the clinic's events by label; people, days at risk, events before and after."""
    rows: list[tuple[Days, set[int]]] = []
    before = after = 0
    for one in everyone:
        days = [one.day(event.on) for event in one.person.events]
        before += sum(day < 0 for day in days)
        after += sum(day > one.end for day in days)
        labels = labelled(one.events())
        if one.died is not None:
            labels.pop("term death", None)
            if one.died <= one.end:
                labels["term death"] = [one.died]
        rows.append((labels, set(range(one.end))))
    return (*_lines(rows), before, after)


def by_patients(everyone: Iterable[Followed]) -> tuple[dict[str, Line], int, int, int, int]:
    """The same of what patients told and the clinic did not reject, over the days they covered."""
    rows: list[tuple[Days, set[int]]] = []
    before = after = 0
    for one in everyone:
        covered, last = covered_days(one)
        days = [(one.day(event.on), event) for event in accepted(one)]
        before += sum(day < 0 for day, _ in days)
        after += sum(day >= 0 and (last is None or day > last) for day, _ in days)
        if last is not None:
            rows.append((labelled((d, e) for d, e in days if 0 <= d <= last), covered))
    return (*_lines(rows), before, after)


def reported(one: Followed) -> list[str]:
    """The states of everything that the patient told."""
    months = {each.month for each in one.questionnaires() if each.sent}
    return [told.state for told in one.person.told if told.month in months]


def accepted(one: Followed) -> list[Event]:
    """What the patient told and the clinic did not reject."""
    months = {each.month for each in one.questionnaires() if each.sent}
    kept = [told for told in one.person.told if told.month in months]
    return [told.event for told in kept if told.state != "rejected"]


def covered_days(one: Followed) -> tuple[set[int], int | None]:
    """The days that sent answers cover, and the last of them."""
    covered: set[int] = set()
    last: int | None = None
    for each in one.questionnaires():
        if each.sent and each.month and each.status != "break_off":
            stop = min(one.day(each.on), one.end)
            covered |= set(range(max(0, one.day(each.since)), stop))
            last = stop if last is None else max(last, stop)
    return covered, last


def labelled(events: Iterable[tuple[int, Event]]) -> Days:
    """The days of events under each label: kinds, and "term …" for terms and named categories."""
    found: Days = {}
    for day, event in events:
        labels = {"any", f"term {event.term.lower()}"}
        labels |= {f"term {name}" for name, code in NAMED.items() if code in event.categories}
        labels |= {"serious"} if event.serious else set()
        labels |= {"grade3plus"} if event.grade >= 3 else set()
        labels |= {"related"} if event.related else set()
        for label in labels:
            found.setdefault(label, []).append(day)
    return found


def _lines(rows: Sequence[tuple[Days, set[int]]]) -> tuple[dict[str, Line], int, int]:
    days_at_risk = sum(len(covered) for _, covered in rows)
    found: dict[str, Line] = {}
    for labels, covered in rows:
        for label, days in labels.items():
            line = found.setdefault(label, Line(days_to_first=days_at_risk))
            line.patients += 1
            line.events += len(days)
            line.days_to_first -= sum(day >= min(days) for day in covered)
    return found, len(rows), days_at_risk


def leaving(everyone: Iterable[Followed], *, contact: bool) -> list[tuple[int, int, bool]]:
    """(day of entry, last day, whether by death) of everybody who was ever at risk."""
    found = []
    for one in everyone:
        died = one.died is not None and one.died <= one.end
        end = one.end
        if contact and not died:
            end = min(end, max(one.contact(), one.left or 0))
        if not one.entry or end > one.entry:
            found.append((one.entry, end, died))
    return found


def survival(rows: Sequence[tuple[int, int, bool]], day: int) -> float | None:
    """The share alive at the end of a day (Kaplan-Meier); None beyond the last follow-up."""
    share = 1.0
    for died_on, deaths in sorted(Counter(end for _, end, died in rows if died).items()):
        if died_on <= day:
            share *= 1 - deaths / at_risk(rows, died_on)
    beyond = day > max((end for _, end, _ in rows), default=-1)
    return None if beyond and share > 0 else share


def first_serious(everyone: Iterable[Followed]) -> list[tuple[int, int, str]]:
    """(day of entry, last day, "event", "death" or "") of everybody who was ever at risk of a
    first serious event; an event on the day of death comes first.
    """
    found = []
    for one in everyone:
        days = [day for day, event in one.events() if event.serious]
        died = one.died is not None and one.died <= one.end
        end, cause = (min(days), "event") if days else (one.end, "death" if died else "")
        if not one.entry or end > one.entry:
            found.append((one.entry, end, cause))
    return found


def incidence(rows: Sequence[tuple[int, int, str]], day: int) -> float | None:
    """The share with a first serious event by the end of a day, death competing (Aalen-Johansen);
    None beyond the last follow-up.
    """
    free, had = 1.0, 0.0
    for on in sorted({end for _, end, cause in rows if cause and end <= day}):
        causes = [cause for _, end, cause in rows if end == on]
        under = at_risk([(entry, end, False) for entry, end, _ in rows], on)
        had += free * causes.count("event") / under
        free *= 1 - (causes.count("event") + causes.count("death")) / under
    beyond = day > max((end for _, end, _ in rows), default=-1)
    return None if beyond and free > 0 else had


def at_risk(rows: Iterable[tuple[int, int, bool]], day: int) -> int:
    """Who is under observation on a day: from the day after a late entry to the last day."""
    return sum(end >= day and (not entry or entry < day) for entry, end, _ in rows)
