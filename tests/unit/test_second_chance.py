"""A failed test outside of `tests/unit` runs once more, and the output says so."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from tests.second_chance import Again, Over, Run, closing_line, decide, joined

PROJECT = Path(__file__).resolve().parents[2]
SWARM, CONTRACT, BROWSER, UNIT = (
    f"tests/{folder}/test_{folder}.py" for folder in ("swarm", "contract", "browser", "unit")
)
CONFIG = """
[tool.pytest.ini_options]
addopts = ["--strict-config", "--strict-markers", "-ra", "--import-mode=importlib"]
filterwarnings = ["error"]
"""
TRIES = """
from pathlib import Path


def fails_at(*tries, name):
    log = Path(f"{name}.tries")
    now = len(log.read_text()) if log.exists() else 0
    log.write_text("." * (now + 1))
    assert now + 1 not in tries, f"try {now + 1} of {name}"
"""
ODD = r"""a b[c::d] \n 'e' "f" @g"""
FLAKY_EVERYWHERE = {
    SWARM: f"""
        import pytest
        from tries import fails_at

        @pytest.mark.parametrize("odd", [{ODD!r}, "--odd"])
        def test_call(odd):
            fails_at(1, name="call" + str(len(odd)))

        def test_well(): ...
        """,
    CONTRACT: """
        import pytest
        from tries import fails_at

        @pytest.fixture
        def broken():
            fails_at(1, name="setup")

        @pytest.fixture
        def breaking():
            yield
            fails_at(1, name="teardown")

        def test_setup(broken): ...
        def test_teardown(breaking): ...
        """,
    BROWSER: """
        from tries import fails_at

        def test_page():
            fails_at(1, name="page")
        """,
}
FAILS_ONCE = "from tries import fails_at\n\ndef test_once(): fails_at(1, name='once')\n"
FAILS_TWICE = "from tries import fails_at\n\ndef test_twice(): fails_at(1, 2, name='twice')\n"
FAILS = "import pytest\n\n@pytest.mark.parametrize('n', range({}))\ndef test_it(n): assert n < 0\n"
PRESSES_CTRL_C = """
import os
import signal

def test_ctrl_c():
    os.killpg(0, signal.SIGINT)
    signal.pause()
"""
CRASHES_ONCE = """
import os
from tries import fails_at

def test_crash():
    try:
        fails_at(1, name="crash")
    except AssertionError:
        os._exit(3)
    assert "PYTEST_XDIST_WORKER" not in os.environ

def test_well(): ...
"""
LEAVES_A_SOCKET = """
import socket
from tries import fails_at

class Held:
    def __init__(self):
        self.itself, self.socket = self, socket.socket()

def test_open():
    held = Held()
    fails_at(1, name="open")
    held.socket.close()
"""
COLLECTS = "import gc, sys\n\ndef test_it():\n    sys.last_value = None\n    gc.collect()\n"
RAISES_AT_THE_END = "def pytest_unconfigure():\n    raise ValueError('left open')\n"

Start = Callable[..., "Done"]


class Done:
    """The result of a run in a folder."""

    def __init__(self, folder: Path, status: int, output: str) -> None:
        self.status = status
        self.output = output
        self.lines = output.splitlines()
        self.last = re.sub(r" in \d+\.\d\ds", "", self.lines[-1].strip("= "))
        self.file = (folder / "artefacts" / "flaky.txt").read_text().splitlines()
        self.runs = self.output.count(" test session starts ")


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Runs these tests in a folder where an earlier run left the name of a flaky test."""

    def run(files: Mapping[str, str], *options: str, **variables: str) -> Done:
        (tmp_path / "artefacts").mkdir()
        (tmp_path / "artefacts" / "flaky.txt").write_text("stale\n")
        for name, text in {"tries.py": TRIES, "pyproject.toml": CONFIG, **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(dedent(text))
        return Done(tmp_path, *launched(tmp_path, options, variables))

    return run


def launched(folder: Path, options: tuple[str, ...], variables: dict[str, str]) -> tuple[int, str]:
    """The exit status and the output of a run, separate from the run that this test belongs to."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "ARTEFACTS"))
    }
    paths = {"PYTHONPATH": f"{PROJECT}{os.pathsep}{folder}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.second_chance", *options],
        cwd=folder,
        env={**own, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **paths, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # one of its tests presses Ctrl-C
    )
    try:
        output, _ = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(process.communicate()[0]) from None
    return process.returncode, output


def test_a_test_that_passes_at_the_second_try_is_flaky(start: Start) -> None:
    done = start(FLAKY_EVERYWHERE, CI="")

    assert done.status == 0, done.output
    assert done.last == "6 passed"
    assert len(done.file) == 5
    assert done.lines[-6:-1] == [f"flaky: {name}" for name in done.file]
    assert {name.partition("::")[0] for name in done.file} == {SWARM, CONTRACT, BROWSER}
    assert "AssertionError: try 1 of page" in done.output


def test_a_test_that_fails_twice_fails_the_run(start: Start) -> None:
    ours = (PROJECT / "pyproject.toml").read_text()
    done = start(
        {SWARM: FAILS_TWICE, CONTRACT: FAILS_ONCE, "pyproject.toml": ours},
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="",
        PYTEST_ADDOPTS="-p no:hypothesispytest -p no:valkey",
        CI="true",
    )

    assert (done.status, done.runs) == (1, 2)
    assert done.lines[-3:-1] == [
        f"failed twice: {SWARM}::test_twice",
        f"flaky: {CONTRACT}::test_once",
    ]
    assert done.last == "1 failed, 1 passed"
    assert done.file == [f"{CONTRACT}::test_once"]


def test_what_a_failed_test_left_open_fails_no_other(start: Start) -> None:
    done = start({CONTRACT: LEAVES_A_SOCKET, UNIT: COLLECTS})

    assert done.status == 0, done.output
    assert (done.last, done.file) == ("2 passed", [f"{CONTRACT}::test_open"])


def test_without_a_failure_there_is_one_run(start: Start) -> None:
    done = start({SWARM: "def test_it(): ...\n", UNIT: "def test_it(): ...\n"})

    assert (done.status, done.runs, done.last, done.file) == (0, 1, "2 passed", [])
    assert "chance" not in done.output


@pytest.mark.parametrize(
    ("files", "options", "last"),
    [
        pytest.param({UNIT: FAILS.format(1), SWARM: FAILS_ONCE}, (), "2 failed", id="unit"),
        pytest.param({SWARM: FAILS.format(6)}, (), "6 failed", id="six"),
        pytest.param({SWARM: FAILS.format(2)}, ("-x",), "1 failed", id="stopped"),
        pytest.param(
            {SWARM: "import nothing_of_this_name\n", CONTRACT: FAILS_ONCE},
            (),
            "1 error",
            id="not collected",
        ),
        pytest.param({CONTRACT: FAILS_ONCE, SWARM: PRESSES_CTRL_C}, (), "1 failed", id="Ctrl-C"),
        pytest.param({SWARM: PRESSES_CTRL_C}, (), "1 error", id="Ctrl-C before anything failed"),
        pytest.param(
            {SWARM: "def test_it(): ...\n", "conftest.py": RAISES_AT_THE_END},
            (),
            "1 passed, 1 error",
            id="pytest itself fails",
        ),
        pytest.param({SWARM: FAILS_ONCE}, ("-k", "nothing"), "no tests ran", id="no tests"),
    ],
)
def test_runs_without_a_second_chance(
    start: Start, files: dict[str, str], options: tuple[str, ...], last: str
) -> None:
    done = start(files, *options)

    assert (done.status, done.runs, done.last, done.file) == (1, 1, last, []), done.output
    assert done.lines[-2].startswith("no second chance: ")


def test_a_crashed_worker_counts_as_the_first_failure_of_its_test(start: Start) -> None:
    done = start(
        {
            SWARM: CRASHES_ONCE,
            CONTRACT: "def test_well(): ...\n",
            **{f"tests/unit/test_{name}.py": FAILS.format("-3, 0") for name in "abcd"},
        },
        *("-n", "2", "--dist", "loadfile"),
        PYTEST_ADDOPTS="-p xdist.plugin",
    )

    assert done.status == 0, done.output
    assert "crashed while running" in done.output
    assert (done.last, done.file) == ("15 passed", [f"{SWARM}::test_crash"])


def failed(*names: str, status: int = 1, broken: int = 0, complete: bool = True) -> Run:
    """A run in which these tests failed and one passed."""
    outcomes = {"tests/swarm/test_a.py::test_well": "passed"} | dict.fromkeys(names, "failed")
    return Run(status, outcomes, broken, complete)


def test_up_to_five_tests_get_a_second_chance() -> None:
    five = tuple(f"tests/browser/test_b.py::test[{number}]" for number in range(5))

    assert decide(failed(*five)) == Again(five)
    assert decide(failed(*five, "tests/swarm/test_a.py::test_6")) == Over(
        "6 tests failed, more than 5"
    )


@pytest.mark.parametrize(
    "run",
    [
        failed(SWARM, "tests/unit/test_a.py::test_it"),
        failed(SWARM, "tests/test_swarm/test_a.py::test_it"),
        failed(SWARM, broken=1),
        failed(SWARM, complete=False),
        failed(SWARM, status=2),
        failed(SWARM, status=-9),
        failed(),
    ],
)
def test_nothing_else_gets_a_second_chance(run: Run) -> None:
    assert isinstance(decide(run), Over)


def test_only_tests_that_pass_the_second_time_count_as_passed() -> None:
    first = failed("tests/swarm/a", "tests/swarm/b", "tests/swarm/c", "tests/swarm/d")
    second = Run(
        0, {"tests/swarm/a": "passed", "tests/swarm/b": "skipped", "tests/swarm/c": "failed"}
    )

    both = joined(first, second)

    assert both.failed == ("tests/swarm/b", "tests/swarm/c", "tests/swarm/d")
    assert not both.passed


def test_the_closing_line_has_pytests_form() -> None:
    words = ["failed", "xpassed", "passed", "skipped", "xfailed", "passed"]
    outcomes = {str(number): word for number, word in enumerate(words)}

    assert closing_line(Run(1, outcomes, 2), 75.256, 90) == (
        "=== 1 failed, 2 passed, 1 skipped, 1 xfailed, 1 xpassed, 2 errors in 75.26s (0:01:15) ===="
    )
