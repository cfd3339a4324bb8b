"""The demo's temporary folder; folders of killed demos are deleted at the next start."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SHORT: Final = 60
"""The longest path of a folder for sockets: a socket's path adds 40 bytes and is limited to 107."""
PREFIX: Final = "orochi-demo-"
LOCK: Final = "lock"
FRESH_SECONDS: Final = 60.0
"""A younger folder without a lock is kept, because its demo may not have locked it yet."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a temporary folder; it is deleted at the end."""
    usual = tempfile.gettempdir()
    where = usual if len(usual) <= SHORT else "/tmp"  # noqa: S108 - made with a name of its own
    _sweep(Path(where))
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, dir=where) as folder,
        Path(folder, LOCK).open("w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(folder)


def _sweep(where: Path) -> None:
    """Delete the folders that no demo uses any more: the lock ends with the process."""
    for folder in where.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if _is_old_and_ours(folder):
                _remove_unless_held(folder)


def _is_old_and_ours(folder: Path) -> bool:
    about = folder.lstat()
    ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()
    return ours and time.time() - about.st_mtime > FRESH_SECONDS


def _remove_unless_held(folder: Path) -> None:
    """Lock a demo's folder; raises OSError if a demo holds it.

    A demo that was killed early has not created its lock yet.
    """
    with (folder / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
