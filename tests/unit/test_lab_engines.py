"""The lab takes the engine that is asked for, or says why it cannot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab import engines
from tests.lab.shell import CommandError
from tests.lab.waiting import LabError


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine with engine 20.10.24 and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(engines, "SYSTEM_PATH", str(_dockerd(tmp_path / "own", "20.10.24+dfsg1")))
    engines.chosen.cache_clear()
    monkeypatch.setattr(engines, "_install", _refuse())
    yield
    engines.chosen.cache_clear()


def _dockerd(folder: Path, version: str) -> Path:
    """A folder with an engine of this version."""
    folder.mkdir()
    program = folder / "dockerd"
    program.write_text(f"#!/bin/sh\necho Docker version {version}, build x\n")
    program.chmod(0o755)
    return folder


def _refuse(*suites: str) -> Callable[[engines.Release, Path], None]:
    def install(release: engines.Release, root: Path) -> None:
        if release.suite in suites:
            raise CommandError(["apt-get"], 100, "E: Version was not found")
        root.mkdir()

    return install


@pytest.mark.parametrize("name", ["", "20.10", "20.10.24"])
def test_the_machines_own_engine(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(engines.CHOICE, name)
    assert engines.chosen().root is None


def test_a_fetched_engine_comes_with_its_own_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(engines.CHOICE, "28.5")
    found = engines.chosen()
    assert found.version.startswith("28.5")
    assert found.path.startswith(f"{found.root}/usr/sbin:{found.root}/usr/bin:")
    assert found.dockerd == f"{found.root}/usr/sbin/dockerd"


def test_a_chosen_engine_that_is_first_on_path_is_not_taken_for_the_machines_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker of pytest-xdist inherits the PATH of the process that started it."""
    other = _dockerd(tmp_path / "other", "28.5.2+dfsg4")
    monkeypatch.setenv("PATH", str(other), prepend=os.pathsep)
    monkeypatch.setenv(engines.CHOICE, "28.5")
    assert engines.chosen().root is not None


@pytest.mark.parametrize("name", ["28", "9.9", "20.1"])
def test_an_unknown_engine_is_refused_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(engines.CHOICE, name)
    with pytest.raises(LabError, match=r"known are 20\.10, 26\.1, 28\.5, newest"):
        engines.chosen()


@pytest.mark.parametrize(
    ("gone", "version"),
    [((), "28.5"), (("forky",), "26.1"), (("forky", "trixie"), "20.10")],
    ids=["all there", "one moved on", "none to be had"],
)
def test_the_newest_is_the_newest_that_can_be_had_and_what_cannot_is_said(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    gone: tuple[str, ...],
    version: str,
) -> None:
    monkeypatch.setenv(engines.CHOICE, "newest")
    monkeypatch.setattr(engines, "_install", _refuse(*gone))
    assert engines.chosen().version.startswith(version)
    assert capsys.readouterr().err.count("cannot be had") == len(gone)


def test_no_engine_to_be_had_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(engines.CHOICE, "28.5")
    monkeypatch.setattr(engines, "_install", _refuse("forky"))
    with pytest.raises(LabError, match=r"cannot be had \(docker.io 28.*Version was not found"):
        engines.chosen()
