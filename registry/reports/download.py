"""The report as tables to take away: CSV and JSON, each column explained in a codebook.

Cells say `suppressed` where the profile hides them and nothing where a figure cannot be estimated;
the column `reason` then says why. The tables take the report's figures as they are.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from registry.reports.download_columns import (
    CODEBOOK,
    COLUMNS,
    COMPARED,
    COMPARED_RATES,
    EVERYWHERE,
    MATCHED,
    Column,
)
from registry.reports.report import Report
from registry.reports.values import LabelFigures, MatchedSide, SafetyFigures, SideBySide
from registry.statistics.comparison import Comparison
from registry.statistics.maic import Matched
from registry.statistics.policy import Suppressed
from registry.statistics.proportions import clopper_pearson
from registry.statistics.tipping import TippingPoint
from registry.statistics.two_rates import RateComparison
from registry.statistics.values import Estimate, Json, NotEstimable, Proportion, number

Cell: TypeAlias = str | int | float | None
Row: TypeAlias = dict[str, Cell]
SUPPRESSED = "suppressed"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Table:
    """One table: what its columns mean, and its rows in their order."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def as_csv(self) -> str:
        """RFC 4180 with a header; text that a spreadsheet would run begins with an apostrophe."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(column.name for column in self.columns)
        for row in self.rows:
            writer.writerow(_plain(row.get(column.name)) for column in self.columns)
        return out.getvalue()

    def as_json(self) -> list[Row]:
        """The rows with every column named."""
        return [{c.name: row.get(c.name) for c in self.columns} for row in self.rows]


def tables(report: Report) -> dict[str, Table]:
    """All tables by name."""
    about: Row = {
        "as_of": report.as_of.isoformat(),
        "known_at": report.known_at.isoformat() if report.known_at else None,
        "site": report.site or "all",
        "profile": report.profile,
    }
    return {
        name: Table(name, (*EVERYWHERE, *COLUMNS[name]), tuple(about | row for row in rows(report)))
        for name, rows in _ROWS.items()
    }


def codebook() -> Table:
    """What each column of each table means."""
    rows: Iterable[Row] = (
        {"table": name, "column": c.name, "kind": c.kind, "unit": c.unit, "meaning": c.meaning}
        for name, columns in COLUMNS.items()
        for c in (*EVERYWHERE, *columns)
    )
    return Table("codebook", CODEBOOK, tuple(rows))


def csv_files(report: Report) -> dict[str, str]:
    """File name and text of every table and of the codebook."""
    return {f"{table.name}.csv": table.as_csv() for table in (*tables(report).values(), codebook())}


def json_text(report: Report) -> str:
    """All tables and the codebook as one JSON text."""
    content: Json = {
        "citation": report.citation,
        "tables": {name: table.as_json() for name, table in tables(report).items()},
        "codebook": codebook().as_json(),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell


def _cell(value: object) -> Cell:
    """A count or number as a cell."""
    if isinstance(value, Suppressed):
        return SUPPRESSED
    if isinstance(value, int | float):
        written = number(value)
        return int(value) if isinstance(value, int) else written
    return None


def _estimate(found: object, *, prefix: str = "", estimate: str = "estimate") -> Row:
    """Estimate and limits under their names."""
    hidden = isinstance(found, Suppressed)
    known = found if isinstance(found, Estimate | Proportion) else None
    cells = {
        estimate: known and known.estimate,
        f"{prefix}lower": known and known.lower,
        f"{prefix}upper": known and known.upper,
    }
    return {name: SUPPRESSED if hidden else _cell(value) for name, value in cells.items()}


def _counted(found: Proportion | Suppressed, prefix: str = "") -> Row:
    x, n = (found, found) if isinstance(found, Suppressed) else (found.x, found.n)
    return {f"{prefix}x": _cell(x), f"{prefix}n": _cell(n)}


def _reason(*found: object) -> Row:
    reasons = (getattr(one, "reason", None) for one in found)
    return {"reason": "; ".join(dict.fromkeys(reason for reason in reasons if reason)) or None}


def _response_rates(report: Report) -> Iterator[Row]:
    for month, wave in report.waves.items():
        yield {
            "month": month,
            "window_from": wave.timepoint.opens_day,
            "window_to": wave.timepoint.closes_day,
            "due": _cell(wave.due),
            "not_yet_due": _cell(wave.not_yet_due),
            **{letter: _cell(count) for letter, count in wave.dispositions.items()},
            "e": _cell(wave.e),
            **_estimate(wave.rr1, prefix="RR1_", estimate="RR1"),
            **{name: _cell(rate) for name, rate in wave.rates.items()},
            "out_of_window": _cell(wave.out_of_window),
            "duplicates": _cell(wave.duplicates),
            **_reason(*(rate for rate in wave.rates.values() if isinstance(rate, NotEstimable))),
        }


def _outcomes(report: Report) -> Iterator[Row]:
    for month, wave in report.waves.items():
        for code, each in wave.outcomes.items():
            for rule, figure in each.by_rule.items():
                yield {
                    "month": month,
                    "outcome": code,
                    "label": each.outcome.label,
                    "definition": each.outcome.definition,
                    "rule": rule,
                    **_counted(figure),
                    **_estimate(figure),
                    "method": None if isinstance(figure, Suppressed) else figure.method,
                    **_reason(figure),
                }


def _safety(report: Report) -> Iterator[Row]:
    for source, found in (("clinic", report.safety), ("patient", report.safety_patient)):
        for group, term, figures in _labels(found):
            yield {"source": source, "group": group, "term": term, **_label(figures)}


def _labels(found: SafetyFigures) -> Iterator[tuple[str, str | None, LabelFigures]]:
    for kind, figures in found.kinds.items():
        yield kind, None, figures
    for term, figures in found.by_term.items():
        yield "term", term, figures


def _label(figures: LabelFigures) -> Row:
    rate = figures.event_rate
    return {
        "patients": _cell(figures.patients),
        "n": _cell(figures.n),
        **_estimate(figures.incidence, prefix="incidence_", estimate="incidence"),
        **_exact_limits(figures.incidence),
        "events": _cell(figures.events),
        "person_years": _cell(figures.person_years),
        "person_years_to_first": _cell(figures.person_years_to_first),
        **_estimate(rate, prefix="event_rate_", estimate="event_rate"),
        "event_rate_method": None if isinstance(rate, Suppressed) else rate.method,
        **_estimate(figures.eair, prefix="eair_", estimate="eair"),
        "zero_event_upper": _cell(figures.zero_event_upper),
    }


def _exact_limits(incidence: Proportion | Suppressed) -> Row:
    """Clopper-Pearson's limits of the share as shown."""
    if isinstance(incidence, Suppressed):
        return dict.fromkeys(("incidence_exact_lower", "incidence_exact_upper"), SUPPRESSED)
    found = clopper_pearson(incidence.x, incidence.n)
    limits = (_cell(found.lower), _cell(found.upper))
    return dict(zip(("incidence_exact_lower", "incidence_exact_upper"), limits, strict=True))


def _survival(report: Report) -> Iterator[Row]:
    curves = {
        "overall": report.survival.overall,
        "overall_last_contact": report.survival.last_contact,
    }
    for name, curve in curves.items():
        for day, found in curve.at.items():
            hidden = isinstance(found, Suppressed)
            values = {
                key: SUPPRESSED if hidden else _cell(getattr(found, key))
                for key in ("survival", "lower", "upper", "at_risk")
            }
            deaths = {"deaths": _cell(curve.deaths)}
            yield {"curve": name, "day": day, **values, **deaths, **_reason(found)}
    yield from _incidence(report)


def _incidence(report: Report) -> Iterator[Row]:
    first = report.survival.first_serious
    for day, found in first.at.items():
        hidden = isinstance(found, Suppressed)
        values = {
            key: SUPPRESSED if hidden else _cell(getattr(found, key))
            for key in ("incidence", "lower", "upper", "at_risk")
        }
        counts = {"events": _cell(first.events), "deaths": _cell(first.deaths)}
        yield {"curve": "first_serious_ae", "day": day, **values, **counts, **_reason(found)}


def _comparisons(report: Report) -> Iterator[Row]:
    for each in report.comparisons:
        yield {
            "study": each.study,
            "arm": each.arm,
            "outcome": each.outcome.code,
            "month": each.pair.months,
            "rule": each.outcome.missing_rule.value,
            **_sides(each),
            "verdict": each.verdict,
            "mismatches": "; ".join(each.mismatches),
            "source": each.source,
        }


def _sides(each: SideBySide) -> Row:
    found = each.comparison
    hidden = Suppressed()
    ours = hidden if found is None else found.registry
    row = {
        **_counted(ours, "registry_"),
        **_estimate(ours, prefix="registry_", estimate="registry_estimate"),
        "published_x": each.pair.figure.x,
        "published_n": each.pair.figure.n,
        **_estimate(hidden if found is None else found.risk_difference, estimate="difference"),
        **_ratios(hidden if found is None else found),
        **_rates(each.rates),
        **_matched(each.matched),
    }
    if found is not None:
        row |= _estimate(found.published, prefix="published_", estimate="published_estimate")
        row |= {"share_method": found.published.method, "method": found.risk_difference.method}
    return row


def _ratios(found: Comparison | Suppressed) -> Row:
    """Ratios, tests and tipping point."""
    if isinstance(found, Suppressed):
        return dict.fromkeys(COMPARED, SUPPRESSED)
    tests = found.tests
    return {
        **_estimate(found.risk_ratio, prefix="risk_ratio_", estimate="risk_ratio"),
        "risk_ratio_method": found.risk_ratio.method,
        **_estimate(found.odds_ratio, prefix="odds_ratio_", estimate="odds_ratio"),
        "odds_ratio_method": found.odds_ratio.method,
        "p_fisher": _cell(tests.fisher),
        "p_fisher_mid_p": _cell(tests.fisher_mid_p),
        "p_boschloo": _cell(tests.boschloo),
        "p_pearson": _cell(tests.pearson),
        **_tipping(found.tipping),
        **_reason(found.risk_difference, found.risk_ratio, found.odds_ratio, tests.boschloo),
    }


def _tipping(tip: TippingPoint | Suppressed | None) -> Row:
    """Among how many silent, and how many of them it takes."""
    known = tip if isinstance(tip, TippingPoint) else None
    cells: Row = {
        "silent": None if known is None else known.silent,
        "tipping_at_most": None if known is None else known.at_most,
        "tipping_at_least": None if known is None else known.at_least,
    }
    return dict.fromkeys(cells, SUPPRESSED) if isinstance(tip, Suppressed) else cells


def _rates(found: RateComparison | Suppressed) -> Row:
    if isinstance(found, Suppressed):
        return dict.fromkeys(COMPARED_RATES, SUPPRESSED)
    return {
        **_estimate(found.ratio, prefix="rate_ratio_", estimate="rate_ratio"),
        **_estimate(found.difference, prefix="rate_difference_", estimate="rate_difference"),
        "rate_p": _cell(found.p),
        "rate_reason": found.ratio.reason,
    }


def _matched(side: MatchedSide | Suppressed) -> Row:
    """The matched share and its difference, or why there is none."""
    if isinstance(side, Suppressed):
        return dict.fromkeys(MATCHED, SUPPRESSED)
    found, absent = side.found, "; ".join(side.absent)
    if not isinstance(found, Matched) or side.contrasts is None:
        refused = "" if isinstance(found, Matched) else found.refused
        return dict.fromkeys(MATCHED) | {"maic_refused": refused, "maic_not_available": absent}
    names = ("estimate", "lower", "upper", "method", "n", "left_out", "ess", "weights_max")
    difference = side.contrasts.risk_difference
    return {
        **{f"maic_{name}": getattr(found, name) for name in names},
        **_estimate(difference, prefix="maic_difference_", estimate="maic_difference"),
        "maic_warning": found.warning,
        "maic_matched": "; ".join(each.name for each in found.balance),
        "maic_notes": "; ".join(f"{note.subject}: {note.text}" for note in side.notes),
        "maic_not_available": absent,
        "maic_refused": None,
    }


_ROWS: dict[str, Callable[[Report], Iterator[Row]]] = {
    "response_rates": _response_rates,
    "outcomes": _outcomes,
    "safety": _safety,
    "survival": _survival,
    "comparisons": _comparisons,
}
