"""The clinics' files: patients, administrations, blood tests, events; read by the real import."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

from registry.db import reading, transaction
from registry.demo.fates import Falling, Fate
from registry.demo.triage import as_event
from registry.demo.truth import MONTHS
from registry.demo.world import BY, Someone, World
from registry.errors import DomainError
from registry.imports import Import, Job, Source

Row = Mapping[str, str]
DSDNA_LIMIT, C3_LOWEST = 30, 0.9
SECOND_INFUSION = 7  # days after the first


class Refused(DomainError):
    """A file of the demonstration was not taken."""


@dataclass(frozen=True)
class Blood:
    """A blood test on a day; `raised` None: the laboratory gave no limit."""

    on: date
    dsdna: int
    c3: float
    has_limit: bool

    @property
    def raised(self) -> bool | None:
        """Whether anti-dsDNA lies above the laboratory's limit."""
        return self.dsdna > DSDNA_LIMIT if self.has_limit else None


@dataclass
class Files:
    """What each clinic hands over month by month, and all of it at the end."""

    world: World
    _rows: dict[str, list[Row]] = field(default_factory=dict)
    _seen: set[tuple[str, date]] = field(default_factory=set)

    def hand_over(self, on: date, new: Sequence[Someone]) -> None:
        """Write the month's files and import them; the truth of what they hold is written down."""
        here = self.world.folder / "files" / f"{on:%Y-%m}"
        here.mkdir(parents=True)
        known = [one for one in self.world.everyone if one.patient_id] + list(new)
        bloods = [(one, blood) for one in known for blood in self._bloods(one, on)]
        falls = [(one, fall) for one in known for fall in self._falls(one, on)]
        self._import(here, "patients", [_patient(one.fate) for one in new])
        self._import(here, "administrations", self._administrations(new, on))
        self._import(here, "labs", [row for one, b in bloods for row in _blood(one, b)])
        self._import(here, "adverse-events", [_event(one, fall) for one, fall in falls])
        for one, blood in bloods:
            one.truth.bloods.append((blood.on, blood.raised))
        for one, fall in falls:
            one.truth.events.append(as_event(fall))

    def write_whole(self) -> None:
        """The files of all months in one, for somebody's own registry."""
        for kind, rows in self._rows.items():
            _write(self.world.folder / "files" / f"{kind}.csv", rows)

    def _import(self, here: Path, kind: str, rows: Sequence[Row]) -> None:
        self._rows.setdefault(kind, []).extend(rows)
        if not rows:
            return
        path = here / f"{kind}.csv"
        _write(path, rows)
        import_file(self.world, kind, path)

    def _administrations(self, new: Iterable[Someone], on: date) -> list[Row]:
        rows: list[Row] = []
        for one in new:
            random = Random(f"{self.world.seed}/{one.fate.number}/given")
            days = [one.fate.treated_on]
            if random.random() < 0.5:
                days.append(days[0] + timedelta(days=SECOND_INFUSION))
            route = "intrathecal" if random.random() < 0.1 else "intravenous"
            for day in (day for day in days if day <= on):
                cells = f"{random.choice((50, 60, 80, 100))}e6"
                told = {"given_on": day.isoformat(), "route": route, "cells": cells}
                rows.append({"patient_id": one.fate.number, **told})
                one.truth.seen.append(day)
        return rows

    def _bloods(self, one: Someone, on: date) -> list[Blood]:
        """Blood tests by that day which were not handed over yet."""
        found = []
        for blood in bloods_of(one.fate, self.world.seed):
            key = (one.fate.number, blood.on)
            if blood.on <= on and key not in self._seen and _is_there(one, blood.on):
                self._seen.add(key)
                found.append(blood)
        return found

    def _falls(self, one: Someone, on: date) -> list[Falling]:
        """What the clinic saw by that day of people who are still with it, and not yet recorded."""
        return [
            fall
            for fall in one.fate.falls
            if fall.known
            and fall.on <= on
            and _is_there(one, fall.on)
            and as_event(fall) not in one.truth.events
        ]


def _is_there(one: Someone, on: date) -> bool:
    left = one.truth.left_on
    return one.is_alive(on) and (left is None or on <= left)


def bloods_of(fate: Fate, seed: int) -> list[Blood]:
    """Before treatment, and around most time-points."""
    random = Random(f"{seed}/{fate.number}/bloods")
    level = random.choice((15, 40, 80, 150, 300))
    days = [fate.treated_on - timedelta(days=random.randrange(6))]
    for month in MONTHS:
        day = fate.treated_on + timedelta(days=round(month * 30.4) + random.randrange(-4, 12))
        if random.random() < 0.55:
            days.append(day)
    return [
        Blood(
            on=day,
            dsdna=max(3, round(level * random.uniform(0.3, 1.2) / (1 + fate.better * number))),
            c3=round(random.uniform(0.5, 1.5), 2),
            has_limit=random.random() < 0.95,
        )
        for number, day in enumerate(days)
    ]


def _patient(fate: Fate) -> Row:
    random = Random(f"{fate.number}/cells")
    return {
        "patient_id": fate.number,
        "site": fate.site,
        "treatment_date": fate.treated_on.isoformat(),
        "name": fate.name,
        "email": fate.email or "",
        "telephone": fate.telephone,
        "birth_date": fate.birth_date.isoformat(),
        "sex": fate.sex,
        "language": "en",
        "consented_on": fate.consented_on.isoformat() if fate.consented_on else "",
        "consent_version": "1" if fate.consented_on else "",
        "diagnosis": "systemic",
        "cell_source": "umbilical_cord",
        "donor": "allogeneic",
        "passage": str(random.randrange(3, 6)),
        "lot": f"UC-{random.randrange(1, 40):03}",
        "prednisone_mg_per_day": f"{fate.steroid_mg:g}",
        "sledai": str(fate.sledai),
        "disease_years": str(random.randrange(1, 20)),
        "nephritis": random.choice(("yes", "no", "no")),
    }


def _blood(one: Someone, blood: Blood) -> list[Row]:
    limit = str(DSDNA_LIMIT) if blood.has_limit else ""
    dsdna = {"code": "dsdna", "value": str(blood.dsdna), "unit": "[IU]/mL"}
    c3 = {"code": "c3", "value": f"{blood.c3:g}", "unit": "g/L"}
    of_both = {"patient_id": one.fate.number, "collected_on": blood.on.isoformat()}
    return [
        {**of_both, **dsdna, "reference_low": "", "reference_high": limit},
        {**of_both, **c3, "reference_low": str(C3_LOWEST), "reference_high": ""},
    ]


def _event(one: Someone, fall: Falling) -> Row:
    return {
        "patient_id": one.fate.number,
        "term": fall.illness.recorded,
        "onset_date": fall.on.isoformat(),
        "grade": str(fall.grade),
        "serious": "1" if fall.serious else "0",
        "related": "" if fall.related is None else str(int(fall.related)),
    }


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]) if rows else [])
        table.writeheader()
        table.writerows(rows)


def import_file(world: World, kind: str, path: Path) -> None:
    """Import one file as `registry import --strict-sites` does. Raises Refused."""
    faults: list[str] = []
    vault = world.runtime.vault
    if vault is None:
        raise Refused("This registry has no master key.")
    job = Job(
        source=Source(path),
        vault=vault,
        zone=world.runtime.settings.zone,
        by=BY,
        at=world.clock.now(),
        strict_sites=True,
        start_mailing=True,
    )
    with reading(world.runtime) as session:
        one = Import(session, kind, job, lambda fault: faults.append(str(fault)))
        fits = one.check(session)
    if not fits:
        raise Refused(f"{path}: {'; '.join(faults[:5])}")
    with transaction(world.runtime) as session:
        one.carry_out(session)
