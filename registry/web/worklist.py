"""Home: what needs doing, each with its next step; and whether mail is going out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import http, words
from registry.db import reading
from registry.models import Instance, Site
from registry.queries import accounts, worklists
from registry.queries.post import post_standing
from registry.queries.worklists import Kind, Task
from registry.web.pages import own_pages
from registry.web.policy import ADMINISTRATION, RECORDS

worklist = Blueprint("worklist", __name__)
PAGE = 25
GROUPS = ("Overdue", "Today", "Later")
TABS = (
    (None, "All"),
    (Kind.ALERT, "Alerts"),
    (Kind.EVENT, "Events to look at"),
    (Kind.CALL, "Calls"),
    (Kind.ADDRESS, "Addresses"),
)
STEPS = {
    Kind.ALERT: ("Close alert", "alerts.close", "alert_id"),
    Kind.EVENT: ("Look at it", "events.triage", "key"),
    Kind.CALL: ("Record call", "calls.record", "month"),
    Kind.ADDRESS: ("Fix address", "contact.correct", ""),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A task as the page shows it: `when` in words, its colour, its next step."""

    task: Task
    when: str
    colour: str
    group: str
    step: tuple[str, str] | None


@worklist.get("/")
def home() -> ResponseReturnValue:
    """What needs doing at the asker's sites; for the others, the pages that are theirs."""
    if not http.asker().may(RECORDS):
        return render_template("worklist/start.html", pages=own_pages(), **_about_mail())
    with reading(http.runtime()) as session:
        sites = http.asker().sites(RECORDS)
        found = worklists.tasks(session, sites, http.at())
        post = worklists.post_today(session, sites, http.at())
        places = accounts.sites_by_id(session, sites)
    return render_template("worklist/home.html", post=post, **_page(found, places), **_about_mail())


def _page(found: list[Task], places: Sequence[Site]) -> dict[str, object]:
    kind = request.args.get("kind")
    wanted = [task for task in found if kind in (None, task.kind)]
    first = max(request.args.get("from", 1, int), 1)
    shown = wanted[first - 1 : first - 1 + PAGE]
    zone = ZoneInfo(places[0].zone if len(places) == 1 else http.runtime().settings.zone)
    return {
        "groups": _grouped([_row(task, zone) for task in shown]),
        "tabs": _tabs(found, kind),
        "place": places[0].public_name if len(places) == 1 else words.plural(len(places), "site"),
        "moment": words.moment(http.at(), zone, zone),
        "total": len(wanted),
        "pager": _pager(first, len(shown), len(wanted), kind),
    }


def _tabs(found: list[Task], kind: str | None) -> list[tuple[str, int, str, bool]]:
    counts = worklists.counts(found)
    return [
        (
            label,
            len(found) if one is None else counts[one],
            url_for("worklist.home", kind=one),
            kind == one,
        )
        for one, label in TABS
    ]


def _pager(first: int, shown: int, total: int, kind: str | None) -> dict[str, object] | None:
    if total <= PAGE:
        return None
    last = first + shown - 1
    before = _address(kind, max(first - PAGE, 1))
    after = _address(kind, last + 1)
    return {
        "first": first,
        "last": last,
        "total": total,
        "previous_url": before if first > 1 else "",
        "next_url": after if last < total else "",
    }


def _address(kind: str | None, first: int) -> str:
    values: dict[str, Any] = {"kind": kind, "from": first}
    return url_for("worklist.home", **values)


def _row(task: Task, zone: ZoneInfo) -> Row:
    now = http.at()
    today = task.by.astimezone(zone).date() <= now.astimezone(zone).date()
    late = task.by < now
    colour = "hot" if late or task.is_serious else "warm" if today else "cool"
    group = GROUPS[0 if late else 1 if today else 2]
    return Row(task, words.until(task.by, now), colour, group, _step(task))


def _step(task: Task) -> tuple[str, str] | None:
    label, endpoint, name = STEPS[task.kind]
    if task.kind is Kind.ALERT and task.owner is None:
        label = "Acknowledge"
    if not http.may_use(endpoint):
        return None
    more: dict[str, Any] = {name: task.key} if name else {}
    return label, url_for(endpoint, number=task.number, **more)


def _grouped(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    groups = ((name, [row for row in rows if row.group == name]) for name in GROUPS)
    return [(name, those) for name, those in groups if those]


def _about_mail() -> dict[str, object]:
    """The banner, while mail is not going out."""
    if not http.asker().may(RECORDS | ADMINISTRATION):
        return {"stuck": None}
    with reading(http.runtime()) as session:
        return {"stuck": _stuck(session)}


def _stuck(session: Session) -> str | None:
    standing = post_standing(session, http.at())
    if not standing.is_stuck(http.at()):
        return None
    since = standing.waiting_since
    if since is not None and http.at() - since > timedelta(minutes=15):
        late = words.plural(standing.waiting, "letter")
        return f"{late} should have gone; the oldest is {words.until(since, http.at())}."
    if standing.error:
        return f"The last try to send ended with: {standing.error}"
    if session.scalar(select(Instance.demo_now)) is not None:
        return None  # between two days of a demonstration nothing is sent
    return "Nothing has looked for letters to send for a while."
