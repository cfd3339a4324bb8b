"""Images without a registry.

An archive is written in the format of `docker save` (image specification v1.2 of
moby/moby, `image/spec`), byte for byte the same each time: so every node of a lab has the
same image under the same id, and loading it needs neither a registry nor a build.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import struct
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker import APIClient

from tests.lab.shell import run, tool
from tests.lab.waiting import LabError

_EPOCH = "1970-01-01T00:00:00Z"
_PT_INTERP = 3
_SCRIPTS = Path(__file__).parent / "busy"

BUSY = "lab/busy:1"
"""Shell scripts on busybox; a service gives one as its command: see `tests/lab/busy`.

Note that the static busybox of Debian 12 crashes on `wget -T`.
"""
BUSY_NEXT = "lab/busy:2"
"""The same programs as another version, for updates."""
FOREIGN = "lab/foreign:1"
"""The same programs, but by its manifest for arm64, or for amd64 on a machine of arm64."""
UNHEALTHY = "lab/unhealthy:1"
"""Serves, but its health check never passes: `probe says no` in its output."""


def cache_folder() -> Path:
    """The folder outside of the project where archives are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "orochi-lab"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def busy_archives() -> list[Path]:
    """The archives of `BUSY`, `BUSY_NEXT` and `UNHEALTHY`, rebuilt when their sources changed."""
    return [
        _busy(BUSY, {"Env": ["VERSION=1"]}),
        _busy(BUSY_NEXT, {"Env": ["VERSION=2"]}),
        _busy(UNHEALTHY, {"Env": ["VERSION=1"], "Healthcheck": _never_healthy()}),
    ]


def foreign_archive() -> Path:
    """The archive of `FOREIGN`."""
    other = "amd64" if _architecture() == "arm64" else "arm64"
    return _busy(FOREIGN, {"Env": ["VERSION=1"]}, other)


def image_id(archive: Path) -> str:
    """The id that the image of an archive made by `write_archive` has on every engine."""
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        config: str = json.load(manifest)[0]["Config"]
    return f"sha256:{config.removesuffix('.json')}"


def load(client: APIClient, archive: Path) -> None:
    """Load an archive into one engine.

    Raises:
        LabError: the engine did not take it.
    """
    with archive.open("rb") as file:
        for answer in client.load_image(file):
            if "error" in answer:
                raise LabError(f"{archive.name}: {answer['error']}")


def write_archive(
    path: Path, name: str, layer: Path, config: Mapping[str, Any], architecture: str = ""
) -> None:
    """Write an image of one layer (an uncompressed tar) to `path`, all at once.

    `config` is the container configuration as in `docker inspect` (`Cmd`, `Env`, …);
    `architecture` is the machine's own if empty.
    """
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    image = {
        "architecture": architecture or _architecture(),
        "os": "linux",
        "created": _EPOCH,
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": _EPOCH, "created_by": "the lab"}],
    }
    raw = json.dumps(image, sort_keys=True).encode()
    config_name = f"{hashlib.sha256(raw).hexdigest()}.json"
    layer_name = f"{digest}/layer.tar"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": [layer_name]}]
    partial = path.with_suffix(f".{os.getpid()}")
    with tarfile.open(partial, "w") as archive:
        archive.add(layer, layer_name, filter=_anonymous)
        _add(archive, config_name, raw)
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    partial.replace(path)


def _busy(name: str, config: Mapping[str, Any], architecture: str = "") -> Path:
    layer = _busy_layer()
    key = hashlib.sha256(layer + json.dumps([name, config], sort_keys=True).encode()).hexdigest()
    path = cache_folder() / f"{name.replace('/', '-').replace(':', '-')}-{key[:12]}.tar"
    if not path.exists():
        with tempfile.NamedTemporaryFile() as file:
            file.write(layer)
            file.flush()
            config = {"Cmd": ["serve"], "WorkingDir": "/", **config}
            write_archive(path, name, Path(file.name), config, architecture)
    return path


def _never_healthy() -> dict[str, Any]:
    second = 1_000_000_000
    probe = ["CMD", "sh", "-c", "echo probe says no; exit 1"]
    return {"Test": probe, "Interval": second, "Timeout": second, "Retries": 2}


def _busy_layer() -> bytes:
    """A root file system of busybox, linked under its usual names, and our scripts."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for folder in ("bin", "etc", "tmp", "data"):
            _add_folder(layer, folder)
        _add(layer, "bin/busybox", _busybox(), mode=0o755)
        for applet in _applets():
            _add_link(layer, f"bin/{applet}", "busybox")
        for script in sorted(_SCRIPTS.iterdir()):
            _add(layer, f"bin/{script.name}", script.read_bytes(), mode=0o755)
        _add(layer, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\n")
        _add(layer, "etc/group", b"root:x:0:\n")
    return buffer.getvalue()


def _busybox() -> bytes:
    """The machine's busybox, which must be static because the image has no libraries."""
    binary = Path(tool("busybox")).read_bytes()
    if _has_interpreter(binary):
        raise LabError("busybox is not static: install the package busybox-static")
    return binary


def _has_interpreter(elf: bytes) -> bool:
    """Whether a 64-bit little-endian ELF file needs a dynamic loader (PT_INTERP, elf(5))."""
    start, size, count = (*struct.unpack_from("<Q", elf, 32), *struct.unpack_from("<HH", elf, 54))
    kinds = (struct.unpack_from("<I", elf, start + n * size)[0] for n in range(count))
    return _PT_INTERP in kinds


def _applets() -> list[str]:
    return [name for name in run(["busybox", "--list"]).split() if name != "busybox"]


def _architecture() -> str:
    """The machine's architecture in Go's terms, as used for images."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The member without owner and time, which makes the archive reproducible."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def _add_folder(archive: tarfile.TarFile, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o755
    archive.addfile(member)


def _add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    archive.addfile(member)
