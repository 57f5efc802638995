"""Every environment variable, read once into a frozen Settings; bad values are refused."""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from registry.errors import SettingsError

PLAIN = {
    "REGISTRY_DATABASE_URL": "where the data live; unset: registry.sqlite in this folder",
    "REGISTRY_DOOR_DATABASE_URL": "the patient door's own database role (production)",
    "REGISTRY_BROKER_URL": "Redis for the workers; unset: jobs run in this process",
    "REGISTRY_SMTP_URL": "mail server, smtp://HOST:PORT, or smtp+starttls:// or smtps:// with "
    "USER:PASSWORD@HOST:PORT; unset: letters go to the folder mailbox/",
    "REGISTRY_PUBLIC_URL": "address of the staff pages",
    "REGISTRY_DOOR_URL": "address of the patient pages; unset: the public address",
    "REGISTRY_MAIL_FROM": "sender of every letter",
    "REGISTRY_BOUNCE_ADDRESS": "where undeliverable letters come back to, BOX@HOST; each letter "
    "gets BOX+TAG@HOST of its own; unset: to the sender, and nothing is read",
    "REGISTRY_BOUNCE_MAILBOX": "where they are read: maildir:///FOLDER, or "
    "imaps://USER:PASSWORD@HOST/FOLDER (imap:// only on this machine)",
    "REGISTRY_BOUNCE_KEY": "signs what a mail provider posts to /bounces, base64; unset: no such "
    "address",
    "REGISTRY_NAME": "name that stands in letters and on patient pages",
    "REGISTRY_SEND_WINDOW": "`protocol` (default) or `always` (drills and load tests)",
    "REGISTRY_JOURNAL": "the side journal: a file that all processes share, on another disk than "
    "the database; unset: registry-journal.jsonl beside the SQLite database, else in this folder",
    "REGISTRY_ZONE": "time zone of patients and sites that name none; unset: UTC",
}
SECRET = {
    "REGISTRY_SECRET_KEY": "signs cookies and forms",
    "REGISTRY_MASTER_KEY": "wraps the patients' data keys, as VERSION:BASE64[,VERSION:BASE64…]",
    "REGISTRY_INDEX_KEY": "keys the blind index that finds an e-mail address",
    "REGISTRY_AUDIT_KEY": "keys the hashes of values in the audit trail",
    "REGISTRY_TOKEN_KEY": "derives survey links, as VERSION:BASE64[,VERSION:BASE64…]",
}
ADDRESS = re.compile(r"https?://[\w.\-]+(:\d{1,5})?(/[^\s?#]*)?|https?://\[[\da-f:]+\](:\d{1,5})?")
NOT_FOR_THE_DOOR = {"REGISTRY_MASTER_KEY", "REGISTRY_INDEX_KEY"}


@dataclass(frozen=True)
class Settings:
    """What the surroundings decide. Keys are 32 bytes; versioned keys map version to key."""

    database_url: str
    secret_key: bytes = field(repr=False)
    audit_key: bytes = field(repr=False)
    token_keys: Mapping[int, bytes] = field(repr=False)
    master_keys: Mapping[int, bytes] = field(repr=False, default_factory=dict)
    index_key: bytes = field(repr=False, default=b"")
    door_database_url: str | None = None
    broker_url: str | None = None
    smtp_url: str | None = None
    public_url: str = "http://127.0.0.1:8000"
    door_url: str = "http://127.0.0.1:8000"
    mail_from: str = "registry@localhost.invalid"
    bounce_address: str | None = None
    bounce_mailbox: str | None = field(repr=False, default=None)
    bounce_key: bytes | None = field(repr=False, default=None)
    name: str = "Outcomes Registry"
    send_window: str = "protocol"
    zone: str = "UTC"
    journal: Path | None = None

    @property
    def embedded(self) -> bool:
        """One process on SQLite, no server to install."""
        return self.database_url.startswith("sqlite")

    @property
    def folder(self) -> Path:
        """Where the embedded shape keeps its database, keys and mailbox."""
        return _sqlite_file(self.database_url).parent if self.embedded else Path()

    @property
    def mailbox(self) -> Path:
        """Where letters are kept when there is no mail server."""
        return self.folder / "mailbox"

    @property
    def journal_file(self) -> Path | None:
        """Where the side journal is; None for a database in memory, which outlives nothing."""
        if self.journal is not None:
            return self.journal
        is_kept = str(_sqlite_file(self.database_url)) not in {".", ":memory:"}
        return self.folder / "registry-journal.jsonl" if is_kept else None

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, door: bool = False) -> "Settings":
        """Read the environment. `door`: of the patient door's process, which gets fewer keys.

        Raises SettingsError for unknown REGISTRY_* names, unreadable files and bad values.
        """
        given = _given(env)
        url = given.get("REGISTRY_DATABASE_URL", "sqlite:///registry.sqlite")
        if door:
            url = given.get("REGISTRY_DOOR_DATABASE_URL", url)
        if urlsplit(url).scheme not in {"sqlite", "postgresql+psycopg"}:
            raise SettingsError(
                "REGISTRY_DATABASE_URL: use sqlite:///FILE or postgresql+psycopg://…"
            )
        if url.startswith("sqlite"):
            _refuse_no_folder(url)
        keys = _keys(given, url, door)
        public = _address(given, "REGISTRY_PUBLIC_URL", cls.public_url)
        return cls(
            database_url=url,
            secret_key=_key("REGISTRY_SECRET_KEY", keys),
            audit_key=_key("REGISTRY_AUDIT_KEY", keys),
            token_keys=_versioned("REGISTRY_TOKEN_KEY", keys),
            master_keys={} if door else _versioned("REGISTRY_MASTER_KEY", keys),
            index_key=b"" if door else _key("REGISTRY_INDEX_KEY", keys),
            door_database_url=given.get("REGISTRY_DOOR_DATABASE_URL"),
            broker_url=given.get("REGISTRY_BROKER_URL"),
            smtp_url=given.get("REGISTRY_SMTP_URL"),
            public_url=public,
            door_url=_address(given, "REGISTRY_DOOR_URL", public),
            mail_from=given.get("REGISTRY_MAIL_FROM", cls.mail_from),
            **({} if door else _bounces(given)),
            name=given.get("REGISTRY_NAME", cls.name),
            send_window=_one_of(given, "REGISTRY_SEND_WINDOW", ("protocol", "always")),
            zone=_zone(given.get("REGISTRY_ZONE", "UTC")),
            journal=Path(given["REGISTRY_JOURNAL"]) if "REGISTRY_JOURNAL" in given else None,
        )


def _bounces(given: Mapping[str, str]) -> dict[str, Any]:
    address = given.get("REGISTRY_BOUNCE_ADDRESS")
    # RFC 5321 4.5.3.1.1: 64 characters before the @, of which the tag takes up to 40
    if address is not None and not re.fullmatch(r"[\w.-]{1,23}@[\w-]+(\.[\w-]+)+", address, re.A):
        raise SettingsError("REGISTRY_BOUNCE_ADDRESS: write BOX@HOST, BOX of at most 23 characters")
    key = given.get("REGISTRY_BOUNCE_KEY")
    return {
        "bounce_address": address,
        "bounce_mailbox": _bounce_mailbox(given.get("REGISTRY_BOUNCE_MAILBOX")),
        "bounce_key": None if key is None else _decoded("REGISTRY_BOUNCE_KEY", key),
    }


def _bounce_mailbox(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    is_here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    is_imap = parts.scheme == "imaps" or (parts.scheme == "imap" and is_here)
    if (parts.scheme == "maildir" and parts.path) or (
        is_imap and parts.hostname and parts.username
    ):
        return url
    raise SettingsError(
        "REGISTRY_BOUNCE_MAILBOX: use maildir:///FOLDER or imaps://USER:PASSWORD@HOST/FOLDER"
    )


def _given(env: Mapping[str, str]) -> dict[str, str]:
    known = PLAIN.keys() | SECRET.keys()
    given: dict[str, str] = {}
    for name, value in env.items():
        if not name.startswith("REGISTRY_"):
            continue
        target = name.removesuffix("_FILE")
        if target not in known:
            raise SettingsError(f"{name}: no such setting; the README lists them")
        if target in given:
            raise SettingsError(f"{target}: set it directly or by {target}_FILE, not both")
        given[target] = _read(name, value) if name.endswith("_FILE") else value
    return given


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}: cannot read {path} ({error.strerror})") from error


def _sqlite_file(url: str) -> Path:
    return Path(urlsplit(url).path.removeprefix("/"))


def _refuse_no_folder(url: str) -> None:
    """A misspelt path would else begin a new registry, with keys of its own, somewhere else."""
    file = _sqlite_file(url)
    if not file.parent.is_dir():
        raise SettingsError(
            f"REGISTRY_DATABASE_URL: there is no folder {file.parent.absolute()} for "
            f"{file.name}. Correct the path, or make the folder first if a new registry is wanted."
        )


def _keys(given: Mapping[str, str], url: str, door: bool) -> Mapping[str, str]:
    needed = SECRET.keys() - (NOT_FOR_THE_DOOR if door else set())
    missing = sorted(needed - given.keys())
    if not missing:
        return given
    if not url.startswith("sqlite"):
        raise SettingsError(f"{missing[0]}: required with PostgreSQL (or {missing[0]}_FILE)")
    folder = _sqlite_file(url).parent / "registry-keys"
    return {**{name: _kept_key(folder, name) for name in missing}, **given}


def _kept_key(folder: Path, name: str) -> str:
    """The key in `folder`, made on first use: losing it makes identities unreadable."""
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / name.removeprefix("REGISTRY_").lower()
    try:
        with file.open("x", encoding="ascii") as new:
            file.chmod(0o600)
            new.write(base64.b64encode(secrets.token_bytes(32)).decode())
    except FileExistsError:
        pass
    text = file.read_text(encoding="ascii").strip()
    return f"1:{text}" if name in {"REGISTRY_MASTER_KEY", "REGISTRY_TOKEN_KEY"} else text


def _key(name: str, keys: Mapping[str, str]) -> bytes:
    return _decoded(name, keys[name])


def _decoded(name: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise SettingsError(f"{name}: not base64") from error
    if len(key) < 32:
        raise SettingsError(f"{name}: needs at least 32 bytes, has {len(key)}")
    return key


def _versioned(name: str, keys: Mapping[str, str]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for part in keys[name].split(","):
        version, _, text = part.strip().partition(":")
        if not version.isdecimal():
            raise SettingsError(f"{name}: write VERSION:BASE64, for example 1:…")
        found[int(version)] = _decoded(name, text)
    return found


def _one_of(given: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = given.get(name, choices[0])
    if value not in choices:
        raise SettingsError(f"{name}: {value!r} is not one of {', '.join(choices)}")
    return value


def _address(given: Mapping[str, str], name: str, default: str) -> str:
    """Where people reach pages: a wrong one would only show as dead links in letters."""
    address = given.get(name, default).rstrip("/")
    if not ADDRESS.fullmatch(address):
        raise SettingsError(f"{name}: {address!r} is not like https://registry.example.org")
    return address


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError) as error:
        raise SettingsError(f"REGISTRY_ZONE: {name!r} is not a time zone name") from error
