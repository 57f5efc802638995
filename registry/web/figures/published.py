"""The registry beside published figures, and what does not stand beside it, and why."""

from flask import Blueprint, Response
from markupsafe import Markup

from registry.reports import figures
from registry.reports.charts import apart as lists
from registry.reports.charts import matching
from registry.reports.charts import published as charts
from registry.reports.charts import ratios as tables
from registry.reports.charts.shown import METHODS
from registry.reports.figures import ShareBlock
from registry.reports.sentences import NO_EQUALITY, NOT_RANDOMISED
from registry.web.figures import frame
from registry.web.figures.frame import Shown

published = Blueprint("published", __name__)
NOTE = (
    "Intervals: {}, 95 %. Published counts as printed; their intervals are computed here from "
    "those counts. Brackets stand at the registry only, because the papers do not print how many "
    "were silent."
)
DIFFERENCE_NOTE = (
    "Intervals: {}, 95 %; of matched rows from the variances of both sides; both sides are "
    "samples. Never pooled: a registry and a paper are not two studies of one question, so there "
    "is no summary of them."
)


@published.get("/figures/published")
def page() -> str:
    """Shares, differences, what differs, what is not drawn."""
    found = frame.asked()
    return frame.page("published", found, **_charts(found), **_lists(found))


@published.get("/figures/published.csv")
def table() -> Response:
    """The figures of the page, as a table."""
    return frame.table(frame.asked(), "comparisons")


@published.get("/figures/published/<name>.svg")
def picture(name: str) -> Response:
    """The shares or the differences, as a file."""
    found = frame.asked()
    return frame.picture(found, name, {"shares": _shares(found), "differences": _contrasts(found)})


def _charts(found: Shown) -> dict[str, object]:
    report = found.report
    beside, library, primary = report.comparisons, report.library, report.protocol.primary
    return {
        "lead": charts.lead(beside, report.waves, library, primary.outcome, primary.months),
        "shares": charts.shares(beside, report.waves, library),
        "contrasts": charts.contrasts(beside, library),
        "differences": charts.differences(beside),
        "warnings": charts.warnings(beside, library),
        "note": _note(found),
        "difference_note": _difference_note(found),
        "ratios": tables.ratios(beside, library),
        "ratio_note": tables.note(report.protocol.statistics),
        "rates": tables.rates(beside, library),
        "tipping": tables.tipping(beside, library),
        "matched": _matched(found),
    }


def _matched(found: Shown) -> dict[str, object]:
    beside, library = found.report.comparisons, found.report.library
    return {
        "hidden": matching.HIDDEN if matching.is_hidden(beside) else "",
        "means": matching.MEANS,
        "results": matching.results(beside, library),
        "tables": [
            table(beside, library)
            for table in (
                matching.refusals,
                matching.balance,
                matching.weights,
                matching.without,
            )
        ],
    }


def _note(found: Shown) -> str:
    return NOTE.format(METHODS[found.report.protocol.statistics.share])


def _difference_note(found: Shown) -> str:
    return DIFFERENCE_NOTE.format(METHODS[found.report.protocol.statistics.difference])


def _lists(found: Shown) -> dict[str, object]:
    report = found.report
    apart, library = report.apart, report.library
    return {
        "trials": lists.trials(apart, report.comparisons, library),
        "groups": lists.groups(apart, library),
        "blinded": lists.blinded_sentences(library),
        "sources": lists.sources(report.comparisons),
        "conflicts": lists.conflicts(report.comparisons, library),
    }


def _shares(found: Shown) -> Markup:
    report = found.report
    blocks = charts.shares(report.comparisons, report.waves, report.library)
    caption = found.caption(
        "Registry against published figures",
        "Share of patients.",
        f"{_note(found)} {_flags(blocks)}",
    )
    return figures.share_download(blocks, caption)


def _contrasts(found: Shown) -> Markup:
    blocks = charts.contrasts(found.report.comparisons, found.report.library)
    note = f"{_difference_note(found)} {NOT_RANDOMISED} {NO_EQUALITY}"
    caption = found.caption("Registry minus published figures", "Risk difference in points.", note)
    return figures.difference_download(blocks, caption)


def _flags(blocks: list[ShareBlock]) -> str:
    """What is said of single figures, once with its papers: it must travel with the picture."""
    told: dict[str, dict[str, None]] = {}
    for row in (row for block in blocks for row in block.rows if row.about):
        told.setdefault(row.about, {})[row.label] = None
    return " ".join(f"{' · '.join(labels)}: {text}." for text, labels in told.items())
