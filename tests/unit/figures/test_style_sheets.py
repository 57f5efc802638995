"""Colours keep their contrast in both schemes; sheets and the component page keep the CSP."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from drawings import STATIC
from flask import Flask, render_template

from registry import door, web
from registry.reports import figures
from registry.words import register_filters

DOOR = Path(door.__file__).parent / "static" / "door.css"
SHEETS = [STATIC / "figures.css", STATIC / "registry.css", DOOR]
TEXT_PAIRS = [
    ("ink", "bg"), ("ink", "panel"), ("ink", "sunk"), ("ink-2", "bg"), ("ink-2", "panel"),
    ("accent", "bg"), ("accent", "panel"), ("accent", "accent-soft"), ("on-accent", "accent"),
    ("on-accent", "red"), ("red", "bg"), ("red", "red-soft"), ("amber", "amber-soft"),
    ("green", "green-soft"), ("ink", "red-soft"), ("ink", "amber-soft"), ("ink", "accent-soft"),
]  # fmt: skip
MARK_PAIRS = [("edge", "bg"), ("warn", "bg")]
SERIES = ["s0", "s1", "s2", "s3", "s4", "s5"]


def schemes(sheet: Path) -> dict[str, dict[str, str]]:
    """The colours of a sheet: light, and light overlaid with dark."""
    first, second = re.findall(r":root \{(.*?)\}", sheet.read_text("utf-8"), re.DOTALL)[:2]
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in (first, second))
    return {"light": light, "dark": {**light, **dark}}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("sheet", [STATIC / "figures.css", DOOR], ids=lambda p: p.name)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_keep_their_contrast(sheet: Path, scheme: str) -> None:
    colours = schemes(sheet)[scheme]
    for text, ground in TEXT_PAIRS:
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for mark, ground in MARK_PAIRS + [(s, "bg") for s in SERIES if s in colours]:
        assert contrast(colours[mark], colours[ground]) >= 3, (mark, ground)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_in_bars_can_be_read(scheme: str) -> None:
    colours = schemes(STATIC / "figures.css")[scheme]
    for series in ("s0", "s1", "s2"):
        assert contrast(colours["on-series"], colours[series]) >= 4.5, series


def test_the_door_uses_the_same_colours() -> None:
    pages, patients = schemes(STATIC / "figures.css"), schemes(DOOR)
    for scheme, colours in patients.items():
        assert colours.items() <= pages[scheme].items()


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda p: p.name)
def test_a_sheet_fetches_nothing_and_every_variable_is_known(sheet: Path) -> None:
    text = sheet.read_text("utf-8")
    assert not re.search(r"@import|url\(|!important|https?:", text)
    known = set(re.findall(r"--([\w-]+):", text)) | set(schemes(STATIC / "figures.css")["light"])
    assert set(re.findall(r"var\(--([\w-]+)", text)) <= known


def test_sheets_stay_small() -> None:
    assert DOOR.stat().st_size < 12_000
    assert sum(sheet.stat().st_size for sheet in SHEETS[:2]) < 32_000


class Page(HTMLParser):
    """Tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def values(self, attribute: str) -> Iterator[str]:
        return (attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs)


@pytest.fixture(scope="module")
def page() -> Page:
    app = Flask(web.__name__, static_folder="static", static_url_path="/static")
    register_filters(app.jinja_env)
    app.jinja_env.globals["figures"] = figures
    demo = {"day": "6 August 2026", "mailbox_url": "/mailbox", "next_day_url": "/day", "once": "1"}
    with app.test_request_context("/components"):
        return Page(
            render_template(
                "components.html",
                nav=[("Worklist", "/", True), ("Patients", "/patients", False)],
                who="A. Lindqvist, nurse", sign_out_url="/sign-out", csrf_token="t", demo=demo,
                about={"version": "0.1.0", "protocol": "sle-msc 1", "fingerprint": "7c1e"},
                notice={"text": "Nothing is sent.", "heading": "Mail is on hold"},
            )
        )  # fmt: skip


def test_the_component_sheet_has_no_inline_style_or_script(page: Page) -> None:
    names = {name for _, attrs in page.tags for name in attrs}
    assert not [name for name in names if name == "style" or name.startswith("on")]
    assert not [tag for tag, _ in page.tags if tag in {"script", "style"}]


def test_ids_are_unique_and_every_reference_is_met(page: Page) -> None:
    ids = Counter(page.values("id"))
    assert not [name for name, times in ids.items() if times > 1]
    wanted = [
        *page.values("for"),
        *page.values("aria-describedby"),
        *page.values("aria-labelledby"),
    ]
    links = [href[1:] for href in page.values("href") if href.startswith("#") and len(href) > 1]
    missing = {part for value in [*wanted, *links] for part in value.split()} - set(ids)
    assert missing == {"differs-a", "differs-b", "differs-c"}


def test_every_class_of_the_page_has_a_rule(page: Page) -> None:
    sheets = " ".join(sheet.read_text("utf-8") for sheet in SHEETS[:2])
    known = set(re.findall(r"\.([a-z][\w-]*)", sheets))
    assert {name for value in page.values("class") for name in value.split()} <= known


def test_every_form_that_posts_carries_the_token(page: Page) -> None:
    posts = [attrs for tag, attrs in page.tags if tag == "form" and attrs.get("method") == "post"]
    tokens = [value for value in page.values("name") if value == "csrf_token"]
    assert len(tokens) == len(posts) > 0
