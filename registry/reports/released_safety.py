"""Sums of events as they may leave the registry: every figure is made of the counts shown.

One source of events is one release. Protected, though not shown, are the people without an event,
and those with some event but not this one: both can be found by subtraction.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from registry.queries.sufficient_events import ANY, DEATH, TERM, term_key
from registry.queries.sufficient_safety import Reported, SafetyCounts
from registry.reports.safety import KINDS, rows_of
from registry.reports.values import Figure, LabelFigures, Number, SafetyFigures
from registry.statistics.disclosure import release_counts, show_count, shown_proportion
from registry.statistics.policy import SUPPRESSED, Policy, Shown, Sum, Suppressed
from registry.statistics.proportions import zero_event_upper
from registry.statistics.rates import DAYS_PER_YEAR, eair, person_years
from registry.statistics.values import NotEstimable, Rate

Label: TypeAlias = tuple[str, str]
Key: TypeAlias = tuple[Label, str]
EVERYONE: Label = ("", "")
N: Key = (EVERYONE, "people")
HAPPENED = NotEstimable("only for terms that nobody had")


def released_safety(
    counts: SafetyCounts,
    reported: Reported,
    shown_people: Shown,
    never_asked: Shown,
    terms: Iterable[str],
    named: Mapping[str, str],
    policy: Policy,
    *,
    deaths: bool,
) -> SafetyFigures:
    """One source of events for others' eyes. A term that few had is left out, word and all, unless
    it is one of `terms`: what patients and staff wrote may itself tell who it was about.
    """
    rows = _rows(counts, terms, policy, deaths=deaths)
    labels: dict[Label, str] = {(kind, ""): words for kind, words in KINDS.items()}
    labels |= {(TERM, key): words for key, words in rows.items()}
    shown = _shown(counts, labels, named, policy)
    shown[N] = shown_people if isinstance(shown[N], int) else SUPPRESSED
    figures = {
        label: _figures(words, label, counts, shown, policy) for label, words in labels.items()
    }
    told = _told(reported, policy)
    return SafetyFigures(
        kinds={kind: figures[kind, ""] for kind in KINDS},
        by_term={words: figures[TERM, key] for key, words in rows.items()},
        before_treatment=show_count(counts.before, policy),
        after_follow_up=show_count(counts.after, policy),
        reported=told["told"],
        confirmed=told["confirmed"],
        unreconciled=told["waiting"],
        never_asked=never_asked,
    )


def _rows(
    counts: SafetyCounts, terms: Iterable[str], policy: Policy, *, deaths: bool
) -> dict[str, str]:
    named = list(terms)
    kept = {term_key(term) for term in named}
    rows = rows_of(counts, named, deaths=deaths)
    return {
        key: words
        for key, words in rows.items()
        if key in kept or counts.of((TERM, key)).patients > policy.hide_up_to
    }


def _shown(
    counts: SafetyCounts, labels: Collection[Label], named: Mapping[str, str], policy: Policy
) -> dict[Key, Shown]:
    table: dict[Key, int] = {N: counts.people}
    sums: list[Sum[Key]] = []
    latent: set[Key] = set()
    some = counts.of((ANY, "")).patients
    for label in labels:
        found = counts.of(label)
        table |= {
            (label, "patients"): found.patients,
            (label, "events"): found.sums.events,
            (label, "without"): counts.people - found.patients,
        }
        latent.add((label, "without"))
        sums.append(Sum(N, ((label, "patients"), (label, "without")), margin=False))
        if label not in ((ANY, ""), (TERM, DEATH)):
            table[label, "others"] = some - found.patients
            latent.add((label, "others"))
            parts = ((label, "patients"), (label, "others"))
            whole = ((ANY, ""), "patients")
            sums.append(Sum(whole, parts, group=False, margin=False))
    own = [label for label in labels if label[0] == TERM and label[1] not in {*named, DEATH}]
    total: Key = ((ANY, ""), "events")
    rest: Key = (EVERYONE, "events of other terms")
    table[rest] = table[total] - sum(table[label, "events"] for label in own)
    latent.add(rest)
    parts_ = (*((label, "events") for label in own), rest)
    sums.append(Sum(total, parts_, group=False, margin=False))
    return release_counts(table, sums, policy, latent)


def _figures(
    words: str, label: Label, counts: SafetyCounts, shown: Mapping[Key, Shown], policy: Policy
) -> LabelFigures:
    people, patients, events = shown[N], shown[label, "patients"], shown[label, "events"]
    large = isinstance(people, int) and people >= policy.group
    few_without = policy.is_small(counts.people - counts.of(label).patients)
    hidden = few_without or isinstance(patients, Suppressed) or not large
    years = round(person_years(counts.days)) if large else SUPPRESSED
    first = SUPPRESSED if hidden else round(person_years(counts.of(label).days_to_first))
    incidence: Figure = SUPPRESSED if hidden else shown_proportion(patients, people, policy=policy)
    return LabelFigures(
        label=words,
        patients=patients,
        n=people,
        incidence=incidence,
        events=events,
        person_years=years,
        person_years_to_first=first,
        event_rate=_rate(events, years, "garwood, assumes independent events"),
        eair=_rate(patients, first, "garwood"),
        zero_event_upper=_zero(patients, people),
    )


def _rate(events: Shown, years: float | Suppressed, method: str) -> Rate | Suppressed:
    if isinstance(events, Suppressed) or isinstance(years, Suppressed):
        return SUPPRESSED
    rate = eair(events, round(years * DAYS_PER_YEAR))
    return Rate(rate.estimate, rate.lower, rate.upper, method, rate.level, rate.reason)


def _zero(patients: Shown, people: Shown) -> Number:
    if isinstance(patients, Suppressed) or isinstance(people, Suppressed):
        return SUPPRESSED
    return HAPPENED if patients else zero_event_upper(people)


def _told(reported: Reported, policy: Policy) -> dict[str, Shown]:
    counts = {
        "told": reported.told,
        "confirmed": reported.confirmed,
        "waiting": reported.waiting,
        "rejected": reported.told - reported.confirmed - reported.waiting,
    }
    parts = ("confirmed", "waiting", "rejected")
    told = Sum("told", parts, group=False, margin=False)
    return release_counts(counts, [told], policy, {"rejected"})
