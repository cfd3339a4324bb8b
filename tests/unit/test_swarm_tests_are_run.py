"""Swarm tests are never skipped silently."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
# Loading Hypothesis takes longer than the rest of such a run.
BARE = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:valkey")
SKIPS_A_TEST = "import pytest\n\ndef test_it():\n    pytest.skip('no lab')\n"
SKIPS_ITSELF = "import pytest\n\npytest.skip('no lab', allow_module_level=True)\n"


@pytest.mark.parametrize("source", [SKIPS_A_TEST, SKIPS_ITSELF])
def test_a_skipped_swarm_test_fails_the_run_in_ci(tmp_path: Path, source: str) -> None:
    done = run_swarm_tests(tmp_path, source, ci="true")

    assert done.returncode not in (0, 5), done.stdout
    assert "skipped in CI" in done.stdout


def test_a_missing_engine_fails_the_run_in_ci(tmp_path: Path) -> None:
    done = run_swarm_tests(tmp_path, "def test_it(lab): ...\n", ci="true", tools=("no-such-tool",))

    assert done.returncode == 1
    assert "the lab needs: no-such-tool" in done.stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_outside_ci_one_line_says_what_is_missing(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run_swarm_tests(
        tmp_path, "def test_it(lab): ...\n", *options, ci="", tools=("no-such-tool",)
    )

    assert "1 swarm tests left out, they need: no-such-tool" in done.stdout
    assert "failed" not in done.stdout


def run_swarm_tests(
    folder: Path, source: str, *options: str, ci: str, tools: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run one swarm test under a copy of our conftest that needs `tools` (as root)."""
    conftest = (PROJECT / "tests" / "conftest.py").read_text()
    asked = conftest.replace("_TOOLS = (", f"_TOOLS = {tools} or (").replace("os.geteuid()", "0")
    swarm = folder / "tests" / "swarm"
    swarm.mkdir(parents=True)
    (folder / "tests" / "conftest.py").write_text(asked)
    (swarm / "test_one.py").write_text(source)
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *BARE, *options],
        cwd=folder,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
