"""Forms: what was typed, read for a schema; and the page that takes a form, in one piece."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError, fields
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from registry import http
from registry.actions.facts import Unusable
from registry.errors import DomainError

Form = MultiDict[str, str]
NOT_DATA = frozenset({"csrf_token", "once", "seen"})
PARTS = ("day", "month", "year")
ROW = re.compile(r"[0-9]{1,4}")
MEANWHILE = (
    "Somebody changed this after you opened the page, and it would be undone. Nothing was saved. "
    "Open the page again, see what stands there now, and correct that."
)
MISSING = "Missing data for required field."


@dataclass(frozen=True, slots=True)
class Box:
    """One question of a form. `kind`: text, email, password, number, lines, date, choice (cards),
    several (cards), list (drop-down) or tick. `options`: (code, words[, hint]).
    """

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    options: Sequence[tuple[str, ...]] = ()
    optional: bool = False
    unit: str = ""
    width: str = ""
    autocomplete: str = "off"


class Meanwhile(DomainError):
    """The form was opened before somebody else changed what it corrects."""


@dataclass(kw_only=True)
class FormPage:
    """A page with a form. `act` does what it says, in the transaction that counts it once, and
    gives the address to go on to. `given`: what stands in the boxes at first, or a call that says
    it. `corrects`: it stands in the record, and a form that was opened before somebody else
    changed it is refused.
    """

    title: str
    boxes: Sequence[Box]
    schema: Schema
    act: Callable[[Session, Any], str]
    button: str
    lead: str = ""
    consequences: Sequence[str] = ()
    colour: str = ""
    back: tuple[str, str] | None = None
    crumbs: Sequence[tuple[str, str | None]] = ()
    given: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(default_factory=dict)
    corrects: bool = False
    template: str = "form.html"
    more: Mapping[str, Any] = field(default_factory=dict)

    def respond(self) -> ResponseReturnValue:
        """Show the form; or do it and go on; or show it again with what is wrong."""
        if request.method != "POST":
            kept = http.kept()
            return self.show(self._given() if kept is None else typed(kept), {})
        data, places = form_data(request.form, self.schema)
        try:
            loaded = self.schema.load(data)
            return http.carry_out(lambda session: self._act(session, loaded))
        except (ValidationError, DomainError) as wrong:
            return self.refuse(wrong, places)

    def _act(self, session: Session, loaded: Any) -> str:
        if self.corrects and self.seen() != self._seen_now():
            raise Meanwhile(MEANWHILE)
        return self.act(session, loaded)

    def seen(self) -> str:
        """Which values stood in the boxes when the page was opened."""
        return (http.kept() or request.form).get("seen") or self._seen_now()

    def _seen_now(self) -> str:
        return mark_of(self._given())

    def _given(self) -> Mapping[str, Any]:
        return self.given() if callable(self.given) else self.given

    def refuse(
        self, wrong: ValidationError | DomainError, places: Mapping[str, list[int]] | None = None
    ) -> ResponseReturnValue:
        """The form again, with what was typed and what is wrong with it; nothing was saved."""
        status = 422
        if isinstance(wrong, ValidationError):
            errors: dict[Any, Any] = replaced(wrong.messages_dict, places or {})
        elif isinstance(wrong, Unusable):
            errors = by_field(wrong)
        else:
            errors, status = {"_schema": [str(wrong)]}, wrong.status
        return self.show(typed(request.form), worded(errors, self.boxes)), status

    def show(self, given: Mapping[str, Any], errors: Mapping[str, Any]) -> str:
        """The page with these values in its boxes."""
        order = [box.name for box in self.boxes]
        return render_template(
            self.template, page=self, given=given, errors=errors, order=order, **self.more
        )


def mark_of(given: Mapping[str, Any]) -> str:
    """A mark of the values that stand in a form: another value, another mark."""
    return hashlib.sha256(repr(sorted(given.items())).encode()).hexdigest()[:16]


def typed(form: Form) -> dict[str, Any]:
    """What was typed, box by box, to stand there again; the three boxes of a date in one."""
    found: dict[str, Any] = {}
    for name, values in form.lists():
        stem, _, part = name.rpartition("-")
        if stem and part in PARTS:
            parts = found.get(stem)
            found[stem] = (parts if isinstance(parts, dict) else {}) | {part: values[0]}
        elif name not in NOT_DATA:
            found[name] = values[0] if len(values) == 1 else values
    return found


def form_data(form: Form, schema: Schema) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """A form as a JSON body would say it, and the rows' numbers on the page by list.

    Empty boxes are missing, dates ISO text, `labs-0-value` rows of a list, repeated names lists.
    """
    return data_of(typed(form), schema)


def data_of(
    boxes: Mapping[str, Any], schema: Schema
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """The same of what was typed, box by box."""
    flat = {name: _value(value) for name, value in boxes.items()}
    data: dict[str, Any] = {}
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for name, value in flat.items():
        stem, _, rest = name.partition("-")
        number, _, inner = rest.partition("-")
        if value in ("", []):
            continue
        if inner and ROW.fullmatch(number):
            rows.setdefault(stem, {}).setdefault(int(number), {})[inner] = value
        else:
            data[name] = value
    for name, kind in schema.fields.items():
        is_list = isinstance(kind, fields.List) and not isinstance(kind.inner, fields.Nested)
        if is_list and isinstance(data.get(name), str):
            data[name] = [data[name]]
    places = {name: sorted(numbered) for name, numbered in rows.items()}
    data |= {name: [rows[name][number] for number in numbers] for name, numbers in places.items()}
    return data, places


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        year, month, day = (value.get(part, "").strip() for part in reversed(PARTS))
        return f"{year}-{month:0>2}-{day:0>2}" if year or month or day else ""
    if isinstance(value, list):
        return [one for one in value if one.strip()]
    return value.strip()


def replaced(errors: Mapping[Any, Any], places: Mapping[str, list[int]]) -> dict[Any, Any]:
    """Errors of rows under the numbers that the rows have on the page."""
    found = dict(errors)
    for name, numbers in places.items():
        if isinstance(found.get(name), Mapping):
            found[name] = {
                numbers[key] if isinstance(key, int) else key: under
                for key, under in found[name].items()
            }
    return found


def by_field(wrong: Unusable) -> dict[str, list[str]]:
    """The problems of an action, as marshmallow would tell them."""
    found: dict[str, list[str]] = {}
    for problem in wrong.problems:
        found.setdefault(problem.field, []).append(problem.text)
    return found


def worded(errors: Mapping[Any, Any], boxes: Iterable[Box]) -> dict[Any, Any]:
    """Errors as sentences that name their box: "is empty" of "Lot" is "Lot is empty"."""
    by_name = {box.name: box for box in boxes}
    return {name: _worded(under, str(name), by_name) for name, under in errors.items()}


def _worded(under: Any, name: str, by_name: Mapping[str, Box]) -> Any:
    if isinstance(under, Mapping):
        return {
            key: _worded(inner, name if isinstance(key, int) else str(key), by_name)
            for key, inner in under.items()
        }
    box = by_name.get(name) or Box(name, name.replace("_", " ").capitalize())
    return [sentence(str(text), box) for text in under]


def sentence(text: str, box: Box) -> str:
    """One message as a sentence."""
    inner = box.label[:1].lower() + box.label[1:]
    if text == MISSING:
        verb = "Choose" if box.kind in {"choice", "several", "list"} else "Enter"
        return f"{verb}: {inner}" if box.label.endswith("?") else f"{verb} {inner}"
    if box.kind == "date" and text.startswith("is not a date"):
        return f"{box.label}: enter day, month and year, like 18 9 2026"
    if text.startswith(("is ", "has ", "looks ")):
        return f"{box.label} {text}"
    return text if text[:1].isupper() else f"{box.label}: {text}"
