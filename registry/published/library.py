"""The comparator library: all reviewed studies together, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from registry.datafiles import DataFileError
from registry.errors import NotFound
from registry.published.checks import library_faults
from registry.published.figures import Figure, Row
from registry.published.studies import Arm, Code, Conflict, Study
from registry.published.vocabulary import Role


@dataclass(frozen=True)
class Library:
    """Studies in the order of their files, the codes they use, conflicts between them.

    Raises DataFileError when ids stand twice or a reference between studies leads nowhere.
    """

    codes: Mapping[str, Code]
    studies: tuple[Study, ...]
    conflicts: tuple[Conflict, ...] = ()

    def __post_init__(self) -> None:
        faults = list(library_faults(self.studies, self.codes, self.conflicts))
        if faults:
            raise DataFileError("\n".join(faults))

    @cached_property
    def _by_id(self) -> Mapping[str, Study]:
        return {study.id: study for study in self.studies}

    def study(self, name: str) -> Study:
        """The study with this id; raises NotFound."""
        try:
            return self._by_id[name]
        except KeyError:
            raise NotFound(f"no published study is called {name}") from None

    def arm(self, figure: Figure) -> Arm:
        """The group of patients that a figure is about."""
        return self.study(figure.study).arms[figure.arm]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every figure, measure and effect of every study."""
        return tuple(row for study in self.studies for row in study.rows)

    def figures(
        self, code: str | None = None, months: int | Decimal | None = None
    ) -> tuple[Figure, ...]:
        """Shares of patients, all or those with this code and this time-point in months."""
        return tuple(
            row
            for study in self.studies
            for row in study.figures
            if code in (None, row.code) and months in (None, row.month)
        )

    def blinded_trial_figures(self) -> tuple[Row, ...]:
        """Every row of the blinded trial of the treatment itself: on the page, whatever it says."""
        return tuple(row for study in self.studies if study.always_shown for row in study.rows)

    def conflicts_of(self, study: str) -> tuple[Conflict, ...]:
        """What is printed about this study that does not agree."""
        return tuple(item for item in self.conflicts if study in item.studies)

    @property
    def terms(self) -> tuple[str, ...]:
        """Adverse event terms that the library names: each gets a row in safety, 0 of n too."""
        used = {row.code for row in self.rows}
        named = (code.term for name, code in self.codes.items() if name in used)
        return tuple(dict.fromkeys(term for term in named if term))

    def overlap(self, one: Figure, other: Figure) -> str | None:
        """Why two figures may count the same patients twice; None if they cannot."""
        first, second = self.study(one.study), self.study(other.study)
        if first.id == second.id:
            return _within(first, one, other)
        if {self.arm(one).role, self.arm(other).role} == {Role.TREATED, Role.CONTROL}:
            return None
        if shared := self._cohorts(one) & self._cohorts(other):
            return f"the same patients ({', '.join(sorted(shared))}) as in {second.label}"
        if first.centre and first.centre == second.centre:
            return f"same centre as {second.label}: patients may be the same"
        return None

    def _cohorts(self, figure: Figure) -> set[str]:
        return set(self.arm(figure).cohorts or self.study(figure.study).cohorts)

    def plus(self, other: Library) -> Library:
        """Both libraries as one; a study id or a code with another meaning in both is refused."""
        for name, code in other.codes.items():
            if self.codes.get(name, code) != code:
                raise DataFileError(f"code {name} has another meaning in the bundled library")
        return Library(
            {**self.codes, **other.codes},
            self.studies + other.studies,
            self.conflicts + other.conflicts,
        )


def _within(study: Study, one: Figure, other: Figure) -> str | None:
    if one.arm == other.arm:
        return "a second figure of the same arm" if one.number != other.number else None
    if other.arm in _containing(study, one.arm) or one.arm in _containing(study, other.arm):
        return f"the same patients as in the arm {study.arms[other.arm].name}"
    return None


def _containing(study: Study, arm: str) -> Iterable[str]:
    return study.arms[arm].part_of
