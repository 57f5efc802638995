"""Secrets in links: survey links are derived, others drawn; only hashes are kept."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

NUMBER = re.compile(r"[0-9]{1,18}")


def survey_token(
    keys: Mapping[int, bytes], version: int, instance: str, follow_up_id: int, number: int
) -> str:
    """The token of letter `number` of a follow-up: 256 bits, the same each time it is derived.

    HMAC-SHA-256 (RFC 2104) of the token key over instance, follow-up and number, base64url, so
    that a copy of a letter carries the same link although only the hash is stored.
    """
    message = f"survey|{instance}|{follow_up_id}|{number}".encode()
    return _base64url(hmac.new(keys[version], message, hashlib.sha256).digest())


def unsubscribe_token(
    keys: Mapping[int, bytes], version: int, instance: str, follow_up: int
) -> str:
    """The token that stops the letters of the patient behind a follow-up; names its key version."""
    return _naming("unsubscribe", keys, version, instance, follow_up)


def read_unsubscribe_token(keys: Mapping[int, bytes], instance: str, token: str) -> int | None:
    """The follow-up's id that an unsubscribe token is for; None if it is not one of ours."""
    return _named("unsubscribe", keys, instance, token)


def preferences_token(
    keys: Mapping[int, bytes], version: int, instance: str, follow_up: int
) -> str:
    """The token of the page where the patient behind a follow-up chooses when and how often to be
    written to; names its key version.
    """
    return _naming("preferences", keys, version, instance, follow_up)


def read_preferences_token(keys: Mapping[int, bytes], instance: str, token: str) -> int | None:
    """The follow-up's id that such a token is for; None if it is not one of ours."""
    return _named("preferences", keys, instance, token)


def _naming(
    purpose: str, keys: Mapping[int, bytes], version: int, instance: str, follow_up: int
) -> str:
    message = f"{purpose}|{instance}|{follow_up}".encode()
    mac = _base64url(hmac.new(keys[version], message, hashlib.sha256).digest())
    return f"{version}.{follow_up}.{mac}"


def _named(purpose: str, keys: Mapping[int, bytes], instance: str, token: str) -> int | None:
    version, _, rest = token.partition(".")
    follow_up, _, _mac = rest.partition(".")
    if not (NUMBER.fullmatch(version) and NUMBER.fullmatch(follow_up) and int(version) in keys):
        return None
    genuine = _naming(purpose, keys, int(version), instance, int(follow_up))
    return int(follow_up) if hmac.compare_digest(genuine.encode(), token.encode()) else None


def reset_secret(keys: Mapping[int, bytes], version: int, instance: str, reset_id: int) -> str:
    """The secret of a password reset's link, derived like a survey token, for the same reason."""
    message = f"reset|{instance}|{reset_id}".encode()
    return _base64url(hmac.new(keys[version], message, hashlib.sha256).digest())


def message_id(keys: Mapping[int, bytes], instance: str, outbox_id: int, domain: str) -> str:
    """The Message-ID of a letter: the same for every copy of it (RFC 5322 3.6.4)."""
    message = f"message|{instance}|{outbox_id}".encode()
    digest = hmac.new(keys[min(keys)], message, hashlib.sha256).digest()[:20]
    return f"<{base64.b32encode(digest).decode().lower()}@{domain}>"


def bounce_tag(keys: Mapping[int, bytes], version: int, instance: str, outbox_id: int) -> str:
    """What marks the envelope sender of a letter, so that what comes back can be told from what
    anybody else makes up. Lower case only: mail servers may fold a local part; 100 bits of HMAC.
    """
    message = f"bounce|{instance}|{outbox_id}".encode()
    mac = base64.b32encode(hmac.new(keys[version], message, hashlib.sha256).digest())
    return f"{version}-{outbox_id}-{mac[:20].decode().lower()}"


def read_bounce_tag(keys: Mapping[int, bytes], instance: str, tag: str) -> int | None:
    """The letter that a tag is of; None if it is not one of ours."""
    version, _, rest = tag.partition("-")
    outbox_id = rest.partition("-")[0]
    if not re.fullmatch(r"[1-9]\d{0,8}", version) or not re.fullmatch(r"[1-9]\d{0,17}", outbox_id):
        return None
    if int(version) not in keys:
        return None
    genuine = bounce_tag(keys, int(version), instance, int(outbox_id))
    is_ours = hmac.compare_digest(genuine.encode(), tag.lower().encode())
    return int(outbox_id) if is_ours else None


def drawn() -> str:
    """A new random secret of 256 bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored of a token: SHA-256 in hex (256 random bits need no slow hash)."""
    return hashlib.sha256(token.encode()).hexdigest()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
