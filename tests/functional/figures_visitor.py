"""A small registry whose every count is known, and a reader who opens all that can be reached."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from functional.staff_visitor import Staff
from spec.little import Answered, Event, Noted, Person, build

from registry.db import transaction
from registry.runtime import Runtime

FIGURES = ("response", "outcomes", "safety", "survival", "published")
DUE = {1: 30, 3: 91}
FIRST, SECOND = date(2025, 8, 4), date(2025, 8, 25)
"""Of both the windows of month 1 and 3 have closed by 31 December 2025."""


def answered(month: int, better: bool, status: str = "complete") -> Answered:
    """An answer on the day it was due, with its outcome if it is complete."""
    values = {"responder": float(better)} if status == "complete" else {}
    return Answered(month, DUE[month], status, values=values)


def small_registry() -> list[Person]:
    """62 people at two sites, with counts of 1 to 7 in every table.

    Of each month: 40 answer (22 better), 12 in part, 2 refuse, 3 could not, 4 cannot be reached,
    and one has died by month 3.
    """
    people = []
    for place in range(62):
        site = "A" if place < 36 else "B"
        people.append(Person(treated_on=FIRST if place % 2 else SECOND, site=site))
    for place in range(62):
        people[place] = _told(people[place], place)
    people[61] = replace(people[61], death=70, answers=(answered(1, True),))
    return people


def _told(person: Person, place: int) -> Person:
    months = tuple(DUE)
    if place < 40:
        told = tuple(answered(month, place % 9 < 5) for month in months)
        events = _events(place)
        return replace(person, answers=told, events=events, visits=(0,))
    if place < 52:
        return replace(person, answers=tuple(answered(m, False, "partial") for m in months))
    code = "refused" if place < 54 else "other" if place < 57 else "no_contact"
    return replace(person, log=tuple(Noted(month, code, DUE[month]) for month in months))


def _events(place: int) -> tuple[Event, ...]:
    if place < 3:
        return (Event("Pneumonia", 20, serious=True, grade=3),)
    if place < 15:
        return (Event("Headache", 12),)
    return (Event("Fever", 8, grade=2),) if place < 20 else ()


def fill(runtime: Runtime, people: list[Person]) -> None:
    """Write them down."""
    with transaction(runtime) as session:
        build(session, people, at=runtime.clock.now())


class _Ways(HTMLParser):
    """Every address that a page leads to: links, pictures, and its GET forms filled in each way."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.action: str | None = None
        self.select = ""
        self.options: dict[str, list[str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.found.append(given.get("href", ""))
        elif tag == "form":
            is_get = given.get("method", "get") == "get"
            self.action, self.options = (given.get("action", "") if is_get else None), {}
        elif tag == "select":
            self.select = given.get("name", "")
        elif tag == "option":
            self.options.setdefault(self.select, []).append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self.action is not None:
            for name, values in self.options.items():
                self.found += [f"{self.action}?{urlencode({name: value})}" for value in values]
            self.action = None


class Crawled(dict[str, str]):
    """Texts by address; `files` are the names under which they are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, str] = {}


def crawl(reader: Staff, start: str = "/", within: str = "") -> Crawled:
    """All that can be reached from `start` by links and GET forms.

    `within`: only addresses with this in them are followed.
    """
    found = Crawled()
    waiting = [start]
    while waiting:
        address = waiting.pop()
        if address in found:
            continue
        answer = reader.get(address)
        found[address] = _steady(answer.text)
        found.files[address] = answer.headers.get("Content-Disposition", "")
        if answer.mimetype == "text/html":
            waiting += [way for way in _ways(answer.text) if within in way]
    return found


def _ways(html: str) -> Iterator[str]:
    for way in _Ways(html).found:
        parts = urlsplit(way)
        if not parts.scheme and parts.path.startswith("/") and parts.path != "/sign-out":
            yield f"{parts.path}?{parts.query}" if parts.query else parts.path


def _steady(text: str) -> str:
    """A page without what differs from reader to reader: name and form token."""
    text = re.sub(r'name="csrf_token" value="[^"]*"', "", text)
    return re.sub(r'<div class="who"><span>[^<]*</span>', "", text)


def words_of(document: str) -> str:
    """All that is written in a page or picture, alternative texts and titles too."""
    attributes = re.findall(r'(?:title|alt|aria-label|data-label|content)="([^"]*)"', document)
    text = re.sub(r"<style>.*?</style>", " ", document, flags=re.DOTALL)
    return unescape(" ".join([re.sub(r"<[^>]+>", " ", text), *attributes]))
