"""An image with `dask scheduler` and `dask worker`, real ones from PyPI."""

from __future__ import annotations

from pathlib import Path

DASK = "lab/dask:1"
DASK_CONTEXT = Path(__file__).parent / "dask"
