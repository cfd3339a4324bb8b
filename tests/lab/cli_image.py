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
from tests.lab.engines import RELEASES
from tests.lab.images import cache_folder, write_archive
from tests.lab.shell import CommandError

CLI: Final = "docker:29-cli"
_PACKAGE: Final = "docker-cli"
_NEWEST: Final = "28.5"


def cli_archive(name: str = _NEWEST) -> Path:
    """The archive of the image; fetched unless the cache has one of this version."""
    release = RELEASES[name]
    version = release.programs[_PACKAGE]
    path = cache_folder() / f"{_PACKAGE}-{version}.tar"
    if path.exists():
        return path
    try:
        with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
            _write(path, Path(folder), release.suite, f"{_PACKAGE}={version}")
    except CommandError as error:
        if not release.fallback:
            raise
        sys.stderr.write(f"{_PACKAGE} {version} cannot be had from {release.suite} ({error})\n")
        return cli_archive(release.fallback)
    return path


def _write(path: Path, folder: Path, suite: str, package: str) -> None:
    debian.unpack(suite, [package], folder / "apt", folder / "root")
    layer = folder / "layer.tar"
    with tarfile.open(layer, "w") as tar:
        tar.add(folder / "root/usr/bin/docker", "usr/local/bin/docker")
    write_archive(path, CLI, layer, {"Cmd": ["docker"]})
