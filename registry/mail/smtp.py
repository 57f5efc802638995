"""Letters over SMTP: one kept connection, and every failure told apart by what it means."""

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from socket import socket
from urllib.parse import SplitResult, unquote, urlsplit

from registry.bounces.kinds import Fault, fault_of, without_addresses
from registry.errors import SettingsError
from registry.mail.faults import Deferred, Lost, MailFault, Rejected, Unreachable

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for the connection, for a reply, for the last reply.

    A shorter wait for the last one would make doubles (RFC 5321 4.5.3.2.6); all of them together
    are shorter than a letter's lease.
    """

    connect: float = 10.0
    command: float = 20.0
    data: float = 600.0


USUAL = Patience()


class SmtpMailer:
    """A mail server over one kept connection (RFC 5321).

    `smtp://` is plain, `smtp+starttls://` insists on STARTTLS, `smtps://` is TLS from the start.
    """

    def __init__(self, url: str, *, patience: Patience = USUAL) -> None:
        self._url = _checked(url)
        self._patience = patience
        self._smtp: smtplib.SMTP | None = None

    def open(self, sender: str, recipient: str) -> None:
        if not (sender.isascii() and recipient.isascii()):
            raise Rejected("5.6.7 the address needs SMTPUTF8", Fault.CONTENT)
        if self._smtp is not None:
            # a kept connection may have been closed while it was idle: that is no fault
            with suppress(Unreachable):
                return self._envelope(self._smtp, sender, recipient)
        return self._envelope(self._connect(), sender, recipient)

    def hand_over(self, message: bytes) -> str:
        smtp = self._smtp
        if smtp is None or smtp.sock is None:
            raise Unreachable("the connection was closed")
        try:
            code, reply = smtp.docmd("DATA")
            if code == 354:
                # sendall fails only while the last bytes, the final dot, are still here
                smtp.send(_dotted(message))
        except OSError as error:
            raise self._gone(error) from error
        if code != 354:
            raise self._fault(code, reply, at_recipient=False)
        code, reply = self._last_reply(smtp)
        if 200 <= code < 300:
            return without_addresses(_words(code, reply))
        raise self._fault(code, reply, at_recipient=False)

    def abandon(self) -> None:
        if self._smtp is not None:
            try:
                self._smtp.rset()
            except OSError:
                self._drop()

    def close(self) -> None:
        if self._smtp is not None:
            with suppress(OSError):
                self._smtp.quit()
            self._drop()

    def _connect(self) -> smtplib.SMTP:
        try:
            smtp = self._smtp = self._opened()
            _sock(smtp).settimeout(self._patience.command)
            self._greet(smtp)
        except OSError as error:
            raise self._gone(error) from error
        return smtp

    def _opened(self) -> smtplib.SMTP:
        host, port = self._url.hostname or "", self._url.port or PORTS[self._url.scheme]
        if self._url.scheme == "smtps":
            # without a context smtplib would take any certificate
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, timeout=self._patience.connect, context=context)
        return smtplib.SMTP(host, port, timeout=self._patience.connect)

    def _greet(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        if self._url.scheme == "smtp+starttls":
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo()
        if self._url.username:
            smtp.login(unquote(self._url.username), unquote(self._url.password or ""))

    def _envelope(self, smtp: smtplib.SMTP, sender: str, recipient: str) -> None:
        try:
            code, reply = smtp.mail(sender)
            if code != 250:
                self._drop()
                raise Unreachable(_words(code, reply))
            code, reply = smtp.rcpt(recipient)
        except OSError as error:
            raise self._gone(error) from error
        if not 200 <= code < 300:
            fault = self._fault(code, reply, at_recipient=True)
            self.abandon()
            raise fault

    def _last_reply(self, smtp: smtplib.SMTP) -> tuple[int, bytes]:
        try:
            _sock(smtp).settimeout(self._patience.data)
            code, reply = smtp.getreply()
            _sock(smtp).settimeout(self._patience.command)
        except OSError as error:
            self._drop()
            raise Lost(f"no reply after the message ({type(error).__name__})") from error
        if not (200 <= code < 300 or 400 <= code < 600):
            self._drop()
            raise Lost("no reply that could be read after the message")
        return code, reply

    def _fault(self, code: int, reply: bytes, *, at_recipient: bool) -> MailFault:
        words = _words(code, reply)
        if code == 421 or not 400 <= code < 600:
            self._drop()
            return Unreachable(words)
        fault = fault_of(code, words, at_recipient=at_recipient)
        return Deferred(words, fault) if code < 500 else Rejected(words, fault)

    def _gone(self, error: OSError) -> Unreachable:
        self._drop()
        if isinstance(error, smtplib.SMTPResponseException):
            reply = error.smtp_error
            text = reply if isinstance(reply, bytes) else reply.encode()
            return Unreachable(_words(error.smtp_code, text))
        return Unreachable(f"{type(error).__name__}: {error}")

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    try:
        usable = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            f"REGISTRY_SMTP_URL: use {', '.join(f'{k}://HOST:PORT' for k in PORTS)}"
        )
    if parts.username and parts.scheme == "smtp" and parts.hostname not in LOOPBACK:
        raise SettingsError(
            "REGISTRY_SMTP_URL: a password over smtp:// could be read on the way; "
            "use smtp+starttls:// or smtps://"
        )
    return parts


def _words(code: int, reply: bytes) -> str:
    return f"{code} {' '.join(reply.decode('utf-8', 'replace').split())}"


def _dotted(message: bytes) -> bytes:
    """The message with lines that begin with a dot given a second one, and the final dot."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    ended = lines if lines.endswith(b"\r\n") else lines + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended) + b".\r\n"


def _sock(smtp: smtplib.SMTP) -> socket:
    sock = smtp.sock
    if sock is None:
        raise smtplib.SMTPServerDisconnected("the connection was closed")
    return sock
