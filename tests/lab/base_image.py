"""The base image `python:3.13-slim-trixie`, built on this machine from Debian's packages.

It replaces the official image where no registry can be reached: Debian trixie, Python 3.13 with
`python`, `python3` and a `pip` that installs for the whole system. It differs in the location of
Python: `/usr/bin`, and packages in `dist-packages`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from tests.lab.debian import mirror
from tests.lab.images import cache_folder, write_archive
from tests.lab.shell import run

BASE = "python:3.13-slim-trixie"
_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_PACKAGES = "python3,python3-venv,ca-certificates,netbase,tzdata"
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
_CONFIG = {
    "Env": ["PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
    "Cmd": ["python3"],
}
# pip from the wheel that Debian ships for virtual environments: installed in /usr/local as
# in the official image, where pip itself can upgrade it.
_INSTALL_PIP = (
    "rm -f /usr/lib/python3.*/EXTERNALLY-MANAGED; "
    "wheel=$(echo /usr/share/python-wheels/pip-*.whl); "
    "python3 $wheel/pip install --no-index --no-cache-dir "
    "--root-user-action=ignore --find-links /usr/share/python-wheels pip && "
    "ln -s /usr/bin/python3 /usr/local/bin/python && "
    "update-ca-certificates && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin"
)


def base_archive() -> Path:
    """The archive of the base image; built (half a minute) unless the cache has a current one."""
    path = cache_folder() / f"base-{_recipe_key()}.tar"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
            layer = Path(folder) / "layer.tar"
            _bootstrap(layer, Path(folder))
            write_archive(path, BASE, layer, _CONFIG)
    return path


def _bootstrap(layer: Path, folder: Path) -> None:
    """Write the root file system as a tar, including the machine's certificates."""
    settings = folder / "pip.conf"
    settings.write_text(_pip_settings())
    own = "/usr/local/share/ca-certificates"
    run(
        [
            "mmdebstrap", "--variant=minbase", "--quiet", f"--include={_PACKAGES}",
            "--dpkgopt=force-unsafe-io", *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
            f'--customize-hook=mkdir -p "$1"{own}',
            f"--customize-hook=upload {_bundle()} {own}/machine.crt",
            f"--customize-hook=upload {settings} /etc/pip.conf",
            f'--customize-hook=chroot "$1" sh -c \'{_INSTALL_PIP}\'',
            "trixie", str(layer), f"deb {mirror()} trixie main",
        ],
        seconds=600,
    )  # fmt: skip


def _pip_settings() -> str:
    index = os.environ.get("PIP_INDEX_URL")
    lines = ["[global]", f"cert = {_BUNDLE}", *([f"index-url = {index}"] if index else [])]
    return "\n".join([*lines, ""])


def _bundle() -> Path:
    """The certificates that this machine trusts."""
    return Path(os.environ.get("SSL_CERT_FILE") or _BUNDLE)


def _recipe_key() -> str:
    parts = [Path(__file__).read_bytes(), _pip_settings().encode(), mirror().encode()]
    return hashlib.sha256(b"".join([*parts, _bundle().read_bytes()])).hexdigest()[:12]
