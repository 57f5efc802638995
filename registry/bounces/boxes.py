"""Where returned messages are read: a maildir or an IMAP folder. Each is marked when it is done.

What is not marked is read again, so a message is never lost, and counting it once is the reader's.
"""

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from registry.bounces.reading import LONGEST
from registry.errors import DomainError

SECONDS = 20.0  # to wait for a mailbox server's reply
MOST = 500  # messages in one visit


class NoMailbox(DomainError):
    """The bounce mailbox cannot be read; the message says why."""


class Box(Protocol):
    """A mailbox: what has not been done yet, and how to mark it as done."""

    def waiting(self) -> Iterator[tuple[str, bytes]]:
        """Each message that is not done, as (its name here, its first bytes)."""

    def done(self, name: str) -> None:
        """Mark one as done."""


class Maildir:
    """A folder with new/ and cur/, as mail servers fill them; done means seen (flag S)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def waiting(self) -> Iterator[tuple[str, bytes]]:
        seen_by_nobody = [*self._folder.glob("new/*"), *self._folder.glob("cur/*")]
        for file in sorted(seen_by_nobody)[: 10 * MOST]:
            if file.is_file() and "S" not in file.name.partition(":2,")[2]:
                with suppress(FileNotFoundError), file.open("rb") as message:
                    yield f"{file.parent.name}/{file.name}", message.read(LONGEST)

    def done(self, name: str) -> None:
        file = self._folder / name
        plain, _, flags = file.name.partition(":2,")
        with suppress(FileNotFoundError):
            file.replace(self._folder / "cur" / f"{plain}:2,{''.join(sorted({*flags, 'S'}))}")


class Imap:
    """A folder of an IMAP server (RFC 3501); done means seen."""

    def __init__(self, server: imaplib.IMAP4) -> None:
        self._server = server

    def waiting(self) -> Iterator[tuple[str, bytes]]:
        for uid in self._ask("search", "UNSEEN").split()[:MOST]:
            told = self._server.uid("fetch", uid.decode(), f"(BODY.PEEK[]<0.{LONGEST}>)")[1]
            message = next((one[1] for one in told if isinstance(one, tuple)), None)
            if message is not None:
                yield uid.decode(), message

    def done(self, name: str) -> None:
        self._ask("store", name, "+FLAGS", r"(\Seen)")

    def _ask(self, *command: str) -> bytes:
        verdict, told = self._server.uid(*command)
        if verdict != "OK":
            raise NoMailbox(f"The bounce mailbox refused {command[0].upper()}.")
        return told[0] or b"" if told else b""


@contextmanager
def opened(url: str) -> Iterator[Box]:
    """The mailbox of REGISTRY_BOUNCE_MAILBOX. Raises NoMailbox, without the password."""
    parts = urlsplit(url)
    if parts.scheme == "maildir":
        folder = Path(unquote(parts.path))
        if not (folder / "new").is_dir() or not (folder / "cur").is_dir():
            raise NoMailbox(f"REGISTRY_BOUNCE_MAILBOX: {folder} is no maildir (new/ and cur/).")
        yield Maildir(folder)
        return
    try:
        with closing(_Visit(parts)) as visit:
            visit.sign_in()
            yield Imap(visit.server)
    except (imaplib.IMAP4.error, OSError) as error:
        told = type(error).__name__ if isinstance(error, imaplib.IMAP4.error) else str(error)
        where = f"The bounce mailbox at {parts.hostname}"
        raise NoMailbox(f"{where} cannot be read: {told}.") from error


class _Visit:
    """A connection; signed out and closed at the end, whatever happened."""

    def __init__(self, parts: SplitResult) -> None:
        self._parts = parts
        host = parts.hostname or ""
        if parts.scheme == "imaps":
            context = ssl.create_default_context()
            port = parts.port or 993
            self.server: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                host, port, ssl_context=context, timeout=SECONDS
            )
        else:
            self.server = imaplib.IMAP4(host, parts.port or 143, timeout=SECONDS)

    def sign_in(self) -> None:
        """Sign in and choose the folder."""
        parts = self._parts
        self.server.login(unquote(parts.username or ""), unquote(parts.password or ""))
        folder = unquote(parts.path).strip("/") or "INBOX"
        if self.server.select(f'"{folder}"')[0] != "OK":
            raise NoMailbox(f"REGISTRY_BOUNCE_MAILBOX: there is no folder {folder} there.")

    def close(self) -> None:
        with suppress(imaplib.IMAP4.error, OSError):
            self.server.logout()
        with suppress(OSError):
            self.server.shutdown()  # a way that broke before the reply is still open here
