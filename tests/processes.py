"""The registry's own commands as processes: keys, environment, and a database made ready."""

import base64
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from servers import free_port

REGISTRY = Path(sys.executable).with_name("registry")


def environment(folder: Path, *, server: str, broker: str, mail_port: int) -> dict[str, str]:
    """Settings of the production shape on these servers, with new keys; the journal in `folder`."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "REGISTRY_DATABASE_URL": f"{server}/postgres",
        "REGISTRY_BROKER_URL": broker,
        "REGISTRY_SMTP_URL": f"smtp://127.0.0.1:{mail_port}",
        "REGISTRY_MAIL_FROM": "registry@example.org",
        "REGISTRY_SEND_WINDOW": "always",
        "REGISTRY_JOURNAL": str(folder / "journal.jsonl"),
        "REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
        "REGISTRY_DOOR_URL": f"http://127.0.0.1:{free_port()}",
        **_keys(),
    }


def _keys() -> dict[str, str]:
    text = {name: base64.b64encode(os.urandom(32)).decode() for name in "samit"}
    return {
        "REGISTRY_SECRET_KEY": text["s"],
        "REGISTRY_AUDIT_KEY": text["a"],
        "REGISTRY_MASTER_KEY": f"1:{text['m']}",
        "REGISTRY_INDEX_KEY": text["i"],
        "REGISTRY_TOKEN_KEY": f"1:{text['t']}",
    }


def run(env: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command to its end."""
    return subprocess.run(
        [REGISTRY, *arguments], env=env, capture_output=True, text=True, check=False
    )


def migrate(env: Mapping[str, str]) -> None:
    """Bring the database to the schema."""
    done = run(env, "migrate")
    assert done.returncode == 0, done.stderr
