"""The README names what there is, and nothing that there is not."""

import re
from pathlib import Path

import pytest

from registry.cli import MODULES
from registry.settings import PLAIN, SECRET

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("name", [*PLAIN, *SECRET])
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", MODULES)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert re.search(rf"`registry {name}\b", README)


def test_the_readme_names_no_command_and_no_setting_that_is_not_there() -> None:
    assert set(re.findall(r"`registry ([a-z]+)", README)) <= set(MODULES)
    named = set(re.findall(r"`(REGISTRY_[A-Z_]+)`", README))
    assert named <= PLAIN.keys() | SECRET.keys()


@pytest.mark.parametrize("page", [ROOT / "README.md", *GUIDES], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target
