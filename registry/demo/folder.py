"""The folder of a demonstration: it takes away only one that it made itself."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from registry.errors import DomainError

MARKER = "made-by-registry-demo.txt"
TOLD = "Made by `registry demo`, which takes this folder away when it is run again.\n"


REPORT = "report.json"


class NotOurs(DomainError):
    """The folder holds something else."""


def make(folder: Path) -> Path:
    """An empty folder with the mark; what an earlier demonstration left is taken away.

    Raises NotOurs for a folder with anything in it and without the mark.
    """
    folder = folder.resolve()
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise NotOurs(f"{folder} is no folder. Move it away, then try again.")
    if (folder / MARKER).is_file():
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise NotOurs(
            f"{folder} was not made by a demonstration, so nothing in it is touched. "
            "Move it away, or start in another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text(TOLD, encoding="utf-8")
    return folder


def lived(folder: Path) -> Path:
    """The folder of a demonstration that was lived to its end. Raises NotOurs for any other."""
    folder = folder.resolve()
    if not (folder / MARKER).is_file() or not (folder / REPORT).is_file():
        raise NotOurs(
            f"{folder} holds no demonstration that was lived to its end. "
            "Make one with `registry demo`, or go to the folder that has it."
        )
    return folder


def environment(folder: Path, port: int) -> Mapping[str, str]:
    """The settings of a registry in this folder, served at that port; keys are made beside it."""
    address = f"http://127.0.0.1:{port}"
    return {
        "REGISTRY_DATABASE_URL": f"sqlite:///{folder / 'registry.sqlite'}",
        "REGISTRY_PUBLIC_URL": address,
        "REGISTRY_DOOR_URL": address,
        "REGISTRY_MAIL_FROM": "registry@example.org",
        "REGISTRY_NAME": "Outcomes Registry (demonstration)",
        "REGISTRY_ZONE": "Europe/Berlin",
    }
