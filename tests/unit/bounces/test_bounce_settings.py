"""What may be said about where undeliverable letters come back to."""

import base64
from pathlib import Path

import pytest

from registry.errors import SettingsError
from registry.settings import Settings


def settings(folder: Path, door: bool = False, **named: str) -> Settings:
    env = {f"REGISTRY_{name}": text for name, text in named.items()}
    return Settings.from_env(
        {"REGISTRY_DATABASE_URL": f"sqlite:///{folder}/r.sqlite", **env}, door=door
    )


def test_unset_nothing_is_read_and_nothing_can_be_posted(tmp_path: Path) -> None:
    its = settings(tmp_path)
    assert (its.bounce_address, its.bounce_mailbox, its.bounce_key) == (None, None, None)


@pytest.mark.parametrize(
    "url",
    [
        "maildir:///var/mail/bounces",
        "imaps://us:secret@mail.example.org",
        "imaps://us:secret@mail.example.org:1993/INBOX/bounces",
        "imap://us:secret@127.0.0.1:1143",
    ],
)
def test_a_mailbox_that_can_be_read(tmp_path: Path, url: str) -> None:
    its = settings(tmp_path, BOUNCE_MAILBOX=url, BOUNCE_ADDRESS="bounces@registry.example.org")
    assert its.bounce_mailbox == url
    assert "secret" not in repr(its)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BOUNCE_ADDRESS", "bounces"),
        ("BOUNCE_ADDRESS", "bounces@localhost"),
        ("BOUNCE_ADDRESS", "bounces+more@example.org"),
        ("BOUNCE_ADDRESS", f"{'b' * 24}@example.org"),
        ("BOUNCE_ADDRESS", "a@example.org, b@example.org"),
        ("BOUNCE_MAILBOX", "/var/mail/bounces"),
        ("BOUNCE_MAILBOX", "maildir:"),
        ("BOUNCE_MAILBOX", "imap://us:secret@mail.example.org"),
        ("BOUNCE_MAILBOX", "imaps://mail.example.org"),
        ("BOUNCE_MAILBOX", "pop3://us:secret@mail.example.org"),
        ("BOUNCE_KEY", "too short"),
        ("BOUNCE_KEY", base64.b64encode(b"x" * 31).decode()),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"REGISTRY_{name}") as wrong:
        settings(tmp_path, **{name: text})
    assert "secret" not in str(wrong.value)


def test_the_door_is_told_nothing_of_it(tmp_path: Path) -> None:
    its = settings(tmp_path, door=True, BOUNCE_MAILBOX="imaps://us:secret@mail.example.org")
    assert its.bounce_mailbox is None
