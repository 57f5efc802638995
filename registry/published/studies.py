"""The study behind published figures: who was treated with what, read where, cited how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from registry.published.figures import Effect, Figure, Measure, Row
from registry.published.vocabulary import Better, Kind, Origin, Role


@dataclass(frozen=True)
class Code:
    """One outcome code; `near` names the code it is often confused with, `term` an event's term."""

    label: str
    kind: Kind
    better: Better
    near: str | None = None
    term: str | None = None


@dataclass(frozen=True)
class Citation:
    """Who published it where; identifiers first when printed."""

    authors: str | None
    year: int | None
    journal: str
    pages: str | None = None
    doi: str | None = None
    pmid: str | None = None
    trial: tuple[str, ...] = ()
    note: str | None = None

    @property
    def identifiers(self) -> tuple[str, ...]:
        """DOI, PMID and trial registration, in this order, as a reader would look them up."""
        named = (("doi:", self.doi), ("PMID ", self.pmid))
        return tuple(f"{name}{value}" for name, value in named if value) + self.trial

    @property
    def line(self) -> str:
        """One line to print under a figure."""
        where = f"{self.journal} {self.pages}" if self.pages else self.journal
        parts = [self.authors or "authors not shown", where, str(self.year or "year not shown")]
        return ". ".join([*parts, *self.identifiers])


@dataclass(frozen=True)
class Source:
    """The place in a publication where figures were read, and the pages that showed it."""

    what: str
    origin: Origin
    pages: tuple[str, ...]

    @property
    def line(self) -> str:
        """How the page says where a figure was read."""
        how = "read in a reproduction at" if self.origin is Origin.REPRODUCTION else "read at"
        return f"{self.what}, {how} {'; '.join(self.pages)}"


@dataclass(frozen=True)
class Arm:
    """A group of patients: `part_of` names arms that contain it, `cohorts` overrides the study."""

    name: str
    role: Role
    n: int | None = None
    part_of: tuple[str, ...] = ()
    cohorts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Baseline:
    """A characteristic at entry: x of n, or mean and sd, or median and range."""

    variable: str
    source: str
    arm: str | None = None
    n: int | None = None
    x: int | None = None
    mean: Decimal | None = None
    sd: Decimal | None = None
    median: Decimal | None = None
    range: str | None = None
    printed: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Population:
    """Who was studied; n as stated for the whole study."""

    n: int | None
    text: str | None = None


@dataclass(frozen=True)
class Treatment:
    """What was given; `family` groups studies on a page."""

    family: str
    text: str


@dataclass(frozen=True)
class Study:
    """One publication with its cohort, design, arms, sources and figures.

    `cohorts` identifies the patients: two studies sharing one never count twice. `centre` marks
    series of one hospital whose patients may overlap although no paper says so.
    """

    id: str
    label: str
    cohorts: tuple[str, ...]
    cite: Citation
    design: str
    blinded: bool
    population: Population
    treatment: Treatment
    arms: Mapping[str, Arm] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    defines: Mapping[str, str] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    measures: tuple[Measure, ...] = ()
    effects: tuple[Effect, ...] = ()
    baseline: tuple[Baseline, ...] = ()
    centre: str | None = None
    follow_up: str | None = None
    reports_again: str | None = None
    always_shown: bool = False
    not_compared: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """Everything the study printed, in the order of the file."""
        return self.figures + self.measures + self.effects


@dataclass(frozen=True)
class Conflict:
    """Two printed figures that do not agree, or one that cannot be right."""

    studies: tuple[str, ...]
    says: str
