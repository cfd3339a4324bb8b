"""A pytest plugin that writes down what became of each test, for `tests.second_chance`.

`-p tests.outcomes --outcomes=FILE` appends to FILE, as it happens, a line of JSON for

- each report that decides about a test: its node id and `passed`, `failed` (also when a fixture
  failed, or the worker crashed that ran it), `skipped`, `xfailed` or `xpassed`;
- each file that could not be collected;
- the end of the run, once nothing of pytest can fail any more.

What a failed test left open (a session, a socket) is cleared away after it: the warning about it
would otherwise fail whichever test runs at the next garbage collection, perhaps a unit test, which
has no second chance.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

_UNFAILED = ("passed", "skipped", "xfailed", "xpassed")
_LAST = ("last_exc", "last_type", "last_value", "last_traceback")
_FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer `--outcomes=FILE`."""
    parser.addoption("--outcomes", metavar="FILE", help="where to write what became of each test")


def pytest_configure(config: pytest.Config) -> None:
    """Write in the run's own process only: it gets the reports of pytest-xdist's workers too."""
    path = config.getoption("--outcomes")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Writer(config, Path(path)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note that a test failed, in the process that runs it."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """After a failed test, collect what its traceback, which pytest keeps in `sys`, still held."""
    done = yield
    if item.stash.get(_FAILED, False):
        for name in _LAST:
            vars(sys).pop(name, None)
        _collect_in_silence()
    return done


def _collect_in_silence() -> None:
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = hook


class _Writer:
    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._config = config
        self._path = path
        self._session: pytest.Session | None = None
        self._stopped = False

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        status = self._config.hook.pytest_report_teststatus(report=report, config=self._config)
        outcome = "failed" if report.failed else status[0]
        if outcome == "failed" or outcome in _UNFAILED:
            self._write(node=report.nodeid, outcome=outcome)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._write(broken=report.nodeid)

    def pytest_keyboard_interrupt(self) -> None:
        self._stopped = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_unconfigure(self) -> Iterator[None]:
        """The outermost hook: errors of the others make pytest fail after its closing line."""
        yield
        if (session := self._session) is not None:
            stopped = self._stopped or bool(session.shouldfail or session.shouldstop)
            self._write(ended=int(session.exitstatus), stopped=stopped)

    def _write(self, **values: object) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
