"""Who is asking, and what they may do where."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import tokens
from registry.errors import NotFound
from registry.models import (
    ApiKey,
    OutboxEmail,
    PasswordReset,
    RoleGrant,
    Site,
    User,
    UserSession,
)

IDLE = timedelta(minutes=15)
LATELY = timedelta(hours=12)
BETWEEN_RESETS = timedelta(minutes=5)
IDENTITY = frozenset({"clinician", "nurse"})
ROLE_WORDS = {
    "clinician": "clinician",
    "nurse": "nurse",
    "data_manager": "data manager",
    "analyst": "analyst",
    "administrator": "administrator",
    "auditor": "auditor",
}


@dataclass(frozen=True, slots=True)
class Asker:
    """A signed-in member of staff, or the program that acts for one.

    `grants` are (role, site id); no site: every site. `session_id` is None for a program.
    """

    user_id: int
    email: str
    name: str
    grants: frozenset[tuple[str, int | None]]
    session_id: int | None = None
    secret: str = field(default="", repr=False)
    last_seen_at: datetime | None = None

    def sites(self, roles: Collection[str]) -> frozenset[int] | None:
        """The sites at which one of these roles is held; None: at every site."""
        held = {site for role, site in self.grants if role in roles}
        return None if None in held else frozenset(site for site in held if site is not None)

    def may(self, roles: Collection[str]) -> bool:
        """Whether one of these roles is held anywhere."""
        return any(role in roles for role, _ in self.grants)

    def may_at(self, site_id: int, roles: Collection[str]) -> bool:
        """Whether one of these roles is held at that site."""
        sites = self.sites(roles)
        return sites is None or site_id in sites

    @property
    def role_words(self) -> str:
        """The roles as people say them."""
        held = {role for role, _ in self.grants}
        return ", ".join(words for role, words in ROLE_WORDS.items() if role in held)


def by_session(session: Session, secret: str, at: datetime) -> Asker | None:
    """Whoever signed in with this browser and is neither idle for too long, nor signed out, nor
    disabled.
    """
    row = session.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.secret_sha256 == tokens.digest(secret),
            UserSession.revoked_at.is_(None),
            UserSession.ends_at > at,
            UserSession.last_seen_at > at - IDLE,
            User.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    browser, user = row
    return _asker(session, user, browser.id, secret, browser.last_seen_at)


def ended_session(session: Session, secret: str, at: datetime) -> Asker | None:
    """Whoever was signed in with this browser until lately: too long ago to go on, and neither
    signed out nor disabled.
    """
    row = session.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.secret_sha256 == tokens.digest(secret),
            UserSession.revoked_at.is_(None),
            UserSession.ends_at > at - LATELY,
            User.disabled_at.is_(None),
        )
    ).one_or_none()
    return None if row is None else _asker(session, row.User, secret=secret)


def session_digests(session: Session, user_id: int, at: datetime) -> list[str]:
    """The digests of the secrets of this person's late sessions, ended or not."""
    rows = session.scalars(
        select(UserSession.secret_sha256)
        .where(UserSession.user_id == user_id, UserSession.ends_at > at - LATELY)
        .order_by(UserSession.id.desc())
        .limit(20)
    )
    return list(rows)


def by_key(session: Session, key: str) -> Asker | None:
    """Whoever a program with this key acts for."""
    user = session.scalars(
        select(User)
        .join(ApiKey, ApiKey.user_id == User.id)
        .where(
            ApiKey.secret_sha256 == tokens.digest(key),
            ApiKey.revoked_at.is_(None),
            User.disabled_at.is_(None),
        )
    ).one_or_none()
    return None if user is None else _asker(session, user)


def _asker(
    session: Session,
    user: User,
    session_id: int | None = None,
    secret: str = "",
    last_seen_at: datetime | None = None,
) -> Asker:
    grants = session.execute(
        select(RoleGrant.role, RoleGrant.site_id).where(RoleGrant.user_id == user.id)
    )
    held = frozenset((role, site_id) for role, site_id in grants)
    return Asker(user.id, user.email, user.name, held, session_id, secret, last_seen_at)


def usable_reset(session: Session, secret: str, at: datetime) -> PasswordReset:
    """The reset behind a link. Raises NotFound for one that was used, has ended or never was."""
    reset = session.scalars(
        select(PasswordReset)
        .join(User, User.id == PasswordReset.user_id)
        .where(
            PasswordReset.secret_sha256 == tokens.digest(secret),
            PasswordReset.used_at.is_(None),
            PasswordReset.ends_at > at,
            User.disabled_at.is_(None),
        )
    ).one_or_none()
    if reset is None:
        raise NotFound("This link was used already or has ended. Ask for a new one.")
    return reset


def has_fresh_reset(session: Session, user_id: int, at: datetime) -> bool:
    """Whether a letter with a link is on its way already, so that nobody is flooded."""
    last = session.scalar(
        select(OutboxEmail.queued_at)
        .where(OutboxEmail.user_id == user_id, OutboxEmail.kind == "password_reset")
        .order_by(OutboxEmail.queued_at.desc())
        .limit(1)
    )
    return last is not None and at - last < BETWEEN_RESETS


@dataclass(frozen=True, slots=True)
class Account:
    """A member of staff as the administrator sees them; `roles` as (role, site code or None)."""

    user: User
    roles: tuple[tuple[str, str | None], ...]
    last_seen_at: datetime | None


def all_accounts(session: Session) -> list[Account]:
    """Every account by name, the disabled ones last."""
    users = session.scalars(select(User).order_by(User.disabled_at.is_not(None), User.name)).all()
    seen: dict[int, datetime] = {}
    for user_id, last in session.execute(
        select(UserSession.user_id, UserSession.last_seen_at).order_by(UserSession.last_seen_at)
    ):
        seen[user_id] = last
    roles = roles_by_user(session)
    return [Account(user, tuple(roles.get(user.id, ())), seen.get(user.id)) for user in users]


def roles_by_user(session: Session) -> dict[int, list[tuple[str, str | None]]]:
    """The roles of each user as (role, site code); None: at every site."""
    rows = session.execute(
        select(RoleGrant.user_id, RoleGrant.role, Site.code)
        .outerjoin(Site, Site.id == RoleGrant.site_id)
        .order_by(RoleGrant.user_id, RoleGrant.role, Site.code)
    )
    found: dict[int, list[tuple[str, str | None]]] = {}
    for user_id, role, code in rows:
        found.setdefault(user_id, []).append((role, code))
    return found


def account(session: Session, user_id: int) -> Account:
    """One account. Raises NotFound."""
    found = [one for one in all_accounts(session) if one.user.id == user_id]
    if not found:
        raise NotFound("There is no such account.")
    return found[0]


def user_by_email(session: Session, email: str) -> User | None:
    """The account of that address, however it is written."""
    return session.scalars(select(User).where(User.email == normal(email))).one_or_none()


def keys(session: Session) -> list[tuple[ApiKey, User]]:
    """Every key that was issued, with its user, in order of its number."""
    rows = session.execute(
        select(ApiKey, User).join(User, User.id == ApiKey.user_id).order_by(ApiKey.id)
    )
    return [(row.ApiKey, row.User) for row in rows]


def names(session: Session, emails: Collection[str]) -> dict[str, str]:
    """The names of the accounts with these addresses."""
    rows = session.execute(select(User.email, User.name).where(User.email.in_(emails)))
    return {row.email: row.name for row in rows}


def normal(email: str) -> str:
    """The form in which staff addresses are kept."""
    return email.strip().casefold()


def sites_by_id(session: Session, ids: Collection[int] | None = None) -> Sequence[Site]:
    """The sites of these ids (None: all), by name."""
    wanted = [] if ids is None else [Site.id.in_(ids)]
    return session.scalars(select(Site).where(*wanted).order_by(Site.public_name)).all()
