"""The registry matched to a study's patients, beside the figure that the study printed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from registry.protocols import Protocol
from registry.protocols.model import Characteristic
from registry.published import Library, Pair, arithmetic
from registry.published.studies import Baseline
from registry.queries.sufficient_covariates import Patterns
from registry.reports.values import MatchedSide, Note
from registry.statistics.maic import Matched, match
from registry.statistics.maic_contrasts import contrasts
from registry.statistics.maic_sensitivity import Variant, resampled, variants
from registry.statistics.moments import Mean, Median, Share, Target, subject
from registry.statistics.policy import SUPPRESSED, Suppressed
from registry.statistics.risk_sets import Counts
from registry.statistics.values import Json
from registry.statistics.weighting import DueCounts, Refused

NO_BASELINE = "this study prints no baseline to match"
KNOWN = "only those whose outcome is known"
NOTHING_SHARED = "nothing that this study prints of its patients is known of ours"
OTHER_PEOPLE = (
    "the figure is of a part of the study's patients, and its baseline is not printed of that part"
)


@dataclass(frozen=True)
class _Wanted:
    """What can be matched; what cannot, each with the reason; what is said of the printed rows.

    `why`: there is nothing to match.
    """

    targets: tuple[Target, ...]
    absent: tuple[str, ...]
    notes: tuple[Note, ...]
    why: str


def printed_for(pair: Pair, library: Library) -> list[Baseline]:
    """What the study prints at baseline of the patients of the figure's arm, or of all of them;
    first what it prints of as many as the figure is of.
    """
    rows = library.study(pair.figure.study).baseline
    printed = [row for row in rows if row.arm in (None, pair.figure.arm)]
    return sorted(printed, key=lambda row: row.n != pair.figure.n)


def needed(
    pairs: Iterable[Pair], library: Library, protocol: Protocol
) -> dict[int, tuple[str, ...]]:
    """By month, the outcomes whose figures stand beside a study with something to match."""
    variables = {each.variable for each in protocol.matching}
    found: dict[int, dict[str, None]] = {}
    for pair in pairs:
        if variables & {row.variable for row in printed_for(pair, library)}:
            found.setdefault(pair.months, {})[pair.outcome.code] = None
    return {month: tuple(codes) for month, codes in found.items()}


def matched_side(
    pair: Pair,
    library: Library,
    protocol: Protocol,
    patterns: Mapping[int, Patterns] | None,
    resamples: int | None = None,
) -> MatchedSide | Suppressed:
    """The matched share and its contrasts, or the reason why there is none; hidden without
    `patterns`, by month: weights and effective sizes of a release would be made of small cells.
    `resamples`: how many, None for none.
    """
    if patterns is None:
        return SUPPRESSED
    here = patterns.get(pair.months, Patterns())
    wanted = _wanted(pair, printed_for(pair, library), protocol, here)
    if not wanted.targets:
        return MatchedSide(Refused(wanted.why), absent=wanted.absent)
    rule = protocol.by_outcome[pair.outcome.code].missing_rule.value
    people, having = counted(rule, here.outcomes[pair.outcome.code])
    asked = wanted.targets, here.covariates, people, having
    found = match(*asked)
    if isinstance(found, Refused):
        return MatchedSide(found, absent=wanted.absent, notes=wanted.notes)
    x, n = pair.figure.x or 0, pair.figure.n or 0
    known = counted("observed_only", here.outcomes[pair.outcome.code])
    others = (
        Variant(KNOWN, match(wanted.targets, here.covariates, *known)),
        *variants(*asked),
    )
    return MatchedSide(
        found,
        contrasts(found, x, n),
        others,
        wanted.absent,
        wanted.notes,
        None if resamples is None else resampled(*asked, resamples=resamples),
    )


def counted(rule: str, counts: DueCounts) -> tuple[Counts, Counts]:
    """How many count and how many of them have the outcome in each row, by a rule of missing.RULES.

    Raises KeyError for another rule.
    """
    silent = counts.living - counts.answered
    by_rule = {
        "observed_only": (counts.answered, counts.yes),
        "nri": (counts.due, counts.yes),
        "worst_case": (counts.due, counts.yes),
        "best_case": (counts.due, counts.yes + silent),
        "while_alive": (counts.living, counts.yes),
    }
    return by_rule[rule]


def _wanted(pair: Pair, printed: Sequence[Baseline], protocol: Protocol, here: Patterns) -> _Wanted:
    known = {
        each.name for each in here.covariates if any(value is not None for value in each.values)
    }
    is_part = protocol.by_outcome[pair.outcome.code].population is not None
    of_others = [row for row in printed if is_part and row.n != pair.figure.n]
    targets: list[Target] = []
    absent: list[str] = []
    notes: list[Note] = []
    for each in protocol.matching:
        row = next((row for row in printed if row.variable == each.variable), None)
        target = None if row is None else _target(row, each)
        if row is None:
            absent.append(f"{each.variable}: not printed by the study")
        elif each.covariate not in known:
            absent.append(f"{each.variable}: not known of our patients")
        elif target is None:
            absent.append(f"{each.variable}: printed in a way that cannot be matched")
        elif row in of_others:
            absent.append(f"{each.variable}: not printed of the {pair.figure.n} of the figure")
        else:
            targets.append(target)
            said = row.note, _whose(row, pair)
            notes += [Note(subject(target), text) for text in said if text]
    why = NOTHING_SHARED if printed else NO_BASELINE
    return _Wanted(tuple(targets), tuple(absent), tuple(notes), OTHER_PEOPLE if of_others else why)


def _whose(row: Baseline, pair: Pair) -> str | None:
    if row.n in (None, pair.figure.n):
        return None
    return f"printed of {row.n}, the figure is of {pair.figure.n}"


def _target(row: Baseline, each: Characteristic) -> Target | None:
    """What is printed, as something to match; None if its kind does not fit the covariate."""
    name, code = each.covariate, each.code
    if code is not None:
        share = _share(row)
        return None if share is None else Share(name, code, share)
    if row.mean is not None:
        return Mean(name, float(row.mean), None if row.sd is None else float(row.sd))
    return None if row.median is None else Median(name, float(row.median))


def _share(row: Baseline) -> float | None:
    if row.x is not None and row.n:
        return row.x / row.n
    if row.printed is None or not arithmetic.is_plain(row.printed):
        return None
    return float(row.printed) / 100


def maic_json(side: MatchedSide | Suppressed, rule: str) -> Json:
    """The keys of the contract, null where nothing is estimated and "refused" says why; beside
    them how it was made (`rule`: the one for the silent), the difference to the published share,
    resamples if asked for, what must be said of what was matched, and what could not be.
    """
    if isinstance(side, Suppressed):
        return side.as_json()
    found = side.found
    if isinstance(found, Matched):
        written = found.as_json() | {"refused": None}
    else:
        names = ("ess", "n", "left_out", "estimate", "lower", "upper", "level", "weights_max")
        written = dict.fromkeys((*names, "method", "warning"))
        written |= {"balance": [], "refused": found.refused}
    return written | {
        "rule": rule,
        "risk_difference": side.contrasts and side.contrasts.risk_difference.as_json(),
        "bootstrap": side.resampled and side.resampled.as_json(),
        "notes": [f"{note.subject}: {note.text}" for note in side.notes],
        "not_available": list(side.absent),
    }
