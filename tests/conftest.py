"""Fixtures for all tests: a real swarm (`lab`) and a real Redis server.

Everything in `tests/swarm` is marked `swarm` and runs on the lab, which needs root and a Docker
engine; everything in `tests/browser` is marked `browser` and needs Chromium. Outside of CI those
tests are left out with one line that says what is needed; in CI (the variable `CI` is set) they run
or the run fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.lab import engines
from tests.lab.redis import RedisServer
from tests.lab.shell import find_tool
from tests.lab.swarm import Lab
from tests.lab.waiting import LabError

_SWARM_TESTS = Path(__file__).parent / "swarm"
_TOOLS = (
    *("dockerd", "docker", "docker-registry", "ip", "iptables", "nsenter", "unshare"),
    "busybox",
)
_BROWSER_TESTS = Path(__file__).parent / "browser"
_BROWSER = ("chromium", "chromedriver")
_ORDER = ("long", "browser", "swarm", "contract")
_LONG = tuple(f"contract/test_{name}.py" for name in ("chaos", "demo", "simulated_swarm"))
_LEFT_OUT = pytest.StashKey[str]()


def missing_for_the_lab() -> str:
    """What this machine lacks for the lab, in words; empty if nothing is missing."""
    lacking = [name for name in _TOOLS if find_tool(name) is None]
    return ", ".join(lacking if os.geteuid() == 0 else ["root", *lacking])


def missing_for_the_browser() -> str:
    """What this machine lacks for browser tests, in words; empty if nothing is missing."""
    return ", ".join(name for name in _BROWSER if find_tool(name) is None)


def in_ci() -> bool:
    """Whether no test may be left out: continuous integration sets `CI`."""
    return os.environ.get("CI", "") not in ("", "0", "false")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs the lab or a browser; skip it if that is missing, but never in CI.

    The folders with the longest tests come first, and so do the longest files of others: no process
    shall run one alone at the end.
    """
    items.sort(key=_place)
    if any(item.path.is_relative_to(_SWARM_TESTS) for item in items):
        _take_engine()
    words = []
    for kind, folder, missing in (
        ("swarm", _SWARM_TESTS, missing_for_the_lab()),
        ("browser", _BROWSER_TESTS, missing_for_the_browser()),
    ):
        concerned = [item for item in items if item.path.is_relative_to(folder)]
        for item in concerned:
            item.add_marker(kind)
        if concerned and missing and not in_ci():
            items[:] = [item for item in items if item not in concerned]
            config.hook.pytest_deselected(items=concerned)
            words.append(f"{len(concerned)} {kind} tests left out, they need: {missing}")
    if words:
        _note_left_out(config, "\n".join(words))


def _take_engine() -> None:
    """Put the chosen engine's docker CLI first, for the tests and for the bots that they start."""
    if os.environ.get(engines.CHOICE) and not missing_for_the_lab():
        os.environ["PATH"] = f"{engines.chosen().path}:{os.environ['PATH']}"


def _place(item: pytest.Item) -> int:
    """The position of its folder in the run; within a folder the order stays."""
    where = item.path.relative_to(Path(__file__).parent)
    folder = "long" if where.as_posix() in _LONG else where.parts[0]
    return _ORDER.index(folder) if folder in _ORDER else len(_ORDER)


def _note_left_out(config: pytest.Config, words: str) -> None:
    """Keep the line for the end; a worker of pytest-xdist passes it to the main process."""
    output = getattr(config, "workeroutput", None)
    if output is None:
        config.stash[_LEFT_OUT] = words
    else:
        output["left_out"] = words


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over the list of left-out tests from a worker."""
    del error
    if words := getattr(node, "workeroutput", {}).get("left_out", ""):
        node.config.stash[_LEFT_OUT] = words


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print one line with what was left out and why."""
    if (left_out := config.stash.get(_LEFT_OUT, "")) and not config.option.collectonly:
        terminalreporter.write_line(left_out, yellow=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test of swarm or browser is a failed one; a failed one shows the swarm."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.when == "call" and report.failed and isinstance(lab, Lab):
        report.sections.append(("The swarm", lab.describe()))
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and in_ci() and any(map(item.get_closest_marker, ("swarm", "browser"))):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI a skipped module of swarm or browser tests is a failed one."""
    report = yield
    folders = (_SWARM_TESTS, _BROWSER_TESTS)
    if report.skipped and in_ci() and any(map(collector.path.is_relative_to, folders)):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The session's swarm: three nodes, all of them managers; cleaned after every test."""
    if missing := missing_for_the_lab():
        pytest.fail(f"the lab needs: {missing}")
    with Lab(nodes=3, managers=3) as swarm:
        yield swarm


@pytest.fixture
def lab_factory() -> Iterator[Callable[..., Lab]]:
    """Labs for a single test, `lab_factory(nodes=5, managers=1)`, removed after the test."""
    if missing := missing_for_the_lab():
        pytest.fail(f"the lab needs: {missing}")
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Lab(*args, **options))


@pytest.fixture(scope="session")
def _redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis"), fsync="no") as server:
        yield server


@pytest.fixture
def redis_server(_redis_process: RedisServer) -> RedisServer:
    """The session's Redis server, empty; for tests that keep it running."""
    _redis_process.start()
    _redis_process.flush()
    return _redis_process


@pytest.fixture
def fresh_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis server for a single test, to kill, freeze and start again; a kill loses nothing."""
    with RedisServer(tmp_path / "redis", fsync="no") as server:
        yield server


@pytest.fixture(autouse=True)
def _clean_lab(request: pytest.FixtureRequest) -> Iterator[None]:
    """Undo what a test did to the session's lab: first fixture set up, last one torn down."""
    used = request.getfixturevalue("lab") if "lab" in request.fixturenames else None
    yield
    if used is None:
        return
    try:
        used.clean()
    except LabError as error:
        # The next tests must not fail because of this one: they get a new lab.
        print(f"the lab is brought up anew: {error}", file=sys.stderr)  # noqa: T201
        used.stop()
        used.start()
