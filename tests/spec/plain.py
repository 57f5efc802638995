"""The statistics of a small registry by plain loops over people: slow, short, and independent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from spec.little import Answered, Event, Person

from registry.protocols import Outcome, OutcomeKind

TARGET = {1: 30, 3: 91, 6: 183, 12: 365, 24: 730}
LAST = 730


@dataclass
class Seen:
    """One person as a report at `as_of` sees them."""

    person: Person
    cut: int
    left: int | None
    death: int | None
    answers: list[Answered]
    end: int
    entry: int

    @classmethod
    def by(cls, person: Person, as_of: date) -> "Seen":
        cut = (as_of - person.treated_on).days
        left = person.left if person.scope == "registry" else None
        left = left if left is not None and left <= cut else None
        death = person.death if person.death is not None and person.death <= cut else None
        if death is not None and left is not None and death > left:
            death = None
        stops = [day for day in (death, left, cut, LAST) if day is not None]
        answers = [a for a in person.answers if a.day <= (cut if left is None else left)]
        return cls(person, cut, left, death, answers, min(stops), max(person.consent or 0, 0))

    def usable(self, day: int) -> bool:
        return day <= (self.cut if self.left is None else self.left)

    def contacts(self) -> list[int]:
        days = [0, *(a.day for a in self.answers), *self.person.visits]
        days += [day for day, _ in self.person.labs]
        days += [
            note.day
            for note in self.person.log
            if note.day is not None and note.code in ("refused", "other")
        ]
        return [day for day in days if self.usable(day)]

    def events(self) -> list[Event]:
        return [e for e in self.person.events if e.day is not None and e.day <= self.cut]


@dataclass
class Wave:
    due: int = 0
    not_yet_due: int = 0
    letters: dict[str, int] = field(default_factory=dict)
    out_of_window: int = 0
    duplicates: int = 0
    outcomes: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)


def treated(people: Iterable[Person], as_of: date, site: str | None = None) -> list[Seen]:
    ours = [p for p in people if p.treated_on <= as_of and site in (None, p.site)]
    return [Seen.by(person, as_of) for person in ours]


def wave(
    everyone: Sequence[Seen], month: int, window: tuple[int, int], outcomes: Sequence[Outcome]
) -> Wave:
    result = Wave(not_yet_due=sum(one.cut < window[1] for one in everyone))
    counts = {o.code: [0, 0, 0, 0] for o in outcomes}
    for one in everyone:
        if one.cut < window[1]:
            continue
        result.due += 1
        mine = [a for a in one.answers if a.month == month]
        inside = [a for a in mine if window[0] <= a.day <= window[1]]
        letter, counting = disposition(one, month, window[1], inside)
        result.letters[letter] = result.letters.get(letter, 0) + 1
        sent = [a for a in mine if a.sent and a.status != "break_off"]
        result.out_of_window += len([a for a in sent if a not in inside])
        spare = [a for a in inside if a.sent and a.status != "break_off"]
        result.duplicates += max(0, len(spare) - 1)
        for outcome in outcomes:
            tally(counts[outcome.code], one, outcome, month, window, letter, counting)
            if outcome.kind in (OutcomeKind.EVENT, OutcomeKind.DEATH):
                at_risk = days_at_risk(one, outcome, TARGET[month])
                result.days[outcome.code] = result.days.get(outcome.code, 0) + at_risk
    result.outcomes = {code: (n[0], n[1], n[2], n[3]) for code, n in counts.items()}
    return result


def disposition(
    one: Seen, month: int, closes: int, inside: Sequence[Answered]
) -> tuple[str, Answered | None]:
    complete = [a for a in inside if a.status == "complete" and a.sent]
    if complete:
        return "I", min(complete, key=lambda a: a.day)
    if any(a.status != "break_off" for a in inside):
        return "P", None
    if one.death is not None and one.death <= closes:
        return "NE", None
    if (one.left is not None and one.left <= closes) or inside:
        return "R", None
    log = {
        note.code
        for note in one.person.log
        if note.month == month and (note.day is None or one.usable(note.day))
    }
    for code, letter in (("refused", "R"), ("other", "O")):
        if code in log:
            return letter, None
    alive = max(one.contacts()) >= closes or one.death is not None
    return ("U" if "undeliverable" in log and not alive else "NC"), None


def tally(
    counts: list[int],
    one: Seen,
    outcome: Outcome,
    month: int,
    window: tuple[int, int],
    letter: str,
    counting: Answered | None,
) -> None:
    rule = outcome.population
    if rule and (one.person.dose is None or one.person.dose < rule.at_least):
        return
    counts[0] += 1
    dead = one.death is not None and one.death <= window[1]
    if outcome.kind in (OutcomeKind.ANSWER, OutcomeKind.SCORE):
        dead = letter == "NE"
        has = told(outcome, counting)
    elif outcome.kind is OutcomeKind.LAB:
        has = measured(one, window)
    else:
        dead = one.death is not None and one.death <= TARGET[month]
        has = happened(one, outcome, TARGET[month])
    if has is not None:
        counts[1 if has else 2] += 1
    elif dead:
        counts[3] += 1


def days_at_risk(one: Seen, outcome: Outcome, by: int) -> int:
    """One day after the other until the first event, the end of follow-up or the target day."""
    stops = {e.day for e in one.events() if outcome.event in e.categories}
    if outcome.kind is OutcomeKind.DEATH:
        stops = {one.death}
    days = 0
    while days < min(by, one.end) and days not in stops:
        days += 1
    return days


def told(outcome: Outcome, counting: Answered | None) -> bool | None:
    value = None if counting is None else counting.values.get(outcome.code)
    return None if value is None else value > 0


def measured(one: Seen, window: tuple[int, int]) -> bool | None:
    judged = [
        (day, flag)
        for day, flag in one.person.labs
        if flag and window[0] <= day <= window[1] and one.usable(day)
    ]
    last = max((day for day, _ in judged), default=None)
    return None if last is None else "high" in {flag for day, flag in judged if day == last}


def happened(one: Seen, outcome: Outcome, by: int) -> bool | None:
    days = [
        e.day
        for e in one.events()
        if outcome.event in e.categories and e.day is not None and 0 <= e.day <= one.end
    ]
    if outcome.kind is OutcomeKind.DEATH:
        days = [one.death] if one.death is not None else []
    if days and min(days) <= by:
        return True
    gone = [day for day in (one.death,) if day is not None and day <= by]
    gone += [day for day in (one.left,) if day is not None and day < by]
    return None if gone else False


Labels = dict[tuple[str, str], tuple[int, int, int, int]]


def clinic(everyone: Sequence[Seen], named: Mapping[str, str]) -> tuple[Labels, int, int, int]:
    """Labels with (patients, events, sum of squares, days to first); days; before; after."""
    rows = []
    before = after = 0
    for one in everyone:
        before += sum((e.day or 0) < 0 for e in one.events())
        after += sum((e.day or 0) > one.end for e in one.events())
        mine = [e for e in one.events() if 0 <= (e.day or 0) <= one.end]
        days = labels_of(mine, named)
        if one.death is not None:
            days[("term", "death")] = []
            if one.death <= one.end:
                days[("term", "death")] = [one.death]
        rows.append((one.end, {k: v for k, v in days.items() if v}, [(0, one.end)]))
    return (*sums(rows), before, after)


def patient(
    everyone: Sequence[Seen], named: Mapping[str, str]
) -> tuple[Labels, int, int, int, int]:
    """As `clinic`, for what patients told, and the number who were asked."""
    rows = []
    before = after = asked = 0
    for one in everyone:
        covered, last = covered_days(one)
        asked += last is not None
        days: dict[tuple[str, str], list[int]] = {}
        for event, day in accepted(one):
            before += day < 0
            if day >= 0 and (last is None or day > last):
                after += 1
            elif day >= 0:
                for label in labels_of([event], named):
                    days.setdefault(label, []).append(day)
        if last is not None:
            rows.append((len(covered), days, covered))
    totals = sums_over(rows)
    return (*totals, before, after, asked)


def accepted(one: Seen) -> Iterator[tuple[Event, int]]:
    """What the patient told and nobody rejected, with its day: of onset, else of the answer."""
    for event in one.person.told:
        source = None if event.answer is None else one.person.answers[event.answer]
        day = source.day if event.day is None and source else event.day
        told_on = day if source is None else source.day
        sent = source is None or source.sent
        if event.state != "rejected" and day is not None and sent and one.usable(told_on or 0):
            yield event, day


def covered_days(one: Seen) -> tuple[set[int], int | None]:
    """The days (each from its start to the next) that answers cover, and the last of them."""
    covered: set[int] = set()
    previous, last = None, None
    answers = [
        a for a in one.answers if a.month > 0 and a.sent and a.status in ("complete", "partial")
    ]
    for answer in sorted(answers, key=lambda a: a.day):
        start = answer.recall if answer.recall is not None else previous or 0
        stop = min(answer.day, one.end)
        covered |= set(range(max(start, 0), stop))
        last = stop if last is None else max(last, stop)
        previous = answer.day
    return covered, last


def labels_of(
    events: Iterable[Event], named: Mapping[str, str]
) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for event in events:
        key = event.term.strip().lower()
        labels = [("any", ""), ("term", key)]
        labels += [("serious", "")] if event.serious else []
        labels += [("grade3plus", "")] if (event.grade or 0) >= 3 else []
        labels += [("related", "")] if event.related else []
        labels += [
            ("term", name)
            for name, code in named.items()
            if code in event.categories and key != name
        ]
        for label in labels:
            found.setdefault(label, []).append(event.day or 0)
    return found


def sums(
    rows: Sequence[tuple[int, dict[tuple[str, str], list[int]], object]],
) -> tuple[Labels, int]:
    return sums_over([(end, days, set(range(end))) for end, days, _ in rows])


def sums_over(
    rows: Sequence[tuple[int, dict[tuple[str, str], list[int]], set[int]]],
) -> tuple[Labels, int]:
    total = sum(days for days, _, _ in rows)
    result: Labels = {}
    for label in {label for _, days, _ in rows for label in days}:
        having = [(days[label], covered) for _, days, covered in rows if label in days]
        lost = sum(len([day for day in covered if day >= min(d)]) for d, covered in having)
        result[label] = (
            len(having),
            sum(len(d) for d, _ in having),
            sum(len(d) ** 2 for d, _ in having),
            total - lost,
        )
    return result, total


def first_serious(everyone: Sequence[Seen]) -> dict[int, tuple[int, int, int, int]]:
    """First serious events, deaths before them, censorings and entries by day."""
    found: dict[int, list[int]] = {}
    for one in everyone:
        days = [e.day for e in one.events() if e.serious and 0 <= (e.day or 0) <= one.end]
        day = min((d for d in days if d is not None), default=one.end)
        cause = 0 if days else 1 if one.death is not None and one.death <= one.end else 2
        if one.entry > 0 and day <= one.entry:
            continue
        found.setdefault(day, [0, 0, 0, 0])[cause] += 1
        if one.entry > 0:
            found.setdefault(one.entry, [0, 0, 0, 0])[3] += 1
    return {day: (f, d, c, e) for day, (f, d, c, e) in found.items()}


def leaving(everyone: Sequence[Seen], *, last_contact: bool) -> dict[int, tuple[int, int, int]]:
    """Deaths, censorings and entries by day."""
    found: dict[int, list[int]] = {}
    for one in everyone:
        end = one.end
        dead = one.death is not None and one.death <= end
        if last_contact and not dead:
            told = max([*one.contacts(), one.left or 0])
            end = min(told, one.end)
        if one.entry > 0 and end <= one.entry:
            continue
        found.setdefault(end, [0, 0, 0])[0 if dead else 1] += 1
        if one.entry > 0:
            found.setdefault(one.entry, [0, 0, 0])[2] += 1
    return {day: (d, c, e) for day, (d, c, e) in found.items()}
