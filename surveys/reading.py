"""Strict reading of definition files: each key is asked for once, what is left over is wrong."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TypeVar

_T = TypeVar("_T")
_REQUIRED: list[object] = []


class DefinitionError(ValueError):
    """A definition file does not hold; the message says file, key and reason."""

    def __init__(self, file: str, key: str, reason: str) -> None:
        super().__init__(f"{file}: {key}: {reason}")
        self.file, self.key, self.reason = file, key, reason


class Table:
    """One mapping of a parsed file; leaving its `with` block refuses keys that nobody asked for."""

    def __init__(self, content: object, file: str, path: str = "") -> None:
        """Wrap parsed TOML or YAML; `path` is the dotted way from the top of the file."""
        self.file, self.path = file, path
        if not isinstance(content, Mapping):
            raise DefinitionError(file, path or "the file", "must be a table of keys and values")
        self._left: dict[str, object] = {str(key): value for key, value in content.items()}

    def __enter__(self) -> "Table":
        """Read inside the block."""
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Refuse unknown keys, unless something else went wrong already."""
        if kind is None and self._left:
            known = ", ".join(sorted(self._left))
            raise DefinitionError(self.file, self.path or "the file", f"unknown key: {known}")

    def error(self, key: str, reason: str) -> DefinitionError:
        """The error for one key of this table, ready to raise."""
        return DefinitionError(self.file, self._at(key), reason)

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def __contains__(self, key: str) -> bool:
        """Whether the key is there and not yet read."""
        return key in self._left

    def _take(self, key: str, kinds: tuple[type, ...], words: str, default: object) -> object:
        if key not in self._left:
            if default is _REQUIRED:
                raise self.error(key, f"is missing ({words})")
            return default
        value = self._left.pop(key)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.error(key, f"must be {words}, not {value!r}")
        return value

    def text(self, key: str, default: object = _REQUIRED) -> str:
        """A text that is not empty."""
        value = str(self._take(key, (str,), "a text", default))
        if default is _REQUIRED and not value.strip():
            raise self.error(key, "must not be empty")
        return value

    def text_or_none(self, key: str) -> str | None:
        """A text, or None where the key is absent."""
        return self.text(key) if key in self else None

    def integer(self, key: str, default: object = _REQUIRED) -> int:
        """A whole number."""
        value = self._take(key, (int,), "a whole number", default)
        return int(str(value))

    def number(self, key: str, default: object = _REQUIRED) -> float:
        """A number."""
        value = self._take(key, (int, float), "a number", default)
        return float(str(value))

    def number_or_none(self, key: str) -> float | None:
        """A number, or None where the key is absent."""
        return self.number(key) if key in self else None

    def flag(self, key: str, default: object = _REQUIRED) -> bool:
        """True or false."""
        return bool(self._take(key, (bool,), "true or false", default))

    def texts(self, key: str, default: object = _REQUIRED) -> tuple[str, ...]:
        """A list of texts."""
        return self._list(key, default, lambda value: isinstance(value, str), "texts", str)

    def integers(self, key: str, default: object = _REQUIRED) -> tuple[int, ...]:
        """A list of whole numbers."""
        return self._list(key, default, lambda value: type(value) is int, "whole numbers", _whole)

    def _list(
        self,
        key: str,
        default: object,
        good: Callable[[object], bool],
        words: str,
        made: Callable[[object], _T],
    ) -> tuple[_T, ...]:
        values = self._take(key, (list, tuple), f"a list of {words}", default)
        items: list[object] = list(values) if isinstance(values, list | tuple) else []
        if not all(good(item) for item in items):
            raise self.error(key, f"must be a list of {words}, not {items!r}")
        return tuple(made(item) for item in items)

    def table(self, key: str, default: object = _REQUIRED) -> "Table":
        """A table inside this one."""
        content = self._take(key, (Mapping,), "a table", default)
        return Table(content, self.file, self._at(key))

    def tables(self, key: str, default: object = _REQUIRED) -> "tuple[Table, ...]":
        """A list of tables, each named by its position in errors."""
        values = self._take(key, (list, tuple), "a list of tables", default)
        items: list[object] = list(values) if isinstance(values, list | tuple) else []
        named = [(item, f"{self._at(key)}[{_name(item, n)}]") for n, item in enumerate(items)]
        return tuple(Table(item, self.file, path) for item, path in named)


def _whole(value: object) -> int:
    return int(str(value))


def _name(item: object, position: int) -> str:
    """The code or month of a listed table if it has one: easier to find than its position."""
    if isinstance(item, Mapping):
        return str(item.get("code", item.get("month", position)))
    return str(position)


def fingerprint(content: object) -> str:
    """SHA-256 (hex) of JSON with sorted keys and no spaces: equal content, equal fingerprint."""
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()
