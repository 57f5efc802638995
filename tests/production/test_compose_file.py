"""docker-compose.yml: valid by the compose specification, complete, and without a secret."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
SERVICES = {"postgres", "redis", "mail", "migrate", "web", "door", "worker", "beat"}


def compose() -> dict[str, Any]:
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_it_is_valid_by_the_compose_specification() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [check, "--builtin-schema", "vendor.compose-spec", FILE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_service_is_there_and_says_whether_it_is_well() -> None:
    services = compose()["services"]
    assert set(services) == SERVICES
    for name, service in services.items():
        assert ("healthcheck" in service) == (name != "migrate"), name


def test_redis_keeps_an_append_only_file() -> None:
    assert compose()["services"]["redis"]["command"] == ["redis-server", "--appendonly", "yes"]


def test_no_secret_is_in_it() -> None:
    content = compose()
    for name, service in content["services"].items():
        for variable, value in service.get("environment", {}).items():
            is_secret = re.search("KEY|PASSWORD|DATABASE_URL", variable)
            assert not is_secret or value.startswith("/run/secrets/"), (name, variable)
            assert not re.search(r"://[^/]*:[^/]*@", str(value)), (name, variable)


def test_the_door_gets_neither_the_keys_nor_the_database_url_of_the_staff_side() -> None:
    door = compose()["services"]["door"]
    assert set(door["secrets"]) == {"door_database_url", "secret_key", "audit_key", "token_key"}
    names = set(door["environment"])
    assert not names & {
        "REGISTRY_DATABASE_URL_FILE",
        "REGISTRY_MASTER_KEY_FILE",
        "REGISTRY_INDEX_KEY_FILE",
    }
