"""A letter of the outbox as it is about to go: its address, its facts, its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Row, bindparam, select
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

Sources: TypeAlias = Row[FollowUp, Site, Patient, Instance, int, DataKey, bytes | None]
# built once: it runs with every letter, and building it costs more than running it
SOURCES = (
    select(FollowUp, Site, Patient, Instance, SurveyLink.key_version, DataKey, Identity.email)
    .join(Site, Site.id == FollowUp.site_id)
    .join(Patient, Patient.id == FollowUp.patient_id)
    .join(Instance, Instance.id == 1)
    .join(SurveyLink, SurveyLink.follow_up_id == FollowUp.id)
    .outerjoin(DataKey, DataKey.patient_id == FollowUp.patient_id)
    .outerjoin(Identity, (Identity.patient_id == FollowUp.patient_id) & known(Identity))
    .where(FollowUp.id == bindparam("follow_up_id"), SurveyLink.number == bindparam("number"))
)


class NoAddress(Exception):
    """There is no e-mail address to send this letter to."""


@dataclass(frozen=True)
class Ready:
    """A letter ready to be handed over. `facts` hold no identity and no link; they are kept.

    `sender` is the envelope's: where what cannot be delivered comes back to. `told`: what the side
    journal is told of it.
    """

    sender: str
    recipient: str = field(repr=False)
    address_digest: str
    facts: Mapping[str, str]
    dated_at: datetime
    message_id: str
    raw: bytes = field(repr=False)
    told: Mapping[str, Any] = field(repr=False, default_factory=dict)


def ready(
    session: Session, letter: OutboxEmail, *, vault: Vault, settings: Settings, at: datetime
) -> Ready:
    """The letter, made anew from its row; a copy of one under way is equal to it byte by byte.

    Raises NoAddress, and LetterRefused for an address or a fact that cannot stand in a letter.
    """
    row = None if letter.follow_up_id is None else _sources(session, letter)
    recipient = _address(session, letter, row, vault)
    facts = letter.facts or facts_of(session, letter, settings)
    dated_at = letter.dated_at or at
    instance = session.get_one(Instance, 1).instance_id
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
    )


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


def _sources(session: Session, letter: OutboxEmail) -> Sources:
    """All that a patient's letter is made of. Whoever asks the session for one of these rows while
    this one is held finds it there without asking the database again.
    """
    what = {"follow_up_id": letter.follow_up_id, "number": letter.number}
    return session.execute(SOURCES, what).one()


def _address(session: Session, letter: OutboxEmail, row: Sources | None, vault: Vault) -> str:
    if row is None:
        return session.get_one(User, letter.user_id).email
    key, sealed = row.DataKey, row.email
    if key is None or key.wrapped is None or sealed is None:
        raise NoAddress("no e-mail address on file")
    data_key = vault.open_data_key(key.patient_id, key.wrapped, key.master_version)
    return vault.open(data_key, key.patient_id, "email", sealed)


def facts_of(session: Session, letter: OutboxEmail, settings: Settings) -> dict[str, str]:
    """What the letter says, without identity and without links."""
    if letter.follow_up_id is not None:
        return _follow_up_facts(session, letter, settings)
    facts = {"registry": settings.name}
    if letter.kind == "password_reset":
        reset = session.get_one(PasswordReset, letter.number)
        # to the minute below: the letter may not promise more than the link keeps
        ends_at = reset.ends_at - timedelta(seconds=reset.ends_at.second)
        words = letters.wording(letter.language, letter.template_version)
        facts["ends"] = f"{words.day(ends_at.date())}, {ends_at:%H:%M} UTC"
    return facts


def _follow_up_facts(session: Session, letter: OutboxEmail, settings: Settings) -> dict[str, str]:
    follow_up = session.get_one(FollowUp, letter.follow_up_id)
    site = session.get_one(Site, follow_up.site_id)
    patient = session.get_one(Patient, follow_up.patient_id)
    protocol = protocols.of_id(session, patient.protocol_id).protocol
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
