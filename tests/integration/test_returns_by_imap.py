"""What comes back is read from a real IMAP server: marked once kept, whatever breaks in between."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import pytest
from dovecot import Dovecot, cut, dovecot
from post import Crash, crash_at_commit
from returned import dsn, out_of_office
from servers import find
from sqlalchemy import select
from support import leave_out
from workflows import Stage, is_counted, sent, tag_on

from registry.bounces import boxes
from registry.bounces.boxes import NoMailbox
from registry.models import Bounce
from workers.returns import read_bounces

COMMANDS = 9  # CAPABILITY, LOGIN, SELECT, SEARCH, FETCH and STORE of two messages, LOGOUT


@pytest.fixture(scope="module")
def server(pytestconfig: pytest.Config) -> Iterator[Dovecot]:
    if not find("dovecot"):
        leave_out(pytestconfig, "reading of IMAP", "apt-get install dovecot-imapd")
    with dovecot() as found:
        yield found


@pytest.fixture
def box() -> str:
    """A mailbox that nobody else uses."""
    return f"bounces-{uuid4().hex[:8]}@us"


def read(stage: Stage, url: str) -> None:
    """As the job does it, from that mailbox. Raises what the job would say."""
    its = replace(stage.runtime.settings, bounce_mailbox=url)
    read_bounces(replace(stage.runtime, settings=its), None)


def kinds(stage: Stage) -> list[str]:
    return sorted(stage.all(select(Bounce.kind)))


def test_a_folder_is_read_and_marked(small_stage: Stage, server: Dovecot, box: str) -> None:
    case = sent(small_stage)
    report = dsn(tag_on(small_stage, case))
    server.deliver(box, report, b"nothing that can be read", report)
    read(small_stage, server.url(box))
    assert server.unread(box) == 0
    is_counted(small_stage, case)
    read(small_stage, server.url(box, folder="INBOX"))
    assert kinds(small_stage) == ["hard"]


def test_a_message_longer_than_is_read_is_known_by_its_beginning(
    small_stage: Stage, server: Dovecot, box: str
) -> None:
    case = sent(small_stage)
    server.deliver(box, dsn(tag_on(small_stage, case)) + b"x" * 72 * 20_000)
    read(small_stage, server.url(box))
    is_counted(small_stage, case)


def test_a_reader_that_dies_leaves_the_message_unread(
    small_stage: Stage, server: Dovecot, box: str
) -> None:
    case = sent(small_stage)
    server.deliver(box, dsn(tag_on(small_stage, case)))
    for after in (False, True):
        with crash_at_commit(small_stage.runtime, 1, after=after), suppress(Crash):
            read(small_stage, server.url(box))
        assert server.unread(box) == 1
    read(small_stage, server.url(box))
    assert server.unread(box) == 0
    is_counted(small_stage, case)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_way_to_the_server_breaks_once_at_every_command(
    small_stage: Stage, server: Dovecot, after: bool
) -> None:
    for number in range(1, COMMANDS + 1):
        case, box = sent(small_stage), f"cut-{number}-{after}@us"
        tag = tag_on(small_stage, case)
        server.deliver(box, dsn(tag), out_of_office(tag))
        with cut(server.port, number, after=after) as way:
            if number < COMMANDS:
                with pytest.raises(NoMailbox, match="cannot be read"):
                    read(small_stage, server.url(box, port=way.port))
            else:
                read(small_stage, server.url(box, port=way.port))
            assert way.is_cut
        read(small_stage, server.url(box))
        assert server.unread(box) == 0
        is_counted(small_stage, case)
    assert kinds(small_stage) == ["auto_reply"] * COMMANDS + ["hard"] * COMMANDS


def test_a_server_that_refuses_is_told_without_the_password(
    small_stage: Stage, server: Dovecot, box: str
) -> None:
    with pytest.raises(NoMailbox, match="cannot be read") as wrong:
        read(small_stage, server.url(box, password="tried"))
    assert "tried" not in str(wrong.value)
    with pytest.raises(NoMailbox, match="no folder Elsewhere"):
        read(small_stage, server.url(box, folder="Elsewhere"))


def test_over_tls_only_a_server_that_can_be_trusted_is_read(
    small_stage: Stage, server: Dovecot, box: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = sent(small_stage)
    server.deliver(box, dsn(tag_on(small_stage, case)))
    url = server.url(box, port=server.tls_port).replace("imap://", "imaps://")
    with pytest.raises(NoMailbox, match="certificate"):
        read(small_stage, url)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    read(small_stage, url)
    is_counted(small_stage, case)


def test_a_server_that_never_answers_is_given_up(
    small_stage: Stage, server: Dovecot, box: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "SECONDS", 0.2)
    with (
        cut(server.port, 2, after=True, silent=True) as way,
        pytest.raises(NoMailbox, match="timed out"),
    ):
        read(small_stage, server.url(box, port=way.port))
