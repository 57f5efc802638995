"""The columns of a file: the header checked once, then each cell by the field of its column."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, fields

from registry.imports.faults import Faults
from registry.imports.reading import Row

Values = dict[str, Any]
REMEMBERED = 500  # cells per column: dates and codes come again and again


@dataclass
class Columns:
    """What a file of one kind may hold.

    `needed` columns must be in the header. A file with `open_ended` columns has meanings for those
    that no field knows; `known` and `others` are filled by the header.
    """

    schema: Schema
    needed: Collection[str]
    open_ended: bool = False

    def __post_init__(self) -> None:
        self.fields: Mapping[str, fields.Field[Any]] = self.schema.fields
        self.others: list[str] = []
        self._seen: dict[str, dict[str, Any]] = {}

    def header(self, names: list[str], faults: Faults) -> bool:
        """Whether the header can be used. Fills `others`."""
        before = faults.count
        if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
            faults.add(1, "", names[0], "the cells are not apart by commas; save it as CSV UTF-8")
            return False
        for name in sorted({name for name in names if names.count(name) > 1}):
            faults.add(1, name, "", "two columns have this name; give each its own")
        for name in self.needed:
            if name not in names:
                faults.add(1, name, "", f"this column is missing; needed: {_listed(self.needed)}")
        self.others = [name for name in names if name not in self.fields]
        for name in self.others:
            if not name:
                faults.add(1, "", "", "a column has no name; give it one or take it out")
            elif not self.open_ended:
                faults.add(1, name, "", self._unknown())
        return faults.count == before

    def _unknown(self) -> str:
        return f"there is no such column; take it out, or use one of: {_listed(self.fields)}"

    def parse(self, row: Row, faults: Faults) -> Values | None:
        """The values of one row; None if any of its cells was refused."""
        before = faults.count
        values: Values = {}
        for name, field in self.fields.items():
            cell = row.cells.get(name, "")
            if not cell.strip():
                if field.required:
                    faults.add(row.line, name, "", "is missing; every row needs it")
                continue
            try:
                values[name] = self._value(name, field, cell)
            except ValidationError as error:
                faults.add(row.line, name, cell, str(error.messages[0]))
        return values if faults.count == before else None

    def _value(self, name: str, field: fields.Field[Any], cell: str) -> Any:
        """The cell's value; the first few hundred cells of a column are remembered."""
        seen = self._seen.setdefault(name, {})
        if cell not in seen:
            value = field.deserialize(cell)
            if len(seen) >= REMEMBERED:
                return value
            seen[cell] = value
        return seen[cell]


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)
