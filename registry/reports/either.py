"""Events from either source: the share known of, and what the never asked could add to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from registry.queries.sufficient_union import KINDS, EitherCounts
from registry.reports.report import Report
from registry.reports.safety import KINDS as WORDS
from registry.reports.values import Figure
from registry.statistics.disclosure import release_counts, shown_proportion
from registry.statistics.policy import RELEASE, SUPPRESSED, Shown, Sum, Suppressed
from registry.statistics.proportions import wilson


@dataclass(frozen=True)
class EitherFigures:
    """One kind of event: known of from either source, and the same if all never asked had it."""

    label: str
    known: Figure
    highest: Figure


def either_figures(counts: EitherCounts, report: Report) -> list[EitherFigures]:
    """The figures under the profile of `report`, which shows each source alone."""
    if report.profile == "internal":
        return [_exact(kind, counts) for kind in KINDS]
    shown = {kind: _released(kind, counts, report) for kind in KINDS}
    return [
        EitherFigures(WORDS[kind], *_figures(kind, counts, each)) for kind, each in shown.items()
    ]


def _exact(kind: str, counts: EitherCounts) -> EitherFigures:
    known, n = counts.either[kind], counts.treated
    return EitherFigures(WORDS[kind], wilson(known, n), wilson(known + counts.unknown[kind], n))


def _released(kind: str, counts: EitherCounts, report: Report) -> Mapping[str, Shown]:
    """Released with what the report shows of each source; if it shows more, nothing is added."""
    known, unknown = counts.either[kind], counts.unknown[kind]
    by_clinic, told = counts.clinic[kind], counts.patient[kind]
    table = {
        "treated": counts.treated,
        "clinic": by_clinic,
        "patient": told,
        "known": known,
        "highest": known + unknown,
    }
    latent = {
        "neither": counts.treated - known,
        "told none": counts.treated - known - unknown,
        "unknown": unknown,
        "only told": known - by_clinic,
        "only by clinic": known - told,
    }
    sums = [
        Sum("treated", ("known", "neither"), margin=False),
        Sum("treated", ("highest", "told none"), group=False, margin=False),
        Sum("highest", ("known", "unknown"), group=False, margin=False),
        Sum("known", ("clinic", "only told"), group=False, margin=False),
        Sum("known", ("patient", "only by clinic"), group=False, margin=False),
    ]
    shown = release_counts(table | latent, sums, RELEASE, set(latent))
    alone = (report.safety.kinds[kind].patients, report.safety_patient.kinds[kind].patients)
    together = (shown["treated"], shown["clinic"], shown["patient"], *alone, report.treated)
    is_safe = not any(isinstance(each, Suppressed) for each in together)
    return shown if is_safe else dict.fromkeys(table, SUPPRESSED)


def _figures(kind: str, counts: EitherCounts, shown: Mapping[str, Shown]) -> tuple[Figure, Figure]:
    known = counts.either[kind]
    rests = (counts.treated - known, counts.treated - known - counts.unknown[kind])
    names = ("known", "highest")
    first, second = (
        SUPPRESSED if RELEASE.is_small(rest) else shown_proportion(shown[name], shown["treated"])
        for name, rest in zip(names, rests, strict=True)
    )
    return first, second
