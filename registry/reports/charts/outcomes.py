"""Outcomes by wave: those who answered, what the silent could change, every rule in a table."""

from collections.abc import Mapping
from dataclasses import dataclass

from registry import words
from registry.protocols import Outcome, OutcomeKind
from registry.reports.charts import shown
from registry.reports.charts.shown import Rows
from registry.reports.figures import Mark, ShareBlock, ShareRow
from registry.reports.sentences import MISSING_RULES
from registry.reports.values import Figure, OutcomeFigures, Wave
from registry.statistics.policy import Suppressed
from registry.statistics.values import Proportion
from registry.statistics.weighting import Balance, Refused, Weighted

RULE_WORDS = {
    "observed_only": "those whose outcome is known",
    "nri": "everybody due; silence and death count as not having it",
    "worst_case": "everybody due; none of the silent has it",
    "best_case": "everybody due; all of the silent have it",
    "while_alive": "everybody due and alive; the silent do not have it",
}
TOLD = (OutcomeKind.ANSWER, OutcomeKind.SCORE, OutcomeKind.LAB)


@dataclass(frozen=True)
class OutcomeView:
    """One outcome: its forest of months, its table of rules, the balance of the weights, its
    sentences by month.
    """

    code: str
    label: str
    definition: str
    more: str
    is_told: bool
    block: ShareBlock
    table: Rows
    balance: Rows
    lead: str
    sentences: tuple[tuple[int, str], ...]


def views(
    waves: Mapping[int, Wave], outcomes: tuple[Outcome, ...], wanted: int
) -> list[OutcomeView]:
    """Every outcome of the protocol in its order; `wanted` is the month that leads."""
    return [_view(outcome, waves, wanted) for outcome in outcomes]


def _view(outcome: Outcome, waves: Mapping[int, Wave], wanted: int) -> OutcomeView:
    months = {month: wave for month, wave in sorted(waves.items()) if outcome.code in wave.outcomes}
    found = {month: wave.outcomes[outcome.code] for month, wave in months.items()}
    told = {month: each.sentence for month, each in found.items() if months[month].due != 0}
    leads = wanted if wanted in told else max(told, default=None)
    rows = tuple(_row(month, each) for month, each in found.items())
    return OutcomeView(
        code=outcome.code,
        label=outcome.label,
        definition=outcome.definition,
        more=_more(outcome),
        is_told=outcome.kind in TOLD,
        block=ShareBlock(outcome.label, RULE_WORDS["observed_only"], rows),
        table=_table(outcome, months),
        balance=_balance(outcome, found),
        lead=f"Month {leads}. {told[leads]}" if leads is not None else "Nobody is due yet.",
        sentences=tuple(told.items()),
    )


def _more(outcome: Outcome) -> str:
    """Whether having it is good, and which rule stands beside a published figure."""
    side = "good" if outcome.favourable else "bad"
    rule = RULE_WORDS[outcome.missing_rule.value]
    return f"To have it is {side} for the patient. Beside published figures: {rule}."


def bounds(found: OutcomeFigures) -> tuple[float, float] | None:
    """The shares if none and if all of the silent had it; None if one is hidden or not known."""
    worst, best = found.by_rule["worst_case"], found.by_rule["best_case"]
    if isinstance(worst, Suppressed) or isinstance(best, Suppressed):
        return None
    if worst.estimate is None or best.estimate is None:
        return None
    return worst.estimate, best.estimate


def _row(month: int, found: OutcomeFigures) -> ShareRow:
    observed = found.by_rule["observed_only"]
    return ShareRow(
        f"Month {month}",
        Mark.REGISTRY,
        shown.counted(observed),
        bounds(found),
        reason=shown.reason(observed),
    )


def _table(outcome: Outcome, months: Mapping[int, Wave]) -> Rows:
    heads: tuple[str | tuple[str, str], ...] = (
        "Wave",
        ("Weighted", "num"),
        ("Observed", "num"),
        ("Non-responder", "num"),
        ("RR1", "num"),
        ("Worst case", "num"),
        ("Best case", "num"),
        ("While alive", "num"),
        ("Silent", "num"),
    )
    rows = tuple(_cells(month, wave, outcome) for month, wave in months.items())
    return Rows(f"{outcome.label}: every rule", heads, rows)


def _cells(month: int, wave: Wave, outcome: Outcome) -> tuple[str, ...]:
    found = wave.outcomes[outcome.code]
    rule = found.by_rule
    rr1 = wave.rr1
    rate = words.HIDDEN if isinstance(rr1, Suppressed) else _estimate(rr1)
    return (
        f"Month {month}",
        _weighted(found.ipw),
        shown.full(rule["observed_only"]),
        shown.full(rule["nri"]),
        rate,
        _percent(rule["worst_case"]),
        shown.full(rule["best_case"]),
        shown.full(rule["while_alive"]),
        shown.whole(found.silent),
    )


def _balance(outcome: Outcome, months: Mapping[int, OutcomeFigures]) -> Rows:
    """A row per month and column of the weights: in all the living, and in those of whom the
    outcome is known before and after weighting.
    """
    heads = ("Living", "Known", "Known, weighted", "Difference", "After weighting")
    return Rows(
        f"{outcome.label}: who is known, before and after weighting",
        ("Wave", "At baseline", *((head, "num") for head in heads)),
        tuple(
            (f"Month {month}", row.name, *_means(row))
            for month, found in months.items()
            if isinstance(found.ipw, Weighted)
            for row in found.ipw.balance
        ),
    )


def _means(row: Balance) -> tuple[str, ...]:
    means = (row.living, row.answering, row.weighted)
    return tuple(words.number(v, 2) for v in (*means, row.difference, row.difference_weighted))


def _weighted(found: Weighted | Refused | Suppressed) -> str:
    """The weighted share with its effective number of answers and covariates, or why not."""
    if isinstance(found, Suppressed):
        return words.HIDDEN
    if isinstance(found, Refused):
        return found.refused
    told = words.estimate(found.estimate, found.lower, found.upper)
    if not found.covariates:
        return f"{told}; {found.reason}"
    return f"{told}; by {', '.join(found.covariates)}, as good as {found.ess:.0f} answers"


def _percent(figure: Figure) -> str:
    return words.HIDDEN if isinstance(figure, Suppressed) else _estimate(figure)


def _estimate(figure: Proportion) -> str:
    if figure.estimate is None:
        return figure.reason or ""
    return words.percent(figure.estimate)


def rules() -> list[tuple[str, str]]:
    """What each rule does with the silent, for the method."""
    names = {
        "observed_only": "Observed",
        "nri": "Non-responder",
        "worst_case": "Worst case",
        "best_case": "Best case",
        "while_alive": "While alive",
    }
    weighted = [("Weighted", MISSING_RULES["ipw"])]
    return weighted + [(name, MISSING_RULES[rule]) for rule, name in names.items()]
