"""The report: one frozen value that pages, charts, files and JSON all take.

What a profile hides is hidden on the one way out, `profiles`: nothing else turns counts into
figures.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib.metadata import version

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import NotFound, Refused
from registry.models import Site
from registry.protocols import Protocol
from registry.published import Apart, Library, Pairing, pair
from registry.queries.sufficient import Cut, treated
from registry.queries.sufficient_covariates import Patterns, known_names
from registry.queries.sufficient_matching import matching
from registry.reports.comparisons import side_by_side
from registry.reports.matching import needed
from registry.reports.profiles import Figures, counts_of, exact, released
from registry.reports.safety import categories_by_term, named_terms
from registry.reports.sentences import HIDDEN, NO_EQUALITY, NOT_RANDOMISED, follow_up_sentence
from registry.reports.values import SafetyFigures, SideBySide, SurvivalFigures, Wave
from registry.reports.written import (
    asked_json,
    comparison_json,
    safety_json,
    survival_json,
    wave_json,
)
from registry.statistics.disclosure import shown_json
from registry.statistics.policy import RELEASE, Policy, Shown
from registry.statistics.values import Json

PROFILES = ("internal", "release")


class SmallSite(Refused):
    """A site that cannot be shown alone."""


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
    figures: Figures
    comparisons: tuple[SideBySide, ...]
    apart: tuple[Apart, ...]
    sentences: tuple[str, ...]

    @property
    def treated(self) -> Shown:
        """How many were treated by the cut-off."""
        return self.figures.treated

    @property
    def waves(self) -> Mapping[int, Wave]:
        """The time-points by month."""
        return self.figures.waves

    @property
    def safety(self) -> SafetyFigures:
        """Events by clinic."""
        return self.figures.safety

    @property
    def safety_patient(self) -> SafetyFigures:
        """Events told by patients."""
        return self.figures.safety_patient

    @property
    def survival(self) -> SurvivalFigures:
        """Both survival curves."""
        return self.figures.survival

    @property
    def citation(self) -> str:
        """One line to cite a figure of this report by."""
        protocol = self.protocol
        where = f"site {self.site}" if self.site else "all sites"
        known = f", as known at {self.known_at.isoformat()}" if self.known_at else ""
        return (
            f"{protocol.title}: outcomes registry, protocol {protocol.code} version "
            f"{protocol.version} ({protocol.fingerprint[:12]}), data cut-off "
            f"{self.as_of.isoformat()}{known}, {where}, profile {self.profile}, "
            f"software {self.software_version}."
        )

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
            "waves": {
                str(month): wave_json(each, self.comparisons) for month, each in self.waves.items()
            },
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
    covariates: Sequence[str] | None = None,
    resamples: int | None = None,
) -> Report:
    """The report of the patients under `protocol`, from a reading session.

    `site` is a site's code; `covariates` those that the silent are weighted for, in the order in
    which they are given up last (None: the protocol's); `resamples`: how many of what is matched
    to studies. Raises NotFound for an unknown site or covariate, ValueError for a profile.
    """
    policy = _policy(profile)
    _refuse_unknown(session, site)
    cut = Cut(protocol.code, as_of, known_at, site, protocol.safety_days)
    _refuse_unknown_covariates(session, covariates or ())
    wanted = tuple(dict.fromkeys(protocol.weighting if covariates is None else covariates))
    figures = _figures(session, cut, protocol, library, wanted, policy)
    pairing = pair(protocol.outcomes, library)
    patterns = None if policy else _patterns(session, cut, protocol, library, pairing)
    beside = side_by_side(figures.waves, pairing, protocol, library, policy, patterns, resamples)
    return Report(
        as_of=as_of,
        known_at=known_at,
        site=site,
        profile=profile,
        protocol=protocol,
        library=library,
        software_version=version("outcomes-registry"),
        figures=figures,
        comparisons=beside,
        apart=pairing.apart,
        sentences=_sentences(figures, profile),
    )


def _policy(profile: str) -> Policy | None:
    if profile not in PROFILES:
        raise ValueError(f"there is no profile {profile!r}; known are {', '.join(PROFILES)}")
    return RELEASE if profile == "release" else None


def _figures(
    session: Session,
    cut: Cut,
    protocol: Protocol,
    library: Library,
    covariates: Sequence[str],
    policy: Policy | None,
) -> Figures:
    """Exact without a policy; a release weights for nothing."""
    terms = named_terms(protocol, library)
    named = categories_by_term(terms, protocol.event_categories)
    counts = counts_of(session, cut, protocol, named, () if policy else covariates)
    if policy is None:
        return exact(counts, protocol, terms)
    _refuse_small_site(session, cut, counts.treated)
    return released(counts, protocol, terms, named, policy)


def _patterns(
    session: Session, cut: Cut, protocol: Protocol, library: Library, pairing: Pairing
) -> dict[int, Patterns]:
    """By month, the due by what studies print of their patients at baseline."""
    wanted = needed(pairing.beside, library, protocol)
    outcomes = {
        protocol.by_month[month].timepoint: [protocol.by_outcome[code] for code in codes]
        for month, codes in wanted.items()
    }
    return matching(session, cut, outcomes, [each.covariate for each in protocol.matching])


def _sentences(figures: Figures, profile: str) -> tuple[str, ...]:
    """What must be said beside the figures, whatever they are."""
    hidden = (HIDDEN,) if profile == "release" else ()
    return (NOT_RANDOMISED, NO_EQUALITY, follow_up_sentence(figures.survival.follow_up), *hidden)


def _refuse_unknown(session: Session, site: str | None) -> None:
    if site is not None and session.scalar(select(Site.id).where(Site.code == site)) is None:
        raise NotFound(f"There is no site {site}. The sites are listed under Sites.")


def _refuse_unknown_covariates(session: Session, names: Sequence[str]) -> None:
    known = known_names(session) if names else []
    unknown = [name for name in names if name not in known]
    if unknown:
        raise NotFound(
            f"There is no covariate {', '.join(unknown)}. Known are: {', '.join(known)}."
        )


def _refuse_small_site(session: Session, cut: Cut, here: int) -> None:
    """A site and all the others must each be large: one is what is left when the other is taken."""
    if cut.site is None:
        return
    elsewhere = treated(session, replace(cut, site=None)) - here
    if here < RELEASE.group or 0 < elsewhere < RELEASE.group:
        raise SmallSite(
            f"Site {cut.site} cannot be shown alone: it, or all others together, has fewer than "
            f"{RELEASE.group} treated patients. Leave the site out."
        )
