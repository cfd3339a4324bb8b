"""Debian's packages, as files: downloaded with the machine's mirror, without installing them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.lab.shell import run
from tests.lab.waiting import LabError

_SOURCES = Path("/etc/apt")
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def mirror() -> str:
    """The Debian mirror of the machine's own apt sources.

    Raises:
        LabError: there is none.
    """
    files = [*_SOURCES.glob("sources.list.d/*.sources"), *_SOURCES.glob("sources.list.d/*.list")]
    for file in [*files, _SOURCES / "sources.list"]:
        if file.exists() and (found := _mirror_in(file.read_text())):
            return found
    raise LabError("the machine's apt sources name no Debian mirror")


def unpack(suite: str, packages: Iterable[str], folder: Path, target: Path) -> None:
    """Download packages (``NAME`` or ``NAME=VERSION``) of a release and unpack them.

    ``folder`` is for apt's own files. The machine's lists and sources stay as they are, and
    signatures are checked.

    Raises:
        CommandError: apt's words, for example that it has no such version.
    """
    apt = _private_apt(suite, folder)
    run([*apt, "update"], seconds=300)
    debs = folder / "debs" / target.name
    debs.mkdir(parents=True, exist_ok=True)
    run(["sh", "-c", 'cd "$0" && exec "$@"', str(debs), *apt, "download", *packages], seconds=600)
    for deb in sorted(debs.glob("*.deb")):
        run(["dpkg-deb", "-x", str(deb), str(target)])


def _private_apt(suite: str, folder: Path) -> Sequence[str]:
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    sources = folder / f"{suite}.list"
    sources.write_text(f"deb [signed-by={_KEYS}] {mirror()} {suite} main\n")
    settings = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
    }
    return ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]


def _mirror_in(sources: str) -> str | None:
    """The first URI that serves Debian itself, in either format of sources.list(5)."""
    lines = [line for line in sources.splitlines() if not line.lstrip().startswith("#")]
    uris = re.findall(r"https?://[^\s\]]+", "\n".join(lines))
    return next((uri for uri in uris if uri.rstrip("/").endswith("/debian")), None)
