"""Letters that stay here: as .eml files in a folder, or in a list."""

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path


class FolderMailer:
    """Keeps each letter as an .eml file; a second copy of a letter replaces the first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, sender: str, recipient: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def hand_over(self, message: bytes) -> str:
        headers = message_from_bytes(message, policy=default)
        dated_at = parsedate_to_datetime(str(headers["Date"]))
        digest = sha256(str(headers["Message-ID"]).encode()).hexdigest()[:12]
        name = f"{dated_at:%Y%m%dT%H%M%SZ}-{digest}.eml"
        part = self._folder / f"{name}.part"
        part.write_bytes(message)
        part.replace(self._folder / name)
        return f"250 kept as {name}"

    def abandon(self) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Sent:
    """A letter that was handed over: to whom, as bytes and as read by a mail program."""

    recipient: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The letter, parsed."""
        return message_from_bytes(self.raw, policy=default)


class MemoryMailer:
    """Keeps the letters in a list."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self._recipient = ""

    def open(self, sender: str, recipient: str) -> None:
        self._recipient = recipient

    def hand_over(self, message: bytes) -> str:
        self.sent.append(Sent(self._recipient, message))
        return "250 kept"

    def abandon(self) -> None:
        pass

    def close(self) -> None:
        pass
