"""The registry beside published figures: only the same outcome at the same time-point."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from registry.protocols import Protocol
from registry.published import Figure, Library, Pair, Pairing
from registry.queries.sufficient_covariates import Patterns
from registry.reports.matching import matched_side
from registry.reports.values import MatchedSide, OutcomeFigures, SideBySide, Wave
from registry.statistics.comparison import Comparison, compare
from registry.statistics.policy import SUPPRESSED, Policy, Suppressed
from registry.statistics.tipping import TippingPoint, released_tipping
from registry.statistics.two_rates import RateComparison, compare_rates, no_rates
from registry.statistics.values import Proportion


def side_by_side(
    waves: Mapping[int, Wave],
    pairing: Pairing,
    protocol: Protocol,
    library: Library,
    policy: Policy | None = None,
    patterns: Mapping[int, Patterns] | None = None,
    resamples: int | None = None,
) -> tuple[SideBySide, ...]:
    """What stands beside the registry.

    `policy`: the one by which the waves were released, None if they are exact; `patterns`: by month
    what matching starts from, None where it may not be shown; `resamples`: of the matched.
    """
    return tuple(
        _beside(
            each,
            waves[each.months].outcomes[each.outcome.code],
            library,
            protocol,
            policy,
            matched_side(each, library, protocol, patterns, resamples),
        )
        for each in pairing.beside
        if each.months in waves and each.outcome.code in waves[each.months].outcomes
    )


def _beside(
    each: Pair,
    ours: OutcomeFigures,
    library: Library,
    protocol: Protocol,
    policy: Policy | None,
    matched: MatchedSide | Suppressed,
) -> SideBySide:
    figure, study = each.figure, library.study(each.figure.study)
    return SideBySide(
        pair=each,
        outcome=ours.outcome,
        study=study.id,
        arm=study.arms[figure.arm].name,
        source=" · ".join((study.cite.line, study.sources[figure.source].line)),
        comparison=_comparison(each, ours, protocol, policy),
        rates=_rates(each.figure, ours),
        matched=matched,
        mismatches=_mismatches(each, ours.outcome.differs),
    )


def _comparison(
    each: Pair, ours: OutcomeFigures, protocol: Protocol, policy: Policy | None
) -> Comparison | None:
    """From the counts as shown; None if one of them is not."""
    rule = ours.outcome.missing_rule.value
    shown = [ours.by_rule[name] for name in (rule, "worst_case", "best_case")]
    found = [one for one in shown if isinstance(one, Proportion)]
    if len(found) < len(shown) or not isinstance(ours.silent, int):
        return None
    registry, lowest, highest = found
    comparison = compare(
        registry,
        (each.figure.x or 0, each.figure.n or 0),
        rule=rule,
        lowest=lowest,
        highest=highest,
        silent=ours.silent,
        methods=protocol.statistics,
    )
    tip = comparison.tipping
    if policy is None or not isinstance(tip, TippingPoint):
        return comparison
    return replace(comparison, tipping=released_tipping(tip, policy))


def _rates(figure: Figure, ours: OutcomeFigures) -> RateComparison | Suppressed:
    """First events per time at risk of the due, where the paper has its own time at risk."""
    if ours.days is None:
        return no_rates("not an event in time")
    if figure.person_time is None:
        return no_rates("the paper prints no person-time")
    happened = ours.by_rule["nri"]
    if isinstance(ours.days, Suppressed) or isinstance(happened, Suppressed):
        return SUPPRESSED
    return compare_rates(happened.x, ours.days, figure.x or 0, float(figure.person_time.years))


def _mismatches(each: Pair, differs: Sequence[str]) -> tuple[str, ...]:
    time = each.figure.person_time
    theirs = (
        f"defined there as: {each.figure.means}" if each.figure.means else "",
        f"person-time not printed, approximated by {time.basis}"
        if time and not time.printed
        else "",
    )
    return tuple(dict.fromkeys((*differs, *filter(None, theirs), *each.cautions)))
