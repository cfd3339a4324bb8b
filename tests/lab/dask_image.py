"""An image with `dask scheduler` and `dask worker`, real ones from PyPI."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tests.lab.base_image import base_archive
from tests.lab.builder import build_archive
from tests.lab.images import cache_folder
from tests.lab.swarm import Lab

DASK = "lab/dask:1"
_CONTEXT = Path(__file__).parent / "dask"


def dask_archive(lab: Lab) -> Path:
    """Archive of `DASK`; built where the cache has none of this Dockerfile on this base image."""
    recipe = (_CONTEXT / "Dockerfile").read_bytes() + base_archive().name.encode()
    path = cache_folder() / f"lab-dask-{hashlib.sha256(recipe).hexdigest()[:12]}.tar"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}")
        build_archive(lab, _CONTEXT, DASK, partial)
        partial.replace(path)
    return path
