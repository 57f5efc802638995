"""What is missing before a protocol can be put in force, and the letters it would send.

A fault keeps a protocol from being put in force; a remark does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import letters
from registry.letters import Letter, LetterRefused
from registry.models import ProtocolVersion, RoleGrant, Site, User
from registry.protocols import Protocol
from registry.queries import protocols
from registry.settings import Settings
from surveys.answers import Context, applicable
from surveys.catalogues import bundled_catalogues
from surveys.instruments import answer_codes
from surveys.lifecycle import next_send_instant, reminders
from surveys.timepoints import PlannedFollowUp

CARE = ("clinician", "nurse")
NOWHERE = "registry@localhost.invalid"
EXAMPLE = "patient@example.org"


@dataclass(frozen=True, slots=True)
class Missing:
    """Where something is missing, what, and what to do; `is_fault`: it keeps the protocol out."""

    where: str
    what: str
    remedy: str
    is_fault: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A letter of the fictitious patient: `goes_at` in their zone; `dropped`: why it would not go;
    `text` as it would read; `fault`: why it could not be made.
    """

    month: int
    kind: str
    goes_at: datetime
    subject: str = ""
    text: str = ""
    dropped: str | None = None
    fault: str | None = None


def missing(session: Session, protocol: Protocol, settings: Settings) -> list[Missing]:
    """Everything that is missing for this protocol here and now; faults first."""
    found = [
        *_versions(session, protocol),
        *_languages(protocol),
        *_sender(settings),
        *_alert_owners(session, protocol),
        *_sites(session),
        *_letters(protocol, settings),
    ]
    return sorted(found, key=lambda one: not one.is_fault)


def _versions(session: Session, protocol: Protocol) -> Iterator[Missing]:
    here = f"{protocol.code} {protocol.version}"
    mine = (ProtocolVersion.code == protocol.code) & (
        ProtocolVersion.version == str(protocol.version)
    )
    known = session.scalars(select(ProtocolVersion).where(mine)).first()
    if known is not None and known.fingerprint != protocol.fingerprint:
        when = f"{known.recorded_at:%Y-%m-%d}"
        what = f"{here} was put in force on {when} with other content"
        yield Missing("version", what, "Give the file a higher version.")
    for lost in protocols.lost_codes(session, answer_codes(protocol.questionnaire)):
        remedy = "Make a version of the instrument that keeps them."
        yield Missing(
            "instrument", f"answers are kept that could not be read any more: {lost}", remedy
        )


def _languages(protocol: Protocol) -> Iterator[Missing]:
    """Patients answer in the language of their consent: all words must be there in it."""
    for language in sorted({consent.language for consent in protocol.consents}):
        if letters.wording(language).language != language:
            what = f"there are no letters in the language {language}"
            yield Missing("letters", what, f"Add registry/letters/{language}.1.yaml.")
        for name in ("messages", protocol.instrument.code):
            if language not in bundled_catalogues(name):
                what = f"{name} is not translated into {language}"
                yield Missing(
                    "questionnaire", what, f"Add surveys/definitions/{name}.{language}.toml."
                )


def _sender(settings: Settings) -> Iterator[Missing]:
    if settings.mail_from == NOWHERE:
        what = "letters have no sender that could be answered"
        yield Missing("sender", what, "Set REGISTRY_MAIL_FROM.", bool(settings.smtp_url))
    if not settings.smtp_url:
        what = "there is no mail server: letters stay in the folder mailbox/"
        yield Missing("sender", what, "Set REGISTRY_SMTP_URL.", is_fault=False)
    for name, url in (
        ("REGISTRY_PUBLIC_URL", settings.public_url),
        ("REGISTRY_DOOR_URL", settings.door_url),
    ):
        if url.startswith(("http://127.0.0.1", "http://localhost")):
            what = f"links would lead to {url}, which only this machine can open"
            yield Missing("links", what, f"Set {name}.", bool(settings.smtp_url))


def _alert_owners(session: Session, protocol: Protocol) -> Iterator[Missing]:
    """Somebody at every clinic must see what a severe answer raises."""
    if not protocol.alerts:
        return
    grants = (
        select(RoleGrant.site_id)
        .join(User, User.id == RoleGrant.user_id)
        .where(RoleGrant.role.in_(CARE), User.disabled_at.is_(None))
    )
    held = set(session.scalars(grants))
    for site in session.scalars(select(Site).order_by(Site.code)):
        if site.id not in held and None not in held:
            what = f"nobody at {site.code} would see an alert"
            yield Missing("alerts", what, "Give a clinician or nurse a role there (page Users).")


def _sites(session: Session) -> Iterator[Missing]:
    sites = session.scalars(select(Site).order_by(Site.code)).all()
    if not sites:
        what = "there is no clinic yet"
        yield Missing("sites", what, "Add one: registry site add.", is_fault=False)
    for site in sites:
        if not site.telephone:
            what = f"letters of {site.code} name no telephone"
            yield Missing("sites", what, "Add it on the page Sites.", is_fault=False)


def _letters(protocol: Protocol, settings: Settings) -> Iterator[Missing]:
    for language in sorted({consent.language for consent in protocol.consents}):
        for one in rehearsal(protocol, settings, date(2024, 1, 31), language=language):
            if one.fault:
                where = f"letters, month {one.month}, {one.kind} ({language})"
                yield Missing(where, one.fault, "Correct what it is made of.")


def rehearsal(
    protocol: Protocol,
    settings: Settings,
    treated_on: date,
    *,
    zone: str = "UTC",
    language: str = "en",
    site: Site | None = None,
) -> list[Rehearsed]:
    """Every letter of a fictitious patient treated that day who stays silent, in their zone."""
    found = []
    for planned in protocol.plan(treated_on):
        rule = protocol.by_month[planned.month].reminders
        went = _goes_at(protocol, planned.due_on, zone)
        found.append(_made(protocol, settings, planned, "invitation", went, language, site))
        for reminder in reminders(rule, went.date(), planned.closes_on):
            goes_at = _goes_at(protocol, reminder.on, zone)
            if reminder.dropped:
                found.append(
                    Rehearsed(planned.month, "reminder", goes_at, dropped=reminder.dropped)
                )
            else:
                found.append(
                    _made(protocol, settings, planned, "reminder", goes_at, language, site)
                )
    return found


def _goes_at(protocol: Protocol, on: date, zone: str) -> datetime:
    there = ZoneInfo(zone)
    midnight = datetime.combine(on, time(0), there)
    return next_send_instant(midnight, there, protocol.sending.window).astimezone(there)


def _made(
    protocol: Protocol,
    settings: Settings,
    planned: PlannedFollowUp,
    kind: str,
    goes_at: datetime,
    language: str,
    site: Site | None,
) -> Rehearsed:
    words = letters.wording(language)
    letter = Letter(
        kind=kind,
        language=words.language,
        version=words.version,
        sender=settings.mail_from,
        sender_name=settings.name,
        to=EXAMPLE,
        message_id="<rehearsal@example.org>",
        dated_at=goes_at,
        facts=_facts(protocol, settings, planned, words, site),
    )
    try:
        message = letters.render(letter)
    except (LetterRefused, KeyError) as fault:
        return Rehearsed(planned.month, kind, goes_at, fault=str(fault))
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return Rehearsed(planned.month, kind, goes_at, str(message["Subject"]), text)


def _facts(
    protocol: Protocol,
    settings: Settings,
    planned: PlannedFollowUp,
    words: letters.Wording,
    site: Site | None,
) -> dict[str, str]:
    door = settings.door_url
    contact = (site.telephone, site.hours) if site else ("+00 000 0000", "")
    return {
        "registry": settings.name,
        "site": (site.public_name if site else "") or "Example Clinic",
        "contact": ", ".join(part for part in contact if part),
        "emergency": (site.emergency_text if site else "") or protocol.emergency,
        "month": str(planned.month),
        "minutes": str(_minutes(protocol, planned)),
        "closes_on": words.day(planned.closes_on),
        "link_ends_on": words.day(planned.link_ends_on),
        "link": f"{door}/s/EXAMPLE",
        "preferences": f"{door}/p/EXAMPLE",
        "unsubscribe": f"{door}/u/EXAMPLE",
    }


def _minutes(protocol: Protocol, planned: PlannedFollowUp) -> int:
    """For whoever is asked everything."""
    groups = frozenset(group.code for group in protocol.groups)
    context = Context(planned.month, planned.opens_on, planned.due_on, groups)
    asked = applicable(protocol.questionnaire, context, {})
    return -(-len(asked) * protocol.questionnaire.seconds_per_question // 60)
