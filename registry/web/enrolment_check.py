"""The last page of an enrolment: all that was typed in words, what is wrong, and the doing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import request
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from registry import http, words
from registry.actions import enrolment, medicines
from registry.actions.enrolment import AlreadyEnrolled, NumberTaken
from registry.actions.facts import Enrolment, MedicineTaken, Unusable
from registry.actions.laboratory import Implausible
from registry.errors import DomainError, Invalid
from registry.schemas.enrolment import EnrolmentInSchema, enrolment_of
from registry.vault import Vault
from registry.web.enrolment_steps import STEP_OF, STEPS, Around, Step, loaded, merged
from registry.web.forms import Box, sentence


class Unfinished(Invalid):
    """A step is missing, or cannot be read any more."""


REFUSALS = (Unusable, AlreadyEnrolled, NumberTaken, Implausible, Unfinished)
Content = Mapping[str, Mapping[str, Any]]


@dataclass
class Found:
    """What the page shows: rows (label, words) by step; problems (text, step to go to); doubts."""

    parts: Sequence[tuple[Step, Sequence[tuple[str, str]]]]
    problems: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def refuse(self, wrong: DomainError) -> int:
        """What the enrolment itself did not accept; gives the status to answer with."""
        if isinstance(wrong, Unusable):
            self.problems = []
            for problem in wrong.problems:
                step = STEP_OF.get(problem.field, "given")
                self.problems.append((sentence(problem.text, _box(problem.field)), step))
        elif isinstance(wrong, Implausible):
            self.doubts = [str(wrong)]
        elif not isinstance(wrong, Unfinished):
            self.problems.append((str(wrong), "identity"))
        return wrong.status


def check(session: Session, content: Content, here: Around) -> Found:
    """Read all steps together, before anything is written."""
    found = Found([(step, _shown(step, content.get(step.code, {}), here)) for step in STEPS])
    for step in STEPS:
        if step.needed and step.code not in content:
            found.problems.append((f"{step.title}: not filled in yet", step.code))
    if found.problems:
        return found
    try:
        wanted = _wanted(content, here)
    except ValidationError as wrong:
        found.problems += [
            (f"{_step(name).title}: something is missing or wrong", _step(name).code)
            for name in wrong.messages_dict
        ]
        return found
    told = enrolment.problems(wanted, here.protocol, http.at())
    told += enrolment.code_problems(wanted, here.protocol)
    if told:
        found.refuse(Unusable(told))
    else:
        found.doubts = enrolment.doubts(wanted)
    return found


def enrol(session: Session, content: Content, here: Around, vault: Vault) -> str:
    """Enrol; gives the study number. Raises one of REFUSALS."""
    try:
        wanted = _wanted(content, here)
    except ValidationError as wrong:
        raise Unfinished("A step is missing or wrong.") from wrong
    enrolled = enrolment.enrol(
        session,
        wanted,
        vault=vault,
        by=http.by(),
        at=http.at(),
        confirmed="confirmed" in request.form,
    )
    return enrolled.study_number


def _wanted(content: Content, here: Around) -> Enrolment:
    data, _ = merged({code: dict(flat) for code, flat in content.items()}, here.protocol)
    given = EnrolmentInSchema().load(data)
    site = next((one for one in here.sites if one.code == given["site"]), None)
    if site is None:
        raise ValidationError({"site": ["is none of your clinics"]})
    return enrolment_of(given, site.id)


def _step(name: str) -> Step:
    code = STEP_OF.get(name, "given")
    return next(step for step in STEPS if step.code == code)


def _box(name: str) -> Box:
    return Box(name, name.replace("_", " ").capitalize())


def _shown(step: Step, flat: Mapping[str, Any], here: Around) -> list[tuple[str, str]]:
    """What was typed on one page, in words."""
    boxes = [(box, flat.get(box.name)) for box in step.boxes(here)]
    shown = [(box.label, _words(box, value)) for box, value in boxes if _is_filled(value)]
    if step.rows is None:
        return shown
    rows = step.rows(here)
    numbers = sorted({int(name.split("-")[1]) for name in flat if name.startswith(f"{rows.name}-")})
    for number in numbers:
        told = _row(rows.boxes, flat, f"{rows.name}-{number}-")
        if told and (rows.name != "labs" or flat.get(f"labs-{number}-value")):
            shown.append((f"{rows.legend} {number + 1}", told + _prednisone(flat, number, here)))
    return shown


def _row(boxes: Sequence[Box], flat: Mapping[str, Any], prefix: str) -> str:
    said = [(box, flat.get(prefix + box.name)) for box in boxes]
    return ", ".join(_words(box, value) for box, value in said if _is_filled(value))


def _prednisone(flat: Mapping[str, Any], number: int, here: Around) -> str:
    """The dose of a steroid as prednisone, where the protocol's table knows it."""
    prefix = f"medicines-{number}-"
    if flat.get(f"{prefix}medicine_class") != medicines.STEROIDS:
        return ""
    row = {name.removeprefix(prefix): value for name, value in flat.items() if value}
    row = {name: value for name, value in row.items() if f"{prefix}{name}" in flat}
    taken = MedicineTaken(**loaded("medicines", [row])[0])
    dose = medicines.prednisone_mg(taken, here.protocol)
    return "" if dose is None else f" (as prednisone {words.number(float(dose))} mg a day)"


def _is_filled(value: Any) -> bool:
    return any(value.values()) if isinstance(value, Mapping) else bool(value)


def _words(box: Box, value: Any) -> str:
    if isinstance(value, Mapping):
        return _date_words(value)
    if box.kind == "tick":
        return "yes"
    texts = {option[0]: option[1] for option in box.options}
    return texts.get(str(value), f"{value} {box.unit}".strip())


def _date_words(parts: Mapping[str, str]) -> str:
    """Three boxes as a day in full; as they were typed where they are none."""
    typed = [parts.get(part, "") for part in ("day", "month", "year")]
    try:
        day, month, year = (int(part) for part in typed)
        return words.date(date(year, month, day))
    except ValueError:
        return " ".join(typed)
