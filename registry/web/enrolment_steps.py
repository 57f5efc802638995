"""The steps of an enrolment: which boxes each has, and how what is typed becomes the schema's data.

What is typed is kept flat, box by box (`administrations-0-given_on`). Results and observations have
one date for all rows of their page; `arrange` gives it to each row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry import labs
from registry.actions import laboratory, medicines
from registry.actions.facts import Measured, MedicineTaken
from registry.models import Site
from registry.protocols import Protocol
from registry.schemas.enrolment import EnrolmentInSchema
from registry.web import labels
from registry.web.forms import Box, data_of, replaced

Flat = dict[str, Any]
USUAL_TESTS = ("dsdna", "c3", "c4", "creatinine", "upcr", "hgb", "wbc", "plt", "crp")


@dataclass(frozen=True, slots=True)
class Around:
    """What the boxes depend on."""

    protocol: Protocol
    sites: Sequence[Site]


@dataclass(frozen=True, slots=True)
class Rows:
    """Boxes that come again and again: `name` of the list, how many at least."""

    name: str
    legend: str
    boxes: Sequence[Box]
    least: int


@dataclass(frozen=True, slots=True)
class Step:
    """One page. `names`: the fields of EnrolmentInSchema that it fills."""

    code: str
    title: str
    lead: str
    names: tuple[str, ...]
    boxes: Callable[[Around], list[Box]]
    rows: Callable[[Around], Rows] | None = None
    needed: bool = True


def _consent(around: Around) -> list[Box]:
    texts = [(one.code, f"Version {one.code}: {one.title}") for one in around.protocol.consents]
    places = [(site.code, site.staff_name) for site in around.sites]
    return [
        Box("site", "Clinic", "choice", options=places),
        Box("consent_version", "Which text did the patient sign?", "choice", options=texts),
        Box("consented_on", "Date of the signature", "date"),
    ]


def _identity(around: Around) -> list[Box]:
    return [
        Box("name", "Name", optional=True),
        Box("email", "E-mail address", "email", optional=True,
            hint="Without one the patient is followed by telephone"),
        Box("telephone", "Telephone", hint="With the country code", optional=True),
        Box("birth_date", "Birth date", "date", hint="For example, 12 3 1991", optional=True),
        Box("language", "Language of letters and questions", hint="Like en", width="w6",
            optional=True),
        Box("zone", "Time zone", hint="Like Europe/Berlin; empty: the clinic's", optional=True),
        Box("study_number", "Study number", hint="Empty: the next free one", optional=True),
    ]  # fmt: skip


def _diagnosis(around: Around) -> list[Box]:
    kinds = labels.options(around.protocol.diagnosis_types)
    return [
        Box("diagnosis", "Type of the diagnosis", "choice", options=kinds),
        Box("diagnosed_on", "Date of the diagnosis", "date", optional=True),
        Box("sex", "Sex", "choice", options=labels.SEXES, optional=True),
        Box("age", "Age at treatment", "number", unit="years", optional=True,
            hint="Only if no birth date is kept"),
    ]  # fmt: skip


def _medicines(around: Around) -> list[Box]:
    return [Box("takes_none", "The patient takes no medicine of these classes", "tick")]


def _medicine_rows(around: Around) -> Rows:
    classes = labels.options(around.protocol.medicine_classes)
    return Rows("medicines", "Medicine", (
        Box("medicine_class", "Class", "list", options=classes),
        Box("name", "Name", width="w20"),
        Box("daily_dose_mg", "Daily dose", "number", unit="mg"),
        Box("prednisone_mg_per_day", "As prednisone", "number", unit="mg a day"),
    ), 3)  # fmt: skip


def _course(around: Around) -> list[Box]:
    protocol = around.protocol
    sources, donors = labels.options(protocol.cell_sources), labels.options(protocol.donors)
    return [
        Box("cell_source", "Source of the cells", "choice", options=sources),
        Box("donor", "Donor", "choice", options=donors, optional=True),
        Box("passage", "Passage", width="w6", optional=True),
        Box("lot", "Lot number", hint="As printed on the bag", optional=True),
        Box("certificate", "Certificate", optional=True),
        Box("cells_total", "Cells in all", hint="As the record says", optional=True),
    ]


def _no_boxes(around: Around) -> list[Box]:
    return []


def _administration_rows(around: Around) -> Rows:
    return Rows("administrations", "Administration", (
        Box("given_on", "Date given", "date"),
        Box("route", "Route", "list", options=labels.options(around.protocol.routes)),
        Box("cells", "Cells given", hint="As the record says", optional=True),
    ), 1)  # fmt: skip


def _observations(around: Around) -> list[Box]:
    items = around.protocol.observation_items
    return [
        Box("observed_on", "Date of the record", "date", optional=True),
        *(Box(f"obs-{one.code}", one.label, optional=True, width="w20") for one in items),
    ]


def _labs(around: Around) -> list[Box]:
    return [Box("labs_on", "Date of the samples", "date", optional=True)]


def _lab_rows(around: Around) -> Rows:
    tests = [(test.id, test.label) for test in labs.table().tests]
    return Rows("labs", "Result", (
        Box("test", "Test", "list", options=tests, width="w20"),
        Box("value", "Result", width="w6"),
        Box("unit", "Unit", width="w6"),
        Box("reference_low", "Lower limit", "number"),
        Box("reference_high", "Upper limit", "number"),
    ), len(USUAL_TESTS))  # fmt: skip


STEPS = (
    Step("consent", "Consent", "Consent comes first: without it nothing is kept.",
         ("site", "consent_version", "consented_on"), _consent),
    Step("identity", "Who the patient is",
         "This is kept apart from the record and encrypted. Only the care team sees it.",
         ("name", "email", "telephone", "birth_date", "language", "zone", "study_number"),
         _identity),
    Step("diagnosis", "Diagnosis", "", ("diagnosis", "diagnosed_on", "sex", "age"), _diagnosis),
    Step("medicines", "Medicines at baseline",
         "What the patient takes when the treatment begins. The dose as prednisone is worked out "
         "for common steroids; fill it in for others.", ("medicines",),
         _medicines, _medicine_rows),
    Step("course", "Treatment: the cells", "As the certificate says.",
         ("cell_source", "donor", "passage", "lot", "certificate", "cells_total"), _course),
    Step("given", "Treatment: administrations",
         "The first one is day 0: every follow-up counts from it.", ("administrations",),
         _no_boxes, _administration_rows),
    Step("observed", "The first 24 to 48 hours",
         "Write yes, or the value, where something was seen. Empty: not seen.",
         ("observations",), _observations, needed=False),
    Step("labs", "Baseline laboratory",
         "Rows without a result are left out. Give the laboratory's own limits if it printed any. "
         "Results of other dates are added on the record later.",
         ("labs",), _labs, _lab_rows, needed=False),
)  # fmt: skip
BY_CODE = {step.code: step for step in STEPS}
STEP_OF = {name: step.code for step in STEPS for name in step.names} | {"treated_on": "given"}


def usual_labs() -> Flat:
    """The tests and units that stand in the boxes of the laboratory page at first."""
    known = {test.id: test for test in labs.table().tests}
    usual = [known[code] for code in USUAL_TESTS if code in known]
    found: Flat = {}
    for number, test in enumerate(usual):
        found |= {f"labs-{number}-test": test.id, f"labs-{number}-unit": test.unit}
    return found


def arrange(flat: Mapping[str, Any], protocol: Protocol) -> Flat:
    """What was typed with the dates in every row, and without rows that say nothing."""
    found = {name: value for name, value in flat.items() if not name.startswith("obs-")}
    for number, one in enumerate(protocol.observation_items):
        value = flat.get(f"obs-{one.code}", "")
        if value:
            row = f"observations-{number}-"
            found |= {f"{row}item": one.code, f"{row}value": value}
            found[f"{row}observed_on"] = flat.get("observed_on", "")
    rows = {name.rsplit("-", 1)[0] for name in flat if name.startswith("labs-")}
    for row in rows:
        if not flat.get(f"{row}-value", "").strip():
            found = {name: value for name, value in found.items() if not name.startswith(f"{row}-")}
        else:
            found[f"{row}-collected_on"] = flat.get("labs_on", "")
    for helper in ("observed_on", "labs_on", "takes_none"):
        found.pop(helper, None)
    return found


def merged(content: Mapping[str, Flat], protocol: Protocol) -> tuple[Flat, dict[str, list[int]]]:
    """All steps as the data of EnrolmentInSchema."""
    flat: Flat = {}
    for step in STEPS:
        flat |= content.get(step.code, {})
    return data_of(arrange(flat, protocol), EnrolmentInSchema())


def faults(step: Step, flat: Flat, protocol: Protocol) -> dict[Any, Any]:
    """What is wrong on one page, by box."""
    schema = EnrolmentInSchema(only=step.names)
    data, places = data_of(arrange(flat, protocol), schema)
    told = schema.validate(data)
    errors: dict[Any, Any] = {name: under for name, under in told.items() if name in step.names}
    if step.code == "given" and not data.get("administrations"):
        errors["administrations"] = {0: {"given_on": ["Enter the first administration"]}}
    if step.code == "medicines":
        errors |= _medicine_faults(flat, data, errors, protocol)
    if step.code == "labs" and not errors:
        errors |= _lab_faults(data, places)
        return errors
    return _at_boxes(errors, places, protocol)


def loaded(name: str, rows: Any) -> list[dict[str, Any]]:
    """Rows of one list of the schema, read."""
    found: Any = EnrolmentInSchema(only=(name,)).fields[name].deserialize(rows)
    return list(found)


def _medicine_faults(
    flat: Flat, data: Flat, errors: Mapping[Any, Any], protocol: Protocol
) -> dict[Any, Any]:
    rows = data.get("medicines", [])
    if not rows and not flat.get("takes_none"):
        return {"takes_none": ["Enter the medicines, or tick that none is taken"]}
    if rows and flat.get("takes_none"):
        return {"takes_none": ["There are medicines below: take out the tick, or the medicines"]}
    if errors:
        return {}
    found = medicines.problems(
        [MedicineTaken(**row) for row in loaded("medicines", rows)], protocol
    )
    texts = [problem.text[:1].upper() + problem.text[1:] for problem in found]
    return {"medicines": texts} if texts else {}


def _lab_faults(data: Flat, places: Mapping[str, list[int]]) -> dict[Any, Any]:
    rows = loaded("labs", data.get("labs", []))
    found: dict[int, dict[str, list[str]]] = {}
    for number, row in zip(places.get("labs", []), rows, strict=True):
        for problem in laboratory.problems(Measured(**row)):
            name = "test" if problem.field == "code" else problem.field
            found.setdefault(number, {}).setdefault(name, []).append(problem.text)
    return {"labs": found} if found else {}


def _at_boxes(
    errors: Mapping[Any, Any], places: Mapping[str, list[int]], protocol: Protocol
) -> dict[Any, Any]:
    """Errors of rows at the boxes of the page: the one date of a page has one box."""
    found = replaced(errors, places)
    for name, row_date, box in (
        ("labs", "collected_on", "labs_on"),
        ("observations", "observed_on", "observed_on"),
    ):
        rows = found.get(name)
        if isinstance(rows, Mapping):
            dates = [row.pop(row_date) for row in rows.values() if row_date in row]
            found |= {box: dates[0]} if dates else {}
    observed = found.pop("observations", {})
    items = protocol.observation_items
    if observed:
        found["obs"] = {items[n].code: row.get("value", []) for n, row in observed.items()}
    return found
