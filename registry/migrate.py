"""The schema: bring it to head, and say whether it is there."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def to_head(engine: Engine) -> None:
    """Run the migrations that are missing. Works from any folder: they travel in the wheel."""
    to_revision(engine, "head")


def to_revision(engine: Engine, revision: str) -> None:
    """Upgrade to `revision`; "base" takes everything down again."""
    config = _config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        if revision == "base":
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)


def is_at_head(engine: Engine) -> bool:
    """Whether the database has every migration that this software brings."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current == ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    return config
