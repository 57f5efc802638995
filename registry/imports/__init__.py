"""Files that come in: the whole file is checked first, then written in one transaction."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlalchemy.orm import Session

from registry.errors import DomainError
from registry.imports.administrations import AdministrationReader
from registry.imports.adverse_events import AdverseEventReader
from registry.imports.faults import Fault, Faults
from registry.imports.job import Job, Summary, batches
from registry.imports.labs import LabReader
from registry.imports.patients import PatientReader
from registry.imports.reading import Row, Source
from registry.imports.surveys import SurveyReader

__all__ = ["KINDS", "Changed", "Fault", "Import", "Job", "Source", "Summary"]


class Reader(Protocol):
    """What each kind of file brings."""

    summary: Summary

    def header(self, names: list[str], faults: Faults) -> bool: ...

    def check(self, session: Session, rows: list[Row], faults: Faults) -> list[Any]: ...

    def finish(self, faults: Faults) -> None: ...

    def again(self, session: Session, *, write: bool) -> None: ...

    def write(self, session: Session, items: list[Any]) -> None: ...


KINDS: Mapping[str, Callable[[Session, Job], Reader]] = {
    "patients": PatientReader,
    "administrations": AdministrationReader,
    "surveys": SurveyReader,
    "adverse-events": AdverseEventReader,
    "labs": LabReader,
}


class Changed(DomainError):
    """The file, or the registry under it, changed between checking and writing."""


class Import:
    """One file: `check` it under a reading session, then `carry_out` in a writing one.

    `tell` is given each fault as it is found.
    """

    def __init__(
        self, session: Session, kind: str, job: Job, tell: Callable[[Fault], None]
    ) -> None:
        self._reader = KINDS[kind](session, job)
        self._source = job.source
        self.faults = Faults(tell)

    @property
    def summary(self) -> Summary:
        """What the last reading found."""
        return self._reader.summary

    def check(self, session: Session) -> bool:
        """Read the whole file once; True if nothing is wrong with it."""
        for rows in batches(self._rows()):
            self._reader.check(session, rows, self.faults)
        self._reader.finish(self.faults)
        return self.faults.count == 0

    def carry_out(self, session: Session, *, write: bool = True) -> None:
        """Read the checked file again and write it; without `write` only the summary is made.

        Raises Changed, and the caller's transaction must then be rolled back.
        """
        checked = self._source.sha256
        self._reader.again(session, write=write)
        for rows in batches(self._rows()):
            items = self._reader.check(session, rows, self.faults)
            if self.faults.count:
                break
            if write and items:
                self._reader.write(session, items)
        if self.faults.count or self._source.sha256 != checked:
            raise Changed("The file or the registry changed meanwhile. Nothing was written; retry.")

    def _rows(self) -> Any:
        return self._source.rows(self.faults, lambda names: self._reader.header(names, self.faults))
