"""The wheel contains the bot without its tests, and works without what tests need."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("bot", "handlers")

IMPORT_ALL = """
import importlib, pkgutil, sys

folder, blocked = sys.argv[1], set(sys.argv[2].split(","))


class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} is there for development only")


sys.meta_path.insert(0, Refusal())
sys.path.insert(0, folder)
for package in sys.argv[3:]:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        importlib.import_module(module.name)
mine = {name: m.__file__ for name, m in sys.modules.items() if name.split(".")[0] in sys.argv[3:]}
print("\\n".join(sorted(name for name, file in mine.items() if file.startswith(folder))))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout as the image builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir"]
    run("-m", "pip", "--disable-pip-version-check", "wheel", *options, str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder of its own."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_has_the_two_packages_completely(wheel: Path) -> None:
    """All modules, the Lua scripts, `py.typed`; no playground, test, benchmark or bytecode."""
    held = {name for name in names_in(wheel) if ".dist-info/" not in name}

    assert held == {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert "bot/py.typed" in held
    assert "bot/store/scripts/take.lua" in held
    assert "bot/drawing/fonts/DejaVuSans.ttf" in held


def test_the_wheel_has_the_projects_metadata(wheel: Path) -> None:
    """Name, version, licence and dependencies are those of pyproject.toml, nothing of dev."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        said = Parser().parsestr(archive.read(name).decode())

    assert (said["Name"], said["Version"]) == (PROJECT["name"], PROJECT["version"])
    assert said["License-Expression"] == PROJECT["license"]
    needed = said.get_all("Requires-Dist", [])
    assert {distribution(each) for each in needed} == {
        distribution(each) for each in PROJECT["dependencies"]
    }
    assert any(each.endswith(".dist-info/licenses/LICENSE") for each in names_in(wheel))


def test_every_module_imports_without_a_warning_and_without_development_packages(
    unpacked: Path,
) -> None:
    """Warnings are errors, and every import of a development package is refused."""
    modules = {
        ".".join(path.relative_to(unpacked).with_suffix("").parts).removesuffix(".__init__")
        for package in PACKAGES
        for path in (unpacked / package).rglob("*.py")
    }
    blocked = ",".join(sorted(development_modules()))

    done = run("-I", "-W", "error", "-c", IMPORT_ALL, str(unpacked), blocked, *PACKAGES)

    assert set(done.split()) == modules


def test_the_command_line_answers_from_the_wheel(unpacked: Path) -> None:
    """`python -m bot --help` names its sub-commands."""
    said = run("-W", "error", "-m", "bot", "--help", cwd=unpacked)

    assert "usage: python -m bot" in said
    assert {"run", "check"} <= set(re.findall(r"^ +(\w+) +\w", said, re.MULTILINE))


def test_development_packages_are_known() -> None:
    """The refusal above relies on this: what only tests use, and what the bot needs."""
    refused = development_modules()

    assert {"jsonschema", "pytest", "hypothesis", "mypy"} <= refused
    assert not {"aiohttp", "docker", "redis", "pydantic", "typing_extensions", "yaml"} & refused


def names_in(wheel: Path) -> list[str]:
    """The files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def development_modules() -> set[str]:
    """Top-level modules that come only from packages of the development lock."""
    extra = locked("requirements/dev.lock") - locked("requirements/bot.lock")
    return {
        module
        for module, origins in packages_distributions().items()
        if {distribution(origin) for origin in origins} <= extra
    }


def locked(file: str) -> set[str]:
    """The distributions that a lock file names."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return {distribution(line) for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)}


def distribution(requirement: str) -> str:
    """The normalised name in a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def run(*arguments: str, cwd: Path | None = None) -> str:
    """Run Python with these arguments; returns its standard output, or shows its errors."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
