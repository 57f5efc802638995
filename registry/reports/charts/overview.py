"""What an analyst sees first: how complete the answers are, and what changed since last time."""

from collections.abc import Iterator, Mapping

from registry import words
from registry.reports.charts import response, shown
from registry.reports.charts.shown import Rows
from registry.reports.report import Report
from registry.reports.values import Wave

SILENT = ("R", "NC", "O", "U")
"""Every disposition that is no answer."""


def completeness(waves: Mapping[int, Wave]) -> Rows:
    """The time-points: who answered of those due and alive, and how complete the answers are."""
    heads = ("Complete answers", "Complete or in part", "Complete, of the answers")
    return Rows(
        "Answers at each time-point",
        ("Time-point", ("Due and alive", "num"), *((head, "num") for head in heads)),
        tuple(_answers(month, wave) for month, wave in sorted(waves.items())),
    )


def _answers(month: int, wave: Wave) -> tuple[str, ...]:
    figures = (
        wave.rr1,
        response.of_letters(wave, ("I", "P")),
        response.of_letters(wave, ("I",), without=SILENT, nobody="nobody answered"),
    )
    due = response.asked(wave)
    return (f"Month {month}", shown.whole(due), *(shown.full(each) for each in figures))


def changes(now: Report, before: Report) -> Rows:
    """The same figures at two cut-offs, both as they were released; none that is hidden in both."""
    rows = [
        (what, then, today)
        for (what, today), (_, then) in zip(_told(now), _told(before), strict=True)
        if {then, today} != {words.HIDDEN}
    ]
    return Rows(
        "What changed since the cut-off before",
        ("Figure", ("Then", "num"), ("Now", "num")),
        tuple(rows),
    )


def _told(report: Report) -> Iterator[tuple[str, str]]:
    """Each figure that is compared, with its words."""
    yield "Treated", shown.whole(report.treated)
    for month, wave in sorted(report.waves.items()):
        yield f"Month {month}: complete answers", shown.full(wave.rr1)
    primary = report.protocol.primary
    wave = report.waves[primary.months]
    found = wave.outcomes[primary.outcome]
    label = found.outcome.label
    yield f"Month {primary.months}: {label[:1].lower()}{label[1:]}", shown.full(found.headline)
