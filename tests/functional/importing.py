"""Running `registry import` in tests: files from text, the command from the front."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from sqlalchemy import func, select

from registry.cli import registry as command
from registry.db import Base, reading
from registry.runtime import Runtime

KEYS = {
    "REGISTRY_SECRET_KEY": "s",
    "REGISTRY_AUDIT_KEY": "a",
    "REGISTRY_MASTER_KEY": "m",
    "REGISTRY_INDEX_KEY": "i",
    "REGISTRY_TOKEN_KEY": "t",
}
VERSIONED = ("REGISTRY_MASTER_KEY", "REGISTRY_TOKEN_KEY")


def environment(runtime: Runtime) -> dict[str, str]:
    """The environment of a command that works on the test's database with the test's keys."""
    keys = {name: base64.b64encode(sign.encode() * 32).decode() for name, sign in KEYS.items()}
    keys |= {name: f"1:{keys[name]}" for name in VERSIONED}
    url = runtime.sessions.engine.url.render_as_string(hide_password=False)
    return {"REGISTRY_DATABASE_URL": url, **keys}


@dataclass
class Importer:
    """`registry import` on the test's database; files go to a folder."""

    runtime: Runtime
    folder: Path

    def run(self, kind: str, content: str | bytes, *options: str) -> Result:
        """Import the content; gives exit code and output."""
        path = self.folder / f"{kind}.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return CliRunner().invoke(
            command, ["import", kind, str(path), *options], env=environment(self.runtime)
        )

    def done(self, kind: str, content: str | bytes, *options: str) -> str:
        """Import what must be good; gives what it said."""
        result = self.run(kind, content, *options)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, kind: str, content: str | bytes, *options: str) -> list[str]:
        """Import what must be refused; gives the faults, after a look that nothing was written."""
        before = counts(self.runtime)
        result = self.run(kind, content, *options)
        assert result.exit_code == 1, result.output
        assert counts(self.runtime) == before
        *faults, last = result.stderr.splitlines()
        assert last.endswith("Nothing was written.")
        return faults

    def rows(self, *columns: Any) -> list[tuple[Any, ...]]:
        """Columns of one table, in the order in which its rows were written."""
        key = columns[0].class_.__mapper__.primary_key[0]
        with reading(self.runtime) as session:
            return [tuple(row) for row in session.execute(select(*columns).order_by(key))]


def counts(runtime: Runtime) -> dict[str, int]:
    """The rows of every table."""
    with reading(runtime) as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }
