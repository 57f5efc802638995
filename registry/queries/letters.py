"""A letter of the outbox as it is about to go: its address, its facts, its bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Row, bindparam, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from registry import letters, tokens
from registry.models import (
    DataKey,
    FollowUp,
    Identity,
    Instance,
    OutboxEmail,
    PasswordReset,
    Patient,
    ProtocolVersion,
    Site,
    SurveyLink,
    User,
    known,
)
from registry.queries import protocols, surveys
from registry.queries.outreach import local_day
from registry.settings import Settings
from registry.vault import Vault
from surveys.answers import applicable
from surveys.catalogues import messages

Sources: TypeAlias = Row[int, FollowUp, Site, int, str, int, DataKey, bytes | None]
CLINIC = ("public_name", "telephone", "hours", "emergency_text")  # what a letter says of it
INSTANCE = select(Instance.instance_id).where(Instance.id == 1)
# built once: it runs with every batch of letters
SOURCES = (
    select(
        OutboxEmail.id.label("letter"),
        FollowUp,
        Site,
        Patient.protocol_id,
        ProtocolVersion.fingerprint,
        SurveyLink.key_version,
        DataKey,
        Identity.email,
    )
    .join(FollowUp, FollowUp.id == OutboxEmail.follow_up_id)
    .join(Patient, Patient.id == FollowUp.patient_id)
    .join(Site, Site.id == Patient.site_id)
    .join(ProtocolVersion, ProtocolVersion.id == Patient.protocol_id)
    .join(
        SurveyLink,
        (SurveyLink.follow_up_id == FollowUp.id) & (SurveyLink.number == OutboxEmail.number),
    )
    .outerjoin(DataKey, DataKey.patient_id == FollowUp.patient_id)
    .outerjoin(Identity, (Identity.patient_id == FollowUp.patient_id) & known(Identity))
    .where(OutboxEmail.id.in_(bindparam("letters", expanding=True)))
)


class NoAddress(Exception):
    """There is no e-mail address to send this letter to."""


@dataclass(frozen=True)
class Ready:
    """A letter ready to be handed over. `facts` hold no identity and no link; they are kept.

    `sender` is the envelope's: where what cannot be delivered comes back to. `told`: what the side
    journal is told of it. `made_of`: the sealed address, the last day to answer, the last day of
    the link and the clinic's words, by which is seen whether it still holds when it goes.
    """

    sender: str
    recipient: str = field(repr=False)
    address_digest: str
    facts: Mapping[str, str]
    dated_at: datetime
    message_id: str
    raw: bytes = field(repr=False)
    told: Mapping[str, Any] = field(repr=False, default_factory=dict)
    made_of: tuple[Any, ...] | None = field(repr=False, default=None)


def ready_all(
    session: Session,
    batch: Sequence[OutboxEmail],
    *,
    vault: Vault,
    settings: Settings,
    at: datetime,
) -> dict[int, Ready | Exception]:
    """Each letter of a batch by id, made anew from its row, or what stood in its way. A copy of one
    under way is equal to it byte by byte.
    """
    instance = session.scalars(INSTANCE).one()
    rows = _sources(session, batch)
    found: dict[int, Ready | Exception] = {}
    for one in batch:
        try:
            found[one.id] = _made(session, one, rows.get(one.id), vault, settings, instance, at)
        except DBAPIError:
            raise  # of the database, and of no letter
        except Exception as fault:
            found[one.id] = fault
    return found


def _made(
    session: Session,
    letter: OutboxEmail,
    row: Sources | None,
    vault: Vault,
    settings: Settings,
    instance: str,
    at: datetime,
) -> Ready:
    recipient = _address(session, letter, row, vault)
    facts = letter.facts or _facts(session, letter, row, settings)
    dated_at = letter.dated_at or at
    domain = settings.mail_from.rpartition("@")[2]
    message_id = tokens.message_id(settings.token_keys, instance, letter.id, domain)
    message = letters.Letter(
        kind=letter.kind,
        language=letter.language,
        version=letter.template_version,
        sender=settings.mail_from,
        sender_name=facts["registry"],
        to=recipient,
        message_id=message_id,
        dated_at=dated_at,
        facts={**facts, **_links(session, letter, row, settings, instance)},
    )
    return Ready(
        sender=_envelope_sender(letter, settings, instance),
        recipient=recipient,
        address_digest=vault.email_digest(recipient),
        facts=facts,
        dated_at=dated_at,
        message_id=message_id,
        raw=letters.as_bytes(message),
        told=_told(letter, row, message_id, dated_at),
        made_of=_made_of(row),
    )


def _sources(session: Session, batch: Sequence[OutboxEmail]) -> dict[int, Sources]:
    """All that the letters to patients among these are made of."""
    wanted = [one.id for one in batch if one.follow_up_id is not None]
    return {row.letter: row for row in session.execute(SOURCES, {"letters": wanted})}


def _made_of(row: Sources | None) -> tuple[Any, ...] | None:
    if row is None:
        return None
    days = row.FollowUp.closes_on, row.FollowUp.link_ends_on
    return row.email, *days, *(getattr(row.Site, name) for name in CLINIC)


def _told(
    letter: OutboxEmail, row: Sources | None, message_id: str, dated_at: datetime
) -> dict[str, Any]:
    """Which letter this is, in numbers: enough to know it again in an older database."""
    return {
        "letter": letter.id,
        "what": letter.kind,
        "number": letter.number,
        "patient": letter.patient_id,
        "follow_up": letter.follow_up_id,
        "month": row.FollowUp.month if row else None,
        "key": row.key_version if row else None,
        "user": letter.user_id,
        "message_id": message_id,
        "dated_at": dated_at.isoformat(),
    }


def _envelope_sender(letter: OutboxEmail, settings: Settings, instance: str) -> str:
    """With a bounce address a sender of the letter's own (VERP), which only we can make."""
    if settings.bounce_address is None:
        return settings.mail_from
    keys = settings.token_keys
    tag = tokens.bounce_tag(keys, max(keys), instance, letter.id)
    box, _, domain = settings.bounce_address.rpartition("@")
    return f"{box}+{tag}@{domain}"


def _address(session: Session, letter: OutboxEmail, row: Sources | None, vault: Vault) -> str:
    if letter.follow_up_id is None:
        return session.get_one(User, letter.user_id).email
    if row is None:
        raise NoAddress("its link is gone")
    key, sealed = row.DataKey, row.email
    if key is None or key.wrapped is None or sealed is None:
        raise NoAddress("no e-mail address on file")
    data_key = vault.open_data_key(key.patient_id, key.wrapped, key.master_version)
    return vault.open(data_key, key.patient_id, "email", sealed)


def facts_of(session: Session, letter: OutboxEmail, settings: Settings) -> dict[str, str]:
    """What the letter says, without identity and without links."""
    return _facts(session, letter, _sources(session, [letter]).get(letter.id), settings)


def _facts(
    session: Session, letter: OutboxEmail, row: Sources | None, settings: Settings
) -> dict[str, str]:
    if row is not None:
        return _follow_up_facts(session, letter, row, settings)
    facts = {"registry": settings.name}
    if letter.kind == "password_reset":
        reset = session.get_one(PasswordReset, letter.number)
        # to the minute below: the letter may not promise more than the link keeps
        ends_at = reset.ends_at - timedelta(seconds=reset.ends_at.second)
        words = letters.wording(letter.language, letter.template_version)
        facts["ends"] = f"{words.day(ends_at.date())}, {ends_at:%H:%M} UTC"
    return facts


def _follow_up_facts(
    session: Session, letter: OutboxEmail, row: Sources, settings: Settings
) -> dict[str, str]:
    follow_up, site = row.FollowUp, row.Site
    protocol = protocols.of_fingerprint(session, row.protocol_id, row.fingerprint)
    words = letters.wording(letter.language, letter.template_version)
    on = local_day(follow_up.zone, letter.queued_at)
    return {
        "registry": settings.name,
        "site": site.public_name or messages(letter.language).text("help.no_name"),
        "contact": ", ".join(part for part in (site.telephone, site.hours) if part),
        "emergency": site.emergency_text or protocol.emergency,
        "month": str(follow_up.month),
        "minutes": str(_minutes(follow_up)),
        # a new link may be asked for after the window: then there is no day to answer by
        "closes_on": words.day(follow_up.closes_on) if on <= follow_up.closes_on else "",
        "link_ends_on": words.day(follow_up.link_ends_on),
    }


def _minutes(follow_up: FollowUp) -> int:
    instrument = surveys.instrument_of(follow_up)
    asked = applicable(instrument, surveys.context_of(follow_up, follow_up.due_on), {})
    return -(-len(asked) * instrument.seconds_per_question // 60)


def _links(
    session: Session, letter: OutboxEmail, row: Sources | None, settings: Settings, instance: str
) -> dict[str, str]:
    keys = settings.token_keys
    if letter.kind == "password_reset":
        secret = reset_secret(session.get_one(PasswordReset, letter.number), keys, instance)
        return {"link": f"{settings.public_url}/reset/{secret}"}
    if row is None:
        return {}
    version, follow_up_id = row.key_version, row.FollowUp.id
    token = tokens.survey_token(keys, version, instance, follow_up_id, letter.number)
    leave = tokens.unsubscribe_token(keys, version, instance, follow_up_id)
    choose = tokens.preferences_token(keys, version, instance, follow_up_id)
    door = settings.door_url
    return {
        "link": f"{door}/s/{token}",
        "preferences": f"{door}/p/{choose}",
        "unsubscribe": f"{door}/u/{leave}",
    }


def reset_secret(reset: PasswordReset, keys: Mapping[int, bytes], instance: str) -> str:
    """The secret of a reset's link, derived anew; KeyError if its token key is no longer given."""
    for version in keys:
        secret = tokens.reset_secret(keys, version, instance, reset.id)
        if tokens.digest(secret) == reset.secret_sha256:
            return secret
    raise KeyError("the token key of this reset is not among REGISTRY_TOKEN_KEY")
