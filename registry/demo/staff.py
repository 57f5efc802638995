"""Who may sign in to a demonstration: one member of staff per role, with a drawn passphrase."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions import accounts
from registry.db import transaction
from registry.demo import invented
from registry.demo.world import BY
from registry.models import User
from registry.runtime import Runtime

PASSPHRASE_WORDS = (
    *("amber", "basket", "candle", "daisy", "ember", "falcon", "garden", "harbour", "island"),
    *("jacket", "kettle", "lantern", "meadow", "needle", "orchard", "pebble", "quartz", "ribbon"),
    *("saddle", "tunnel", "umbrella", "velvet", "walnut", "yellow", "zephyr", "cotton", "marble"),
)


@dataclass(frozen=True)
class SignIn:
    """Somebody who may sign in to the demonstration."""

    role: str
    name: str
    email: str
    password: str


def sign_ins(runtime: Runtime, hasher: PasswordHasher) -> tuple[SignIn, ...]:
    """One account per role at every site, made where it is missing and let in again where it was
    shut out, with a new passphrase each: the database keeps none that could be told again.
    """
    staffed = tuple(_drawn(role, name) for role, name in invented.STAFF.items())
    hashes = [hasher.hash(one.password) for one in staffed]
    at = runtime.clock.now()
    with transaction(runtime) as session:  # all or none: a passphrase that is kept is told too
        for one, password_hash in zip(staffed, hashes, strict=True):
            _let_in(session, one, password_hash, at)
    return staffed


def _drawn(role: str, name: str) -> SignIn:
    password = " ".join(secrets.choice(PASSPHRASE_WORDS) for _ in range(5))
    return SignIn(role, name, f"{role.replace('_', '.')}@example.org", password)


def _let_in(session: Session, one: SignIn, password_hash: str, at: datetime) -> None:
    everywhere = [(one.role, None)]
    user = session.scalars(select(User).where(User.email == one.email)).one_or_none()
    if user is None:
        user = accounts.add_user(session, one.email, one.name, everywhere, by=BY, at=at)
    accounts.enable(session, user.id, by=BY, at=at)
    accounts.set_roles(session, user.id, everywhere, by=BY, at=at)
    secret = accounts.make_link(session, user.id, by=BY, at=at)
    accounts.choose_password(session, secret, password_hash, by=one.email, at=at)
