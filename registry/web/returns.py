"""What a mail provider posts: a returned message, signed with the key that both know."""

import hashlib
import hmac

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from registry import http
from registry.actions import returns as actions
from registry.db import transaction
from registry.errors import NotFound, Refused

returns = Blueprint("returns", __name__)
BY = "bounces"
SIGNATURE = "X-Signature-256"


@returns.post("/bounces")
def receive() -> ResponseReturnValue:
    """Take in one message (its bytes are the body), if `X-Signature-256: sha256=HEX` is the
    HMAC-SHA-256 of the body under REGISTRY_BOUNCE_KEY. Without that key there is no such page.
    """
    raw = request.get_data()
    _prove(raw)
    with transaction(http.runtime()) as session:
        its, at = http.runtime().settings, http.at()
        kind = actions.receive(session, raw, settings=its, by=BY, at=at)
    return {"kind": kind}


def _prove(raw: bytes) -> None:
    key = http.runtime().settings.bounce_key
    if key is None:
        raise NotFound("There is no such page.")
    genuine = f"sha256={hmac.digest(key, raw, hashlib.sha256).hex()}"
    if not hmac.compare_digest(genuine.encode(), request.headers.get(SIGNATURE, "").encode()):
        raise Refused("The signature is not that of this message.")
