"""A real IMAP server for tests: Dovecot in its own folder, on ports of its own, without root."""

import grp
import os
import pwd
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from imaplib import IMAP4
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from servers import NOBODY, ended, find, free_port, open_folder, unprivileged, wait_until_open

from registry.clock import SystemClock

PASSWORD = "s/cret"  # one that an address has to quote
CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
disable_plaintext_auth = no
auth_failure_delay = 0
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """Every name is a user with a mailbox of its own and the same password."""

    port: int
    tls_port: int
    certificate: Path

    def url(self, user: str, *, folder: str = "", password: str = PASSWORD, port: int = 0) -> str:
        """What REGISTRY_BOUNCE_MAILBOX is set to; `port`: of whoever stands in between."""
        who = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"imap://{who}@127.0.0.1:{port or self.port}/{folder}"

    def deliver(self, user: str, *messages: bytes) -> None:
        """Put messages into the user's INBOX, unread."""
        with self._signed_in(user) as server:
            for raw in messages:
                verdict, told = server.append("INBOX", "", "", raw)
                assert verdict == "OK", told

    def unread(self, user: str) -> int:
        """How many messages in the user's INBOX are not marked as seen."""
        with self._signed_in(user) as server:
            server.select("INBOX", readonly=True)
            return len(server.search(None, "UNSEEN")[1][0].split())

    @contextmanager
    def _signed_in(self, user: str) -> Iterator[IMAP4]:
        with IMAP4("127.0.0.1", self.port, timeout=20) as server:
            server.login(user, PASSWORD)
            yield server


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """A server while the block runs."""
    binary = find("dovecot")
    assert binary
    uid, gid = (NOBODY, NOBODY) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    with open_folder() as folder:
        certify(folder)
        its = Dovecot(free_port(), free_port(), folder / "certificate.pem")
        names = {"user": pwd.getpwuid(uid).pw_name, "group": grp.getgrgid(gid).gr_name}
        told = {"folder": folder, "uid": uid, "gid": gid, "password": PASSWORD, **names}
        config = folder / "dovecot.conf"
        config.write_text(CONFIG.format(**told, port=its.port, tls_port=its.tls_port))
        for path in (folder, *folder.iterdir()):
            os.chown(path, uid, gid)
        process = subprocess.Popen([binary, "-F", "-c", config], cwd=folder, **unprivileged())
        with ended(process):
            wait_until_open(its.port, process)
            yield its


def certify(folder: Path) -> None:
    """A key and a certificate of 127.0.0.1 that nobody but its reader trusts."""
    key, now = ec.generate_private_key(ec.SECP256R1()), SystemClock().now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)


class Between:
    """Stands between a client and a server, and ends the connection at the client's command of
    that number: before the server has it, or (`after`) when the server's reply to it comes; or
    (`silent`) keeps it, and says nothing more.
    """

    def __init__(self, port: int, number: int, *, after: bool, silent: bool) -> None:
        self._server, self._left, self._after, self._silent = port, number, after, silent
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def is_cut(self) -> bool:
        """Whether that command came."""
        return self._left <= 0

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            client, _ = self._listener.accept()
            with client, socket.create_connection(("127.0.0.1", self._server)) as server:
                replies = threading.Thread(target=self._pass_on, args=(server, client, self._reply))
                replies.start()
                self._pass_on(client, server, self._command)
                replies.join()

    def _pass_on(
        self, source: socket.socket, to: socket.socket, passes: Callable[[], bool]
    ) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                if passes():
                    to.sendall(content)
                elif not self._silent:
                    break
        for end in (source, to):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _command(self) -> bool:
        self._left -= 1
        return self._left > 0 or self._after

    def _reply(self) -> bool:
        return self._left > 0


@contextmanager
def cut(port: int, number: int, *, after: bool, silent: bool = False) -> Iterator[Between]:
    """A way to that server that breaks while the block runs."""
    with closing(Between(port, number, after=after, silent=silent)) as between:
        yield between
