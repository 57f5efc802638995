"""What a mail server's refusal is about: by its enhanced status code, else by its basic code."""

import re
from enum import StrEnum

ADDRESSES = re.compile(r"\S+@\S+")
STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")


class Fault(StrEnum):
    """What a refusal is about. Only the first two are held against an address."""

    ADDRESS = "address"
    """There is no such mailbox, and there will be none."""
    MAILBOX = "mailbox"
    """The mailbox is full or cannot be reached just now."""
    POLICY = "policy"
    """The server does not want our letters."""
    CONTENT = "content"
    """The server does not want this letter: its size, its form, its words."""
    SERVER = "server"
    """The server itself is in trouble, or was set up wrongly."""


ABOUT_US = frozenset({Fault.POLICY, Fault.CONTENT, Fault.SERVER})
"""Refusals for good that the next patient's letter would meet as well."""
# RFC 3463: subject and detail, without the class. 5.1.10 is RFC 7505's null MX; 1.7, 1.8 and 1.9
# speak of the sender; 4.4 is a domain that cannot be found, which a broken resolver also gives.
DETAILS = {
    **dict.fromkeys(("1.1", "1.2", "1.3", "1.6", "1.10", "2.1"), Fault.ADDRESS),
    **dict.fromkeys(("1.7", "1.8", "1.9"), Fault.POLICY),
    **dict.fromkeys(("2.3", "3.4"), Fault.CONTENT),
    **dict.fromkeys(("4.4", "4.7"), Fault.MAILBOX),
}
SUBJECTS = {
    "1": Fault.MAILBOX,
    "2": Fault.MAILBOX,
    "3": Fault.SERVER,
    "4": Fault.SERVER,
    "5": Fault.SERVER,
    "6": Fault.CONTENT,
    "7": Fault.POLICY,
}
AT_RECIPIENT = {550: Fault.ADDRESS, 551: Fault.ADDRESS, 552: Fault.MAILBOX}
AT_RECIPIENT |= {521: Fault.ADDRESS, 556: Fault.ADDRESS, 553: Fault.POLICY, 554: Fault.POLICY}
AFTER_MESSAGE = {550: Fault.CONTENT, 552: Fault.CONTENT, 554: Fault.CONTENT, 553: Fault.POLICY}


def enhanced_status(reply: str) -> str | None:
    """The enhanced status code in a reply (RFC 2034), like "5.1.1", or None."""
    found = STATUS.search(reply)
    return found[0] if found else None


def fault_of(code: int, reply: str, *, at_recipient: bool) -> Fault:
    """What a reply of 4yz or 5yz is about. `at_recipient`: it answers the address, not the message.

    The enhanced code counts (RFC 3463), if it is of the reply's own class and says more than
    "something" (x.0.0); else the basic code (RFC 5321 4.2.3), which names an address only where
    the address was given. A passing refusal (4yz) never says that there is no mailbox.
    """
    status = enhanced_status(reply) or ""
    if status.startswith(f"{code // 100}.") and not status.endswith(".0.0"):
        return of_status(status)
    if code < 500:
        return Fault.SERVER
    return (AT_RECIPIENT if at_recipient else AFTER_MESSAGE).get(code, Fault.SERVER)


def of_status(status: str) -> Fault:
    """What an enhanced status code is about, like "5.2.2" or "4.4.7"."""
    kind, _, rest = status.partition(".")
    fault = DETAILS.get(rest) or SUBJECTS.get(rest.partition(".")[0], Fault.SERVER)
    return Fault.MAILBOX if fault is Fault.ADDRESS and kind == "4" else fault


def without_addresses(reply: str) -> str:
    """A server's reply as it may be kept and shown: servers like to repeat the address."""
    return ADDRESSES.sub("(address)", reply)[:200]
