"""The mailers: a mail server, a folder of .eml files, a list. Only workers and the demo send.

A letter goes out in two steps, so that its sender can write down that it is about to be handed
over: `open` does all that can fail without doubt, `hand_over` gives the message away.
"""

from typing import Protocol

from registry.bounces.kinds import Fault
from registry.errors import SettingsError
from registry.mail.faults import Deferred, Lost, MailFault, Rejected, Unreachable
from registry.mail.kept import FolderMailer, MemoryMailer, Sent
from registry.mail.smtp import Patience, SmtpMailer
from registry.settings import Settings

__all__ = [
    "Deferred",
    "Fault",
    "FolderMailer",
    "Lost",
    "MailFault",
    "Mailer",
    "MemoryMailer",
    "Patience",
    "Rejected",
    "Sent",
    "SmtpMailer",
    "Unreachable",
    "make_mailer",
]


class Mailer(Protocol):
    """Whatever can take a letter. Not shared between threads."""

    def open(self, sender: str, recipient: str) -> None:
        """Everything before the message. Raises Unreachable, Deferred, Rejected."""

    def hand_over(self, message: bytes) -> str:
        """Give the message away; the server's reply. Raises any MailFault."""

    def abandon(self) -> None:
        """Forget the letter that was opened."""

    def close(self) -> None:
        """Give up the connection, if one is kept."""


def make_mailer(settings: Settings) -> Mailer:
    """The mailer that the settings describe; it connects when the first letter is opened.

    Raises SettingsError for an unusable REGISTRY_SMTP_URL and for none in production.
    """
    if settings.smtp_url:
        return SmtpMailer(settings.smtp_url)
    if not settings.embedded:
        raise SettingsError("REGISTRY_SMTP_URL: required with PostgreSQL, smtp://HOST:PORT")
    return FolderMailer(settings.mailbox)
