"""The whole registry in one process behind a real address, and a real Chromium before it."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from functional.applications import door_app, staff_app
from functional.staff_visitor import PASSWORD, member
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    sync_playwright,
)
from servers import free_port
from support import leave_out, settings_for
from waitress.server import create_server

from registry.actions.protocols import prepare_registry
from registry.app import create_embedded
from registry.clock import FixedClock
from registry.db import transaction
from registry.mail import FolderMailer
from registry.runtime import Runtime, make_runtime
from workers.schedule import run_jobs_once

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE = ViewportSize(width=390, height=800)
DESK = ViewportSize(width=1280, height=900)


@dataclass
class Live:
    """A registry that is being served: its runtime, its clock, its address, its mailbox."""

    runtime: Runtime
    clock: FixedClock
    url: str
    mailbox: Path

    def tick(self, **duration: float) -> None:
        """Let time pass, then run everything that is due."""
        self.clock.advance(**duration)
        faults = run_jobs_once(self.runtime, FolderMailer(self.mailbox))
        assert faults == {}


@contextmanager
def served(runtime: Runtime, port: int) -> Iterator[None]:
    app = create_embedded(staff_app(runtime), door_app(runtime))
    server = create_server(app, host="127.0.0.1", port=port, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.close()
        thread.join(10)


@pytest.fixture
def live(sqlite_url: str, clock: FixedClock, tmp_path: Path) -> Iterator[Live]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = replace(settings_for(sqlite_url), public_url=url, door_url=url)
    runtime = make_runtime(settings, clock, guarded=True)
    with transaction(runtime) as session:
        prepare_registry(session, by="test", at=clock.now())
    with served(runtime, port):
        yield Live(runtime, clock, url, tmp_path / "mailbox")
    runtime.close()


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config) -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        leave_out(pytestconfig, "everything in a browser", "apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Visitor:
    """A browser window. What the console complains of is kept: a broken CSP shows there."""

    context: BrowserContext
    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def go(self, address: str) -> Page:
        answer = self.page.goto(self.url + address if address.startswith("/") else address)
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"
        return self.page

    def sign_in(self, runtime: Runtime, *roles: str, site: str | None = "A") -> "Visitor":
        user = member(runtime, *roles, site=site)
        self.go("/sign-in")
        self.page.get_by_label("E-mail").fill(user.email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        return self

    def violations(self) -> list[str]:
        """What the accessibility rules find on the page as it stands, and whether it has to be
        moved sideways to be read (WCAG 1.4.10), which they do not ask.
        """
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        faults = [
            f"{self.page.url}: {one['id']}: {node['html'][:160]}"
            for one in found
            for node in one["nodes"]
        ]
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{self.page.url}: is wider than the window")
        return faults


@pytest.fixture
def window(chromium: Browser, live: Live) -> Iterator[Any]:
    """Opens windows: `window()`, `window(phone=True)`, `window(dark=True)`."""
    opened: list[Visitor] = []

    def _open(*, phone: bool = False, dark: bool = False, script: bool = True) -> Visitor:
        context = chromium.new_context(
            viewport=PHONE if phone else DESK,
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        visitor = Visitor(context, context.new_page(), live.url)

        def keep(message: ConsoleMessage) -> None:
            if message.type == "error":
                visitor.complaints.append(f"{message.text} at {message.location}")

        visitor.page.on("console", keep)
        opened.append(visitor)
        return visitor

    yield _open
    complaints = [text for visitor in opened for text in visitor.complaints]
    for visitor in opened:
        visitor.context.close()
    assert complaints == []
