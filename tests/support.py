"""What fixtures and tests share: settings of a test's registry, and leaving out aloud."""

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from registry.settings import Settings

LEFT_OUT = "LEFT OUT:"
JOURNALS = TemporaryDirectory(prefix="registry-journals-")


def leave_out(config: pytest.Config, what: str, remedy: str) -> None:
    """Skip, and say so at the end of the run; or fail where nothing may be left out."""
    if config.getoption("--nothing-left-out"):
        pytest.fail(f"{what} must not be left out: {remedy}")
    pytest.skip(f"{LEFT_OUT} {what}. To run it: {remedy}")


def key(letter: str) -> bytes:
    """A key for tests."""
    return letter.encode() * 32


def settings_for(url: str) -> Settings:
    """Settings of a test's registry on this database."""
    return Settings(
        database_url=url,
        secret_key=key("s"),
        audit_key=key("a"),
        token_keys={1: key("t")},
        master_keys={1: key("m")},
        index_key=key("i"),
        public_url="http://registry.test",
        door_url="http://door.test",
        mail_from="registry@example.org",
        send_window="always",
        journal=None if url.startswith("sqlite") else _journal_for(url),
    )


def _journal_for(url: str) -> Path:
    """The side journal of a test's own database on a server; taken away with the run's folder."""
    return Path(JOURNALS.name) / f"{sha256(url.encode()).hexdigest()[:20]}.jsonl"
