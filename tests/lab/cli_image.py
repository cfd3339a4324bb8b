"""The image `docker:29-cli`, made on this machine from Debian's newest docker CLI.

It replaces the official image where no registry can be reached. Only its one program is in it, at
the same place.
"""

from __future__ import annotations

import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from tests.lab import debian
from tests.lab.engines import RELEASES, Release
from tests.lab.images import cache_folder, write_archive
from tests.lab.shell import CommandError

CLI: Final = "docker:29-cli"
_PACKAGE: Final = "docker-cli"


def cli_archive() -> Path:
    """The archive of the newest CLI that can be had; fetched unless the cache has it.

    Raises:
        CommandError: none can be had.
    """
    *newer, oldest = sorted(RELEASES, reverse=True)
    for name in newer:
        try:
            return _archive(RELEASES[name])
        except CommandError as error:
            sys.stderr.write(f"{_PACKAGE} of {name} cannot be had: {error}\n")
    return _archive(RELEASES[oldest])


def _archive(release: Release) -> Path:
    version = release.programs[_PACKAGE]
    path = cache_folder() / f"{_PACKAGE}-{version}.tar"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
            _write(path, Path(folder), release.suite, f"{_PACKAGE}={version}")
    return path


def _write(path: Path, folder: Path, suite: str, package: str) -> None:
    debian.unpack(suite, [package], folder / "apt", folder / "root")
    layer = folder / "layer.tar"
    with tarfile.open(layer, "w") as tar:
        tar.add(folder / "root/usr/bin/docker", "usr/local/bin/docker")
    write_archive(path, CLI, layer, {"Cmd": ["docker"]})
