"""A pytest plugin: the crash of a worker of pytest-xdist costs one test, not the run.

After a crash pytest-xdist 3.8.0 with `--dist loadfile` can wait for ever: it gives the next worker
files that the crashed one had finished (its issue 1323), or a last file of a single test, which a
worker does not begin before it knows the next one. It also runs the crashed test again, and gives
files to a worker that has not collected any yet (1362).
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

_BEGINS_WITH = 2  # tests that a worker must have to start the first of them


class EachTestOnce(LoadFileScheduling):
    """Assigns a file until each of its tests has run or crashed."""

    def remove_node(self, node: WorkerController) -> str | None:
        """Give a lost worker's tests to the others; returns the test that it crashed in, if any."""
        files = self.assigned_work.pop(node)
        left = [name for tests in files.values() for name, ran in tests.items() if not ran]
        if not left:
            return None
        files[self._split_scope(left[0])][left[0]] = True
        self.workqueue.update(
            (file, tests) for file, tests in files.items() if not all(tests.values())
        )
        for other in self.nodes:
            self._reschedule(other)
        return left[0]

    def _reschedule(self, node: WorkerController) -> None:
        if node not in self.registered_collections:
            return
        super()._reschedule(node)
        while self.workqueue and not node.shutting_down and not self._can_begin(node):
            self._assign_work_unit(node)

    def _can_begin(self, node: WorkerController) -> bool:
        return self._pending_of(self.assigned_work[node]) >= _BEGINS_WITH


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> EachTestOnce | None:
    """Replace `--dist loadfile`."""
    return EachTestOnce(config, log) if config.getvalue("dist") == "loadfile" else None
