"""Accounts of staff: made, given roles, disabled; signing in and out; choosing a password."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from registry import audit, tokens
from registry.actions import staff_mail
from registry.errors import DomainError, NotFound
from registry.models import (
    ApiKey,
    EnrolmentDraft,
    IdempotencyKey,
    KeptForm,
    PasswordReset,
    RoleGrant,
    User,
    UserSession,
)
from registry.queries import accounts
from registry.settings import Settings

TRIES = 5
LOCKED = timedelta(minutes=15)
LONGEST_SESSION = timedelta(hours=12)
FIRST_LINK = timedelta(days=3)
LOST_LINK = timedelta(hours=1)
REMEMBERED = timedelta(days=30)

Grants = Iterable[tuple[str, int | None]]


class UserExists(DomainError):
    """There is an account with this address already."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try to sign in that was counted; no `user_id`: it cannot succeed, whatever was typed."""

    user_id: int | None = None
    password_hash: str | None = None


def add_user(
    session: Session, email: str, name: str, grants: Grants, *, by: str, at: datetime
) -> User:
    """A new account without a password: its first link lets its owner choose one. UserExists."""
    address = accounts.normal(email)
    if accounts.user_by_email(session, address) is not None:
        raise UserExists(f"There is an account for {address} already.")
    user = User(email=address, name=name, recorded_by=by, recorded_at=at)
    session.add(user)
    session.flush()
    told = _grant(session, user.id, grants, by, at)
    _record(session, user.id, "user.added", {"name": name, "roles": told}, by=by, at=at)
    return user


def set_roles(session: Session, user_id: int, grants: Grants, *, by: str, at: datetime) -> None:
    """Give exactly these roles; whoever is signed in with the old ones must sign in again."""
    user = _user(session, user_id)
    before = sorted(
        (role.role, role.site_id or 0)
        for role in session.scalars(select(RoleGrant).where(RoleGrant.user_id == user.id))
    )
    wanted = set(grants)
    if before == sorted((role, site_id or 0) for role, site_id in wanted):
        return
    session.execute(delete(RoleGrant).where(RoleGrant.user_id == user.id))
    told = _grant(session, user.id, wanted, by, at)
    _end_sessions(session, user.id, at)
    _record(session, user.id, "user.roles_set", {"roles": (before, told)}, by=by, at=at)


def disable(session: Session, user_id: int, *, by: str, at: datetime) -> None:
    """Nobody signs in with this account any more, nor does a program act for it."""
    user = _user(session, user_id)
    if user.disabled_at is not None:
        return
    user.disabled_at = at
    _end_sessions(session, user.id, at)
    _record(session, user.id, "user.disabled", {}, by=by, at=at)


def enable(session: Session, user_id: int, *, by: str, at: datetime) -> None:
    """Undo disabling; the password stays what it was."""
    user = _user(session, user_id)
    if user.disabled_at is None:
        return
    user.disabled_at = None
    _record(session, user.id, "user.enabled", {}, by=by, at=at)


def unlock(session: Session, user_id: int, *, by: str, at: datetime) -> None:
    """Let somebody try again who typed a wrong password too often."""
    user = _user(session, user_id)
    user.failed_sign_ins, user.locked_until = 0, None
    _record(session, user.id, "user.unlocked", {}, by=by, at=at)


def make_link(
    session: Session, user_id: int, *, ends_in: timedelta = FIRST_LINK, by: str, at: datetime
) -> str:
    """The secret of a one-time link to choose a password, to be handed over by a person.

    It is drawn and not kept: it can be told once. Earlier links end.
    """
    user = _user(session, user_id)
    _end_links(session, user.id, at)
    secret = tokens.drawn()
    session.add(
        PasswordReset(user_id=user.id, secret_sha256=tokens.digest(secret), ends_at=at + ends_in)
    )
    _record(session, user.id, "password.link_made", {}, by=by, at=at)
    return secret


def count_try(session: Session, email: str, *, by: str, at: datetime) -> Attempt:
    """Count a try before the password is looked at, so that tries side by side count as well.

    The fifth locks the account for fifteen minutes; `end_try` takes it back if it was right.
    An unknown address makes the same work and a line in the trail.
    """
    address = accounts.normal(email)
    user = session.scalars(
        select(User).where(User.email == address).with_for_update()
    ).one_or_none()
    if user is None:
        changes = {"address": address}
        audit.record(
            session, by=by, at=at, action="sign_in.unknown", subject="sign-in", changes=changes
        )
        return Attempt()
    if user.locked_until is not None and user.locked_until > at:
        _record(session, user.id, "sign_in.while_locked", {}, by=by, at=at)
        return Attempt()
    if user.locked_until is not None:
        user.failed_sign_ins, user.locked_until = 0, None
    user.failed_sign_ins += 1
    if user.failed_sign_ins >= TRIES:
        user.locked_until = at + LOCKED
    _record(session, user.id, "sign_in.tried", {"try": user.failed_sign_ins}, by=by, at=at)
    return Attempt() if user.disabled_at else Attempt(user.id, user.password_hash)


def begin_session(
    session: Session, user_id: int, *, old: int | None = None, by: str, at: datetime
) -> str:
    """A new session after a right password: its secret, for the browser only. `old` ends."""
    user = _user(session, user_id)
    user.failed_sign_ins, user.locked_until = 0, None
    _forget(session, user.id, at)
    if old is not None:
        session.execute(update(UserSession).where(UserSession.id == old).values(revoked_at=at))
    secret = tokens.drawn()
    session.add(
        UserSession(
            user_id=user.id,
            secret_sha256=tokens.digest(secret),
            started_at=at,
            last_seen_at=at,
            ends_at=at + LONGEST_SESSION,
        )
    )
    _record(session, user.id, "user.signed_in", {}, by=by, at=at)
    return secret


def see(session: Session, session_id: int, *, by: str, at: datetime) -> None:
    """The browser of `by` was heard of again."""
    session.execute(update(UserSession).where(UserSession.id == session_id).values(last_seen_at=at))


def sign_out(session: Session, session_id: int, *, by: str, at: datetime) -> None:
    """End one session."""
    row = session.get_one(UserSession, session_id)
    row.revoked_at = at
    _record(session, row.user_id, "user.signed_out", {}, by=by, at=at)


def lose_password(
    session: Session, email: str, *, settings: Settings, by: str, at: datetime
) -> None:
    """Have a letter with a one-time link sent to that address, if there is an account and no such
    letter went in the last minutes. Every address leaves a line in the trail.
    """
    address = accounts.normal(email)
    user = accounts.user_by_email(session, address)
    changes = {"address": address}
    audit.record(session, by=by, at=at, action="password.lost", subject="sign-in", changes=changes)
    known = user is not None and user.disabled_at is None
    if user is not None and known and not accounts.has_fresh_reset(session, user.id, at):
        staff_mail.queue_password_reset(
            session, user.id, settings=settings, ends_in=LOST_LINK, by=by, at=at
        )


def choose_password(
    session: Session, secret: str, password_hash: str, *, by: str, at: datetime
) -> None:
    """Use up a link; every session and every other link of the account ends. NotFound."""
    reset = accounts.usable_reset(session, secret, at)
    # two at once: the second waits here and then finds it used
    session.refresh(reset, with_for_update=True)
    if reset.used_at is not None:
        raise NotFound("This link was used already. Ask for a new one.")
    user = session.get_one(User, reset.user_id)
    user.password_hash = password_hash
    user.failed_sign_ins, user.locked_until = 0, None
    _end_links(session, user.id, at)
    _end_sessions(session, user.id, at)
    _record(session, user.id, "password.chosen", {}, by=by, at=at)


def issue_key(session: Session, user_id: int, label: str, *, by: str, at: datetime) -> str:
    """A key for a program that acts as this user; it can be told once."""
    user = _user(session, user_id)
    key = f"rk_{tokens.drawn()}"
    session.add(
        ApiKey(
            user_id=user.id,
            label=label,
            secret_sha256=tokens.digest(key),
            recorded_by=by,
            recorded_at=at,
        )
    )
    _record(session, user.id, "key.issued", {"label": label}, by=by, at=at)
    return key


def revoke_key(session: Session, key_id: int, *, by: str, at: datetime) -> None:
    """The program with this key is refused from now on."""
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFound("There is no such key.")
    if key.revoked_at is None:
        key.revoked_at = at
        _record(session, key.user_id, "key.revoked", {"label": key.label}, by=by, at=at)


def move_sessions(session: Session, span: timedelta, *, by: str, at: datetime) -> None:
    """Take sessions along when a demo's clock is moved: nobody was idle for a month."""
    for row in session.scalars(select(UserSession).where(UserSession.revoked_at.is_(None))):
        row.last_seen_at += span
        row.ends_at += span


def _forget(session: Session, user_id: int, at: datetime) -> None:
    """What nobody needs any more: old sessions and used forms of this user, drafts and kept
    forms that ended."""
    session.execute(
        delete(UserSession).where(
            UserSession.user_id == user_id, UserSession.ends_at < at - REMEMBERED
        )
    )
    session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.scope.startswith(f"{user_id}:"),
            IdempotencyKey.recorded_at < at - REMEMBERED,
        )
    )
    session.execute(delete(EnrolmentDraft).where(EnrolmentDraft.ends_at <= at))
    session.execute(delete(KeptForm).where(KeptForm.ends_at <= at))


def _user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("There is no such account.")
    return user


def _grant(
    session: Session, user_id: int, grants: Grants, by: str, at: datetime
) -> list[tuple[str, int]]:
    wanted = sorted({(role, site_id or 0) for role, site_id in grants})
    session.add_all(
        RoleGrant(
            user_id=user_id, role=role, site_id=site_id or None, recorded_by=by, recorded_at=at
        )
        for role, site_id in wanted
    )
    return wanted


def _end_sessions(session: Session, user_id: int, at: datetime) -> None:
    session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=at)
    )


def _end_links(session: Session, user_id: int, at: datetime) -> None:
    session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None))
        .values(used_at=at)
    )


def _record(
    session: Session,
    user_id: int,
    action: str,
    changes: dict[str, object],
    *,
    by: str,
    at: datetime,
) -> None:
    audit.record(session, by=by, at=at, action=action, subject=f"user:{user_id}", changes=changes)
