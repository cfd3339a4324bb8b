"""An image of the machine's own Redis, with the layout of the official one.

Busybox for the shell, the server and its client with the libraries they need, a user `redis` that
owns the folder `/data`, and the same entrypoint: it runs the container's command.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.lab.images import cache_folder, write_archive
from tests.lab.shell import run, tool

REDIS = "lab/redis:1"
_USER = 999
_PROGRAMS = ("redis-server", "redis-cli")
_ACCOUNTS = {
    "passwd": f"root:x:0:0:root:/:/bin/sh\nredis:x:{_USER}:{_USER}::/data:/bin/sh\n",
    "group": f"root:x:0:\nredis:x:{_USER}:\n",
}
_CONFIG = {"Cmd": ["redis-server"], "WorkingDir": "/data", "Volumes": {"/data": {}}}


def redis_archive() -> Path:
    """The archive of `REDIS`, rebuilt when the machine's Redis or its libraries changed."""
    files = dict(_files())
    key = hashlib.sha256(Path(__file__).read_bytes())
    for place, source in sorted(files.items()):
        key.update(f"{place} {source.stat().st_size} {source.stat().st_mtime_ns}\n".encode())
    path = cache_folder() / f"lab-redis-{key.hexdigest()[:12]}.tar"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
            layer = Path(folder) / "layer.tar"
            _write_layer(layer, files)
            write_archive(path, REDIS, layer, _CONFIG)
    return path


def _files() -> Iterator[tuple[str, Path]]:
    """Every program and library: its path in the image, and its path on this machine."""
    yield "bin/busybox", Path(tool("busybox"))
    for name in _PROGRAMS:
        program = Path(tool(name)).resolve()
        yield f"usr/bin/{name}", program
        for library in re.findall(r"(/\S+) \(0x", run(["ldd", str(program)])):
            yield library.lstrip("/"), Path(library).resolve()


def _write_layer(layer: Path, files: dict[str, Path]) -> None:
    with tarfile.open(layer, "w") as tar, tempfile.TemporaryDirectory() as folder:
        for place, source in files.items():
            tar.add(source, place)
        for applet in run(["busybox", "--list"]).split():
            if applet != "busybox":
                tar.addfile(_entry(f"bin/{applet}", tarfile.SYMTYPE, link="busybox"))
        for name, accounts in _ACCOUNTS.items():
            file = Path(folder) / name
            file.write_text(accounts)
            tar.add(file, f"etc/{name}")
        tar.addfile(_entry("tmp", tarfile.DIRTYPE, mode=0o1777))
        tar.addfile(_entry("data", tarfile.DIRTYPE, owner=_USER))


def _entry(
    name: str, kind: bytes, *, link: str = "", mode: int = 0o755, owner: int = 0
) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = kind, link, mode
    entry.uid = entry.gid = owner
    return entry
