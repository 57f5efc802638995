"""The mailers against a mail server that does what it is told, also the worst."""

import socket
import ssl
import threading
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from smtp_server import HANG_UP, scripted_server
from support import settings_for

from registry.errors import SettingsError
from registry.mail import (
    Deferred,
    Fault,
    FolderMailer,
    Lost,
    Mailer,
    MailFault,
    Patience,
    Rejected,
    SmtpMailer,
    Unreachable,
    make_mailer,
)

FROM, TO = "registry@example.org", "pat@example.org"


def a_message(body: str = "Hello\r\n") -> bytes:
    message = EmailMessage(policy=SMTP)
    message["To"], message["Subject"] = TO, "Your follow-up questions"
    message["Message-ID"], message["Date"] = "<one@example.org>", "Mon, 05 Jan 2026 10:00:00 +0000"
    message.set_content(body)
    return message.as_bytes()


def send(mailer: Mailer, message: bytes | None = None, to: str = TO) -> str:
    mailer.open(FROM, to)
    return mailer.hand_over(message or a_message())


def test_letters_go_over_one_connection() -> None:
    with scripted_server() as scripted, closing(SmtpMailer(scripted.url)) as mailer:
        assert send(mailer, to="one@example.org") == "250 2.0.0 taken"
        send(mailer, to="two@example.org")
        assert [to for to, _ in scripted.letters] == ["one@example.org", "two@example.org"]
        assert scripted.connections == 1


def test_the_message_arrives_byte_by_byte_with_its_dots() -> None:
    message = b"Subject: x\r\n\r\n.\r\n..two\r\n.end\r\nlast"
    with scripted_server() as scripted, closing(SmtpMailer(scripted.url)) as mailer:
        send(mailer, message)
        assert scripted.letters == [(TO, message + b"\r\n")]


def test_a_connection_closed_while_idle_is_opened_again() -> None:
    with scripted_server(MAIL=["250 ok", HANG_UP, "250 ok"]) as scripted:
        with closing(SmtpMailer(scripted.url)) as mailer:
            send(mailer)
            send(mailer)
        assert len(scripted.letters) == 2
        assert scripted.connections == 2


def test_an_abandoned_letter_does_not_disturb_the_next() -> None:
    with scripted_server() as scripted, closing(SmtpMailer(scripted.url)) as mailer:
        mailer.open(FROM, "gone@example.org")
        mailer.abandon()
        send(mailer)
        assert [to for to, _ in scripted.letters] == [TO]


UNREACHABLE: list[dict[str, list[str]]] = [
    {"connect": ["554 no service"]},
    {"connect": [HANG_UP]},
    {"EHLO": [HANG_UP]},
    {"MAIL": ["421 closing"]},
    {"MAIL": ["452 out of room"]},
    {"MAIL": ["550 5.7.1 not this sender"]},
    {"MAIL": [HANG_UP]},
    {"RCPT": ["421 closing"]},
    {"RCPT": [HANG_UP]},
    {"DATA": ["421 closing"]},
    {"DATA": [HANG_UP]},
    {"dot": ["421 closing"]},
]


@pytest.mark.parametrize("script", UNREACHABLE, ids=str)
def test_a_server_that_cannot_be_used_has_certainly_taken_nothing(
    script: dict[str, list[str]],
) -> None:
    with scripted_server(**script) as scripted, closing(SmtpMailer(scripted.url)) as mailer:
        with pytest.raises(Unreachable):
            send(mailer)
        assert scripted.letters == []


def test_nobody_listening_is_unreachable() -> None:
    with scripted_server() as scripted:
        url = scripted.url
    with closing(SmtpMailer(url)) as mailer, pytest.raises(Unreachable):
        mailer.open(FROM, TO)


def test_handing_over_without_a_connection_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        SmtpMailer("smtp://127.0.0.1:1").hand_over(a_message())


@pytest.mark.parametrize(
    "script",
    [
        {"RCPT": ["451 4.7.1 greylisted"]},
        {"RCPT": ["450 4.2.1 busy"]},
        {"DATA": ["451 later"]},
        {"dot": ["452 4.2.2 full"]},
    ],
    ids=str,
)
def test_a_letter_put_off_is_deferred(script: dict[str, list[str]]) -> None:
    with scripted_server(**script) as scripted, closing(SmtpMailer(scripted.url)) as mailer:
        with pytest.raises(Deferred):
            send(mailer)
        assert scripted.letters == []


@pytest.mark.parametrize(
    ("script", "about"),
    [
        ({"RCPT": ["550 5.1.1 unknown user"]}, Fault.ADDRESS),
        ({"RCPT": ["550 5.1.2 unknown domain"]}, Fault.ADDRESS),
        ({"RCPT": ["556 5.1.10 null MX"]}, Fault.ADDRESS),
        ({"RCPT": ["550 no such mailbox"]}, Fault.ADDRESS),
        ({"RCPT": ["550 5.7.1 blocked by policy"]}, Fault.POLICY),
        ({"RCPT": ["554 5.7.1 blocked by policy"]}, Fault.POLICY),
        ({"RCPT": ["552 5.2.2 mailbox full"]}, Fault.MAILBOX),
        ({"dot": ["550 content refused"]}, Fault.CONTENT),
        ({"dot": ["554 5.7.1 content refused"]}, Fault.POLICY),
        ({"dot": ["550 5.1.1 unknown user"]}, Fault.ADDRESS),
        ({"DATA": ["554 no"]}, Fault.CONTENT),
    ],
    ids=str,
)
def test_a_refusal_says_what_it_is_about(script: dict[str, list[str]], about: Fault) -> None:
    with scripted_server(**script) as scripted, closing(SmtpMailer(scripted.url)) as mailer:
        with pytest.raises(Rejected) as refused:
            send(mailer)
        assert refused.value.fault is about
        assert scripted.letters == []


def test_after_a_refusal_the_next_letter_goes_over_the_same_connection() -> None:
    with scripted_server(RCPT=["550 5.1.1 unknown", "250 ok"]) as scripted:
        with closing(SmtpMailer(scripted.url)) as mailer:
            with pytest.raises(Rejected):
                send(mailer)
            send(mailer)
        assert (len(scripted.letters), scripted.connections) == (1, 1)


def test_a_connection_lost_after_the_final_dot_is_uncertain() -> None:
    with scripted_server(dot=[HANG_UP]) as scripted, closing(SmtpMailer(scripted.url)) as mailer:
        with pytest.raises(Lost):
            send(mailer)
        assert len(scripted.letters) == 1


def test_a_reply_that_cannot_be_read_is_uncertain() -> None:
    with (
        scripted_server(dot=["what?"]) as scripted,
        closing(SmtpMailer(scripted.url)) as mailer,
        pytest.raises(Lost),
    ):
        send(mailer)


def test_no_reply_in_time_is_uncertain() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    done = threading.Event()

    def stall() -> None:
        connection, _ = listener.accept()
        with connection:
            for reply in (b"220 ready", b"250 hello", b"250 ok", b"250 ok", b"354 go on"):
                connection.sendall(reply + b"\r\n")
                connection.recv(4096)
            done.wait()

    thread = threading.Thread(target=stall)
    thread.start()
    url, patience = f"smtp://127.0.0.1:{port}", Patience(data=0.2)
    with listener, closing(SmtpMailer(url, patience=patience)) as mailer:
        with pytest.raises(Lost):
            send(mailer)
        done.set()
        thread.join()


@pytest.mark.parametrize(
    "reply", ["550 5.1.1 <pat@example.org>: unknown", "451 pat@example.org no"]
)
def test_no_fault_tells_the_address(reply: str) -> None:
    with (
        scripted_server(RCPT=[reply]) as scripted,
        closing(SmtpMailer(scripted.url)) as mailer,
        pytest.raises(MailFault) as fault,
    ):
        mailer.open(FROM, TO)
    assert "pat" not in str(fault.value)
    assert "(address)" in str(fault.value)


def test_an_address_that_needs_smtputf8_is_refused_but_not_held_against_the_patient() -> None:
    with pytest.raises(Rejected) as refused:
        SmtpMailer("smtp://127.0.0.1:1").open(FROM, "pät@example.org")
    assert refused.value.fault is Fault.CONTENT


def test_starttls_that_is_not_offered_is_unreachable() -> None:
    with scripted_server() as scripted:
        url = scripted.url.replace("smtp://", "smtp+starttls://")
        with closing(SmtpMailer(url)) as mailer, pytest.raises(Unreachable):
            mailer.open(FROM, TO)
        assert scripted.letters == []


def test_a_wrong_password_is_unreachable_and_not_told() -> None:
    with scripted_server(
        EHLO=["250-hello\r\n250 AUTH PLAIN"], AUTH=["535 5.7.8 wrong"]
    ) as scripted:
        url = scripted.url.replace("//", "//us%40er:secret@")
        with closing(SmtpMailer(url)) as mailer, pytest.raises(Unreachable) as fault:
            mailer.open(FROM, TO)
    assert str(fault.value) == "535 5.7.8 wrong"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of our own for 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(address, critical=False)
        .sign(key, SHA256())
    )
    file = tmp_path / "server.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, *plain))
    return file


def test_a_certificate_that_nobody_signed_is_unreachable(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def shake_hands() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=shake_hands)
    thread.start()
    url = f"smtps://127.0.0.1:{listener.getsockname()[1]}"
    with listener, closing(SmtpMailer(url)) as mailer, pytest.raises(Unreachable) as fault:
        mailer.open(FROM, TO)
    thread.join()
    assert "self-signed certificate" in str(fault.value)


def test_a_letter_in_the_folder_is_kept_once_however_often_it_is_copied(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path / "mailbox")
    assert send(mailer) == send(mailer)
    mailer.abandon()
    mailer.close()
    (kept,) = (tmp_path / "mailbox").iterdir()
    assert kept.name.startswith("20260105T100000Z-")
    assert kept.suffix == ".eml"
    assert kept.read_bytes() == a_message()


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example.org",
        "smtp://",
        "smtp://mail.example.org:0",
        "smtp://mail.example.org:99999",
        "mail.example.org",
        "smtp://user:password@mail.example.org:25",
    ],
)
def test_an_address_of_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="REGISTRY_SMTP_URL"):
        SmtpMailer(url)


def test_the_settings_choose_the_mailer(tmp_path: Path) -> None:
    embedded = settings_for(f"sqlite:///{tmp_path}/registry.sqlite")
    assert isinstance(make_mailer(embedded), FolderMailer)
    send(make_mailer(embedded))
    assert len(list((tmp_path / "mailbox").iterdir())) == 1
    with_server = replace(embedded, smtp_url="smtp://127.0.0.1:25")
    assert isinstance(make_mailer(with_server), SmtpMailer)
    production = settings_for("postgresql+psycopg://registry@127.0.0.1/registry")
    with pytest.raises(SettingsError, match="required with PostgreSQL"):
        make_mailer(production)
