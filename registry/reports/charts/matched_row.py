"""The row of a forest with the registry matched to a study's patients."""

from collections.abc import Iterator

from registry import words
from registry.published import Study
from registry.reports.charts import shown
from registry.reports.figures import Counted, DifferenceRow, Limits, Mark
from registry.reports.values import SideBySide
from registry.statistics.maic import Matched
from registry.statistics.policy import Suppressed


def difference(each: SideBySide, study: Study) -> Iterator[DifferenceRow]:
    """The row of the forest under the unadjusted one, where there is one."""
    side = each.matched
    if isinstance(side, Suppressed) or side.contrasts is None:
        return
    found = side.found
    if not isinstance(found, Matched):
        return
    x, n = each.pair.figure.x, each.pair.figure.n
    theirs = each.comparison and each.comparison.published
    yield DifferenceRow(
        "Matched to its patients" if len(study.arms) == 1 else f"Matched to {each.arm}",
        Counted(None, None, Limits(found.estimate, found.lower, found.upper), effective(found)),
        shown.counted(theirs) if theirs else Counted(x, n),
        shown.limits(side.contrasts.risk_difference),
        Mark.MATCHED,
        about=_about(found),
        reason=side.contrasts.risk_difference.reason or "",
    )


def _about(found: Matched) -> str:
    names = dict.fromkeys(each.name.partition(",")[0] for each in found.balance)
    by = f"by {', '.join(names)}"
    return f"{by}; {found.warning}" if found.warning else by


def effective(found: Matched) -> str:
    """ "ESS 84.1 of 200"."""
    return f"ESS {words.number(found.ess)} of {words.whole(found.n)}"
