"""Every environment variable, read once into a frozen Settings; bad values are refused."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
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
    "REGISTRY_NAME": "name that stands in letters and on patient pages",
    "REGISTRY_SEND_WINDOW": "`protocol` (default) or `always` (drills and load tests)",
    "REGISTRY_ZONE": "time zone of patients and sites that name none; unset: UTC",
}
SECRET = {
    "REGISTRY_SECRET_KEY": "signs cookies and forms",
    "REGISTRY_MASTER_KEY": "wraps the patients' data keys, as VERSION:BASE64[,VERSION:BASE64…]",
    "REGISTRY_INDEX_KEY": "keys the blind index that finds an e-mail address",
    "REGISTRY_AUDIT_KEY": "keys the hashes of values in the audit trail",
    "REGISTRY_TOKEN_KEY": "derives survey links, as VERSION:BASE64[,VERSION:BASE64…]",
}
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
    name: str = "Outcomes Registry"
    send_window: str = "protocol"
    zone: str = "UTC"

    @property
    def embedded(self) -> bool:
        """One process on SQLite, no server to install."""
        return self.database_url.startswith("sqlite")

    @property
    def folder(self) -> Path:
        """Where the embedded shape keeps its database, keys and mailbox."""
        path = urlsplit(self.database_url).path.removeprefix("/")
        return Path(path).parent if self.embedded else Path()

    @property
    def mailbox(self) -> Path:
        """Where letters are kept when there is no mail server."""
        return self.folder / "mailbox"

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
        keys = _keys(given, url, door)
        public = given.get("REGISTRY_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
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
            door_url=given.get("REGISTRY_DOOR_URL", public).rstrip("/"),
            mail_from=given.get("REGISTRY_MAIL_FROM", cls.mail_from),
            name=given.get("REGISTRY_NAME", cls.name),
            send_window=_one_of(given, "REGISTRY_SEND_WINDOW", ("protocol", "always")),
            zone=_zone(given.get("REGISTRY_ZONE", "UTC")),
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


def _keys(given: Mapping[str, str], url: str, door: bool) -> Mapping[str, str]:
    needed = SECRET.keys() - (NOT_FOR_THE_DOOR if door else set())
    missing = sorted(needed - given.keys())
    if not missing:
        return given
    if not url.startswith("sqlite"):
        raise SettingsError(f"{missing[0]}: required with PostgreSQL (or {missing[0]}_FILE)")
    path = urlsplit(url).path.removeprefix("/")
    folder = Path(path).parent / "registry-keys"
    return {**{name: _kept_key(folder, name) for name in missing}, **given}


def _kept_key(folder: Path, name: str) -> str:
    """The key in `folder`, made on first use: losing it makes identities unreadable."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError) as error:
        raise SettingsError(f"REGISTRY_ZONE: {name!r} is not a time zone name") from error
