"""The wheel carries all that it needs: installed elsewhere, run from another folder."""

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENTS = "patient_id,site,treatment_date\nP-1,North,2024-02-29\nP-2,North,2024-03-01\n"


def run(*arguments: str | Path, cwd: Path) -> str:
    done = subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has our wheel; the libraries are this environment's, by a path file."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = Path(sys.executable).with_name("uv")
    run(uv, "build", "--quiet", "--wheel", "--out-dir", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    run(uv, "pip", "install", "--quiet", "--no-deps", "--python", python, wheel, cwd=folder)
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"])
    return folder / "env" / "bin"


def test_migrate_import_report_from_any_folder(installed: Path, tmp_path: Path) -> None:
    where = run(
        installed / "python", "-c", "import registry; print(registry.__file__)", cwd=tmp_path
    )
    assert str(installed.parent) in where
    registry = installed / "registry"
    run(registry, "migrate", cwd=tmp_path)
    (tmp_path / "patients.csv").write_text(PATIENTS)
    run(registry, "import", "patients", "patients.csv", cwd=tmp_path)
    run(registry, "report", "--as-of", "2026-01-01", "--json", "report.json", cwd=tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["treated"] == 2


def test_every_data_file_is_in_the_wheel(installed: Path) -> None:
    (site,) = (installed.parent / "lib").glob("python*/site-packages")
    kinds = {".yaml", ".toml", ".html", ".css", ".svg", ".json", ".csv", ".txt", ".mako"}
    tracked = run("git", "ls-files", "registry", "workers", "surveys", "migrations", cwd=ROOT)
    missing = [
        name
        for name in tracked.splitlines()
        if Path(name).suffix in kinds and not (site / name).exists()
    ]
    assert missing == []
