"""One time-point's counts as figures, exact or as they may be released."""

from registry.protocols import Outcome, OutcomeKind, Protocol
from registry.queries.sufficient_outcomes import horizon
from registry.queries.sufficient_waves import WaveCounts
from registry.reports.sentences import event_sentence, released_sentence
from registry.reports.values import Figure, Number, OutcomeFigures, Wave
from registry.statistics.disclosure import show_count
from registry.statistics.missing import RULES, OutcomeCounts, estimate_outcome
from registry.statistics.policy import SUPPRESSED, Policy, Shown, Suppressed
from registry.statistics.releases import ReleasedWave, release_wave
from registry.statistics.response_rates import Dispositions, response_rates
from registry.statistics.values import NotEstimable, Proportion

TOLD = (OutcomeKind.ANSWER, OutcomeKind.SCORE, OutcomeKind.LAB)


def exact_wave(counts: WaveCounts, protocol: Protocol) -> Wave:
    """The wave as it is."""
    rates = response_rates(counts.dispositions)
    day = horizon(counts.timepoint.month)
    return Wave(
        timepoint=counts.timepoint,
        event_day=day,
        due=counts.due,
        not_yet_due=counts.not_yet_due,
        dispositions=counts.dispositions.as_json(),
        e=rates.e,
        rates=rates.rates,
        rr1=rates.rr1,
        out_of_window=counts.out_of_window,
        duplicates=counts.duplicates,
        outcomes={
            code: _exact_outcome(protocol.by_outcome[code], each, rates.rates["RR1"], day)
            for code, each in counts.outcomes.items()
        },
    )


def _exact_outcome(
    outcome: Outcome, counts: OutcomeCounts, rr1: float | NotEstimable, day: int
) -> OutcomeFigures:
    estimates = estimate_outcome(counts, rr1)
    told = outcome.kind in TOLD
    sentence = estimates.sentence if told else event_sentence(counts, outcome, day)
    return OutcomeFigures(outcome, estimates.by_rule, counts.silent, sentence)


def released_wave(
    counts: WaveCounts, protocol: Protocol, due: Shown, not_yet_due: Shown, policy: Policy
) -> Wave:
    """The wave as it may leave the registry; `due` and `not_yet_due` as shown beside the treated.

    Outcomes that are told and events are two releases: the one's dead are the dispositions', the
    other's are counted at another day. Where the due are hidden once, all of the wave is.
    """
    kinds = {code: protocol.by_outcome[code].kind in TOLD for code in counts.outcomes}
    told = {code: each for code, each in counts.outcomes.items() if kinds[code]}
    events = {code: each for code, each in counts.outcomes.items() if not kinds[code]}
    asked = release_wave(counts.dispositions, told, policy=policy)
    happened = release_wave(Dispositions(no_contact=counts.due), events, policy=policy)
    hidden = any(isinstance(each, Suppressed) for each in (due, asked.due, happened.due))
    figures = {code: _rules(code, asked, happened, hidden) for code in counts.outcomes}
    letters: dict[str, Shown] = {
        letter: SUPPRESSED if hidden else shown for letter, shown in asked.dispositions.items()
    }
    return Wave(
        timepoint=counts.timepoint,
        event_day=horizon(counts.timepoint.month),
        due=due,
        not_yet_due=not_yet_due,
        dispositions=letters,
        e=_e(letters),
        rates=dict.fromkeys(asked.rates, SUPPRESSED) if hidden else asked.rates,
        rr1=SUPPRESSED if hidden else asked.rr1,
        out_of_window=show_count(counts.out_of_window, policy),
        duplicates=show_count(counts.duplicates, policy),
        outcomes={
            code: _released_outcome(protocol.by_outcome[code], rules)
            for code, rules in figures.items()
        },
    )


def _rules(
    code: str, asked: ReleasedWave, happened: ReleasedWave, hidden: bool
) -> dict[str, Figure]:
    if hidden:
        return dict.fromkeys(RULES, SUPPRESSED)
    return {**asked.outcomes, **happened.outcomes}[code]


def _released_outcome(outcome: Outcome, rules: dict[str, Figure]) -> OutcomeFigures:
    lowest, highest = rules["worst_case"], rules["best_case"]
    silent: Shown = SUPPRESSED
    if isinstance(lowest, Proportion) and isinstance(highest, Proportion):
        silent = highest.x - lowest.x
    sentence = released_sentence(rules["observed_only"], lowest, highest)
    return OutcomeFigures(outcome, rules, silent, sentence)


def _e(letters: dict[str, Shown]) -> Number:
    counts = {letter: shown for letter, shown in letters.items() if isinstance(shown, int)}
    if len(counts) < len(letters):
        return SUPPRESSED
    return response_rates(Dispositions.from_letters(counts)).e
