"""What must hold before a published figure is believed; each fault says how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import combinations

from registry.published import arithmetic
from registry.published.figures import Figure, Measure, Row
from registry.published.studies import Code, Conflict, Study
from registry.published.vocabulary import Counted, Kind, Status

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ADDRESS = re.compile(r"https?://\w")
_PERCENT = re.compile(r"<?\d{1,3}(\.\d+)?")
_WITHOUT_COUNT = {Counted.ESTIMATE, Counted.RATE_ONLY, Counted.PERCENT_ONLY}


def study_faults(study: Study, codes: Mapping[str, Code]) -> Iterator[str]:
    """Every fault inside one study: identity, references, arithmetic."""
    for fault in _identity(study):
        yield f"study {study.id}: {fault}"
    for row in study.rows:
        place = f"study {study.id}, row {row.number} ({row.code}, {row.when})"
        for fault in _references(row, study, codes):
            yield f"{place}: {fault}"
        if isinstance(row, Figure):
            for fault in _figure(row):
                yield f"{place}: {fault}"
    yield from (f"study {study.id}: {fault}" for fault in _twice(study))


def library_faults(
    studies: tuple[Study, ...], codes: Mapping[str, Code], conflicts: tuple[Conflict, ...]
) -> Iterator[str]:
    """Every fault between studies: ids, cohorts, near codes, conflicts."""
    known = {study.id: study for study in studies}
    if len(known) < len(studies):
        ids = [study.id for study in studies]
        yield f"study ids stand twice: {sorted({i for i in ids if ids.count(i) > 1})}"
    for study in studies:
        first = known.get(study.reports_again or study.id)
        if first is None or not set(first.cohorts) >= set(study.cohorts):
            yield f"study {study.id}: reports_again must name a study of the same cohorts"
    for name, code in codes.items():
        if code.near is not None and code.near not in codes:
            yield f"code {name}: near names {code.near}, which is no code"
    for conflict in conflicts:
        for name in set(conflict.studies) - set(known):
            yield f"a conflict names {name}, which is no study"


def _identity(study: Study) -> Iterator[str]:
    if not _ID.fullmatch(study.id):
        yield "the id needs small letters, digits and single hyphens"
    if study.cite.doi and not _DOI.fullmatch(study.cite.doi):
        yield f"{study.cite.doi} is not a DOI (10.…/…)"
    if study.cite.pmid and not study.cite.pmid.isdigit():
        yield f"{study.cite.pmid} is not a PMID (digits only)"
    if study.always_shown and not study.blinded:
        yield "always_shown is for blinded trials"
    if not study.cohorts and any(row.status is not Status.LISTED for row in study.figures):
        yield "without cohorts nobody can tell whether patients are counted twice: name them"
    yield from _arms(study)
    yield from _baseline(study)
    yield from _sources(study)


def _arms(study: Study) -> Iterator[str]:
    for key, arm in study.arms.items():
        if unknown := (set(arm.part_of) - set(study.arms)) | ({key} & set(arm.part_of)):
            yield f"arm {key}: part_of names {sorted(unknown)}, which are no other arms"
        if unknown := set(arm.cohorts) - set(study.cohorts):
            yield f"arm {key}: {sorted(unknown)} are not among the study's cohorts"
    if unknown := set(study.defines) - {row.code for row in study.rows}:
        yield f"defines explains {sorted(unknown)}, which no figure uses"


def _baseline(study: Study) -> Iterator[str]:
    for row in study.baseline:
        place = f"baseline {row.variable}"
        if row.source not in study.sources or (row.arm and row.arm not in study.arms):
            yield f"{place}: its source or arm is unknown"
        if row.x is None or row.n is None or row.printed is None:
            continue
        if not arithmetic.agrees(row.x, row.n, row.printed):
            share = 100 * row.x / row.n
            yield f"{place}: {row.x}/{row.n} is {share:.2f} %, printed {row.printed} %"


def _sources(study: Study) -> Iterator[str]:
    used = {row.source for row in (*study.rows, *study.baseline)}
    for key, source in study.sources.items():
        if key not in used:
            yield f"source {key} is used by no figure: take it away"
        if not source.pages or not all(_ADDRESS.match(page) for page in source.pages):
            yield f"source {key} needs the address of the page that was read"


def _references(row: Row, study: Study, codes: Mapping[str, Code]) -> Iterator[str]:
    if row.source not in study.sources:
        yield f"source '{row.source}' is not among the study's sources {sorted(study.sources)}"
    if isinstance(row, Figure | Measure):
        yield from _arm_of(row, study)
    if row.code not in codes:
        yield f"unknown code; add it under codes or use one of {sorted(codes)}"
    elif isinstance(row, Figure) and codes[row.code].kind is Kind.MEASURE:
        yield "this code is a measured quantity: write it under measures"
    if row.month is not None and row.month < 0:
        yield "month cannot be below 0"


def _arm_of(row: Figure | Measure, study: Study) -> Iterator[str]:
    arm = study.arms.get(row.arm)
    if arm is None:
        yield f"arm '{row.arm}' is not among the study's arms {sorted(study.arms)}"
    elif arm.n is not None and row.n is not None and row.n > arm.n:
        yield f"n {row.n} is more than the arm's {arm.n}"


def _figure(figure: Figure) -> Iterator[str]:
    x, n, printed = figure.x, figure.n, figure.printed
    if (n is not None and n < 1) or (x is not None and (x < 0 or (n is not None and x > n))):
        yield f"{x} of {n} is not possible"
        return
    if printed is not None and not _PERCENT.fullmatch(printed):
        yield f"printed '{printed}' must be the percentage as printed, like '40.0' or '<1'"
        return
    if x is None and printed is None and figure.rate is None:
        yield "neither a count nor a percentage nor a rate: nothing is said"
    if (x is None or n is None) != (figure.counted in _WITHOUT_COUNT):
        yield f"counted '{figure.counted}' does not go with x {x} and n {n}"
    if printed is not None:
        yield from _arithmetic(figure, printed)


def _arithmetic(figure: Figure, printed: str) -> Iterator[str]:
    if figure.x is not None and figure.n is not None:
        yield from _count(figure, figure.x, figure.n, printed)
    elif _lonely(figure) and arithmetic.is_plain(printed) and not figure.feasible:
        yield f"percentage impossible for this n: no count of {figure.n} gives {printed} %"
    inside = figure.interval is None or not arithmetic.is_plain(printed)
    if not (inside or _within(figure, Decimal(printed))):
        yield f"{printed} % lies outside its printed interval"


def _count(figure: Figure, x: int, n: int, printed: str) -> Iterator[str]:
    said = f"{x}/{n} is {100 * x / n:.2f} %, printed {printed} %"
    if arithmetic.agrees(x, n, printed) == bool(figure.faulty):
        yield f"{said}: they agree, take faulty away" if figure.faulty else f"{said}: impossible"
    elif figure.counted is Counted.INFERRED and len(figure.feasible) > 1:
        yield f"{printed} % of {n} allows the counts {figure.feasible}: leave x away"


def _lonely(figure: Figure) -> bool:
    counted = figure.counted is Counted.PERCENT_ONLY
    return counted and figure.n is not None and not figure.faulty


def _within(figure: Figure, value: Decimal) -> bool:
    interval = figure.interval
    return interval is not None and interval.lower <= value <= interval.upper


def _twice(study: Study) -> Iterator[str]:
    for one, other in combinations(study.figures, 2):
        same = (one.code, one.arm, one.month, one.x, one.n, one.printed)
        if same == (other.code, other.arm, other.month, other.x, other.n, other.printed):
            yield f"rows {one.number} and {other.number} say the same"
