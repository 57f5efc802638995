"""The mail server of the demonstration: takes letters over SMTP, and refuses some as scripted."""

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from registry.demo.door import HOST, free_port
from registry.mail import FolderMailer

NO_SUCH_BOX = "550 5.1.1 there is no such mailbox"
COME_BACK = "451 4.7.1 greylisted, come back later"


@dataclass(frozen=True)
class Delivered:
    """A letter in somebody's mailbox."""

    recipient: str
    message: EmailMessage

    @property
    def text(self) -> str:
        """Its plain text."""
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body else ""


class PostOffice:
    """A mail server at a free port of this machine; copies of all letters go to a folder.

    `gone` are addresses without a mailbox, `grey` those that refuse the first attempt for a while.
    """

    def __init__(self, folder: Path) -> None:
        self.gone: set[str] = set()
        self.grey: set[str] = set()
        self.refused: list[str] = []
        self.letters = 0
        self._arrived: list[Delivered] = []
        self._copies = FolderMailer(folder)
        self._copies.open("", "")
        self._port = free_port(0)
        self._server = Controller(self, hostname=HOST, port=self._port)

    def __enter__(self) -> "PostOffice":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        """For REGISTRY_SMTP_URL."""
        return f"smtp://{HOST}:{self._port}"

    def collect(self) -> list[Delivered]:
        """The letters that arrived since the last time."""
        arrived, self._arrived = self._arrived, []
        return arrived

    def collect_refused(self) -> list[str]:
        """The addresses that were refused for good since the last time."""
        refused, self.refused = self.refused, []
        return refused

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """The answer to an address."""
        if address in self.gone:
            self.refused.append(address)
            return NO_SUCH_BOX
        if address in self.grey:
            self.grey.remove(address)
            return COME_BACK
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Take a letter."""
        content = bytes(envelope.content)
        self._copies.hand_over(content)
        message = message_from_bytes(content, policy=default)
        self._arrived += [Delivered(to, message) for to in envelope.rcpt_tos]
        self.letters += 1
        return "250 OK"
