"""The report: one frozen value that pages, charts, files and JSON all take.

What a profile hides is hidden here, on the one way out: nothing else turns counts into figures.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import NotFound
from registry.models import Site
from registry.protocols import Protocol
from registry.published import Apart, Library
from registry.queries.sufficient import Cut
from registry.queries.sufficient_safety import Safety, safety
from registry.queries.sufficient_survival import SurvivalCounts, survival
from registry.queries.sufficient_waves import WaveCounts, wave
from registry.reports.comparisons import side_by_side
from registry.reports.safety import categories_by_term, exact_safety, named_terms
from registry.reports.sentences import NO_EQUALITY, NOT_RANDOMISED, follow_up_sentence
from registry.reports.survival import exact_survival
from registry.reports.values import SafetyFigures, SideBySide, SurvivalFigures, Wave
from registry.reports.waves import exact_wave
from registry.reports.written import (
    asked_json,
    comparison_json,
    safety_json,
    survival_json,
    wave_json,
)
from registry.statistics.disclosure import shown_json
from registry.statistics.policy import Shown
from registry.statistics.values import Json

PROFILES = ("internal", "release")


@dataclass(frozen=True)
class Counts:
    """All counts behind a report, exact: they never leave this package."""

    treated: int
    waves: Mapping[int, WaveCounts]
    safety: Safety
    survival: SurvivalCounts


@dataclass(frozen=True)
class Report:
    """Everything that may be shown at one cut-off, for all sites or one, under one profile.

    `apart`: published rows that do not stand beside the registry, each with its reason; the rows
    of the blinded trial are always among them or in `comparisons`.
    """

    as_of: date
    known_at: datetime | None
    site: str | None
    profile: str
    protocol: Protocol
    library: Library
    software_version: str
    treated: Shown
    waves: Mapping[int, Wave]
    safety: SafetyFigures
    safety_patient: SafetyFigures
    survival: SurvivalFigures
    comparisons: tuple[SideBySide, ...]
    apart: tuple[Apart, ...]
    sentences: tuple[str, ...]

    def as_json(self) -> Json:
        """The report with exactly the keys of the contract."""
        protocol = self.protocol
        return {
            "as_of": self.as_of.isoformat(),
            "protocol": {
                "code": protocol.code,
                "version": protocol.version,
                "fingerprint": protocol.fingerprint,
            },
            "software_version": self.software_version,
            "profile": self.profile,
            "treated": shown_json(self.treated),
            "waves": {str(month): wave_json(each) for month, each in self.waves.items()},
            "safety": safety_json(self.safety),
            "safety_patient": {
                **safety_json(self.safety_patient),
                "ascertained": asked_json(self.safety_patient),
            },
            "survival": survival_json(self.survival),
            "comparisons": [comparison_json(each) for each in self.comparisons],
        }

    def as_text(self) -> str:
        """The JSON as text: the same bytes for the same report."""
        return json.dumps(self.as_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def build(
    session: Session,
    protocol: Protocol,
    library: Library,
    *,
    as_of: date,
    known_at: datetime | None = None,
    site: str | None = None,
    profile: str = "internal",
) -> Report:
    """The report of the patients under `protocol`, from a reading session.

    `site` is a site's code. Raises NotFound for an unknown one, ValueError for a profile.
    """
    if profile not in PROFILES:
        raise ValueError(f"there is no profile {profile!r}; known are {', '.join(PROFILES)}")
    _refuse_unknown(session, site)
    cut = Cut(protocol.code, as_of, known_at, site, protocol.safety_days)
    terms = named_terms(protocol, library)
    counts = _counts(session, cut, protocol, terms)
    waves = {month: exact_wave(each, protocol) for month, each in counts.waves.items()}
    clinic, patient = counts.safety.clinic, counts.safety.patient
    never = counts.safety.never_asked
    told = counts.safety.reported
    curves = exact_survival(counts.survival, protocol.safety_days)
    beside, pairing = side_by_side(waves, protocol, library)
    return Report(
        as_of=as_of,
        known_at=known_at,
        site=site,
        profile=profile,
        protocol=protocol,
        library=library,
        software_version=version("outcomes-registry"),
        treated=counts.treated,
        waves=waves,
        safety=exact_safety(clinic, told, never, terms, deaths=True),
        safety_patient=exact_safety(patient, told, never, terms, deaths=False),
        survival=curves,
        comparisons=beside,
        apart=pairing.apart,
        sentences=(NOT_RANDOMISED, NO_EQUALITY, follow_up_sentence(curves.follow_up)),
    )


def _refuse_unknown(session: Session, site: str | None) -> None:
    if site is not None and session.scalar(select(Site.id).where(Site.code == site)) is None:
        raise NotFound(f"There is no site {site}. The sites are listed under Sites.")


def _counts(session: Session, cut: Cut, protocol: Protocol, terms: tuple[str, ...]) -> Counts:
    named = categories_by_term(terms, protocol.event_categories)
    found = safety(session, cut, named)
    return Counts(
        treated=found.clinic.people,
        waves={
            rule.month: wave(session, cut, rule.timepoint, protocol.outcomes)
            for rule in protocol.timepoints
        },
        safety=found,
        survival=survival(session, cut),
    )
