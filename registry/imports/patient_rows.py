"""What a row of patients.csv means, and how what it says is compared and shown."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from registry.actions.facts import ConsentGiven, Course, Enrolment
from registry.imports.columns import Values
from registry.imports.known_patients import COURSE, IDENTITY, NO_VERSION, Known
from registry.protocols import Protocol
from registry.queries.identities import Person
from registry.schemas.fields import folded

CODED = {"diagnosis": "diagnosis_types", "cell_source": "cell_sources", "donor": "donors"}


class PatientRows:
    """Reads rows in the words of a protocol."""

    def __init__(self, protocol: Protocol) -> None:
        self._codes = {
            name: {
                folded(word): coded.code
                for coded in getattr(protocol, lists)
                for word in (coded.label, coded.code)
            }
            for name, lists in CODED.items()
        }

    def enrolment(
        self,
        values: Values,
        site_id: int,
        covariates: Mapping[str, Decimal | str],
        notes: Counter[str],
    ) -> Enrolment:
        """The enrolment that a row says; words that are no codes are counted in `notes`."""
        consented_on = values.get("consented_on")
        version = values.get("consent_version", NO_VERSION)
        language = values.get("language", "en")
        sex = values.get("sex")
        return Enrolment(
            site_id=site_id,
            treated_on=values["treatment_date"],
            person=Person(
                name=values.get("name"),
                email=values.get("email"),
                telephone=values.get("telephone"),
                birth_date=values.get("birth_date"),
            ),
            sex=None if sex == "unknown" else sex,
            age=values.get("age", _age(values)),
            language=language,
            zone=values.get("time_zone"),
            consent=ConsentGiven(version=version, given_on=consented_on, language=language)
            if consented_on
            else None,
            diagnosis=self._coded("diagnosis", values, notes),
            course=Course(**{name: self._coded(name, values, notes) for name in COURSE}),
            covariates=covariates,
            died_on=values.get("death_date"),
            withdrawn_on=values.get("withdrawal_date"),
        )

    def _coded(self, name: str, values: Values, notes: Counter[str]) -> str | None:
        """The protocol's code for what is meant; other words are kept as they are, and noted."""
        text: str | None = values.get(name)
        if text is None or name not in CODED:
            return text
        code = self._codes[name].get(folded(text))
        if code is None:
            note = f"{name} '{text}', which is none of the protocol's and kept as it is"
            notes[note] += 1
        return code or text


def told_by(values: Values, told: Enrolment) -> dict[str, Any]:
    """What a row says, by column, in the registry's own codes; what it leaves open is not in it."""
    said = dict(values)
    del said["patient_id"]
    if told.consent is None:
        said.pop("consent_version", None)
    said |= {name: getattr(told.course, name) for name in COURSE if name in said}
    said |= {"diagnosis": told.diagnosis} if "diagnosis" in said else {}
    if said.get("sex") == "unknown":
        del said["sex"]
    return said | dict(told.covariates)


def merged(told: Enrolment, known: Known) -> Enrolment:
    """The dates as they would stand after the update."""
    return replace(
        told,
        died_on=told.died_on or known.values.get("death_date"),
        withdrawn_on=told.withdrawn_on or known.values.get("withdrawal_date"),
        diagnosed_on=known.diagnosed_on,
    )


def shown(column: str, old: Any, new: Any) -> str:
    """A difference to print; who somebody is does not go to the terminal."""
    if column in IDENTITY:
        return "differs"
    return f"{plain(old) or 'nothing'} → {plain(new)}"


def plain(value: Any) -> str:
    """A value as it is printed; nothing where there is none."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "" if value is None else str(value)


def _age(values: Values) -> int | None:
    """Whole years at treatment, where the birth date is known."""
    born, treated = values.get("birth_date"), values["treatment_date"]
    if born is None:
        return None
    return int(treated.year - born.year - ((treated.month, treated.day) < (born.month, born.day)))
