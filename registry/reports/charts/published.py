"""The registry beside published figures: shares, differences, and what differs, by letter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from string import ascii_lowercase

from registry.published import Library, Role, Study
from registry.reports.charts import matched_row, shown
from registry.reports.charts.outcomes import RULE_WORDS, bounds
from registry.reports.figures import (
    Counted,
    DifferenceBlock,
    DifferenceRow,
    Mark,
    ShareBlock,
    ShareRow,
)
from registry.reports.values import OutcomeFigures, SideBySide, Wave
from registry.statistics.comparison import Comparison
from registry.statistics.proportions import wilson
from registry.statistics.values import Proportion

TWICE = "counted twice?"
DESIGN = ("not blinded", "control arm: these patients did not have the treatment under study")
Beside = Sequence[SideBySide]


@dataclass(frozen=True)
class Difference:
    """What differs between the registry and papers: letter, words, and in which outcomes."""

    letter: str
    what: str
    where: str


def letters(beside: Beside) -> dict[str, str]:
    """A letter for everything that differs in kind, in the order in which the page meets it."""
    found = dict.fromkeys(text for each in beside for text in _general(each))
    return dict(zip(found, _alphabet(), strict=False))


def _alphabet() -> Iterator[str]:
    yield from ascii_lowercase
    yield from (first + second for first in ascii_lowercase for second in ascii_lowercase)


def _general(each: SideBySide) -> tuple[str, ...]:
    return (*each.outcome.differs, *(text for text in DESIGN if text in each.mismatches))


def _special(each: SideBySide) -> str:
    """What is said of this figure alone: its definition, flags and warnings."""
    general = set(_general(each))
    return "; ".join(text for text in each.mismatches if text not in general)


def differences(beside: Beside) -> list[Difference]:
    """The list that the letters lead to."""
    found = []
    for text, letter in letters(beside).items():
        outcomes = dict.fromkeys(each.outcome.label for each in beside if text in _general(each))
        found.append(Difference(letter, text[:1].upper() + text[1:], ", ".join(outcomes)))
    return found


def warnings(beside: Beside, library: Library) -> list[str]:
    """Every cohort that may stand twice in one block."""
    found: list[str] = []
    for each in beside:
        label, place = library.study(each.study).label, where(each)
        for text in each.mismatches:
            is_told = any(told.startswith(f"{place}:") and label in told for told in found)
            if text.startswith(TWICE) and not is_told:
                found.append(f"{place}: {label}, {text.removeprefix(TWICE).strip()}.")
    return found


def where(each: SideBySide) -> str:
    """Outcome and month."""
    return f"{each.outcome.label}, month {each.pair.months}"


def _blocks(beside: Beside, library: Library) -> Iterator[tuple[tuple[str, int], list[SideBySide]]]:
    """Rows of one outcome and month together, in the protocol's order of outcomes; papers on the
    treatment of the trials that are always shown stand first.
    """
    ours = {study.treatment.family for study in library.studies if study.always_shown}
    order = {
        code: place for place, code in enumerate(dict.fromkeys(b.outcome.code for b in beside))
    }

    def key(each: SideBySide) -> tuple[int, int]:
        return order[each.outcome.code], each.pair.months

    def is_other(each: SideBySide) -> bool:
        return library.study(each.study).treatment.family not in ours

    for _, rows in groupby(sorted(beside, key=key), key):
        found = sorted(rows, key=is_other)
        yield (found[0].outcome.code, found[0].pair.months), found


def shares(beside: Beside, waves: Mapping[int, Wave], library: Library) -> list[ShareBlock]:
    """A block per outcome and month: the registry first, then every paper."""
    return [
        ShareBlock(
            where(rows[0]),
            f"Registry: {RULE_WORDS[rows[0].outcome.missing_rule.value]}",
            (_ours(waves[month].outcomes[code]), *(_theirs(row, library) for row in rows)),
        )
        for (code, month), rows in _blocks(beside, library)
    ]


def _ours(found: OutcomeFigures) -> ShareRow:
    return ShareRow(
        "Registry",
        Mark.REGISTRY,
        shown.counted(found.headline),
        bounds(found),
        reason=shown.reason(found.headline),
    )


def _theirs(each: SideBySide, library: Library) -> ShareRow:
    study = library.study(each.study)
    return ShareRow(
        label_of(each, study), _mark(each, library), _published(each), about=_special(each)
    )


def label_of(each: SideBySide, study: Study) -> str:
    """The study, with its arm if it has several."""
    return study.label if len(study.arms) == 1 else f"{study.label}, {each.arm}"


def _mark(each: SideBySide, library: Library) -> Mark:
    is_control = library.arm(each.pair.figure).role is Role.CONTROL
    return Mark.CONTROL if is_control else Mark.PUBLISHED


def _published(each: SideBySide) -> Counted:
    return shown.counted(_theirs_alone(each))


def _theirs_alone(each: SideBySide) -> Proportion:
    if each.comparison is not None:
        return each.comparison.published
    return wilson(each.pair.figure.x or 0, each.pair.figure.n or 0)


def contrasts(beside: Beside, library: Library) -> list[DifferenceBlock]:
    """A block per outcome, month and study; one row per arm."""
    named = letters(beside)
    return [
        _contrast(list(rows), library.study(study), named)
        for _, block in _blocks(beside, library)
        for study, rows in groupby(block, lambda each: each.study)
    ]


def _contrast(rows: list[SideBySide], study: Study, named: Mapping[str, str]) -> DifferenceBlock:
    verdicts = dict.fromkeys(row.verdict for row in rows)
    verdict = next(iter(verdicts)) if len(verdicts) == 1 else ""
    differs = dict.fromkeys(named[text] for row in rows for text in _general(row))
    return DifferenceBlock(
        f"{where(rows[0])}, against {study.label}",
        f"{_sentence(study.design)}",
        tuple(
            drawn
            for row in rows
            for drawn in (
                _difference(row, study, "" if verdict else row.verdict),
                *matched_row.difference(row, study),
            )
        ),
        verdict[:1].upper() + verdict[1:],
        tuple(differs),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _difference(each: SideBySide, study: Study, verdict: str) -> DifferenceRow:
    label = "As the protocol counts" if len(study.arms) == 1 else f"Against {each.arm}"
    found = each.comparison
    if found is None:
        return DifferenceRow(label, Counted(None, None), _published(each), None, about=verdict)
    return DifferenceRow(
        label,
        shown.counted(found.registry),
        _published(each),
        shown.limits(found.risk_difference),
        silent=_silent(found),
        about=verdict,
        reason=found.risk_difference.reason or "",
    )


def _silent(found: Comparison) -> tuple[float, float] | None:
    """The differences if none and if all of the silent had it."""
    shares = (found.lowest.estimate, found.highest.estimate, found.published.estimate)
    low, high, theirs = shares
    if low is None or high is None or theirs is None:
        return None
    return low - theirs, high - theirs


def lead(
    beside: Beside, waves: Mapping[int, Wave], library: Library, outcome: str, month: int
) -> list[str]:
    """The comparison that was named before any result was seen, in sentences."""
    if month not in waves or outcome not in waves[month].outcomes:
        return []
    ours = waves[month].outcomes[outcome]
    rule = RULE_WORDS[ours.outcome.missing_rule.value]
    first = (
        f"{ours.outcome.label} at month {month}, named beforehand as the main comparison: "
        f"{shown.full(ours.headline)} in the registry, counting {rule}."
    )
    rows = [e for e in beside if (e.outcome.code, e.pair.months) == (outcome, month)]
    return [first, *(_beside(each, library) for each in rows), ours.sentence]


def _beside(each: SideBySide, library: Library) -> str:
    label = label_of(each, library.study(each.study))
    return f"{label} printed {shown.full(_theirs_alone(each))}: {each.verdict}."
