"""A browser without JavaScript: keeps cookies, follows redirects, fills in forms. Real HTTP."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlencode, urlsplit

FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
TAG = re.compile(r"<(input|button|textarea)\b([^>]*)>")
ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')
MOST_REDIRECTS = 5
Fields = Iterable[tuple[str, str]]


class Lost(Exception):
    """A page is not what a visitor would expect there."""


@dataclass(frozen=True)
class Form:
    """A form of a page: where it goes, what it brings along, and what can be filled in.

    `choices` are the values of radio buttons and check boxes by name, `boxes` names to write in,
    `buttons` the name and value of each button.
    """

    action: str
    hidden: Mapping[str, str]
    choices: Mapping[str, list[str]]
    boxes: list[str]
    buttons: list[tuple[str, str]]


@dataclass(frozen=True)
class Page:
    """A page as it came: its status, the path it stands at, and its HTML."""

    status: int
    path: str
    html: str

    def forms(self) -> list[Form]:
        """Every form, in order."""
        return [self._form(_attributes(head), body) for head, body in FORM.findall(self.html)]

    def form(self) -> Form:
        """The only form, or the first. Raises Lost where there is none."""
        forms = self.forms()
        if not forms:
            raise Lost(f"{self.path} has no form: {self.said()}")
        return forms[0]

    def said(self) -> str:
        """The page's words, cut short."""
        main = self.html.partition("<main")[2] or self.html
        return " ".join(re.sub(r"<[^>]+>", " ", main).split())[:300]

    def _form(self, head: Mapping[str, str], body: str) -> Form:
        hidden: dict[str, str] = {}
        choices: dict[str, list[str]] = {}
        boxes, buttons = [], []
        for tag, text in TAG.findall(body):
            given = _attributes(text)
            name, kind = given.get("name", ""), given.get("type", "text")
            if tag == "button":
                buttons.append((name, given.get("value", "")))
            elif tag == "input" and kind == "hidden":
                hidden[name] = given.get("value", "")
            elif tag == "input" and kind in ("radio", "checkbox"):
                choices.setdefault(name, []).append(given.get("value", ""))
            else:
                boxes.append(name)
        return Form(head.get("action") or self.path, hidden, choices, boxes, buttons)


def _attributes(text: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in ATTRIBUTE.findall(text)}


@dataclass
class Line:
    """A connection to a server, kept open and shared by browsers that take turns.

    `public`: the port that links name; `port`: that of the process which answers this line.
    """

    host: str
    port: int
    public: int
    requests: int = 0
    _open: HTTPConnection | None = field(default=None, repr=False)

    def ask(self, method: str, path: str, body: str, headers: Mapping[str, str]) -> HTTPResponse:
        """One request. A kept connection that was closed meanwhile is opened anew, once."""
        self.requests += 1
        kept = self._open is not None
        try:
            return self._ask(method, path, body, headers)
        except (HTTPException, ConnectionError):
            self.close()
            if not kept:
                raise
            return self._ask(method, path, body, headers)

    def _ask(self, method: str, path: str, body: str, headers: Mapping[str, str]) -> HTTPResponse:
        if self._open is None:
            self._open = HTTPConnection(self.host, self.port, timeout=60)
        self._open.request(method, path, body.encode() or None, dict(headers))
        return self._open.getresponse()

    def close(self) -> None:
        """Hang up."""
        if self._open is not None:
            self._open.close()
            self._open = None


class Browser:
    """One person's browser, with its own cookies."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._cookies: dict[str, str] = {}

    def get(self, address: str) -> Page:
        """Open an address, a link of a letter or of a page."""
        parts = urlsplit(address)
        if parts.port is not None and parts.port != self._line.public:
            raise Lost(f"the link leads to port {parts.port}, not to the door")
        return self._go("GET", parts.path)

    def send(self, form: Form, fields: Fields = ()) -> Page:
        """Press a form's button."""
        return self._go("POST", form.action, urlencode([*form.hidden.items(), *fields]))

    def post(self, address: str, fields: Fields) -> Page:
        """What a mail program does for one-click unsubscribing: no page, no cookie before it."""
        return self._go("POST", urlsplit(address).path, urlencode(list(fields)))

    def _go(self, method: str, path: str, body: str = "") -> Page:
        for _ in range(MOST_REDIRECTS):
            headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
            if body:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            answer = self._line.ask(method, path, body, headers)
            html = answer.read().decode()
            self._keep(answer.headers.get_all("Set-Cookie") or [])
            if answer.status != 303:
                return Page(answer.status, path, html)
            method, path, body = "GET", str(answer.headers["Location"]), ""
        raise Lost(f"{path} sends the browser around in circles")

    def _keep(self, cookies: Iterable[str]) -> None:
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
