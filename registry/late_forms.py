"""Forms that come too late: what was typed is kept, and shown again to who typed it.

A form comes too late when its session is over: nothing happened for too long, or the same person
has signed in again meanwhile. It is not carried out. What was typed is kept encrypted for an hour;
only the same person, signed in, gets it back, and only at the address where it was typed.
"""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlencode

from flask import Request
from werkzeug.datastructures import MultiDict

from registry.actions import kept_forms as actions
from registry.db import reading, transaction
from registry.queries import kept_forms
from registry.queries.accounts import Asker
from registry.runtime import Runtime

PARAMETER = "kept"
NOT_TYPED = frozenset({"csrf_token", "once", "again"})  # `again`: the password a second time


def keep(runtime: Runtime, came: Request, who: Asker, at: datetime) -> str | None:
    """Keep what came too late; gives the address that shows it again. None where there is nothing
    to keep: no form stands at that address, or nothing was typed.
    """
    pairs = list(_typed(came))
    has_page = came.url_rule is not None and "GET" in (came.url_rule.methods or ())
    if runtime.vault is None or not has_page or not pairs:
        return None
    with transaction(runtime) as session:
        secret = actions.keep(
            session, who.user_id, came.path, pairs, vault=runtime.vault, by=who.email, at=at
        )
    query = [(name, value) for name, value in came.args.items(multi=True) if name != PARAMETER]
    return f"{came.path}?{urlencode([*query, (PARAMETER, secret)])}"


def _typed(came: Request) -> Iterator[tuple[str, str]]:
    for name, value in came.form.items(multi=True):
        if name not in NOT_TYPED and "password" not in name:
            yield name, value


def found(runtime: Runtime, came: Request, who: Asker, at: datetime) -> MultiDict[str, str] | None:
    """What this person had typed at this address, if the address says that it was kept."""
    secret = came.args.get(PARAMETER, "")
    if not secret or runtime.vault is None or came.method != "GET":
        return None
    with reading(runtime) as session:
        pairs = kept_forms.find(session, runtime.vault, who.user_id, secret, came.path, at)
    return None if pairs is None else MultiDict(pairs)
