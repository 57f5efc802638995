"""Fields: what is meant is read, whatever the skin; what cannot be meant is refused in words."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, fields

from registry.schemas.fields import (
    Amount,
    Choice,
    Code,
    Day,
    Email,
    Language,
    Lines,
    PlainText,
    Telephone,
    Whole,
    YesNo,
    Zone,
    is_formula,
    read_number,
)

SOURCES = Choice(("umbilical_cord", "adipose"), {"fat": "adipose"})


@pytest.mark.parametrize(
    ("field", "given_", "meant"),
    [
        (PlainText(20), "  Ada Mari\u0301a ", "Ada María"),
        (PlainText(20), "-7.5", "-7.5"),
        (PlainText(20), "+1e8", "+1e8"),
        (Lines(40), " two\r\nlines ", "two\r\nlines"),
        (Code(20), "R-0001", "R-0001"),
        (Code(20), "Zürich/2 #3", "Zürich/2 #3"),
        (Email(), " Ada.Invented@sub.example.org ", "Ada.Invented@sub.example.org"),
        (Telephone(), "+49 (0)30/555-0100", "+49 (0)30/555-0100"),
        (Day(), " 2024-02-29 ", date(2024, 2, 29)),
        (Amount(), "-1.50", Decimal("-1.50")),
        (Amount(), 7, Decimal(7)),
        (Amount(), 0.1, Decimal("0.1")),
        (Amount(), "1e3", Decimal(1000)),
        (Whole(0, 120), "44", 44),
        (Whole(-5, 5), -5, -5),
        (YesNo(), "Yes", True),
        (YesNo(), False, False),
        (YesNo(), 1, True),
        (SOURCES, "Umbilical-Cord", "umbilical_cord"),
        (SOURCES, "FAT", "adipose"),
        (Zone(), "Europe/Berlin", "Europe/Berlin"),
        (Language(), "pt-BR", "pt-BR"),
    ],
)
def test_what_is_meant_is_read(field: fields.Field[Any], given_: object, meant: object) -> None:
    assert field.deserialize(given_) == meant


@pytest.mark.parametrize(
    ("field", "given_", "words"),
    [
        (PlainText(5), "=1+1", "begins with = \\+ - @ or a tab"),
        (PlainText(5), "123456", "has 6 characters; 5 is the most"),
        (PlainText(5), " ", "is empty"),
        (PlainText(5), "a\nb", "control character or a line break"),
        (PlainText(5), "a\udcff", "is not UTF-8"),
        (PlainText(5), 7, "Not a valid string"),
        (Lines(3), "1234", "has 4 characters; 3 is the most"),
        (Lines(9), "a\x00b", "has a control character"),
        (Code(9), "a;b", "has signs in it other than letters, digits"),
        (Email(), "ada@example", "is not an e-mail address"),
        (Email(), "ada@@example.org", "is not an e-mail address"),
        (Email(), "a,b@example.org", "is not an e-mail address"),
        (Telephone(), "911", "is not a telephone number"),
        (Day(), "2024-2-9", "is not a date; write it as year-month-day"),
        (Day(), 20240229, "is not a date"),
        (Day(), "2023-02-29", "the calendar does not have"),
        (Day(), "1066-10-14", "between 1900 and 2200"),
        (Amount(), "1,5", "is not a number; write it like 7.5"),
        (Amount(), True, "is not a number"),
        (Amount(), "nan", "is not a number"),
        (Amount(), "1e15", "is not a number"),
        (Amount("0"), "-1", "is less than 0"),
        (Amount(high="9"), 10, "is more than 9"),
        (Whole(0, 5), "2.0", "is not a whole number from 0 to 5"),
        (Whole(0, 5), 6, "is not a whole number from 0 to 5"),
        (Whole(0, 5), True, "is not a whole number"),
        (YesNo(), "perhaps", "is neither yes nor no"),
        (SOURCES, "bone", "is none of: umbilical_cord, adipose"),
        (Zone(), "Mars/Base", "is not a time zone"),
        (Language(), "English", "is not a language"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    field: fields.Field[Any], given_: object, words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        field.deserialize(given_)


@given(st.text(max_size=30))
def test_no_text_that_a_spreadsheet_runs_gets_in(text: str) -> None:
    try:
        kept = PlainText(40).deserialize(text)
    except ValidationError:
        return
    assert not kept.startswith(("=", "@", "\t"))
    assert not kept.startswith(("+", "-")) or read_number(kept) is not None
    assert not is_formula(kept)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**13), max_value=10**13))
def test_numbers_are_exact(number: Decimal) -> None:
    text = f"{number:f}"
    assert read_number(text) == number


@given(st.text(max_size=12))
def test_reading_a_number_never_fails(text: str) -> None:
    number = read_number(text)
    assert number is None or number.is_finite()


def test_numbers_and_days_go_out_as_json_has_them() -> None:
    class Row:
        amount, day = Decimal("7.5"), date(2024, 2, 29)

    assert Amount().serialize("amount", Row()) == 7.5
    assert Day().serialize("day", Row()) == "2024-02-29"
