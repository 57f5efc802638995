"""The ledger: the figures that a right report must have, and where a report differs from them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from registry.demo import counting
from registry.demo.counting import Followed, Line, Outcome
from registry.demo.truth import DAYS_PER_YEAR, WINDOWS, Person

Path: TypeAlias = tuple[str, ...]
Figures: TypeAlias = dict[Path, float | None]

DAYS = (30, 91, 183, 365, 730)
RULES_ELSEWHERE = frozenset(
    {
        *("lower", "upper", "level", "median", "rmst", "tau", "zero_event_upper"),
        *("tipping_point", "risk_ratio", "odds_ratio", "rate_ratio", "p_fisher", "p_boschloo"),
        *("window", "published"),
        *("ipw", "maic"),
    }
)
"""What follows from checked counts by formula alone, or was printed by others: names in a path.
Weighting and matching (`ipw`, `maic`) follow from counts by pattern; their tests work them out a
second way.
"""

KINDS = ("any", "serious", "grade3plus", "related")


@dataclass
class Ledger:
    """The people of the demonstration as the simulation knows them."""

    people: list[Person] = field(default_factory=list)

    def check(self, report: Mapping[str, Any]) -> list[str]:
        """Every figure of the report that is not as it must be, in words; empty: all agree.

        A figure that the ledger does not know, and one that it misses, is a disagreement as well.
        """
        as_of = date.fromisoformat(report["as_of"])
        everyone = [Followed.at(one, as_of) for one in self.people if one.treated_on <= as_of]
        printed = dict(_leaves(report))
        wanted = _wanted(everyone, report)
        found = [
            f"{'.'.join(path)}: the report says {printed.get(path, 'nothing')}, true is {true}"
            for path, true in wanted.items()
            if path not in printed or not _same(printed[path], true)
        ]
        unknown = [path for path in printed if path not in wanted and _must_be_known(path)]
        found += [f"{'.'.join(path)}: nobody can say whether it is right" for path in unknown]
        return found + _missing_terms(everyone, report)


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, float | None]]:
    """Every number of the report, and every null, under its path."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _leaves(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, (*path, str(number)))
    elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield path, value


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _must_be_known(path: Path) -> bool:
    return path[0] != "protocol" and not RULES_ELSEWHERE & set(path)


def _wanted(everyone: Sequence[Followed], report: Mapping[str, Any]) -> Figures:
    wanted: Figures = {("treated",): len(everyone)}
    by_wave = {}
    for month, (_, closes) in WINDOWS.items():
        due = [one for one in everyone if one.cut >= closes]
        by_wave[month] = counting.outcomes(due, month)
        wanted |= _wave(due, len(everyone), month, by_wave[month])
    wanted |= _safety(everyone, report)
    for name, contact in (("overall", False), ("overall_last_contact", True)):
        wanted |= _survival(name, counting.leaving(everyone, contact=contact))
    first = counting.first_serious(everyone)
    for day in DAYS:
        at = ("survival", "first_serious_ae", "at", str(day), "incidence")
        wanted[at] = counting.incidence(first, day)
    return wanted | _comparisons(by_wave, report["comparisons"])


def _wave(
    due: Sequence[Followed], treated: int, month: int, outcomes: Mapping[str, Outcome]
) -> Figures:
    at: Path = ("waves", str(month))
    letters = [counting.disposition(one, month) for one in due]
    counts = {letter: letters.count(letter) for letter in counting.LETTERS}
    outside, more = _spare(due, month)
    figures: Figures = {
        (*at, "due"): len(due),
        (*at, "not_yet_due"): treated - len(due),
        (*at, "out_of_window"): outside,
        (*at, "duplicates"): more,
    }
    figures |= {(*at, "dispositions", letter): n for letter, n in counts.items()}
    figures |= {(*at, *name): value for name, value in _rates(counts).items()}
    for code, outcome in outcomes.items():
        for rule, (x, n) in outcome.by_rule().items():
            figures |= _proportion((*at, "outcomes", code, rule), x, n)
    return figures


def _spare(due: Iterable[Followed], month: int) -> tuple[int, int]:
    """Sent answers outside the window, and inside it beside the first."""
    opens, closes = WINDOWS[month]
    outside = more = 0
    for one in due:
        sent = [q for q in one.questionnaires(month) if q.sent and q.status != "break_off"]
        inside = sum(opens <= one.day(each.on) <= closes for each in sent)
        outside += len(sent) - inside
        more += max(0, inside - 1)
    return outside, more


def _rates(n: Mapping[str, int]) -> Figures:
    """The response rates of AAPOR's Standard Definitions, from the dispositions."""
    known = n["I"] + n["P"] + n["R"] + n["NC"] + n["O"]
    e = _share(known, known + n["NE"])
    likely = known + (e or 0) * n["U"]
    reached = n["I"] + n["P"] + n["R"] + n["O"]
    rates = {
        "RR1": _share(n["I"], known + n["U"]),
        "RR2": _share(n["I"] + n["P"], known + n["U"]),
        "RR3": _share(n["I"], likely),
        "RR4": _share(n["I"] + n["P"], likely),
        "RR5": _share(n["I"], known),
        "RR6": _share(n["I"] + n["P"], known),
        "COOP1": _share(n["I"], reached),
        "REF1": _share(n["R"], known + n["U"]),
        "CON1": _share(reached, known + n["U"]),
    }
    return {("e",): e} | {("response_rates", name): rate for name, rate in rates.items()}


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _proportion(at: Path, x: int, n: int) -> Figures:
    return {(*at, "x"): x, (*at, "n"): n, (*at, "estimate"): _share(x, n)}


def _safety(everyone: Sequence[Followed], report: Mapping[str, Any]) -> Figures:
    told = [state for one in everyone for state in counting.reported(one)]
    figures: Figures = {}
    asked = 0
    sources = {"safety": counting.by_clinic, "safety_patient": counting.by_patients}
    for block, count in sources.items():
        lines, people, days, before, after = count(everyone)
        asked = people
        labels: dict[Path, str] = {(block, kind): kind for kind in KINDS}
        labels |= {
            (block, "by_term", term): f"term {term.strip().lower()}"
            for term in report[block]["by_term"]
        }
        for at, label in labels.items():
            line = lines.get(label) or Line(days_to_first=days)
            figures |= _line(at, line, people, days)
        figures |= {
            (block, "excluded_before_treatment"): before,
            (block, "excluded_after_followup"): after,
            (block, "reported_by_patients"): len(told),
            (block, "confirmed"): told.count("confirmed"),
            (block, "unreconciled"): told.count("waiting"),
        }
    at = ("safety_patient", "ascertained")
    return figures | {(*at, "asked"): asked, (*at, "never_asked"): len(everyone) - asked}


def _line(at: Path, line: Line, people: int, days: int) -> Figures:
    years, to_first = days / DAYS_PER_YEAR, line.days_to_first / DAYS_PER_YEAR
    return {
        (*at, "patients"): line.patients,
        (*at, "n"): people,
        **_proportion((*at, "incidence"), line.patients, people),
        (*at, "events"): line.events,
        (*at, "person_years"): years,
        (*at, "person_years_to_first"): to_first,
        (*at, "event_rate_per_100py", "estimate"): _share(100 * line.events, years),
        (*at, "eair_per_100py", "estimate"): _share(100 * line.patients, to_first),
    }


def _missing_terms(everyone: Iterable[Followed], report: Mapping[str, Any]) -> list[str]:
    """Terms of events that have no row."""
    people = list(everyone)
    seen = {
        "safety": {event.term for one in people for _, event in one.events()},
        "safety_patient": {event.term for one in people for event in counting.accepted(one)},
    }
    found = []
    for block, terms in seen.items():
        rows = {term.lower() for term in report[block]["by_term"]}
        missing = sorted(term for term in terms if term.lower() not in rows)
        found += [f"{block}.by_term: no row for {term}" for term in missing]
    return found


def _survival(name: str, rows: Sequence[tuple[int, int, bool]]) -> Figures:
    at: Path = ("survival", name)
    figures: Figures = {(*at, "deaths"): sum(died for _, _, died in rows)}
    for day in DAYS:
        figures[(*at, "at", str(day), "at_risk")] = counting.at_risk(rows, day)
        figures[(*at, "at", str(day), "survival")] = counting.survival(rows, day)
    return figures


def _comparisons(
    by_wave: Mapping[int, Mapping[str, Outcome]], comparisons: Sequence[Mapping[str, Any]]
) -> Figures:
    figures: Figures = {}
    for number, one in enumerate(comparisons):
        at: Path = ("comparisons", str(number))
        x, n = by_wave[one["months"]][one["outcome"]].by_rule()[one["registry"]["rule"]]
        theirs = one["published"]
        ours = _share(x, n)
        difference = None if ours is None else ours - theirs["x"] / theirs["n"]
        figures |= _proportion((*at, "registry"), x, n)
        figures[(*at, "risk_difference", "estimate")] = difference
        figures[(*at, "months")] = one["months"]
    return figures
