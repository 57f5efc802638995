"""Baseline covariates of a file: numbers or codes, and nothing that tells who somebody is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from marshmallow import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.imports.faults import Faults
from registry.imports.reading import Row
from registry.models import Covariate, known
from registry.schemas.fields import ISO_DATE, PlainText, read_number

LONGEST_NAME, LONGEST_CODE, MOST_CODES = 60, 40, 50
PLACES = Decimal("1e-9")
COLUMN = re.compile(r"[^\W\d_][\w .%/()\-]*")
IDENTITY = frozenset(
    {"name", "names", "surname", "forename", "initials"}
    | {"phone", "telephone", "tel", "mobile", "fax", "mail", "email"}
    | {"address", "street", "postcode", "postal", "zip", "zipcode"}
    | {"dob", "birthdate", "birthday", "ssn", "passport", "mrn"}
)
ENDINGS = ("name", "phone", "mail", "address")
DIALLED = re.compile(r"\+?[0-9][0-9 ()/.\-]{6,}[0-9]")
_CODE = PlainText(LONGEST_CODE)


@dataclass
class _Column:
    """What was seen so far of one column; `refused` ones are not looked at again."""

    numbers: int = 0
    texts: int = 0
    codes: set[str] = field(default_factory=set)
    first_number: tuple[int, str] | None = None
    first_text: tuple[int, str] | None = None
    refused: bool = False


class Covariates:
    """The covariate columns of one file.

    `known` says of the covariates that the registry has already whether they are numbers, `codes`
    which codes those have that are not.
    """

    def __init__(self, known: Mapping[str, bool], codes: Mapping[str, set[str]]) -> None:
        self._known = known
        self._columns: dict[str, _Column] = {}
        self._codes = codes

    def header(self, names: list[str], faults: Faults) -> None:
        """Refuse columns that are named like identity, or cannot be a name."""
        for name in names:
            if looks_like_identity(name):
                faults.add(
                    1,
                    name,
                    "",
                    "looks like identity, which is kept apart and encrypted; use the columns name, "
                    "email, telephone, birth_date for it, or take this column out",
                )
            elif len(name) > LONGEST_NAME or not COLUMN.fullmatch(name):
                faults.add(
                    1, name, "", f"is no name for a covariate: up to {LONGEST_NAME} letters, digits"
                )
            self._columns[name] = _Column(codes=set(self._codes.get(name, ())))

    def look(self, row: Row, faults: Faults) -> None:
        """Look at the cells of one row."""
        for name, column in self._columns.items():
            cell = row.cells.get(name, "").strip()
            if not cell or column.refused:
                continue
            if read_number(cell) is not None:
                column.numbers += 1
                column.first_number = column.first_number or (row.line, cell)
                continue
            column.texts += 1
            column.first_text = column.first_text or (row.line, cell)
            column.codes.add(cell)
            reason = _refusal(row.cells[name], column)
            if reason:
                column.refused = True
                faults.add(row.line, name, row.cells[name], reason)

    def finish(self, faults: Faults) -> None:
        """Refuse columns of numbers and codes mixed, in the file or with what is known."""
        for name, column in self._columns.items():
            if column.refused:
                continue
            was_number = self._known.get(name)
            if was_number is not None:
                column.numbers += was_number
                column.texts += not was_number
            odd = column.first_text if column.numbers >= column.texts else column.first_number
            odd = odd or column.first_text or column.first_number
            if column.numbers and column.texts and odd:
                faults.add(
                    odd[0],
                    name,
                    odd[1],
                    "numbers and codes are mixed in this column"
                    + ("" if was_number is None else " and what is known of it")
                    + "; leave the cell empty where nothing is known",
                )

    def values(self, row: Row) -> dict[str, Decimal | str]:
        """The covariates of one row."""
        found: dict[str, Decimal | str] = {}
        for name in self._columns:
            cell = row.cells.get(name, "").strip()
            number = read_number(cell)
            if number is not None:
                found[name] = number.quantize(PLACES)
            elif cell:
                found[name] = cell
        return found


def looks_like_identity(name: str) -> bool:
    """Whether a column is named like something that tells who a patient is."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[^\W\d_]+", spaced.casefold())
    if {"birth", "date"} <= set(words) or "@" in name:
        return True
    return any(word in IDENTITY or word.endswith(ENDINGS) for word in words)


def _refusal(cell: str, column: _Column) -> str | None:
    """Why a cell that is no number cannot be a code either."""
    text = cell.strip()
    if "@" in text:
        return "looks like an e-mail address: identity is no covariate; take the column out"
    if len(text) > LONGEST_CODE:
        return f"is longer than a code of {LONGEST_CODE} characters; take the column out"
    if DIALLED.fullmatch(text):
        if ISO_DATE.fullmatch(text):
            return "is a date: give a number of days or years instead, or take the column out"
        return "looks like a telephone number: identity is no covariate; take the column out"
    if len(column.codes) > MOST_CODES:
        return f"is code number {MOST_CODES + 1} of this column; {MOST_CODES} are the most"
    try:
        _CODE.deserialize(cell)
    except ValidationError as error:
        return str(error.messages[0])
    return None


def known_covariates(session: Session) -> tuple[dict[str, bool], dict[str, set[str]]]:
    """Which covariates the registry has as numbers, and the codes of the others."""
    numbers = session.execute(
        select(Covariate.name, func.count(Covariate.number))
        .where(known(Covariate))
        .group_by(Covariate.name)
    )
    codes: dict[str, set[str]] = {}
    rows = session.execute(
        select(Covariate.name, Covariate.code)
        .where(known(Covariate), Covariate.code.is_not(None))
        .distinct()
    )
    for name, code in rows:
        codes.setdefault(name, set()).add(str(code))
    return {name: count > 0 for name, count in numbers}, codes
