"""Medicines at baseline, and the daily prednisone equivalent of steroids."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from registry.actions.facts import MedicineTaken, Problem
from registry.protocols import Protocol

STEROIDS = "corticosteroid"
COVARIATE = "prednisone_mg_per_day"


def problems(medicines: Iterable[MedicineTaken], protocol: Protocol) -> Iterator[Problem]:
    """Classes that the protocol does not have, and steroids whose dose cannot be compared."""
    classes = [item.code for item in protocol.medicine_classes]
    for medicine in medicines:
        if medicine.medicine_class not in classes:
            yield Problem(
                "medicines", f"{medicine.medicine_class} is none of: {', '.join(classes)}"
            )
        elif _is_incomparable(medicine, protocol):
            known = ", ".join(protocol.steroids.equal_to_5_mg)
            yield Problem(
                "medicines",
                f"the dose of {medicine.name or 'this steroid'} in mg of prednisone is not known; "
                f"give it, or name one of: {known}",
            )


def _is_incomparable(medicine: MedicineTaken, protocol: Protocol) -> bool:
    has_dose = medicine.medicine_class == STEROIDS and medicine.daily_dose_mg is not None
    return has_dose and prednisone_mg(medicine, protocol) is None


def prednisone_mg(medicine: MedicineTaken, protocol: Protocol) -> Decimal | None:
    """Mg of prednisone a day that the medicine equals; None: no steroid, or not known.

    By the protocol's table of equivalent doses (`steroids.source`), unless it was given.
    """
    if medicine.medicine_class != STEROIDS:
        return None
    if medicine.prednisone_mg_per_day is not None or medicine.daily_dose_mg is None:
        return medicine.prednisone_mg_per_day
    factor = protocol.steroids.factors.get(medicine.name.strip().casefold())
    return None if factor is None else medicine.daily_dose_mg * factor


def baseline_dose(medicines: Iterable[MedicineTaken] | None, protocol: Protocol) -> Decimal | None:
    """The covariate: all steroids together in mg of prednisone a day; 0 for takers of none."""
    if medicines is None:
        return None
    doses = [prednisone_mg(one, protocol) for one in medicines if one.medicine_class == STEROIDS]
    known = [dose for dose in doses if dose is not None]
    return sum(known, Decimal(0)) if len(known) == len(doses) else None
