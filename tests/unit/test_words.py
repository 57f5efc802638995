"""Figures, days and messages as words."""

import datetime as dt
import math
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from registry import words

LONDON = ZoneInfo("Europe/London")
UTC = dt.UTC
NOON = dt.datetime(2026, 10, 8, 11, 0, tzinfo=UTC)


def plain(text: str) -> str:
    """Without what glues, so that a table stays readable."""
    return text.replace("\u2060", "").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("x", "n", "lower", "upper", "zero_upper", "said"),
    [
        (13, 40, 0.2008, 0.4798, None, "13 of 40 (32.5 %, 20.1–48.0)"),
        (1300, 4000, 0.31, 0.34, None, "1,300 of 4,000 (32.5 %, 31.0–34.0)"),
        (0, 312, 0.0, 0.0122, 0.0096, "0 of 312 (up to 1.0 %, one-sided 95 %)"),
        (0, 312, 0.0, 0.0122, None, "0 of 312 (0.0 %, 0.0–1.2)"),
        (40, 40, 0.9124, 1.0, 0.07, "40 of 40 (100.0 %, 91.2–100.0)"),
        (3, 4, None, None, None, "3 of 4 (75.0 %)"),
        (0, 0, None, None, None, "0 of 0 (nobody to count)"),
        (None, 40, 0.1, 0.2, None, "hidden"),
        (3, None, 0.1, 0.2, None, "hidden"),
    ],
)
def test_a_share_carries_count_denominator_and_interval(
    x: int | None,
    n: int | None,
    lower: float | None,
    upper: float | None,
    zero_upper: float | None,
    said: str,
) -> None:
    assert plain(words.share(x, n, lower, upper, zero_upper)) == said


def test_no_line_breaks_inside_a_figure() -> None:
    said = words.share(13, 40, 0.2008, 0.4798)
    assert "32.5\u202f%" in said
    assert "20.1\u2060–\u206048.0" in said


@pytest.mark.parametrize(
    ("value", "lower", "upper", "said"),
    [
        (-0.058, -0.223, 0.084, "−5.8 (−22.3 to 8.4)"),
        (0.1, 0.05, 0.15, "10.0 (5.0 to 15.0)"),
        (-0.0004, -0.1, 0.1, "0.0 (−10.0 to 10.0)"),
        (0.2, None, None, "20.0"),
    ],
)
def test_a_difference_is_in_points_with_to(
    value: float, lower: float | None, upper: float | None, said: str
) -> None:
    assert words.difference(value, lower, upper) == said


@pytest.mark.parametrize(
    ("value", "lower", "upper", "said"),
    [
        (11.27, 8.62, 14.48, "11.27 (8.62–14.48)"),
        (0.0, 0.0, 0.5, "0 (up to 0.50)"),
        (1.2, 0.7, math.inf, "1.20 (0.70 to no upper limit)"),
        (2.0, None, None, "2.00"),
    ],
)
def test_a_rate_has_two_digits(
    value: float, lower: float | None, upper: float | None, said: str
) -> None:
    assert plain(words.rate(value, lower, upper)) == said


@pytest.mark.parametrize(
    ("p", "said"), [(0.0004, "<0.001"), (0.001, "0.001"), (0.0514, "0.051"), (1.0, "1.000")]
)
def test_a_p_value_is_never_nought(p: float, said: str) -> None:
    assert words.p_value(p) == said


@given(st.floats(-1000, 1000))
def test_a_number_has_a_true_minus_and_no_minus_nought(value: float) -> None:
    said = words.number(value)
    assert "-" not in said
    assert re.fullmatch(r"−?[\d,]+\.\d", said)
    assert said != "−0.0"
    assert float(said.replace("−", "-").replace(",", "")) == pytest.approx(value, abs=0.0501)


@given(st.integers(0, 500), st.integers(1, 500))
def test_every_share_of_a_count_can_be_read_back(x: int, n: int) -> None:
    said = plain(words.share(min(x, n), n))
    [(counted, of, percent)] = re.findall(r"^(\d+) of (\d+) \(([\d.]+) %\)$", said)
    assert (int(counted), int(of)) == (min(x, n), n)
    assert float(percent) == pytest.approx(100 * min(x, n) / n, abs=0.0501)


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-10-04", "2026-10-04", "4 October 2026"),
        ("2026-10-04", "2026-10-19", "4 to 19 October 2026"),
        ("2026-10-04", "2026-11-01", "4 October to 1 November 2026"),
        ("2025-11-18", "2026-01-17", "18 November 2025 to 17 January 2026"),
    ],
)
def test_a_range_of_days_says_nothing_twice(first: str, last: str, said: str) -> None:
    day = dt.date.fromisoformat
    assert words.date_range(day(first), day(last)) == said


def test_a_day_not_recorded_says_so() -> None:
    assert words.date(dt.date(2026, 8, 6)) == "6 August 2026"
    assert words.date(None) == "not recorded"
    assert words.moment(None, LONDON) == "not recorded"


@pytest.mark.parametrize(
    ("zone", "reader", "said"),
    [
        (LONDON, None, "8 October 2026, 12:00 London"),
        (LONDON, LONDON, "8 October 2026, 12:00"),
        (LONDON, ZoneInfo("Europe/Paris"), "8 October 2026, 12:00 London"),
        (ZoneInfo("America/New_York"), None, "8 October 2026, 07:00 New York"),
        (ZoneInfo("Pacific/Kiritimati"), None, "9 October 2026, 01:00 Kiritimati"),
        (UTC, None, "8 October 2026, 11:00 UTC"),
    ],
)
def test_a_time_names_its_zone_unless_it_is_the_readers(
    zone: dt.tzinfo, reader: dt.tzinfo | None, said: str
) -> None:
    assert words.moment(NOON, zone, reader) == said


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (dt.timedelta(seconds=59), "in 0 min"),
        (dt.timedelta(minutes=50), "in 50 min"),
        (dt.timedelta(hours=6, minutes=20), "in 6 h 20"),
        (dt.timedelta(hours=6, minutes=5), "in 6 h 05"),
        (dt.timedelta(hours=47), "in 47 h"),
        (dt.timedelta(hours=48), "in 2 days"),
        (dt.timedelta(days=40, hours=3), "in 40 days"),
        (-dt.timedelta(hours=1, minutes=50), "overdue 1 h 50"),
        (-dt.timedelta(days=3), "overdue 3 days"),
    ],
)
def test_time_left_is_said_in_few_words(span: dt.timedelta, said: str) -> None:
    assert words.until(NOON + span, NOON) == said


@pytest.mark.parametrize(
    ("days", "said"),
    [(40, "in 40 days"), (1, "in 1 day"), (0, "today"), (-1, "1 day ago"), (-3, "3 days ago")],
)
def test_days_between_dates(days: int, said: str) -> None:
    today = dt.date(2026, 10, 8)
    assert words.days_until(today + dt.timedelta(days=days), today) == said


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (dt.date(2026, 9, 8), ("8", "9", "2026")),
        ("2026-09-08", ("8", "9", "2026")),
        ("2026-09", ("", "9", "2026")),
        ({"day": "31", "month": "x", "year": None}, ("31", "x", "")),
        (None, ("", "", "")),
        ("", ("", "", "")),
    ],
)
def test_three_boxes_show_what_was_typed(value: Any, parts: tuple[str, str, str]) -> None:
    assert tuple(words.date_parts(value).values()) == parts


NESTED = {
    "lot": ["Enter the lot number"],
    "labs": {1: {"value": ["Enter a number"], "given_on": {"day": ["No such day"]}}},
    "medicines": {0: ["Not one of the medicines"]},
    "_schema": ["The dates contradict each other"],
}


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("lot", ["Enter the lot number"]),
        ("labs-1-value", ["Enter a number"]),
        ("labs-0-value", []),
        ("labs-1-given_on-day", ["No such day"]),
        ("labs-1-given_on", []),
        ("medicines", ["Not one of the medicines"]),
        ("nothing", []),
        ("lot-more", []),
    ],
)
def test_a_box_finds_its_own_messages(name: str, messages: list[str]) -> None:
    assert words.messages_at(NESTED, name) == messages


def test_the_summary_lists_every_message_once_in_the_order_of_the_page() -> None:
    assert words.all_messages(NESTED, ["medicines", "labs", "lot"]) == [
        ("medicines", "Not one of the medicines"),
        ("labs-1-value", "Enter a number"),
        ("labs-1-given_on", "No such day"),
        ("lot", "Enter the lot number"),
        ("", "The dates contradict each other"),
    ]


def test_no_messages_at_all() -> None:
    assert words.messages_at(None, "lot") == []
    assert words.all_messages(None) == []


def test_templates_have_every_function_as_a_filter() -> None:
    env = Environment(autoescape=True)
    words.register_filters(env)
    said = env.from_string("{{ 13|share(40, 0.2008, 0.4798) }}, {{ '2026-08-06'|day|date }}")
    assert plain(said.render()) == "13 of 40 (32.5 %, 20.1–48.0), 6 August 2026"
