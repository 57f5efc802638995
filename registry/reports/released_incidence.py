"""Cumulative incidence as it may leave the registry: few steps of counts that may be shown.

As with the released survival curve events and deaths are put together until neither is small, and
each step stands on a day of the report. The attacker sees the steps together with what the rest of
the report shows of the same people: the treated, those with any and with a serious event, and the
deaths of the overall curve. Nothing is shown from which a small difference of these could be told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from registry.queries.sufficient_incidence import CauseCounts
from registry.reports.incidence import TITLE, share
from registry.reports.sentences import DEFINITIONS
from registry.reports.values import CauseRow, IncidenceFigures
from registry.statistics.attacker import exposed_counts
from registry.statistics.incidence import Incidence, aalen_johansen
from registry.statistics.policy import SUPPRESSED, Policy, Shown, Sum, Suppressed
from registry.statistics.risk_sets import REPORTED_DAYS

Key: TypeAlias = tuple[str, int]


@dataclass(frozen=True)
class Known:
    """A count, and what another table of the same report shows of it."""

    count: int
    shown: Shown


@dataclass(frozen=True)
class Elsewhere:
    """What the rest of the report shows: patients, and the deaths of the overall curve, all of them
    and those of each of its stretches by the last day.
    """

    treated: Known
    any: Known
    serious: Known
    died: Known
    stretches: Mapping[int, Known] = field(default_factory=dict)


@dataclass(frozen=True)
class Stretch:
    """Some days up to `end`: at risk on them, had the event, died, still there at the end."""

    end: int
    at_risk: int
    events: int
    deaths: int
    remaining: int


def released_incidence(
    rows: Sequence[CauseCounts], elsewhere: Elsewhere, policy: Policy
) -> IncidenceFigures:
    """The first serious event for others' eyes."""
    steps = _longest(stretches(rows, policy), elsewhere, policy)
    curve = _curve(steps) if steps else None
    days = [step.end for step in steps]
    at_risk: dict[int, Shown] = dict.fromkeys(days, SUPPRESSED)
    at_risk |= {day: step.at_risk for day, step in zip((0, *days[:-1]), steps, strict=False)}
    return IncidenceFigures(
        title=TITLE,
        definition=DEFINITIONS["first_serious_ae"],
        events=SUPPRESSED,
        deaths=SUPPRESSED,
        at={
            day: replace(share(curve, day), at_risk=at_risk[day])
            if curve is not None and day in days
            else SUPPRESSED
            for day in REPORTED_DAYS
        },
        steps=tuple(curve.steps()) if curve else (),
        risk=tuple(
            CauseRow(day, at_risk.get(day, SUPPRESSED), SUPPRESSED, SUPPRESSED, SUPPRESSED)
            for day in (0, *REPORTED_DAYS)
        ),
    )


def stretches(rows: Sequence[CauseCounts], policy: Policy) -> list[Stretch]:
    """The curve's days put together, each stretch with no event or more than a few, and so deaths.

    Who leaves with neither on the last day of a stretch is still there at its end.
    """
    everyone = sum(row.events + row.deaths + row.censored for row in rows)
    late = sum(row.entries for row in rows)
    found: list[Stretch] = []
    present, had, died, entered = everyone - late, 0, 0, 0
    for end in REPORTED_DAYS:
        events = sum(row.events for row in rows if row.day <= end)
        deaths = sum(row.deaths for row in rows if row.day <= end)
        if policy.is_small(events - had) or policy.is_small(deaths - died):
            continue
        came = sum(row.entries for row in rows if row.day < end)
        left = sum(row.censored for row in rows if row.day < end)
        remaining = everyone - (late - came) - events - deaths - left
        at_risk = present + came - entered
        found.append(Stretch(end, at_risk, events - had, deaths - died, remaining))
        present, had, died, entered = remaining, events, deaths, came
    return found


def _longest(kept: Sequence[Stretch], elsewhere: Elsewhere, policy: Policy) -> list[Stretch]:
    """As many stretches as can be shown together, in counts as shown."""
    for length in range(len(kept), 0, -1):
        steps = [_rounded(each, policy) for each in kept[:length]]
        fits = all(s.at_risk >= policy.group and s.events + s.deaths <= s.at_risk for s in steps)
        if fits and _is_safe(kept[:length], elsewhere, policy):
            return steps
    return []


def _rounded(each: Stretch, policy: Policy) -> Stretch:
    at_risk, events, deaths = map(policy.rounded, (each.at_risk, each.events, each.deaths))
    return Stretch(each.end, at_risk, events, deaths, at_risk - events - deaths)


def _is_safe(kept: Sequence[Stretch], elsewhere: Elsewhere, policy: Policy) -> bool:
    """Whether every small count, shown nowhere, can still be anything that the policy hides."""
    table, sums, shown = _tied(kept, elsewhere)
    small = {key for key, count in table.items() if policy.is_small(count)}
    seen: dict[Key, Shown] = {
        key: shown.get(key, SUPPRESSED)
        if key in shown or key[0] not in _STEPS
        else policy.rounded(count)
        for key, count in table.items()
    }
    latent = {key for key in table if key not in shown and key[0] not in _STEPS}
    if any(isinstance(seen[key], Suppressed) for key in table if key[0] in _STEPS):
        return False
    return not exposed_counts(seen, sums, small, policy, latent)


_STEPS = ("at risk", "events", "deaths")


def _tied(
    kept: Sequence[Stretch], elsewhere: Elsewhere
) -> tuple[dict[Key, int], list[Sum[Key]], dict[Key, Shown]]:
    """All counts, the sums that tie them, and what is shown of those elsewhere."""
    book = _Book()
    for k, each in enumerate(kept):
        book.table |= {
            ("at risk", k): each.at_risk,
            ("events", k): each.events,
            ("deaths", k): each.deaths,
        }
        book.rest(("at risk", k), [("events", k), ("deaths", k)], ("free", k))
        if k:
            came = each.at_risk - kept[k - 1].remaining
            book.table["stayed", k] = each.at_risk - came
            book.rest(("free", k - 1), [("stayed", k)], ("left", k))
            book.rest(("at risk", k), [("stayed", k)], ("came", k))
    numbers = range(len(kept))
    for name, known in (
        ("treated", elsewhere.treated),
        ("any", elsewhere.any),
        ("serious", elsewhere.serious),
        ("died", elsewhere.died),
    ):
        book.know((name, 0), known)
    book.rest(("treated", 0), [("at risk", 0)], ("not there", 0))
    book.rest(("treated", 0), [("any", 0)], ("no event", 0))
    book.rest(("any", 0), [("serious", 0)], ("only others", 0))
    book.rest(("serious", 0), [("events", k) for k in numbers], ("other times", 0))
    book.rest(("died", 0), [("deaths", k) for k in numbers], ("died otherwise", 0))
    stretches: list[Key] = []
    for day, known in elsewhere.stretches.items():
        book.know(("died until", day), known)
        stretches.append(("died until", day))
        book.total(("died by", day), stretches)
        inside = [("deaths", k) for k in numbers if kept[k].end <= day]
        book.rest(("died by", day), inside, ("died otherwise by", day))
    return book.table, book.sums, book.shown


@dataclass
class _Book:
    """Counts with the sums that tie them, as they are put down one after another."""

    table: dict[Key, int] = field(default_factory=dict)
    sums: list[Sum[Key]] = field(default_factory=list)
    shown: dict[Key, Shown] = field(default_factory=dict)

    def know(self, key: Key, known: Known) -> None:
        self.table[key] = known.count
        self.shown[key] = known.shown

    def total(self, key: Key, parts: Sequence[Key]) -> None:
        """A sum of others, shown nowhere."""
        self.table[key] = sum(self.table[part] for part in parts)
        self.sums.append(Sum(key, tuple(parts), group=False, margin=False))

    def rest(self, total: Key, parts: Sequence[Key], name: Key) -> None:
        """What is left of a total is a count of its own, unless everybody knows that it is 0."""
        left = self.table[total] - sum(self.table[part] for part in parts)
        members = (*parts, name) if left else tuple(parts)
        if left:
            self.table[name] = left
        self.sums.append(Sum(total, members, group=False, margin=False))


def _curve(steps: Sequence[Stretch]) -> Incidence:
    """Aalen-Johansen with all of a stretch on its last day, among all at risk on it."""
    following = [step.at_risk for step in steps[1:]] + [0]
    left = [step.remaining - n for step, n in zip(steps, following, strict=True)]
    return aalen_johansen(
        [step.end for step in steps],
        [step.events for step in steps],
        [step.deaths for step in steps],
        [max(0, count) for count in left],
        [max(0, -count) for count in left],
    )
