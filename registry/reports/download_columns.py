"""The columns of the downloads and what they mean: the codebook."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column: `kind` is text, whole or number; `unit` of numbers that have one."""

    name: str
    kind: str
    meaning: str
    unit: str = ""


EVERYWHERE = (
    Column("as_of", "text", "Data cut-off: facts dated later are left out.", "ISO date"),
    Column("known_at", "text", "Later records and corrections are left out; empty: none.", "UTC"),
    Column("site", "text", "Code of the site, or all."),
    Column("profile", "text", "internal: exact; release: small counts hidden, others rounded."),
)
_METHOD = Column("method", "text", "How the interval was computed.")
_REASON = Column("reason", "text", "Why a figure cannot be estimated.")
_LIMITS = (
    Column("lower", "number", "Lower 95 % limit."),
    Column("upper", "number", "Upper 95 % limit; infinity if there is none."),
)
_MONTH = Column("month", "whole", "Time-point after treatment.", "months")
_WINDOW = (
    Column("window_from", "whole", "First day of the window.", "days since treatment"),
    Column("window_to", "whole", "Last day of the window.", "days since treatment"),
)
_DISPOSITIONS = (
    Column("I", "whole", "Complete answer in the window.", "patients"),
    Column("P", "whole", "Partial answer in the window.", "patients"),
    Column("R", "whole", "Refused, withdrew or broke off.", "patients"),
    Column("NC", "whole", "No contact; never asked too.", "patients"),
    Column("O", "whole", "Could not answer for another reason.", "patients"),
    Column("U", "whole", "Letters came back, not known to be alive.", "patients"),
    Column("NE", "whole", "Died by the last day of the window.", "patients"),
)
_RATES = tuple(
    Column(f"RR{n}", "number", f"AAPOR response rate {n}.", "share") for n in range(1, 7)
)
_RATIOS = (
    Column("risk_ratio", "number", "Registry share over published share."),
    Column("risk_ratio_lower", "number", "Lower 95 % limit."),
    Column("risk_ratio_upper", "number", "Upper 95 % limit; infinity if there is none."),
    Column("risk_ratio_method", "text", "How its interval was computed."),
    Column("odds_ratio", "number", "Registry odds over published odds."),
    Column("odds_ratio_lower", "number", "Lower 95 % limit."),
    Column("odds_ratio_upper", "number", "Upper 95 % limit; infinity if there is none."),
    Column("odds_ratio_method", "text", "How its interval was computed."),
    Column("p_fisher", "number", "Fisher's exact test, two-sided."),
    Column("p_fisher_mid_p", "number", "The same as mid-p."),
    Column("p_boschloo", "number", "Boschloo's test, one-sided p doubled; to 1,000 patients."),
    Column("p_pearson", "number", "Chi-squared, pooled, without correction."),
    Column("silent", "whole", "Patients due whose outcome is not known.", "patients"),
    Column("tipping_at_most", "whole", "If so many silent or fewer had it, it says otherwise."),
    Column("tipping_at_least", "whole", "If so many silent or more had it, it says otherwise."),
)  # fmt: skip
_COMPARED_RATES = (
    Column("rate_ratio", "number", "First events per time, registry over published."),
    Column("rate_ratio_lower", "number", "Lower 95 % limit, exact."),
    Column("rate_ratio_upper", "number", "Upper 95 % limit, exact; infinity if there is none."),
    Column("rate_difference", "number", "The same, minus.", "per 100 years"),
    Column("rate_difference_lower", "number", "Lower 95 % limit, score.", "per 100 years"),
    Column("rate_difference_upper", "number", "Upper 95 % limit, score.", "per 100 years"),
    Column("rate_p", "number", "Exact test of equal rates, two-sided."),
    Column("rate_reason", "text", "Why rates cannot be compared."),
)  # fmt: skip
_MATCHED = (
    Column("maic_estimate", "number", "Share, weighted to the study's baseline.", "share"),
    Column("maic_lower", "number", "Lower 95 % limit.", "share"),
    Column("maic_upper", "number", "Upper 95 % limit.", "share"),
    Column("maic_method", "text", "How its error was computed."),
    Column("maic_n", "whole", "Patients known by all that was matched.", "patients"),
    Column("maic_left_out", "whole", "Patients not known by all of it.", "patients"),
    Column("maic_ess", "number", "Effective sample size.", "patients"),
    Column("maic_weights_max", "number", "Largest weight, 1 being the average."),
    Column("maic_difference", "number", "maic_estimate minus published.", "share"),
    Column("maic_difference_lower", "number", "Lower 95 % limit.", "share"),
    Column("maic_difference_upper", "number", "Upper 95 % limit.", "share"),
    Column("maic_warning", "text", "Whether few patients carry it."),
    Column("maic_matched", "text", "What was matched, one after another."),
    Column("maic_notes", "text", "What must be said of what was matched."),
    Column("maic_not_available", "text", "What matters and could not be matched."),
    Column("maic_refused", "text", "Why nothing was matched."),
)
COMPARED = tuple(column.name for column in _RATIOS)
COMPARED_RATES = tuple(column.name for column in _COMPARED_RATES)
MATCHED = tuple(column.name for column in _MATCHED)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "response_rates": (
        _MONTH,
        *_WINDOW,
        Column("due", "whole", "Treated patients whose window has closed.", "patients"),
        Column("not_yet_due", "whole", "Treated patients whose window is open.", "patients"),
        *_DISPOSITIONS,
        Column("e", "number", "Share of the unknown taken to be eligible.", "share"),
        *_RATES,
        Column("RR1_lower", "number", "Lower 95 % limit of RR1.", "share"),
        Column("RR1_upper", "number", "Upper 95 % limit of RR1.", "share"),
        Column("COOP1", "number", "Complete among those reached.", "share"),
        Column("REF1", "number", "Refusals among all eligible or unknown.", "share"),
        Column("CON1", "number", "Reached among all eligible or unknown.", "share"),
        Column("out_of_window", "whole", "Answers outside the window.", "answers"),
        Column("duplicates", "whole", "Further answers in the window.", "answers"),
        _REASON,
    ),
    "outcomes": (
        _MONTH,
        Column("outcome", "text", "Code of the outcome in the protocol."),
        Column("label", "text", "The outcome in words."),
        Column("definition", "text", "How the outcome is defined."),
        Column("rule", "text", "How the silent count: observed_only, nri, worst_case, …"),
        Column("x", "whole", "Patients with the outcome.", "patients"),
        Column("n", "whole", "Patients counted.", "patients"),
        Column("estimate", "number", "x of n.", "share"),
        *_LIMITS,
        _METHOD,
        _REASON,
    ),
    "safety": (
        Column("source", "text", "clinic: entered or confirmed there; patient: told in answers."),
        Column("group", "text", "any, serious, grade3plus, related, or term."),
        Column("term", "text", "The term, in rows of one term."),
        Column("patients", "whole", "Patients with at least one event.", "patients"),
        Column("n", "whole", "Patients at risk.", "patients"),
        Column("incidence", "number", "patients of n.", "share"),
        Column("incidence_lower", "number", "Lower 95 % limit (Wilson).", "share"),
        Column("incidence_upper", "number", "Upper 95 % limit (Wilson).", "share"),
        Column("incidence_exact_lower", "number", "Lower limit (Clopper-Pearson).", "share"),
        Column("incidence_exact_upper", "number", "Upper limit (Clopper-Pearson).", "share"),
        Column("events", "whole", "All events.", "events"),
        Column("person_years", "number", "Time at risk.", "years of 365.25 days"),
        Column("person_years_to_first", "number", "Time to the first event or the end.", "years"),
        Column("event_rate", "number", "Events per 100 person-years.", "per 100 years"),
        Column("event_rate_lower", "number", "Lower 95 % limit.", "per 100 years"),
        Column("event_rate_upper", "number", "Upper 95 % limit.", "per 100 years"),
        Column("event_rate_method", "text", "How its interval was computed."),
        Column("eair", "number", "Patients with a first event per time to it.", "per 100 years"),
        Column("eair_lower", "number", "Lower 95 % limit (Garwood).", "per 100 years"),
        Column("eair_upper", "number", "Upper 95 % limit (Garwood).", "per 100 years"),
        Column("zero_event_upper", "number", "One-sided 95 % bound where nobody had it.", "share"),
    ),
    "survival": (
        Column("curve", "text", "overall, overall_last_contact, or first_serious_ae."),
        Column("day", "whole", "Day since treatment.", "days"),
        Column("survival", "number", "Kaplan-Meier estimate at the end of the day.", "share"),
        Column("incidence", "number", "Aalen-Johansen estimate, death competing.", "share"),
        *_LIMITS,
        Column("at_risk", "whole", "Patients at risk on the day.", "patients"),
        Column("events", "whole", "First serious events on the whole curve.", "patients"),
        Column("deaths", "whole", "Deaths on the whole curve; there without event.", "patients"),
        _REASON,
    ),
    "comparisons": (
        Column("study", "text", "Published study."),
        Column("arm", "text", "Its group of patients."),
        Column("outcome", "text", "Code of the registry's outcome."),
        _MONTH,
        Column("rule", "text", "How the registry's silent count."),
        Column("registry_x", "whole", "Registry patients with the outcome.", "patients"),
        Column("registry_n", "whole", "Registry patients counted.", "patients"),
        Column("registry_estimate", "number", "registry_x of registry_n.", "share"),
        Column("registry_lower", "number", "Lower 95 % limit.", "share"),
        Column("registry_upper", "number", "Upper 95 % limit.", "share"),
        Column("published_x", "whole", "Published patients with the outcome.", "patients"),
        Column("published_n", "whole", "Published patients counted.", "patients"),
        Column("published_estimate", "number", "published_x of published_n.", "share"),
        Column("published_lower", "number", "Lower 95 % limit.", "share"),
        Column("published_upper", "number", "Upper 95 % limit.", "share"),
        Column("share_method", "text", "How the limits of both shares were computed."),
        Column("difference", "number", "Registry minus published.", "share"),
        Column("lower", "number", "Lower 95 % limit of the difference.", "share"),
        Column("upper", "number", "Upper 95 % limit of the difference.", "share"),
        _METHOD,
        *_RATIOS,
        *_COMPARED_RATES,
        *_MATCHED,
        _REASON,
        Column("verdict", "text", "What the two together say."),
        Column("mismatches", "text", "What differs between the two, one after another."),
        Column("source", "text", "Where the published figure was read."),
    ),
}  # fmt: skip
CODEBOOK = (
    Column("table", "text", "Name of the table."),
    Column("column", "text", "Name of the column."),
    Column("kind", "text", "text, whole or number; any may say suppressed."),
    Column("unit", "text", "Unit, where there is one."),
    Column("meaning", "text", "What the column holds."),
)
