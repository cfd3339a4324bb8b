"""A pytest plugin that writes down what became of each test, for `tests.second_chance`.

`-p tests.outcomes --outcomes=FILE` appends to FILE, as it happens, a line of JSON for

- each report that decides about a test: its node id and `passed`, `failed` (also when a fixture
  failed, or the worker crashed that ran it), `skipped`, `xfailed` or `xpassed`;
- each file that could not be collected;
- the end of the run, once nothing of pytest can fail any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

_UNFAILED = ("passed", "skipped", "xfailed", "xpassed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer `--outcomes=FILE`."""
    parser.addoption("--outcomes", metavar="FILE", help="where to write what became of each test")


def pytest_configure(config: pytest.Config) -> None:
    """Write in the run's own process only: it gets the reports of pytest-xdist's workers too."""
    path = config.getoption("--outcomes")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Writer(config, Path(path)))


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
