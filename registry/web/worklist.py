"""Home: what needs doing, each with its owner and its next step; and whether mail is going out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from registry import http, words
from registry.actions import tasks as actions
from registry.db import reading
from registry.models import Instance, Site
from registry.queries import accounts, holds, identities, worklists
from registry.queries.identities import Person
from registry.queries.installation import look
from registry.queries.monitoring import open_alert
from registry.queries.post import PostStanding
from registry.queries.surroundings import surroundings
from registry.queries.worklists import Kind, Task
from registry.web import start
from registry.web.patients import vault
from registry.web.policy import ADMINISTRATION, CARE, RECORDS
from registry.web.worklist_choice import Choice, chosen, same_choice

worklist = Blueprint("worklist", __name__)
PAGE = 25
GROUPS = ("Overdue", "Today", "Later")
STEPS = {
    Kind.ALERT: ("Close alert", "alerts.close", "alert_id"),
    Kind.EVENT: ("Look at it", "events.triage", "key"),
    Kind.CALL: ("Record call", "calls.record", "month"),
    Kind.ADDRESS: ("Fix address", "contact.correct", ""),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A task as the page shows it: `when` in words, its colour, who it is about (initials and
    birth year, for those who may know), who has it, its next step.
    """

    task: Task
    when: str
    colour: str
    group: str
    who: str
    owner: str
    is_mine: bool
    step: tuple[str, str] | None
    is_takeable: bool


@worklist.get("/")
def home() -> ResponseReturnValue:
    """What needs doing at the asker's sites; for the others, a start page of their own."""
    if not http.asker().may(RECORDS):
        return start.page(**_about_mail())
    with reading(http.runtime()) as session:
        sites = http.asker().sites(RECORDS)
        found = worklists.tasks(session, sites, http.at())
        post = worklists.post_today(session, sites, http.at())
        places = accounts.sites_by_id(session, sites)
        page = _page(session, chosen(found, places), places)
    return render_template("worklist/home.html", post=post, **page, **_about_mail())


@worklist.post(
    f"/patients/<path:number>/tasks/<any({', '.join(Kind)}):task>/<key>/<any(take, give_back):way>"
)
def own(number: str, task: str, key: str, way: str) -> AnyResponse:
    """Take something of the worklist on, or give it back; then the same list again."""

    def work(session: Session) -> str:
        one = (session, http.patient().id, task, key)
        if way == "give_back":
            actions.give_back(*one, by=http.by(), at=http.at())
        else:
            instead_of = request.form.get("instead_of") or None
            actions.take(*one, instead_of=instead_of, by=http.by(), at=http.at())
        return same_choice(request.form)

    return http.carry_out(work)


def _page(session: Session, choice: Choice, places: Sequence[Site]) -> dict[str, object]:
    first = max(request.args.get("from", 1, int), 1)
    shown = choice.wanted[first - 1 : first - 1 + PAGE]
    zone = ZoneInfo(places[0].zone if len(places) == 1 else http.runtime().settings.zone)
    people = _people(session, shown)
    names = accounts.names(session, {task.owner for task in shown if task.owner})
    return {
        "groups": _grouped([_row(task, zone, people, names) for task in shown]),
        "choice": choice,
        "place": places[0].staff_name if len(places) == 1 else words.plural(len(places), "site"),
        "moment": words.moment(http.at(), zone, zone),
        "total": len(choice.wanted),
        "pager": _pager(first, len(shown), choice),
    }


def _people(session: Session, shown: Sequence[Task]) -> Mapping[int, Person]:
    """Who the rows are about, of those sites whose patients the asker may know."""
    known = {task.patient.id for task in shown if http.asker().may_at(task.patient.site_id, CARE)}
    http.note_list(known, "worklist.home")
    return identities.people(session, vault(), known)


def _pager(first: int, shown: int, choice: Choice) -> dict[str, object] | None:
    total = len(choice.wanted)
    if total <= PAGE:
        return None
    last = first + shown - 1
    before, after = choice.address(start=max(first - PAGE, 1)), choice.address(start=last + 1)
    return {
        "first": first,
        "last": last,
        "total": total,
        "previous_url": before if first > 1 else "",
        "next_url": after if last < total else "",
    }


def _row(task: Task, zone: ZoneInfo, people: Mapping[int, Person], names: Mapping[str, str]) -> Row:
    now = http.at()
    today = task.by.astimezone(zone).date() <= now.astimezone(zone).date()
    late = task.by < now
    is_mine = task.owner == http.by()
    return Row(
        task,
        when=words.until(task.by, now),
        colour="hot" if late or task.is_serious else "warm" if today else "cool",
        group=GROUPS[0 if late else 1 if today else 2],
        who=_who(people.get(task.patient.id)),
        owner="You" if is_mine else names.get(task.owner or "", task.owner or ""),
        is_mine=is_mine,
        step=_step(task),
        is_takeable=http.asker().may_at(task.patient.site_id, CARE),
    )


def _who(person: Person | None) -> str:
    """Initials and birth year, as far as they are kept."""
    if person is None:
        return ""
    born = f"born {person.birth_date.year}" if person.birth_date else ""
    return ", ".join(part for part in (person.initials, born) if part)


def _step(task: Task) -> tuple[str, str] | None:
    label, endpoint, name = STEPS[task.kind]
    if task.kind is Kind.ALERT and task.owner is None:
        label = "Acknowledge"
    if not http.asker().may_at(task.patient.site_id, http.policy()[endpoint].roles or ()):
        return None
    more: dict[str, Any] = {name: task.key} if name else {}
    return label, url_for(endpoint, number=task.number, **more)


def _grouped(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    groups = ((name, [row for row in rows if row.group == name]) for name in GROUPS)
    return [(name, those) for name, those in groups if those]


def _about_mail() -> dict[str, object]:
    """The banners, while mail is not going out or is held."""
    if not http.asker().may(RECORDS | ADMINISTRATION):
        return {"stuck": None}
    seen = look(http.runtime().journal)
    with reading(http.runtime()) as session:
        found = surroundings(session, seen, http.at())
        standing = found.post
        return {
            "stuck": _stuck(session, standing),
            "mail_holds": _holds(session, standing),
            "unnamed": _unnamed(session),
            "send_hold": found.hold,
            "reckoned": found.reckoned,
            "crossing": open_alert(session) if http.may_use("monitoring.close") else None,
        }


def _holds(session: Session, standing: PostStanding) -> list[tuple[str, str]]:
    """Whose letters wait and why: holds on every site, and on those that the asker works at."""
    places = {site.id: site.code for site in accounts.sites_by_id(session)}
    return [
        (places[hold.site_id] if hold.site_id else "every site", hold.reason.rstrip("."))
        for hold in standing.holds
        if hold.site_id is None or http.asker().may_at(hold.site_id, RECORDS | ADMINISTRATION)
    ]


def _unnamed(session: Session) -> list[tuple[str, str]]:
    """Code and page of the asker's sites whose letters wait for the name that patients read."""
    return [
        (site.code, url_for("sites.change", site_id=site.id))
        for site in holds.unnamed(session)
        if http.asker().may_at(site.id, RECORDS | ADMINISTRATION)
    ]


def _stuck(session: Session, standing: PostStanding) -> str | None:
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
