"""The door: patients answer over HTTP, against an application that only keeps what is posted."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from sqlalchemy import select

from benchmarks.bare import DATABASE, prepare
from benchmarks.measure import Result, say, seconds
from benchmarks.plan import Plan
from benchmarks.registries import Store, environment, opened, settings
from benchmarks.sending import enrol_due, queue
from registry import tokens
from registry.db import reading
from registry.models import Instance, SurveyLink
from tests.functional.door_visitor import Form, filled
from tests.servers import ended, free_port, wait_until_open

QUESTIONNAIRES, AT_ONCE = 8, 4
LINK = "LINK"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
REGISTRY = Path(sys.executable).with_name("registry")


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a questionnaire, and where a form leads."""

    path: str
    form: Mapping[str, object] | None = None
    onward: str = ""


class Browser:
    """One patient's browser: a connection that is kept, a cookie, the forms' secret."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookie = self._csrf = ""

    def get(self, path: str) -> str:
        """The page."""
        page = self._ask("GET", path, None)[1]
        found = CSRF.search(page)
        self._csrf = found[1] if found else self._csrf
        return page

    def post(self, path: str, form: Mapping[str, object]) -> str:
        """Send a form; where it leads."""
        told = {**form, "csrf_token": self._csrf} if "csrf_token" in form else form
        return self._ask("POST", path, urlencode(told, doseq=True))[0]

    def close(self) -> None:
        """Give up the connection."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None) -> tuple[str, str]:
        headers = {"Cookie": self._cookie} if self._cookie else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        page = answer.read().decode()
        assert answer.status in {200, 303}, f"{method} {path}: {answer.status}"
        self._cookie = answer.getheader("Set-Cookie", self._cookie).partition(";")[0]
        return answer.getheader("Location", ""), page


def results(plan: Plan) -> Iterator[Result]:
    """One result per kind of database."""
    for store in plan.stores:
        say(f"answer on {store.name}")
        processes = 1 if store.name == "SQLite" else 2
        links, url = _links(store, QUESTIONNAIRES * (plan.rounds + 1) + 1)
        with _door(url, processes) as door, _bare(plan.folder, store, processes) as plain:
            steps = _first_questionnaire(door, links.pop())
            ours, limit = [], []
            for number in range(plan.rounds + 1):
                mine = links[number * QUESTIONNAIRES : (number + 1) * QUESTIONNAIRES]
                ours.append(seconds(partial(_answer, door, steps, mine, is_door=True)))
                limit.append(seconds(partial(_answer, plain, steps, mine, is_door=False)))
        rate = QUESTIONNAIRES / median(ours[1:])
        yield Result(
            f"the door, {store.name}, {AT_ONCE} patients at a time",
            "requests",
            QUESTIONNAIRES * len(steps),
            ours[1:],  # the first round warms both up
            {"the same requests to an application that commits one row a form": limit[1:]},
            [f"{len(steps)} requests a questionnaire: {rate:.2g} questionnaires a second"],
        )


def _links(store: Store, count: int) -> tuple[list[str], str]:
    """The tokens of questionnaires that wait to be answered."""
    url = store.fresh()
    enrol_due(url, count)
    with opened(url) as runtime:
        queue(runtime, count)
        with reading(runtime) as session:
            instance = session.get_one(Instance, 1).instance_id
            rows = session.scalars(select(SurveyLink).order_by(SurveyLink.id)).all()
    keys = settings(url).token_keys
    made = [tokens.survey_token(keys, 1, instance, row.follow_up_id, row.number) for row in rows]
    assert len(made) == count
    return made, url


@contextmanager
def _door(url: str, processes: int) -> Iterator[int]:
    command = [str(REGISTRY), "door", "--concurrency", str(processes)]
    with _served([*command, "--port"], environment(url)) as port:
        yield port


@contextmanager
def _bare(folder: Path, store: Store, processes: int) -> Iterator[int]:
    """The application of `bare`, served as `registry door` serves its own."""
    url = f"sqlite:///{folder}/bare.sqlite" if store.name == "SQLite" else store.fresh()
    prepare(url)
    command = [
        sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4",
        "--workers", str(processes), "--no-control-socket", "benchmarks.bare:application", "--bind",
    ]  # fmt: skip
    with _served(command, environment(url) | {DATABASE: url}, "127.0.0.1:") as port:
        yield port


@contextmanager
def _served(command: Sequence[str], env: Mapping[str, str], host: str = "") -> Iterator[int]:
    port = free_port()
    with ExitStack() as stack:
        process = subprocess.Popen(
            [*command, f"{host}{port}"],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.enter_context(ended(process))
        wait_until_open(port, process)
        yield port


def _first_questionnaire(port: int, token: str) -> list[Step]:
    """Answer one, page by page as the pages ask for it; the steps are kept for all others."""
    steps: list[Step] = []
    with closing(Browser(port)) as browser:

        def look(path: str) -> Form:
            steps.append(Step(path))
            return Form(browser.get(path))

        def send(path: str, form: Mapping[str, object]) -> str:
            onward = browser.post(path, form)
            steps.append(Step(path, form, onward))
            return onward

        look(f"/s/{token}")
        onward = send(f"/s/{token}", {"respondent": "self"})
        while onward != "/s/done":
            path, form = onward, look(onward)
            onward = send(path, form.hidden if path == "/s/review" else filled(form, {}))
        look(onward)
    return [Step(one.path.replace(token, LINK), one.form, one.onward) for one in steps]


def _answer(port: int, steps: Sequence[Step], links: Sequence[str], *, is_door: bool) -> None:
    def answer(token: str) -> None:
        with closing(Browser(port)) as browser:
            for step in steps:
                path = step.path.replace(LINK, token)
                if step.form is None:
                    browser.get(path)
                else:
                    onward = browser.post(path, step.form)
                    assert not is_door or onward == step.onward, f"{path} leads to {onward}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(answer, links))
