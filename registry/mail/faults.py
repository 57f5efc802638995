"""How a letter can fail to go out."""

import re

ADDRESS = re.compile(r"\S+@\S+")


def without_addresses(reply: str) -> str:
    """A server's reply as it may be kept and shown: servers like to repeat the address."""
    return ADDRESS.sub("(address)", reply)[:200]


class MailFault(Exception):
    """A letter did not go out; the message is the server's reply without anybody's address."""

    def __init__(self, reply: str) -> None:
        super().__init__(without_addresses(reply))


class Unreachable(MailFault):
    """Nothing was handed over, and no other letter would fare better now."""


class Deferred(MailFault):
    """Nothing was handed over; this letter may go later."""


class Rejected(MailFault):
    """Refused for good. `bad_address`: because there is no such mailbox."""

    def __init__(self, reply: str, *, bad_address: bool) -> None:
        super().__init__(reply)
        self.bad_address = bad_address


class Lost(MailFault):
    """The message was handed over and no reply came: it may or may not arrive."""
