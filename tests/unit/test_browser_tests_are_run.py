"""Browser tests are never skipped silently."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# Loading Hypothesis takes longer than the rest of such a run.
BARE = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:valkey")


def test_outside_ci_one_line_says_what_is_missing(tmp_path: Path) -> None:
    done = run_browser_tests(tmp_path, "def test_it(): ...\n", ci="")

    assert "1 browser tests left out, they need: no-such-browser" in done.stdout
    assert "failed" not in done.stdout


def test_they_run_in_ci(tmp_path: Path) -> None:
    done = run_browser_tests(tmp_path, "def test_it(): ...\n", ci="true")

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_skipped_one_fails_the_run_in_ci(tmp_path: Path) -> None:
    skips = "import pytest\n\ndef test_it():\n    pytest.skip('no browser')\n"
    done = run_browser_tests(tmp_path, skips, ci="true")

    assert done.returncode == 1
    assert "skipped in CI" in done.stdout


def run_browser_tests(folder: Path, source: str, *, ci: str) -> subprocess.CompletedProcess[str]:
    """Run one browser test under a copy of our conftest that needs another browser."""
    conftest = (PROJECT / "tests" / "conftest.py").read_text()
    asked = conftest.replace("_BROWSER = (", '_BROWSER = ("no-such-browser",) or (')
    tests = folder / "tests" / "browser"
    tests.mkdir(parents=True)
    (folder / "tests" / "conftest.py").write_text(asked)
    (tests / "test_one.py").write_text(source)
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *BARE],
        cwd=folder,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
