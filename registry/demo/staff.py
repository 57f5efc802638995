"""Who may sign in to a demonstration: one member of staff per role, with a drawn passphrase."""

import secrets
from dataclasses import dataclass

from argon2 import PasswordHasher
from sqlalchemy import select

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
    """One account per role at every site, made where it is missing, with a new passphrase each:
    the database keeps none that could be told again.
    """
    return tuple(_sign_in(runtime, role, name, hasher) for role, name in invented.STAFF.items())


def _sign_in(runtime: Runtime, role: str, name: str, hasher: PasswordHasher) -> SignIn:
    password = " ".join(secrets.choice(PASSPHRASE_WORDS) for _ in range(5))
    email, at = f"{role.replace('_', '.')}@example.org", runtime.clock.now()
    with transaction(runtime) as session:
        user = session.scalars(select(User).where(User.email == email)).one_or_none()
        if user is None:
            user = accounts.add_user(session, email, name, [(role, None)], by=BY, at=at)
        secret = accounts.make_link(session, user.id, by=BY, at=at)
        accounts.choose_password(session, secret, hasher.hash(password), by=email, at=at)
    return SignIn(role, name, email, password)
