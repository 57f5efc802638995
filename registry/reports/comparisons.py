"""The registry beside published figures: only the same outcome at the same time-point."""

from collections.abc import Mapping, Sequence

from registry.protocols import Protocol
from registry.published import Library, Pair, Pairing, pair
from registry.reports.values import OutcomeFigures, SideBySide, Wave
from registry.statistics.comparison import compare
from registry.statistics.values import Proportion


def side_by_side(
    waves: Mapping[int, Wave], protocol: Protocol, library: Library
) -> tuple[tuple[SideBySide, ...], Pairing]:
    """What stands beside the registry; with it the pairing, which says why the rest does not."""
    pairing = pair(protocol.outcomes, library)
    beside = [
        _beside(each, waves[each.months].outcomes[each.outcome.code], library)
        for each in pairing.beside
        if each.months in waves and each.outcome.code in waves[each.months].outcomes
    ]
    return tuple(beside), pairing


def _beside(each: Pair, ours: OutcomeFigures, library: Library) -> SideBySide:
    figure, study = each.figure, library.study(each.figure.study)
    rule = ours.outcome.missing_rule.value
    shown = [ours.by_rule[name] for name in (rule, "worst_case", "best_case")]
    found = [one for one in shown if isinstance(one, Proportion)]
    comparison = None
    if len(found) == len(shown) and isinstance(ours.silent, int):
        registry, lowest, highest = found
        comparison = compare(
            registry,
            (figure.x or 0, figure.n or 0),
            rule=rule,
            lowest=lowest,
            highest=highest,
            silent=ours.silent,
        )
    return SideBySide(
        pair=each,
        outcome=ours.outcome,
        study=study.id,
        arm=study.arms[figure.arm].name,
        source=" · ".join((study.cite.line, study.sources[figure.source].line)),
        comparison=comparison,
        mismatches=_mismatches(each, ours.outcome.differs),
    )


def _mismatches(each: Pair, differs: Sequence[str]) -> tuple[str, ...]:
    theirs = (f"defined there as: {each.figure.means}",) if each.figure.means else ()
    return tuple(dict.fromkeys((*differs, *theirs, *each.cautions)))
