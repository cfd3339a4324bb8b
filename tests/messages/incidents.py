"""An incident's one message, what brings it to mind anew, and what its buttons answer.

The incidents are what the watcher's reducer makes of tasks and nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.commands.values import (
    AcknowledgeIncident,
    IncidentLogs,
    ListIncidents,
    SilenceIncident,
)
from bot.domain.incidents.events import Action, Evidence, News, ReducerContext, Remind, Rules, Tell
from bot.domain.incidents.model import Incident, NamedJob, Silence, WatcherState
from bot.domain.incidents.reducer import acknowledge, reduce, silence, tick, with_evidence
from bot.domain.swarm.causes import CauseKind
from bot.domain.swarm.model import Look, Node, NodeState, Resources, Service, Task, TaskState
from bot.domain.text.message import Message
from bot.views.incidents.list import incidents_message
from bot.views.incidents.message import incident_detail_message, incident_message, reminder_message
from handlers.incident_buttons import IncidentButtons
from handlers.incidents import ListIncidentsHandler
from tests.messages.sample import (
    ANN,
    ASKER,
    AT,
    BOB,
    CHANNEL,
    COMMAND,
    Sample,
    Topic,
    answer,
    context,
    port,
    shortened,
)
from tests.messages.swarm import (
    DJANGO,
    GIB,
    N3,
    NODES,
    NOT_STARTED,
    WORKER,
    a_task,
    failed,
    rejected,
    running,
)

URL = "https://acme.slack.com/archives/CSWARM/p1773066600000100"
LIMITED = replace(WORKER, limit=Resources(memory=GIB // 2))
CHECKED = replace(WORKER, has_health_check=True)
PENDING = "no suitable node (scheduling constraints not satisfied on 3 nodes)"


def topics() -> tuple[Topic, ...]:
    """The messages in the order of an incident's life."""
    return (
        Topic(
            "Incidents: firing",
            "One message for each incident, in the channel for alerts.",
            (*_firing(), *_nodes()),
        ),
        Topic(
            "Incidents: acknowledged, silenced, repeated, resolved",
            "The same message, edited. Reminders are in its thread and in the channel.",
            (*_course(), *_reminders()),
        ),
        Topic(
            "Incidents: the list and the buttons",
            "Visible only to the person who asked.",
            (*_lists(), *_buttons()),
        ),
    )


@dataclass
class Watcher:
    """A watch over one service."""

    service: Service = WORKER
    nodes: dict[str, Node] = field(default_factory=lambda: {node.id: node for node in NODES})
    tasks: tuple[Task, ...] = ()
    state: WatcherState = field(default_factory=WatcherState)
    actions: list[Action] = field(default_factory=list)

    def hear(self, seconds: float, *tasks: Task, **news: Any) -> None:
        """News at a time after ``AT``."""
        self.nodes |= {node.id: node for node in news.get("nodes", ())}
        told = News(tasks, **news)
        self.take(reduce(self.state, told, self.context(), AT + seconds))

    def wait(self, seconds: float) -> None:
        """Time alone."""
        self.take(tick(self.state, self.context(), AT + seconds))

    def take(self, reduced: Any) -> None:
        """Keep what came of something."""
        self.state = reduced.state
        self.actions += reduced.actions

    def context(self) -> ReducerContext:
        """The swarm around."""
        services = {each.id: each for each in (self.service, DJANGO)}
        rules = Rules(channel=CHANNEL)
        return ReducerContext(services, self.nodes, self._tasks_of, frozenset(), rules)

    def _tasks_of(self, service_id: str) -> list[Task]:
        return [task for task in self.tasks if task.service_id == service_id]

    @property
    def told(self) -> Incident:
        """The incident as it was told last."""
        return [each.incident for each in self.actions if isinstance(each, Tell)][-1]

    @property
    def reminded(self) -> Incident:
        """The incident that was brought to mind last."""
        return [each.incident for each in self.actions if isinstance(each, Remind)][-1]


def fired(
    task: Task, service: Service = WORKER, *, waits: float = 0.0, late: bool = False
) -> Watcher:
    """A watcher that told of one failure."""
    watcher = Watcher(service, tasks=(task,))
    watcher.hear(0, task, late=late)
    if waits:
        watcher.wait(waits)
    return watcher


def crash() -> Watcher:
    """A watcher that told of a crash, with its last log lines, after an update."""
    watcher = fired(failed(WORKER, 2))
    found = Evidence(
        watcher.told.id,
        "t",
        "KeyError: 'BROKER_URL'",
        "Last log lines",
        can_roll_back=True,
    )
    watcher.take(with_evidence(watcher.state, found))
    return watcher


def _shown(incident: Incident, seconds: float = 10.0, **values: Any) -> Message:
    return incident_message(incident, AT + seconds, **values)


def _firing() -> Iterator[Sample]:
    ill = "task: non-zero exit (137): dockerexec: unhealthy container"
    share = "error while mounting volume '/v': failed to mount local volume: connection refused"
    start = 'OCI runtime create failed: exec: "gunicorn": executable file not found in $PATH'
    pending = a_task(WORKER, 2, TaskState.PENDING, "", err=PENDING)
    ended = replace(failed(CHECKED, 2, 0, err=""), state=TaskState.COMPLETE)
    image = "No such image: registry.example.com/worker01:2.5"
    yield Sample("Exit code, after an update", _shown(crash().told))
    deploy = NamedJob("d3p7xy", "deploy", BOB, AT - 120, CHANNEL, "1.5", way_back=6)
    after = replace(crash().told, began_after=deploy)
    yield Sample("Exit code, after a deploy that failed", _shown(after, where=lambda *_: URL))
    yield Sample("Exit code, no evidence", _shown(fired(failed(WORKER, 2, 3)).told))
    memory = fired(failed(LIMITED, 2, 137), LIMITED)
    yield Sample("Out of memory", _shown(memory.told))
    yield Sample("Unhealthy", _shown(fired(failed(CHECKED, 2, 137, err=ill), CHECKED).told))
    yield Sample("Image missing", _shown(fired(rejected(WORKER, image, 1)[0]).told))
    for title, error in NOT_STARTED.items():
        yield Sample(title, _shown(fired(rejected(WORKER, error, 1)[0]).told))
    yield Sample("Mount failed", _shown(fired(rejected(WORKER, share, 1)[0]).told))
    yield Sample("Unschedulable", _shown(_with_nodes(fired(pending, waits=11).told)))
    yield Sample("Start failed", _shown(fired(rejected(WORKER, start, 1)[0]).told))
    yield Sample("Ended", _shown(fired(ended, CHECKED).told))
    late = fired(failed(WORKER, 2, since=AT - 900), late=True).told
    yield Sample("Late", _shown(late))
    yield Sample("In another channel than the label says", _shown(crash().told, meant_for="CTEAM"))


def _with_nodes(incident: Incident) -> Incident:
    why = "2 nodes: node.labels.gpu==yes is not met\nphoton-machine-03: it is down"
    return replace(incident, evidence=why, evidence_title="Why no node fits")


def lost() -> Watcher:
    """A watcher that told of a node that went down."""
    watcher = Watcher(tasks=(*running(WORKER, 1, 2, 3), *running(DJANGO, 1, 2)))
    down = replace(NODES[1], state=NodeState.DOWN, message="heartbeat failure")
    watcher.hear(0, nodes=(down,))
    watcher.wait(6)
    return watcher


def _nodes() -> Iterator[Sample]:
    watcher = lost()
    yield Sample("A node is down", _shown(watcher.told))
    pending = a_task(WORKER, 2, TaskState.PENDING, "", err=PENDING, id="waits")
    watcher.tasks += (pending,)
    watcher.hear(7, pending)
    watcher.wait(18)
    yield Sample("A node is down, and a service found no other node", _shown(watcher.told, 18))
    idle = Watcher()
    idle.hear(0, nodes=(replace(NODES[2], state=NodeState.DOWN),))
    idle.wait(6)
    yield Sample("A node is down that ran nothing", _shown(idle.told))
    watcher.hear(60, nodes=(NODES[1],))
    yield Sample("A node is ready again", _shown(watcher.told, 60))


def _course() -> Iterator[Sample]:
    watcher = crash()
    watcher.hear(5, failed(WORKER, 2, number=2), failed(WORKER, 3, number=3, node=N3))
    watcher.hear(9, failed(WORKER, 2, number=4))
    yield Sample("Repeated: four failures of two slots", _shown(watcher.told))
    watcher.take(acknowledge(watcher.state, watcher.told.id, ANN, AT + 30))
    yield Sample("Acknowledged", _shown(watcher.told, 30))
    quiet = Silence(WORKER.name, CauseKind.EXIT_CODE.value, AT + 3640, BOB)
    watcher.take(silence(watcher.state, quiet))
    yield Sample("Acknowledged and silenced", _shown(watcher.told, 40))
    yield Sample("Resolved", _shown(resolved().told, 200))
    back = NamedJob("b4ck22", "rollback", ANN, AT + 60, CHANNEL, "1.6")
    healed = replace(resolved().told, ended_after=back)
    yield Sample("Resolved after a rollback", _shown(healed, 200, where=lambda *_: URL))
    yield Sample("Resolved: scaled to 0", _shown(_ended(replace(WORKER, replicas=0)).told, 200))
    off = replace(WORKER, labels={"orochi-bot.alerts": "off"})
    yield Sample("Resolved: alerts were turned off", _shown(_ended(off).told, 200))
    gone = crash()
    gone.hear(50, removed=frozenset({WORKER.id}))
    yield Sample("Resolved: the service was removed", _shown(gone.told, 50))


def resolved() -> Watcher:
    """A watcher that told of a crash and of its end."""
    watcher = crash()
    watcher.tasks = running(WORKER, 1, 2, 3)
    watcher.wait(20)
    watcher.wait(100)
    return watcher


def _ended(service: Service) -> Watcher:
    watcher = crash()
    watcher.service, watcher.tasks = service, ()
    watcher.wait(20)
    watcher.wait(100)
    return watcher


def _reminders() -> Iterator[Sample]:
    again = resolved()
    again.hear(300, failed(WORKER, 2, number=75))
    yield Sample("It came back", _shown(again.told, 300))
    yield Sample("Reminder: it came back", reminder_message(again.reminded, AT + 300, COMMAND))
    long = crash()
    long.wait(4 * 3600 + 1)
    text = reminder_message(long.reminded, AT + 4 * 3600 + 1, COMMAND)
    yield Sample("Reminder: not acknowledged for four hours", text)
    node = lost()
    node.wait(4 * 3600 + 7)
    text = reminder_message(node.reminded, AT + 4 * 3600 + 7, COMMAND)
    yield Sample("Reminder: a node is still down", text)


def _lists() -> Iterator[Sample]:
    calm = crash()
    calm.take(acknowledge(calm.state, calm.told.id, ANN, AT + 30))
    quiet = Silence(WORKER.name, CauseKind.EXIT_CODE.value, AT + 3640, BOB)
    silenced = crash()
    silenced.take(silence(silenced.state, quiet))
    late = fired(failed(DJANGO, 2, since=AT - 900), DJANGO, late=True).told
    open_ones = (calm.told, silenced.told, late, lost().told)
    past = (resolved().told,)
    now = AT + 200
    yield Sample("`/orochi incidents`: none", incidents_message((), (), now, COMMAND))
    one = incidents_message((), (), now, COMMAND, service="django")
    yield Sample("`/orochi incidents django`: none", one)
    yield Sample("`/orochi incidents`", incidents_message(open_ones, past, now, COMMAND))
    many = tuple(replace(past[0], id=f"fire{n:02}") for n in range(25))
    message = incidents_message(open_ones[:1], many, now, COMMAND)
    yield Sample("`/orochi incidents`: many", shortened(message))
    one = incident_detail_message(calm.told, now, lambda *_: URL, COMMAND)
    yield Sample("`/orochi incidents ID`", one)
    handler = ListIncidentsHandler(_no_service(past))
    unknown = answer(handler.answer(ListIncidents("zzzzzz"), ASKER), unchanged=False)
    yield Sample("`/orochi incidents zzzzzz`: unknown", unknown)


def _no_service(past: tuple[Incident, ...]) -> Any:
    incidents = port(open_incidents=(), past_incidents=past)
    looks, swarm = port(services=(WORKER, DJANGO)), port(nodes=NODES)
    versions = port(stacks=())
    return context(incidents=incidents, looks=looks, swarm=swarm, versions=versions)


def _buttons() -> Iterator[Sample]:
    firing = crash().told
    task = failed(WORKER, 2)
    swarm = port(look=Look(AT, WORKER, (task,), NODES), last_lines="KeyError: 'BROKER_URL'")
    away = port(look=Look(AT, WORKER, (task,), NODES), last_lines="")
    pressed = IncidentLogs(firing.id)
    logs = _handler(firing, swarm=swarm).logs(pressed, ASKER)
    yield Sample("[Logs]", answer(logs))
    yield Sample("[Logs]: none", answer(_handler(firing, swarm=away).logs(pressed, ASKER)))
    forgotten = _handler().logs(IncidentLogs("x7k2m9"), ASKER)
    yield Sample("[Logs]: of an incident that is forgotten", answer(forgotten, unchanged=False))
    taken = replace(firing, state=_acknowledged().state, acknowledged_by=BOB)
    twice = _handler(taken).acknowledge(AcknowledgeIncident(firing.id), ASKER)
    yield Sample("[Acknowledge]: someone already did", answer(twice))
    quiet = replace(firing, silenced_until=AT + 3600, silenced_by=BOB)
    twice = _handler(quiet).silence(SilenceIncident(firing.id), ASKER)
    yield Sample("[Silence 1 h]: someone already did", answer(twice))
    late = _handler().silence(SilenceIncident("x7k2m9"), ASKER)
    yield Sample("[Silence 1 h]: it is resolved", answer(late))


def _handler(*incidents: Incident, **ports: Any) -> IncidentButtons:
    known = port(open_incidents=incidents, past_incidents=(), press=None)
    return IncidentButtons(context(incidents=known, jobs=port(audit=None), **ports))


def _acknowledged() -> Incident:
    watcher = crash()
    watcher.take(acknowledge(watcher.state, watcher.told.id, ANN, AT + 30))
    return watcher.told
