"""Names the jobs that an incident began and ended after, when it is told for the first or last
time."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bot.domain.errors import StoreUnavailableError
from bot.domain.incidents.jobs import name_jobs, with_jobs
from bot.domain.incidents.model import Incident, WatcherState
from bot.loops.alerts import AlertBook
from bot.ports import Jobs

log = logging.getLogger(__name__)

RECENT: Final = 30
"""Finished jobs among which those of an incident are looked for."""


class AlertJobs:
    """The incidents of one turn of the watcher whose jobs are to be named."""

    def __init__(self, jobs: Jobs, book: AlertBook) -> None:
        self._jobs = jobs
        self._book = book
        self._wanted: set[str] = set()

    def want(self, incident_id: str) -> None:
        """Name the jobs of an incident that is not saved yet."""
        self._wanted.add(incident_id)

    async def name(
        self, state: WatcherState, past: Iterable[Incident]
    ) -> tuple[WatcherState, list[Incident]]:
        """The state and the resolved incidents with their jobs; the alerts in the book likewise.

        If the jobs cannot be read, the alerts name none.
        """
        wanted, self._wanted = frozenset(self._wanted), set()
        if not wanted:
            return state, list(past)
        try:
            jobs = (*await self._jobs.running(), *await self._jobs.recent(RECENT))
        except StoreUnavailableError as error:
            log.info("alerts name no job: %s", error)
            return state, list(past)
        except Exception:  # jobs that cannot be read must not stop the watcher
            log.exception("alerts name no job")
            return state, list(past)
        for incident_id in wanted:
            alert = self._book.get(incident_id)
            if alert is not None:
                self._book.put(replace(alert, incident=with_jobs(alert.incident, jobs)))
        named = [with_jobs(each, jobs) if each.id in wanted else each for each in past]
        return name_jobs(state, wanted, jobs), named
