"""One library file: read strictly, completed, checked figure by figure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from registry.datafiles import DataFileError, read_yaml, record
from registry.published.checks import study_faults
from registry.published.figures import Effect, Figure, Measure
from registry.published.studies import Code, Conflict, Study


@dataclass(frozen=True)
class LibraryFile:
    """What one file may hold: codes of its own, studies, and conflicts between printed figures."""

    codes: Mapping[str, Code] = field(default_factory=dict)
    studies: tuple[Study, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def read(text: str, where: str) -> LibraryFile:
    """The file's content with every figure completed by what its study says once for all.

    Raises DataFileError at the first fault of form; `check` looks at the content.
    """
    rough = record(LibraryFile, read_yaml(text, where), where)
    return dataclasses.replace(rough, studies=tuple(_completed(study) for study in rough.studies))


def check(file: LibraryFile, codes: Mapping[str, Code], where: str) -> None:
    """Refuse the file with every fault of its studies, each by study and figure."""
    faults = [fault for study in file.studies for fault in study_faults(study, codes)]
    if faults:
        raise DataFileError("\n".join(f"{where}, {fault}" for fault in faults))


def _completed(study: Study) -> Study:
    rows = [
        dataclasses.replace(
            row, study=study.id, number=number, means=row.means or study.defines.get(row.code)
        )
        for number, row in enumerate(study.rows, start=1)
    ]
    return dataclasses.replace(
        study,
        figures=tuple(_placed(row, study) for row in rows if isinstance(row, Figure)),
        measures=tuple(row for row in rows if isinstance(row, Measure)),
        effects=tuple(row for row in rows if isinstance(row, Effect)),
    )


def _placed(figure: Figure, study: Study) -> Figure:
    source = study.sources.get(figure.source)
    origin = source.origin if source else figure.origin
    return dataclasses.replace(figure, origin=origin, barred=study.not_compared)
