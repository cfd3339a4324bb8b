"""Incidents to store and replicas to store them, for the tests of the watcher's store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.domain.incidents.alert import Alert, Button, Press
from bot.domain.incidents.model import Incident, IncidentState, Lost, Silence, Suspect, WatcherState
from bot.domain.swarm.causes import Cause, CauseKind
from bot.store.connection import RedisLink
from bot.store.incidents import RedisIncidents
from bot.store.keys import StoreLimits

NOW = 1_790_000_000.25
PATIENCE = 15.0
"""Seconds until a wait fails; nothing takes that long."""

CAUSE = Cause(CauseKind.EXIT_CODE, "Exit code 3", "task: non-zero exit (3)", 3, "t9", "2")


def an_incident(incident_id: str = "k3f9ab", began: float = NOW) -> Incident:
    """A firing incident."""
    return Incident(
        id=incident_id,
        key=f"{incident_id}|exit_code|3",
        service="orochi_worker01",
        service_id="w1",
        cause=CAUSE,
        state=IncidentState.FIRING,
        began=began,
        last=began + 5,
    )


def resolved(incident_id: str, at: float) -> Incident:
    """An incident that was resolved at this time."""
    incident = an_incident(incident_id, at - 60)
    return replace(incident, state=IncidentState.RESOLVED, resolved=at, resolution="all is well")


def a_state(*incidents: Incident, cursor: int | None = None) -> WatcherState:
    """A watcher's state with these open incidents."""
    return WatcherState(incidents={each.key: each for each in incidents}, cursor=cursor)


def a_big_state() -> WatcherState:
    """An incident of the largest size, with a value in every field."""
    many = [an_incident(f"i{number}", NOW + number) for number in range(50)]
    return replace(
        a_state(*many, cursor=2**64 - 1),
        recent={each.key: replace(each, evidence="líne\n" * 100) for each in many},
        counted={f"counted-{number:017}": NOW + number / 7 for number in range(256)},
        earlier={f"earlier-{number:017}": NOW - number / 7 for number in range(10_000)},
        leaving={f"leaving-{number:017}": NOW + number for number in range(10_000)},
        forgotten=NOW - 3600,
        suspects={"t1": Suspect("w1", NOW, CAUSE)},
        silences=(Silence("orochi_web", "", NOW + 60, "U1"),),
        down={"n1": Lost(NOW, ("orochi_web",), late=True)},
        began=NOW - 7200,
        due=NOW + 1,
    )


def an_alert(incident: Incident) -> Alert:
    """An alert that was posted and whose newest state was not."""
    return Alert(incident, "C1", "1790000000.000100", due=2, done=1)


def a_press(user: str = "U1") -> Press:
    """A press of Acknowledge."""
    return Press(Button.ACKNOWLEDGE, "k3f9ab", user, NOW)


@asynccontextmanager
async def incidents_on(
    url: str, prefix: str = "orochi", lease: float = 5.0, limits: StoreLimits | None = None
) -> AsyncIterator[RedisIncidents]:
    """One replica's store."""
    link = RedisLink(url)
    try:
        yield RedisIncidents(link, prefix=prefix, lease_seconds=lease, limits=limits)
    finally:
        await link.aclose()
