"""Administration: sites, users, the protocol, the outbox, the trail, and the kept letters."""

from collections.abc import Iterator

from flask import Blueprint

from registry.settings import Settings
from registry.web.admin.advertised import advertised
from registry.web.admin.dead_letters import dead_letters
from registry.web.admin.holds import holds
from registry.web.admin.keys import keys
from registry.web.admin.mailbox import mailbox
from registry.web.admin.post import post
from registry.web.admin.protocol import protocol
from registry.web.admin.sites import sites
from registry.web.admin.standing import standing
from registry.web.admin.trail import trail
from registry.web.admin.users import users


def of(settings: Settings) -> Iterator[Blueprint]:
    """The pages that there are; letters kept in a folder only where no mail server is set."""
    yield from (
        sites,
        users,
        keys,
        protocol,
        post,
        holds,
        dead_letters,
        standing,
        trail,
        advertised,
    )
    if settings.embedded and settings.smtp_url is None:
        yield mailbox
