"""From counts to figures, exact or as they may be released: the one way out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy.orm import Session

from registry.protocols import Protocol
from registry.queries.sufficient import Cut
from registry.queries.sufficient_incidence import CauseCounts, first_serious
from registry.queries.sufficient_safety import Safety, SafetyCounts, safety
from registry.queries.sufficient_survival import SurvivalCounts, survival
from registry.queries.sufficient_waves import WaveCounts, waves
from registry.reports.released_incidence import Known
from registry.reports.released_safety import released_safety
from registry.reports.released_survival import released_survival
from registry.reports.safety import exact_safety
from registry.reports.survival import exact_survival
from registry.reports.values import SafetyFigures, SurvivalFigures, Wave
from registry.reports.waves import exact_wave, released_wave
from registry.statistics.disclosure import release_counts
from registry.statistics.policy import Policy, Shown, Sum


@dataclass(frozen=True)
class Counts:
    """All counts behind a report, exact: they never leave this package."""

    treated: int
    waves: Mapping[int, WaveCounts]
    safety: Safety
    survival: SurvivalCounts
    first_serious: tuple[CauseCounts, ...]


@dataclass(frozen=True)
class Figures:
    """What a report shows of the registry itself."""

    treated: Shown
    waves: Mapping[int, Wave]
    safety: SafetyFigures
    safety_patient: SafetyFigures
    survival: SurvivalFigures


def counts_of(
    session: Session,
    cut: Cut,
    protocol: Protocol,
    named: Mapping[str, str],
    covariates: Sequence[str],
) -> Counts:
    """Every count of a cut; `named`: category by the key of the term that stands for it;
    `covariates`: those that the silent are weighted for.
    """
    found = safety(session, cut, named)
    return Counts(
        treated=found.clinic.people,
        waves=waves(
            session,
            cut,
            [rule.timepoint for rule in protocol.timepoints],
            protocol.outcomes,
            covariates,
        ),
        safety=found,
        survival=survival(session, cut),
        first_serious=first_serious(session, cut),
    )


def exact(counts: Counts, protocol: Protocol, terms: Sequence[str]) -> Figures:
    """For staff who may see every patient: nothing hidden, nothing rounded."""
    found = counts.safety
    told, never = found.reported, found.never_asked
    return Figures(
        treated=counts.treated,
        waves={month: exact_wave(each, protocol) for month, each in counts.waves.items()},
        safety=exact_safety(found.clinic, told, never, terms, deaths=True),
        safety_patient=exact_safety(found.patient, told, never, terms, deaths=False),
        survival=exact_survival(counts.survival, counts.first_serious, protocol.safety_days),
    )


@dataclass(frozen=True)
class _Question:
    """What a release depends on; equal questions have one answer."""

    content: str
    counts: Counts = field(compare=False)
    protocol: Protocol = field(compare=False)
    terms: Sequence[str] = field(compare=False)
    named: Mapping[str, str] = field(compare=False)
    policy: Policy


def released(
    counts: Counts,
    protocol: Protocol,
    terms: Sequence[str],
    named: Mapping[str, str],
    policy: Policy,
) -> Figures:
    """For everyone else: small counts hidden, others rounded, all figures from what is shown.

    The attacker takes seconds, so the answers to the last questions are kept.
    """
    content = repr((counts, protocol.fingerprint, tuple(terms), dict(named)))
    return _released(_Question(content, counts, protocol, terms, named, policy))


@lru_cache(maxsize=32)
def _released(asked: _Question) -> Figures:
    counts, policy, terms, named = asked.counts, asked.policy, asked.terms, asked.named
    top = _top(counts, policy)
    found, told, never = counts.safety, counts.safety.reported, top["never asked"]
    clinic = released_safety(
        found.clinic, told, top["treated"], never, terms, named, policy, deaths=True
    )
    return Figures(
        treated=top["treated"],
        waves={
            month: released_wave(
                each, asked.protocol, top[f"due {month}"], top[f"not yet due {month}"], policy
            )
            for month, each in counts.waves.items()
        },
        safety=clinic,
        safety_patient=released_safety(
            found.patient, told, top["asked"], never, terms, named, policy, deaths=False
        ),
        survival=released_survival(
            counts.survival, counts.first_serious, _patients(found.clinic, clinic), policy
        ),
    )


def _patients(counts: SafetyCounts, shown: SafetyFigures) -> dict[str, Known]:
    """Patients of the safety table, as they are and as they are shown."""
    kinds = {kind: counts.of((kind, "")).patients for kind in ("any", "serious")}
    found = {kind: Known(n, shown.kinds[kind].patients) for kind, n in kinds.items()}
    return {"treated": Known(counts.people, shown.kinds["any"].n), **found}


def _top(counts: Counts, policy: Policy) -> dict[str, Shown]:
    """The denominators, which all add up to the treated."""
    table = {
        "treated": counts.treated,
        "asked": counts.safety.patient.people,
        "never asked": counts.safety.never_asked,
    }
    parts = [("asked", "never asked")]
    for month, each in counts.waves.items():
        names = (f"due {month}", f"not yet due {month}")
        table |= dict(zip(names, (each.due, each.not_yet_due), strict=True))
        parts.append(names)
    return release_counts(table, [Sum("treated", pair, margin=False) for pair in parts], policy)
