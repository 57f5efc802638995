"""Staff: users, what they may do where, sessions, resets, keys for programs, drafts."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, text_of
from registry.models.versions import Recorded

ROLES = ("clinician", "nurse", "data_manager", "analyst", "administrator", "auditor")


class User(Recorded, Base):
    """A member of staff. Accounts are disabled, never deleted, so that ids are never used again."""

    __tablename__ = "app_user"
    __audited__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(text_of(200), unique=True)
    name: Mapped[str] = mapped_column(text_of(200))
    password_hash: Mapped[str | None] = mapped_column(text_of(200))
    disabled_at: Mapped[datetime | None]
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class RoleGrant(Recorded, Base):
    """A user holds a role at a site; no site: at all sites."""

    __tablename__ = "role"
    __audited__ = True
    __table_args__ = (
        UniqueConstraint("user_id", "role", "site_id"),
        CheckConstraint(f"role IN {ROLES}", name="known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    role: Mapped[str] = mapped_column(text_of(20))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"), index=True)


class UserSession(Base):
    """A signed-in browser. Only the hash of its secret is kept; revoking ends it at once."""

    __tablename__ = "user_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    secret_sha256: Mapped[str] = mapped_column(text_of(64), unique=True)
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A one-time link to choose a password: first sign-in and lost passwords."""

    __tablename__ = "password_reset"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    secret_sha256: Mapped[str] = mapped_column(text_of(64), unique=True)
    ends_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiKey(Recorded, Base):
    """A key for a program that acts as its user."""

    __tablename__ = "api_key"
    __audited__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    label: Mapped[str] = mapped_column(text_of(100))
    secret_sha256: Mapped[str] = mapped_column(text_of(64), unique=True)
    revoked_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """A POST that was carried out; the same key again gets the same answer and does nothing."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("scope", "key_sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(text_of(100))
    key_sha256: Mapped[str] = mapped_column(text_of(64))
    request_sha256: Mapped[str] = mapped_column(text_of(64))
    recorded_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    location: Mapped[str | None]
    body: Mapped[dict[str, Any] | None]


class EnrolmentDraft(Base):
    """An enrolment that was begun: encrypted, kept for seven days, seen by its writer only."""

    __tablename__ = "enrolment_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    secret: Mapped[str] = mapped_column(text_of(64), unique=True)
    content: Mapped[bytes]
    saved_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)


class KeptForm(Base):
    """What somebody had typed when their session was over: encrypted, kept for an hour, shown to
    them alone after they signed in again. The address it was typed at is inside.
    """

    __tablename__ = "kept_form"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    secret_sha256: Mapped[str] = mapped_column(text_of(64), unique=True)
    content: Mapped[bytes]
    ends_at: Mapped[datetime] = mapped_column(index=True)
