"""Reviewed data files: YAML read strictly into frozen dataclasses, each fault told by place."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

import yaml

from registry.errors import Invalid

T = TypeVar("T")


class DataFileError(Invalid):
    """A data file cannot be used; the message names the file, the place in it and what to write."""


class _StrictLoader(yaml.SafeLoader):
    """YAML as the reviewer sees it: no key twice, decimals exact, no silent dates."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise DataFileError(f"line {line}: '{key}' stands twice; keep one of them")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _decimal(loader: _StrictLoader, node: yaml.ScalarNode) -> Decimal:
    try:
        return Decimal(loader.construct_scalar(node))
    except InvalidOperation:
        line = node.start_mark.line + 1
        raise DataFileError(f"line {line}: {node.value} is not a number here") from None


def _text(loader: _StrictLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_StrictLoader.add_constructor("tag:yaml.org,2002:float", _decimal)
_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def read_yaml(text: str, where: str) -> object:
    """The content of one YAML document, numbers with a point as exact Decimals.

    Raises DataFileError on broken YAML and on a key that stands twice; `where` names the file.
    """
    try:
        return _StrictLoader(text).get_single_data()
    except DataFileError as fault:
        raise DataFileError(f"{where}, {fault}") from None
    except yaml.YAMLError as fault:
        raise DataFileError(f"{where} is not valid YAML: {fault}") from None


def record(kind: type[T], data: object, where: str) -> T:
    """`data` as an instance of the frozen dataclass `kind`; unknown and missing keys are refused.

    A dataclass field with `metadata={"given": True}` is set by the program and may not be written
    in the file. Raises DataFileError naming `where` and the key.
    """
    rows = _mapping(data, where)
    fields = {field.name: field for field in dataclasses.fields(typing.cast(typing.Any, kind))}
    allowed = [name for name, field in fields.items() if not field.metadata.get("given")]
    _refuse_unknown(rows, allowed, where)
    missing = [name for name in allowed if name not in rows and _required(fields[name])]
    if missing:
        raise DataFileError(f"{where}: {_listed(missing)} missing")
    hints = typing.get_type_hints(kind)
    values = {name: _value(hints[name], rows[name], f"{where}, {name}") for name in rows}
    try:
        return kind(**values)
    except ValueError as fault:
        raise DataFileError(f"{where}: {fault}") from None


def _required(field: dataclasses.Field[object]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _refuse_unknown(rows: Mapping[str, object], allowed: Iterable[str], where: str) -> None:
    unknown = sorted(set(rows) - set(allowed))
    if unknown:
        raise DataFileError(f"{where}: unknown {_listed(unknown)}; known are {_listed(allowed)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _mapping(data: object, where: str) -> Mapping[str, object]:
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise DataFileError(f"{where}: needs keys (all of them text) with values")
    return data


def _value(hint: object, value: object, where: str) -> object:
    origin = typing.get_origin(hint)
    inner = typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _optional(inner, value, where)
    if origin is tuple:
        return _items(inner[0], value, where)
    if origin is not None and issubclass(origin, Mapping):
        rows = _mapping(value, where)
        return {key: _value(inner[1], item, f"{where} '{key}'") for key, item in rows.items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return record(hint, value, where)
    return _scalar(hint, value, where)


def _optional(inner: tuple[object, ...], value: object, where: str) -> object:
    if value is None and type(None) in inner:
        return None
    return _value(next(item for item in inner if item is not type(None)), value, where)


def _items(hint: object, value: object, where: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise DataFileError(f"{where}: a list is expected")
    return tuple(_value(hint, item, f"{where} {at}") for at, item in enumerate(value, start=1))


def _scalar(hint: object, value: object, where: str) -> object:
    if hint is Decimal and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is bool and isinstance(value, bool):
        return value
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _choice(hint, value, where)
    if (
        hint is str
        and isinstance(value, str)
        and value.strip()
        and len(value) == len(value.strip())
    ):
        return value
    raise DataFileError(f"{where}: {value!r} is not {_EXPECTED.get(hint, 'what is expected')}")


def _choice(kind: type[StrEnum], value: object, where: str) -> StrEnum:
    if value not in [item.value for item in kind]:
        raise DataFileError(f"{where}: {value!r} is none of {_listed(kind)}")
    return kind(str(value))


_EXPECTED: dict[object, str] = {
    Decimal: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "text (put it in quotes, without blanks at its ends)",
}
