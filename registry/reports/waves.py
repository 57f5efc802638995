"""One time-point's counts as figures, exact or as they may be released."""

from collections.abc import Mapping

from registry.protocols import Outcome, OutcomeKind, Protocol
from registry.queries.sufficient_outcomes import horizon
from registry.queries.sufficient_waves import WaveCounts
from registry.reports.sentences import known_sentence, released_sentence
from registry.reports.values import Figure, Number, OutcomeFigures, Wave
from registry.statistics.disclosure import show_count
from registry.statistics.missing import RULES, estimate_outcome
from registry.statistics.policy import SUPPRESSED, Policy, Shown, Suppressed
from registry.statistics.proportions import restated
from registry.statistics.releases import ReleasedWave, release_wave
from registry.statistics.response_rates import Dispositions, response_rates
from registry.statistics.values import NotEstimable, Proportion
from registry.statistics.weighting import weighted

TOLD = (OutcomeKind.ANSWER, OutcomeKind.SCORE)
TIMELESS = (*TOLD, OutcomeKind.LAB)


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
            code: _exact_outcome(counts, protocol, code, rates.rates["RR1"])
            for code in counts.outcomes
        },
    )


def _exact_outcome(
    wave: WaveCounts, protocol: Protocol, code: str, rr1: float | NotEstimable
) -> OutcomeFigures:
    outcome, counts = protocol.by_outcome[code], wave.outcomes[code]
    estimates = estimate_outcome(counts, rr1)
    told, day = outcome.kind in TOLD, horizon(wave.timepoint.month)
    sentence = estimates.sentence if told else known_sentence(counts, outcome, day)
    rules = _by_method(estimates.by_rule, protocol)
    ipw = weighted(wave.patterns.outcomes[code], wave.patterns.covariates)
    return OutcomeFigures(outcome, rules, counts.silent, sentence, wave.days.get(code), ipw)


def _by_method(rules: Mapping[str, Figure], protocol: Protocol) -> dict[str, Figure]:
    """The shares, hidden ones apart, with intervals by the protocol's method."""
    method = protocol.statistics.share
    return {
        rule: figure if isinstance(figure, Suppressed) else restated(figure, method)
        for rule, figure in rules.items()
    }


def released_wave(
    counts: WaveCounts, protocol: Protocol, due: Shown, not_yet_due: Shown, policy: Policy
) -> Wave:
    """The wave as it may leave the registry; `due` and `not_yet_due` as shown beside the treated.

    What was told is released with the dispositions, whose dead are its dead. Laboratory results
    and events have dead of their own, and each is a release of its own. One that would have to hide
    the due is left out.
    """
    kinds = {code: protocol.by_outcome[code].kind in TOLD for code in counts.outcomes}
    told_codes = {code for code, told in kinds.items() if told}
    asked = _asked(counts, told_codes, protocol.primary.outcome, policy)
    figures: dict[str, dict[str, Figure]] = {}
    for code, told in kinds.items():
        found = asked if told else _happened(counts, code, policy)
        shown = None if found is None or isinstance(due, Suppressed) else found.outcomes.get(code)
        figures[code] = shown or dict.fromkeys(RULES, SUPPRESSED)
    hidden = asked is None or isinstance(due, Suppressed)
    letters: dict[str, Shown] = dict.fromkeys(counts.dispositions.as_json(), SUPPRESSED)
    rates: dict[str, Number] = dict.fromkeys(response_rates(counts.dispositions).rates, SUPPRESSED)
    if asked is not None and not hidden:
        letters, rates = asked.dispositions, asked.rates
    return Wave(
        timepoint=counts.timepoint,
        event_day=horizon(counts.timepoint.month),
        due=due,
        not_yet_due=not_yet_due,
        dispositions=letters,
        e=_e(letters),
        rates=rates,
        rr1=SUPPRESSED if asked is None or hidden else asked.rr1,
        out_of_window=show_count(counts.out_of_window, policy),
        duplicates=show_count(counts.duplicates, policy),
        outcomes={
            code: _released_outcome(protocol.by_outcome[code], _by_method(rules, protocol))
            for code, rules in figures.items()
        },
    )


def _asked(counts: WaveCounts, told: set[str], primary: str, policy: Policy) -> ReleasedWave | None:
    """Dispositions with as many outcomes as can be shown beside them: all, those of everyone due,
    the primary one, none; None if even the dispositions cannot.
    """
    everyone = {code for code in told if counts.outcomes[code].due == counts.due}
    for codes in (told, everyone, {primary} & told, set[str]()):
        some = {code: each for code, each in counts.outcomes.items() if code in codes}
        found = release_wave(counts.dispositions, some, policy=policy)
        if not isinstance(found.due, Suppressed):
            return found
    return None


def _happened(counts: WaveCounts, code: str, policy: Policy) -> ReleasedWave | None:
    everyone = Dispositions(no_contact=counts.due)
    found = release_wave(everyone, {code: counts.outcomes[code]}, policy=policy)
    return None if isinstance(found.due, Suppressed) else found


def _released_outcome(outcome: Outcome, rules: Mapping[str, Figure]) -> OutcomeFigures:
    lowest, highest = rules["worst_case"], rules["best_case"]
    silent: Shown = SUPPRESSED
    if isinstance(lowest, Proportion) and isinstance(highest, Proportion):
        silent = highest.x - lowest.x
    sentence = released_sentence(rules["observed_only"], lowest, highest)
    # days at risk are no count that could be rounded like people: a release keeps them back
    days = None if outcome.kind in TIMELESS else SUPPRESSED
    return OutcomeFigures(outcome, rules, silent, sentence, days)


def _e(letters: Mapping[str, Shown]) -> Number:
    counts = {letter: shown for letter, shown in letters.items() if isinstance(shown, int)}
    if len(counts) < len(letters):
        return SUPPRESSED
    return response_rates(Dispositions.from_letters(counts)).e
