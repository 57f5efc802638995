"""A report as JSON: exactly the keys of the contract, nothing that the report does not hold."""

from collections.abc import Mapping, Sequence

from registry.reports.matching import maic_json
from registry.reports.tipping import tipping_json
from registry.reports.values import (
    At,
    CurveFigures,
    IncidenceFigures,
    LabelFigures,
    Number,
    SafetyFigures,
    Share,
    SideBySide,
    SurvivalFigures,
    Wave,
)
from registry.statistics.disclosure import shown_json
from registry.statistics.policy import SUPPRESSED, Suppressed
from registry.statistics.two_rates import RateComparison
from registry.statistics.values import Json, beside, number

COMPARED = ("risk_difference", "risk_ratio", "odds_ratio", "p_fisher", "p_boschloo")


def numbers(values: Mapping[str, Number]) -> Json:
    """Bare numbers under their names: null with "reason" beside them, or {"suppressed": true}."""
    bare = {name: v for name, v in values.items() if not isinstance(v, Suppressed)}
    written = beside(**bare)
    hidden = SUPPRESSED.as_json()
    named: Json = {name: written.get(name, hidden) for name in values}
    return named | {name: value for name, value in written.items() if name not in values}


def wave_json(wave: Wave, comparisons: Sequence[SideBySide]) -> Json:
    """One time-point; tipping points are those of `comparisons`."""
    timepoint = wave.timepoint
    return {
        "window": [timepoint.opens_day, timepoint.closes_day],
        "due": shown_json(wave.due),
        "not_yet_due": shown_json(wave.not_yet_due),
        "dispositions": {letter: shown_json(each) for letter, each in wave.dispositions.items()},
        **numbers({"e": wave.e}),
        "response_rates": numbers(wave.rates),
        "RR1_interval": wave.rr1_interval.as_json(),
        "out_of_window": shown_json(wave.out_of_window),
        "duplicates": shown_json(wave.duplicates),
        "outcomes": {
            code: {
                **{rule: figure.as_json() for rule, figure in each.by_rule.items()},
                **tipping_json(code, timepoint.month, comparisons),
                "ipw": each.ipw.as_json(),
                "sentence": each.sentence,
            }
            for code, each in wave.outcomes.items()
        },
    }


def safety_json(safety: SafetyFigures) -> Json:
    """One source of events."""
    return {
        **{kind: _label(figures) for kind, figures in safety.kinds.items()},
        "by_term": {term: _label(figures) for term, figures in safety.by_term.items()},
        "excluded_before_treatment": shown_json(safety.before_treatment),
        "excluded_after_followup": shown_json(safety.after_follow_up),
        "reported_by_patients": shown_json(safety.reported),
        "confirmed": shown_json(safety.confirmed),
        "unreconciled": shown_json(safety.unreconciled),
    }


def asked_json(safety: SafetyFigures) -> Json:
    """How many were asked at all, beside the events that patients told."""
    asked = safety.kinds["any"].n
    return {"asked": shown_json(asked), "never_asked": shown_json(safety.never_asked)}


def survival_json(survival: SurvivalFigures) -> Json:
    """All curves."""
    return {
        "overall": _curve(survival.overall),
        "overall_last_contact": _curve(survival.last_contact),
        "first_serious_ae": _incidence(survival.first_serious),
    }


def comparison_json(one: SideBySide) -> Json:
    """One published figure beside the registry's."""
    figures = (
        {
            "registry": SUPPRESSED.as_json(),
            "published": {"x": one.pair.figure.x, "n": one.pair.figure.n},
            **{name: SUPPRESSED.as_json() for name in COMPARED},
        }
        if one.comparison is None
        else one.comparison.as_json()
    )
    figures.pop("verdict", None)
    return {
        "study": one.study,
        "arm": one.arm,
        "outcome": one.outcome.code,
        "months": one.pair.months,
        **figures,
        "rate_ratio": _rate_ratio(one.rates),
        "maic": maic_json(one.matched, one.outcome.missing_rule.value),
        "mismatches": list(one.mismatches),
        "verdict": one.verdict,
    }


def _rate_ratio(rates: RateComparison | Suppressed) -> Json:
    return rates.as_json() if isinstance(rates, Suppressed) else rates.ratio.as_json()


def _label(figures: LabelFigures) -> Json:
    return {
        "patients": shown_json(figures.patients),
        "n": shown_json(figures.n),
        "incidence": figures.incidence.as_json(),
        "events": shown_json(figures.events),
        "person_years": _years(figures.person_years),
        "person_years_to_first": _years(figures.person_years_to_first),
        "event_rate_per_100py": figures.event_rate.as_json(),
        "eair_per_100py": figures.eair.as_json(),
        **numbers({"zero_event_upper": figures.zero_event_upper}),
    }


def _years(value: float | Suppressed) -> object:
    return value.as_json() if isinstance(value, Suppressed) else number(value)


def _curve(curve: CurveFigures) -> Json:
    return {
        "deaths": shown_json(curve.deaths),
        "at": {str(day): _at(each) for day, each in curve.at.items()},
        "median": curve.median.as_json(),
        "rmst": curve.rmst.as_json(),
    }


def _at(found: At | Suppressed) -> Json:
    if isinstance(found, Suppressed):
        return found.as_json()
    written: Json = {
        "survival": number(found.survival),
        "lower": number(found.lower),
        "upper": number(found.upper),
        "at_risk": shown_json(found.at_risk),
    }
    return written if found.reason is None else written | {"reason": found.reason}


def _incidence(found: IncidenceFigures) -> Json:
    return {"at": {str(day): _share(each) for day, each in found.at.items()}}


def _share(found: Share | Suppressed) -> Json:
    if isinstance(found, Suppressed):
        return found.as_json()
    written: Json = {
        "incidence": number(found.incidence),
        "lower": number(found.lower),
        "upper": number(found.upper),
    }
    return written if found.reason is None else written | {"reason": found.reason}
