"""The table of what comes back, and what each is taken for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returned import BOX, by_a_person, complaint, dsn, exim, message, out_of_office, qmail, sender

from registry import tokens
from registry.bounces.kinds import Fault, fault_of, of_status
from registry.bounces.reading import read

KEYS = {1: b"k" * 32, 2: b"n" * 32}
TAG = tokens.bounce_tag(KEYS, 2, "instance", 7)

REPORTS = {
    "no such user": (dsn(TAG), "hard", "5.1.1"),
    "no such domain": (dsn(TAG, "5.1.2", ""), "hard", "5.1.2"),
    "null MX": (dsn(TAG, "5.1.10", ""), "hard", "5.1.10"),
    "disabled": (dsn(TAG, "5.2.1", ""), "hard", "5.2.1"),
    "mailbox full": (dsn(TAG, "5.2.2", "smtp; 552 5.2.2 over quota"), "soft", "5.2.2"),
    "given up after days": (dsn(TAG, "4.4.7", "smtp; 451 4.4.7 expired"), "soft", "4.4.7"),
    "given up, mailbox full": (dsn(TAG, "4.2.2", ""), "soft", "4.2.2"),
    "given up, unknown for now": (dsn(TAG, "4.1.1", ""), "soft", "4.1.1"),
    "route lost": (dsn(TAG, "5.4.4", ""), "soft", "5.4.4"),
    "policy": (dsn(TAG, "5.7.1", "smtp; 550 5.7.1 blocked"), "policy", "5.7.1"),
    "DMARC": (dsn(TAG, "5.7.26", ""), "policy", "5.7.26"),
    "given up, greylisted": (dsn(TAG, "4.7.1", ""), "policy", "4.7.1"),
    "too large": (dsn(TAG, "5.3.4", "smtp; 552 5.3.4 too big"), "policy", "5.3.4"),
    "malformed": (dsn(TAG, "5.6.0", ""), "policy", "5.6.0"),
    "still trying": (dsn(TAG, "4.4.1", action="delayed"), "delayed", "4.4.1"),
    "delivered": (dsn(TAG, "2.0.0", "smtp; 250 ok", action="delivered"), "other", "2.0.0"),
    "in its words": (dsn(TAG, "5.0.0", "smtp; 550 5.1.1 unknown"), "hard", "5.0.0"),
    "policy in its words": (dsn(TAG, "5.0.0", "smtp; 550 5.7.1 spam"), "policy", "5.0.0"),
    "by its basic code": (dsn(TAG, "5.0.0", "smtp; 550 unknown user"), "hard", "5.0.0"),
    "full by its basic code": (dsn(TAG, "5.0.0", "smtp; 552 no room"), "soft", "5.0.0"),
    "without a status": (dsn(TAG, "", "smtp; 550 unknown user"), "hard", None),
    "after the message": (
        dsn(TAG, "5.0.0", "smtp; 550 no", words="(in reply to end of DATA command)"),
        "policy",
        "5.0.0",
    ),
    "complaint": (complaint(TAG), "complaint", None),
    "opted out at the provider": (complaint(TAG, "opt-out"), "complaint", None),
    "no spam after all": (complaint(TAG, "not-spam"), "other", None),
    "out of office": (out_of_office(TAG), "auto_reply", None),
    "receipt": (
        message(
            f"To: {sender(TAG)}\nContent-Type: multipart/report; boundary=x;"
            " report-type=disposition-notification\n\n--x\n\nRead.\n--x--\n"
        ),
        "auto_reply",
        None,
    ),
    "a person": (by_a_person(TAG), "other", None),
    "Exim": (exim(TAG), "hard", "5.1.1"),
    "Exim, policy": (exim(TAG, "550 5.7.1 blocked"), "policy", "5.7.1"),
    "qmail": (qmail(TAG), "hard", "5.1.1"),
    "nothing": (b"", "other", None),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_returned_message_is_taken_for(name: str) -> None:
    raw, kind, status = REPORTS[name]
    report = read(raw, BOX)
    assert (report.kind, report.status) == (kind, status)
    assert report.tags == ((TAG,) if raw else ())
    assert "pat@" not in report.words


def test_a_tag_is_looked_for_where_the_servers_wrote_it_and_not_in_the_words() -> None:
    words_only = message(f"To: {BOX}\nSubject: {sender(TAG)}\n\nTo: {sender(TAG)}\n")
    assert read(words_only, BOX).tags == ()
    elsewhere = message(f"To: {sender(TAG).replace('example.org', 'example.org.test')}\n\n")
    assert read(elsewhere, BOX).tags == ()
    upper = message(f"Delivered-To: {sender(TAG).upper()}\nTo: {BOX}\n\n")
    assert read(upper, BOX).tags == (TAG,)
    # what a delivery report returns was written by whoever sent it
    inside = dsn("0-0-0").replace(b"<registry@example.org>", f"<{sender(TAG)}>".encode())
    assert read(inside, BOX).tags == ()


def test_the_same_message_is_the_same_whichever_way_it_came() -> None:
    first = dsn(TAG, message_id="<one@mx.example.org>")
    again = b"Received: from elsewhere\r\n" + first
    other = dsn(TAG, message_id="<two@mx.example.org>")
    identities = [read(raw, BOX).identity for raw in (first, again, other)]
    assert identities[0] == identities[1] != identities[2]


@given(st.binary(max_size=400), st.sampled_from([raw for raw, *_ in REPORTS.values()]))
def test_whatever_strangers_send_can_be_read(noise: bytes, genuine: bytes) -> None:
    read(noise, BOX)
    cut = len(noise) % max(len(genuine), 1)
    assert read(genuine[:cut] + noise + genuine[cut:], BOX).kind


def test_only_we_can_make_a_tag() -> None:
    def letter(tag: str, instance: str = "instance") -> int | None:
        return tokens.read_bounce_tag(KEYS, instance, tag)

    assert letter(TAG) == 7
    assert letter(tokens.bounce_tag(KEYS, 1, "instance", 8)) == 8
    assert letter(TAG.upper()) == 7
    version, number, mac = TAG.split("-")
    for forged in (
        f"{version}-8-{mac}",
        f"1-{number}-{mac}",
        f"3-{number}-{mac}",
        f"{version}-{number}-{'a' * 20}",
        f"{version}-{number}",
        f"{version}-{number}-{mac[:19]}",
        f"{version}-0{number}-{mac}",
        "",
        "--",
        "9" * 40 + f"-{number}-{mac}",
    ):
        assert letter(forged) is None, forged
    assert letter(TAG, "another") is None
    assert len(f"{'b' * 23}+{tokens.bounce_tag(KEYS, 2, 'instance', 10**12)}") <= 64


@given(st.integers(400, 599), st.booleans(), st.integers(1, 7), st.integers(0, 40))
def test_a_passing_refusal_never_says_that_there_is_no_mailbox(
    code: int, at_recipient: bool, subject: int, detail: int
) -> None:
    status = f"{code // 100}.{subject}.{detail}"
    for reply in (f"{code} no", f"{code} {status} no"):
        fault = fault_of(code, reply, at_recipient=at_recipient)
        assert fault is not Fault.ADDRESS or code >= 500
    if subject == 7:
        assert of_status(status) is Fault.POLICY


def test_a_number_in_the_words_is_no_code() -> None:
    assert fault_of(550, "550 rejected by 5.1.1.9", at_recipient=False) is Fault.CONTENT
    assert fault_of(550, "550 Server 2.5.1 says no", at_recipient=True) is Fault.ADDRESS
