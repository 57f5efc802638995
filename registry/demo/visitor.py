"""A patient at the door: follows the link of a letter and answers page by page."""

import re
from urllib.parse import urlsplit

from registry.demo.browser import Browser, Form, Line, Lost, Page
from registry.demo.post import Delivered
from registry.demo.replies import OPTIONAL, Reply, Value

LINK = re.compile(r"https?://\S+/s/[\w-]+")
MONTH = re.compile(r"questions of month (\d+)")
ONWARD = re.compile(r'<a class="btn" href="([^"]+)"')
MOST_PAGES = 80
DECLINED = "prefer_not_to_say"


def link_in(letter: Delivered) -> str:
    """The link that the letter brings. Raises Lost."""
    found = LINK.search(letter.text)
    if found is None:
        raise Lost("a letter without a link")
    return found[0]


def month_of(letter: Delivered) -> int:
    """Which questionnaire the letter is about. Raises Lost."""
    found = MONTH.search(letter.text)
    if found is None:
        raise Lost("a letter that does not say which questions it is about")
    return int(found[1])


def unsubscribe_link_in(letter: Delivered) -> str:
    """The address of one-click unsubscribing (RFC 8058)."""
    return str(letter.message["List-Unsubscribe"]).strip().strip("<>").split(">")[0]


class Visitor:
    """One visit in one browser."""

    def __init__(self, line: Line) -> None:
        self._browser = Browser(line)

    def answer(self, link: str, reply: Reply, until: str | None = None) -> None:
        """Open the link, go in, and answer until the review, then send; or stop after the page
        with the question `until`, and close the browser.
        """
        page = self._enter(link)
        for _ in range(MOST_PAGES):
            if page.path.endswith("/review"):
                self._send(page)
                return
            if "/advice/" in page.path:
                page = self._browser.get(_onward(page))
                continue
            form = page.form()
            page = self._expect(self._browser.send(form, filled(form, reply)), 200)
            if until is not None and is_on(form, until):
                return
        raise Lost("the questionnaire does not end")

    def leave(self, link: str) -> None:
        """Open the link, go in, and leave the registry."""
        page = self._enter(link)
        leave = re.search(r'href="([^"]*/s/leave)"', page.html)
        if leave is None:
            raise Lost(f"no way to leave: {page.said()}")
        self._leave(self._browser.get(leave[1]))

    def leave_by_unsubscribing(self, address: str) -> None:
        """Open the unsubscribe link of a letter and choose to leave the registry there."""
        page = self._expect(self._browser.get(address), 200)
        form = next(form for form in page.forms() if ("then", "leave") in form.buttons)
        self._leave(self._browser.send(form, [("then", "leave")]))

    def unsubscribe(self, address: str) -> None:
        """One click in the mail program."""
        self._expect(self._browser.post(address, [("List-Unsubscribe", "One-Click")]), 200)

    def _enter(self, link: str) -> Page:
        page = self._expect(self._browser.get(link), 200)
        form = page.form()
        fields = [("respondent", "self")] if "respondent" in form.choices else []
        return self._expect(self._browser.send(form, fields), 200)

    def _send(self, review: Page) -> None:
        page = self._expect(self._browser.send(review.form()), 200)
        if not urlsplit(page.path).path.endswith("/done"):
            raise Lost(f"the answers were not sent: {page.said()}")

    def _leave(self, page: Page) -> None:
        form = self._expect(page, 200).form()
        self._expect(self._browser.send(form, [("reason", "I have my reasons")]), 200)

    def _expect(self, page: Page, status: int) -> Page:
        if page.status != status:
            raise Lost(f"{page.path} answers {page.status}: {page.said()}")
        return page


def _onward(page: Page) -> str:
    found = ONWARD.search(page.html)
    if found is None:
        raise Lost(f"advice that leads nowhere: {page.said()}")
    return found[1]


def is_on(form: Form, code: str) -> bool:
    """Whether a question is on this page."""
    return code in form.choices or code in form.boxes or f"{code}-year" in form.boxes


def filled(form: Form, reply: Reply) -> list[tuple[str, str]]:
    """What a person with these answers enters. Raises Lost for a question not expected."""
    names = dict.fromkeys([*form.choices, *form.boxes])
    codes = dict.fromkeys(re.sub(r"-(day|month|year)$", "", name) for name in names)
    fields: list[tuple[str, str]] = []
    for code in codes:
        if code not in reply.values and code != OPTIONAL:
            raise Lost(f"the question {code} was not to be expected")
        fields += _entered(code, reply.values.get(code, []), f"{code}-year" in names)
    return fields


def _entered(code: str, value: Value, is_date: bool) -> list[tuple[str, str]]:
    if value is None:
        return [(code, DECLINED)]
    if isinstance(value, list):
        return [(code, one) for one in value]
    if is_date:
        year, month, *day = value.split("-")
        return [(f"{code}-day", "".join(day)), (f"{code}-month", month), (f"{code}-year", year)]
    return [(code, value)]
