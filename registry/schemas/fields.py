"""Fields that refuse what cannot be meant, and say how to write it."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from marshmallow import ValidationError, fields

FORMULA = re.compile(r"[\t\r\n ]*[=+\-@]|[\t\r]")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?")
EMAIL = re.compile(r"[^@\s<>\"(),:;\[\]\\]{1,64}@([^@\s<>\"(),:;\[\]\\.]+\.)+[^@\s\W\d_]{2,}")
TELEPHONE = re.compile(r"\+?[0-9][0-9 ()/.\-]{3,28}[0-9)]")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
LARGEST = Decimal("1e14")
PAGES = frozenset(
    {"administrations", "alerts", "answers", "baseline", "calls", "consents", "course", "courses"}
    | {"death", "enrolled", "events", "follow-ups", "history", "holds", "identity", "labs"}
    | {"letters", "links", "mail", "medicines", "observations", "plan", "questionnaires"}
    | {"reported-events", "reports", "tasks", "telephone", "treatment-date", "withdrawal"}
)
"""What stands behind a study number in addresses."""


def is_formula(text: str) -> bool:
    """Whether a spreadsheet might run the text; a plain number is none."""
    return bool(FORMULA.match(text)) and not NUMBER.fullmatch(text.strip())


class PlainText(fields.String):
    """Text of one line for people to read."""

    def __init__(self, longest: int, **options: Any) -> None:
        super().__init__(**options)
        self.longest = longest

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if is_formula(text):
            raise ValidationError(
                "looks like a spreadsheet formula (it begins with = + - @ or a tab); "
                "begin it with a letter or digit"
            )
        text = text.strip()
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
            if any("\ud800" <= sign <= "\udfff" for sign in text):
                raise ValidationError("is not UTF-8; save the file as UTF-8")
        if not text:
            raise ValidationError("is empty")
        if len(text) > self.longest:
            raise ValidationError(f"has {len(text)} characters; {self.longest} is the most")
        if not text.isprintable():
            raise ValidationError("has a control character or a line break in it; take it out")
        return text


class Lines(fields.String):
    """Text of several lines, at most `longest` characters."""

    def __init__(self, longest: int, **options: Any) -> None:
        super().__init__(**options)
        self.longest = longest

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs).strip()
        if len(text) > self.longest:
            raise ValidationError(f"has {len(text)} characters; {self.longest} is the most")
        if any(not sign.isprintable() and sign not in "\r\n\t" for sign in text):
            raise ValidationError("has a control character in it; take it out")
        return text


class Holidays(Lines):
    """Days, one a line, each with what it is called: `2026-12-25 Christmas Day`. Gives
    {day: name}.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        found: dict[date, str] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            day, _, name = line.partition(" ")
            try:
                found[date.fromisoformat(day)] = name.strip()[:80]
            except ValueError as error:
                told = f"{line[:40]!r} does not begin with a day like 2026-12-25"
                raise ValidationError(told) from error
        return found


class Email(PlainText):
    """An e-mail address."""

    def __init__(self, **options: Any) -> None:
        super().__init__(200, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not EMAIL.fullmatch(text):
            raise ValidationError("is not an e-mail address; write it like name@example.org")
        return text


class Telephone(fields.String):
    """A telephone number with its country code; it may begin with +."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs)).strip()
        if not TELEPHONE.fullmatch(text):
            raise ValidationError("is not a telephone number; write it like +49 30 5550100")
        return text


class Day(fields.Date):
    """A civil date, written 2024-02-29."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        text = value.strip() if isinstance(value, str) else ""
        if not ISO_DATE.fullmatch(text):
            raise ValidationError("is not a date; write it as year-month-day, like 2024-02-29")
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise ValidationError("is a day that the calendar does not have") from error
        if not 1900 <= day.year <= 2200:
            raise ValidationError("is not in a year between 1900 and 2200")
        return day


class Amount(fields.Decimal):
    """A finite number with a point for decimals, in exact decimals."""

    def __init__(self, low: str | None = None, high: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.low = None if low is None else Decimal(low)
        self.high = None if high is None else Decimal(high)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else float(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        text = "" if isinstance(value, bool) else str(value).strip()
        number = read_number(text)
        if number is None:
            raise ValidationError("is not a number; write it like 7.5, with a point")
        if self.low is not None and number < self.low:
            raise ValidationError(f"is less than {self.low}")
        if self.high is not None and number > self.high:
            raise ValidationError(f"is more than {self.high}")
        return number


def read_number(text: str) -> Decimal | None:
    """The number that a text is, exactly; None if it is none, or none that can be kept."""
    if not NUMBER.fullmatch(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if abs(number) < LARGEST else None


class Whole(fields.Integer):
    """A whole number between two bounds."""

    def __init__(self, low: int, high: int, **options: Any) -> None:
        super().__init__(**options)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        text = "" if isinstance(value, bool) else str(value).strip()
        if not re.fullmatch(r"-?[0-9]{1,9}", text) or not self.low <= int(text) <= self.high:
            raise ValidationError(f"is not a whole number from {self.low} to {self.high}")
        return int(text)


class YesNo(fields.Boolean):
    """Yes or no, as people and programs write it."""

    WORDS: Mapping[str, bool] = {
        "1": True,
        "yes": True,
        "y": True,
        "true": True,
        "0": False,
        "no": False,
        "n": False,
        "false": False,
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        word = str(value).strip().casefold()
        if word not in self.WORDS:
            raise ValidationError("is neither yes nor no; write 1 or 0, yes or no")
        return self.WORDS[word]


class Choice(fields.String):
    """One of a few codes; other spellings of a code are read as it."""

    def __init__(
        self, codes: Iterable[str], also: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        self.codes = tuple(codes)
        super().__init__(metadata={"enum": list(self.codes)}, **options)
        self.words = {folded(code): code for code in self.codes}
        self.words |= {folded(word): code for word, code in (also or {}).items()}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = self.words.get(folded(str(value)))
        if code is None:
            raise ValidationError(f"is none of: {', '.join(self.codes)}")
        return code


def folded(word: str) -> str:
    """A code as it is compared: "Umbilical cord", "umbilical-cord" are umbilical_cord."""
    return re.sub(r"[\s\-_]+", "_", word.strip().casefold())


class Zone(fields.String):
    """The name of a time zone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        name = str(super()._deserialize(value, attr, data, **kwargs)).strip()
        if name not in _zones():
            raise ValidationError("is not a time zone; write it like Europe/Berlin")
        return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


class Language(fields.String):
    """The tag of a language."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        tag = str(super()._deserialize(value, attr, data, **kwargs)).strip()
        if not LANGUAGE.fullmatch(tag):
            raise ValidationError("is not a language; write it like en or pt-BR")
        return tag


class Code(PlainText):
    """A short code of letters, digits and . _ - / or blanks: study numbers, sites."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(r"[\w.\-/ #]+", text):
            raise ValidationError("has signs in it other than letters, digits and . _ - / #")
        return text


class StudyNumber(Code):
    """A patient's study number. It stands in addresses as it is, so that a part between slashes
    may not be one that browsers leave out, or the name of a page.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(40, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        first, *others = text.split("/")
        if {first, *others} & {"", ".", ".."} or PAGES.intersection(others):
            raise ValidationError("reads like the address of a page; write it without the slash")
        return text
