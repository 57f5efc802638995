"""Sums of events as figures, exact or as they may be released."""

from collections.abc import Iterable, Sequence

from registry.protocols import Category, Protocol
from registry.protocols.categories import normal
from registry.published import Library
from registry.queries.sufficient_events import (
    ANY,
    DEATH,
    GRADE3,
    RELATED,
    SERIOUS,
    TERM,
    term_key,
)
from registry.queries.sufficient_safety import LabelSums, Reported, SafetyCounts
from registry.reports.values import LabelFigures, SafetyFigures
from registry.statistics.proportions import wilson, zero_event_upper
from registry.statistics.rates import eair, event_rate, person_years
from registry.statistics.values import NotEstimable

KINDS = {ANY: "Any event", SERIOUS: "Serious", GRADE3: "Grade 3 or higher", RELATED: "Related"}
HAPPENED = NotEstimable("only for terms that nobody had")


def named_terms(protocol: Protocol, library: Library) -> tuple[str, ...]:
    """The terms that get a row even if nobody had them, spelled as the protocol or library do."""
    terms = (*protocol.always_reported_terms, *library.terms)
    return tuple({term_key(term): term for term in reversed(terms)}.values())


def categories_by_term(terms: Iterable[str], categories: Sequence[Category]) -> dict[str, str]:
    """Category code by the key of the named term that is its label or code.

    Such a row counts every event of the category: nobody writes "malignancy" as a term.
    """
    codes = {normal(words): one.code for one in categories for words in (one.code, one.label)}
    found = {term_key(term): codes.get(normal(term)) for term in terms}
    return {key: code for key, code in found.items() if code is not None}


def rows_of(counts: SafetyCounts, terms: Iterable[str], *, deaths: bool) -> dict[str, str]:
    """Every term to show, by key, spelled as in the events seen, else as it was named.

    Patients do not report deaths: without `deaths` that term has no row of its own accord.
    """
    named = {term_key(term): term for term in terms if deaths or term_key(term) != DEATH}
    seen = {name for kind, name in counts.labels if kind == TERM}
    spelled = {**{name: name for name in seen}, **named, **counts.spellings}
    return dict(sorted(spelled.items(), key=lambda item: (item[1], item[0])))


def exact_safety(
    counts: SafetyCounts,
    reported: Reported,
    never_asked: int,
    terms: Iterable[str],
    *,
    deaths: bool,
) -> SafetyFigures:
    """One source of events as it is."""
    rows = rows_of(counts, terms, deaths=deaths)
    return SafetyFigures(
        kinds={kind: _exact(label, counts, counts.of((kind, ""))) for kind, label in KINDS.items()},
        by_term={text: _exact(text, counts, counts.of((TERM, key))) for key, text in rows.items()},
        before_treatment=counts.before,
        after_follow_up=counts.after,
        reported=reported.told,
        confirmed=reported.confirmed,
        unreconciled=reported.waiting,
        never_asked=never_asked,
    )


def _exact(label: str, counts: SafetyCounts, found: LabelSums) -> LabelFigures:
    nobody = zero_event_upper(counts.people)
    return LabelFigures(
        label=label,
        patients=found.patients,
        n=counts.people,
        incidence=wilson(found.patients, counts.people),
        events=found.sums.events,
        person_years=person_years(counts.days),
        person_years_to_first=person_years(found.days_to_first),
        event_rate=event_rate(found.sums),
        eair=eair(found.patients, found.days_to_first),
        zero_event_upper=HAPPENED if found.patients else nobody,
    )
