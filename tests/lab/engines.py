"""Docker engines by name: the machine's own, and newer ones beside it, without installing them.

`LAB_ENGINE` chooses one: `26.1` and `28.5` are fetched from newer releases of Debian into the cache
folder; `newest` is the newest that can be had; empty, or the version of the machine's own engine,
is the latter. With
`LAB_STORE=containerd` its images are in containerd's store, as by default on new installations of
29 (https://docs.docker.com/engine/storage/containerd/), else in the engine's own.

Everything but runc runs on Debian 12 as it is. runc needs a newer glibc, so it gets the release's
own loader and libraries, whose paths are written into it; so the folder must not be moved.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.lab import debian
from tests.lab.images import cache_folder
from tests.lab.shell import SYSTEM_PATH, CommandError, run
from tests.lab.waiting import LabError

CHOICE: Final = "LAB_ENGINE"
NEWEST: Final = "newest"
STORE: Final = "LAB_STORE"
OVERLAY, CONTAINERD = "overlay2", "containerd"
_LIBRARIES: Final = "libs/usr/lib/x86_64-linux-gnu"


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Debian with an engine. Packages are with the versions that were tested.

    They are only there until the release moves on.
    """

    suite: str
    programs: Mapping[str, str]
    libraries: Mapping[str, str]


RELEASES: Final = {
    "26.1": Release(
        "trixie",
        {
            "docker.io": "26.1.5+dfsg1-9+deb13u1+b1",
            "docker-cli": "26.1.5+dfsg1-9+deb13u1+b1",
            "containerd": "1.7.24~ds1-6+deb13u1",
            "runc": "1.1.15+ds1-2+b4",
            "tini": "0.19.0-3+b8",
        },
        {"libc6": "2.41-12+deb13u5", "libseccomp2": "2.6.0-2"},
    ),
    "28.5": Release(
        "forky",
        {
            "docker.io": "28.5.2+dfsg4-5",
            "docker-cli": "28.5.2+dfsg4-5",
            "containerd": "2.1.9+ds1-5",
            "runc": "1.3.6+ds1-1",
            "tini-static": "0.19.0-6+b2",
        },
        {"libc6": "2.43-7", "libseccomp2": "2.6.1-1+b2"},
    ),
}


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs of an engine are. ``root`` is None for the machine's own."""

    version: str
    root: Path | None = None

    @property
    def path(self) -> str:
        """PATH for the engine: it finds containerd, runc, docker-init and docker-proxy there."""
        return (
            f"{self.root}/usr/sbin:{self.root}/usr/bin:{SYSTEM_PATH}" if self.root else SYSTEM_PATH
        )

    @property
    def dockerd(self) -> str:
        """The engine's own program."""
        return f"{self.root}/usr/sbin/dockerd" if self.root else _own_dockerd()

    @property
    def images(self) -> str:
        """The name of a folder for its images: engines of different versions cannot share one."""
        parts = ["builder"]
        if self.root:
            parts.append(".".join(self.version.split(".")[:2]))
        if image_store() == CONTAINERD:
            parts.append(CONTAINERD)
        return "-".join(parts)


def image_store() -> str:
    """Where the engines keep images: ``overlay2`` or ``containerd``.

    Raises:
        LabError: `LAB_STORE` names no store.
    """
    store = os.environ.get(STORE) or OVERLAY
    if store not in {OVERLAY, CONTAINERD}:
        raise LabError(f"{STORE}={store}: there is no such store; known are overlay2, containerd")
    return store


@cache
def chosen() -> Programs:
    """The engine that `LAB_ENGINE` names; fetched (half a minute) if the cache has none.

    Raises:
        LabError: there is no engine of this name, or it cannot be had.
    """
    name = os.environ.get(CHOICE, "")
    own = _own()
    if name == NEWEST:
        return _newest() or Programs(own)
    if not name or f"{own}.".startswith(f"{name}."):
        return Programs(own)
    if name not in RELEASES:
        known = ", ".join([own.rpartition(".")[0], *RELEASES, NEWEST])
        raise LabError(f"{CHOICE}={name}: there is no such engine here; known are {known}")
    return _fetched(name)


def _own() -> str:
    """The version of the machine's own engine, for example ``20.10.24``."""
    said = run([_own_dockerd(), "--version"])
    return _upstream(said.removeprefix("Docker version ").split(",")[0].strip())


def _own_dockerd() -> str:
    """The machine's own program, although a chosen one may come first on PATH."""
    found = shutil.which("dockerd", path=SYSTEM_PATH)
    if found is None:
        raise LabError("dockerd is not installed")
    return found


def _upstream(version: str) -> str:
    """Docker's own version in that of a package."""
    return version.partition("+")[0]


def newest_cli() -> str:
    """The program of the newest docker CLI that can be had."""
    found = _newest()
    return f"{found.root}/usr/bin/docker" if found else "docker"


def _newest() -> Programs | None:
    """The newest engine that can be had; what cannot is said."""
    for name in sorted(RELEASES, reverse=True):
        try:
            return _fetched(name)
        except LabError as error:
            sys.stderr.write(f"{error}\n")
    return None


def _fetched(name: str) -> Programs:
    release = RELEASES[name]
    version = release.programs["docker.io"]
    root = cache_folder() / "engines" / f"{name}-{version}"
    root.parent.mkdir(exist_ok=True)
    try:
        with _alone(root.parent):
            if not root.exists():
                _install(release, root)
    except CommandError as error:
        wanted = f"docker.io {version} of Debian {release.suite}"
        raise LabError(f"Engine {name} cannot be had ({wanted}): {error}") from error
    return Programs(_upstream(version), root)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time: all processes of a run want the same engine."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(release: Release, root: Path) -> None:
    with tempfile.TemporaryDirectory(dir=root.parent) as made:
        apt, folder = Path(made) / "apt", Path(made) / "root"
        debian.unpack(release.suite, _pinned(release.programs), apt, folder)
        debian.unpack(release.suite, _pinned(release.libraries), apt, folder / "libs")
        libraries = root / _LIBRARIES
        run(
            [
                "patchelf", "--set-interpreter", f"{libraries}/ld-linux-x86-64.so.2",
                "--set-rpath", str(libraries), f"{folder}/usr/sbin/runc",
            ]
        )  # fmt: skip
        shutil.move(folder, root)


def _pinned(packages: Mapping[str, str]) -> list[str]:
    return [f"{name}={version}" for name, version in packages.items()]
