"""How a letter can fail to go out."""

from registry.bounces.kinds import Fault, without_addresses


class MailFault(Exception):
    """A letter did not go out; the message is the server's reply without anybody's address."""

    def __init__(self, reply: str, fault: Fault = Fault.SERVER) -> None:
        super().__init__(without_addresses(reply))
        self.fault = fault


class Unreachable(MailFault):
    """Nothing was handed over, and no other letter would fare better now."""


class Deferred(MailFault):
    """Nothing was handed over; this letter may go later."""


class Rejected(MailFault):
    """Nothing was handed over, and this letter was refused for good."""


class Lost(MailFault):
    """The message was handed over and no reply came: it may or may not arrive."""
