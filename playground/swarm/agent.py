"""Runs tasks as the nodes' engines do: pure (swarmkit agent, moby daemon/cluster/executor)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final, Literal

from playground.swarm import mounts, specs
from playground.swarm.containers import Container, ContainerProbe, Containers
from playground.swarm.ids import Ids
from playground.swarm.images import Registry, canonical, digest
from playground.swarm.model import (
    Json,
    Node,
    Spec,
    State,
    Task,
    host_ports,
    part,
    seconds,
)
from playground.swarm.programs import (
    Image,
    Program,
    environment_of,
    health_of,
    probe,
    program_of,
)
from playground.swarm.store import Store, StoreChange
from playground.swarm.timeline import Course, Process, Timeline, Wait

_TO_NODE: Final = 0.08
_STEP: Final = 0.015
_CREATE: Final = 0.06
_START: Final = 0.15
_PULL: Final = 1.5
_NO_IMAGE: Final = 0.06
_FIRST_SIGNAL: Final = 0.05
_DISCARD: Final = 0.17
_RETRY: Final = 1.0
_OOM_AFTER: Final = 0.3
_GRACE: Final = 10.0
_INTERVAL: Final = 30.0
_RETRIES: Final = 3
_KILLED: Final = 137
ARCHITECTURE: Final = "amd64"
"""The processors of all machines, as images name it."""


@dataclass(frozen=True, slots=True)
class Killed:
    """A reason why a container is stopped from outside."""

    code: int = _KILLED
    out_of_memory: bool = False


class Agent:
    """The engines of all nodes.

    Faults are set from outside: ``sick`` are the services whose health checks fail on purpose,
    ``overrides`` the programs that services run instead of their own, both by service id.
    ``pulled`` are the images that nodes have, as pairs of node id and name.
    """

    def __init__(self, store: Store, timeline: Timeline, ids: Ids, registry: Registry) -> None:
        self.containers = Containers()
        self.storage = mounts.Storage()
        self.sick: set[str] = set()
        self.overrides: dict[str, Program] = {}
        self.kills: dict[str, Killed] = {}
        self.registry = registry
        self.pulled: set[tuple[str, str]] = set()
        self._store = store
        self._timeline = timeline
        self._ids = ids
        self._processes: dict[str, Process] = {}
        store.subscribers.append(self._hear)

    def kill(self, task_id: str, killed: Killed) -> None:
        """End the container of a task as a signal does."""
        self.kills[task_id] = killed
        self._timeline.tell([("kill", task_id)])

    def power_off(self, node: Node) -> None:
        """Kill all containers of the node; nobody reports it."""
        for task in self._store.tasks_on(node.id):
            if process := self._processes.pop(task.id, None):
                self._timeline.cancel(process)
            container = self.containers.by_task.get(task.id)
            if container is not None and container.running:
                container.ended, container.code = self._timeline.now, _KILLED

    def power_on(self, node: Node) -> None:
        """Start the engine again: it reports what died and starts its assigned tasks."""
        for task in self._store.tasks_on(node.id):
            if task.ended or task.status.state < State.ASSIGNED:
                continue
            if task.status.state >= State.STARTING:
                self._report(task.id, State.FAILED, task.status.message, code=_KILLED)
            elif task.desired > State.COMPLETE:
                self._report(task.id, State.SHUTDOWN, "shutdown")
            else:
                self._begin(task)

    def _hear(self, change: StoreChange) -> None:
        task = change.object
        if not isinstance(task, Task):
            return
        if change.action == "remove":
            self.kills.pop(task.id, None)
        elif task.status.state is State.ASSIGNED and task.id not in self._processes:
            node = self._store.nodes.get(task.node_id)
            if node is not None and node.powered:
                self._begin(task)

    def _begin(self, task: Task) -> None:
        self._processes[task.id] = self._timeline.spawn(self._live(task))

    def _live(self, task: Task) -> Course:
        yield from self._go_through(task)
        self._processes.pop(task.id, None)

    def _go_through(self, task: Task) -> Course:
        yield Wait(self._ids.about(_TO_NODE))
        for state, message in ((State.ACCEPTED, "accepted"), (State.PREPARING, "preparing")):
            if not self._wanted(task.id):
                self._report(task.id, State.SHUTDOWN, "shutdown", container=None)
                return
            self._report(task.id, state, message)
            yield Wait(_STEP)
        why = yield from self._prepare(task)
        if why:
            self._report(task.id, State.REJECTED, "preparing", err=why, container=None)
            return
        if self._wanted(task.id):
            self._report(task.id, State.READY, "prepared")
            yield Wait(_STEP)
        while self._wanted(task.id) and self._store.tasks[task.id].desired < State.RUNNING:
            yield Wait(keys=(("task", task.id),))
        if not self._wanted(task.id):
            yield Wait(self._ids.about(_DISCARD))
            self._report(task.id, State.SHUTDOWN, "shutdown", container=self._create(task))
            return
        yield from self._start(task)

    def _prepare(self, task: Task) -> Generator[Wait, bool, str]:
        """Pull the image and create the container; returns the error if that fails."""
        spec = part(task.spec, "ContainerSpec")
        name = str(spec.get("Image", ""))
        image = self.registry.find(name)
        place = (task.node_id, digest(image) if image else canonical(name))
        if place not in self.pulled or image is None:
            if not self.registry.reachable:
                yield from self._sleep(task.id, self.registry.patience)
                return f"No such image: {name}"
            if image is None or not self._can_pull(image, spec):
                yield from self._sleep(task.id, self._ids.about(_NO_IMAGE))
                return f"No such image: {name}"
            yield from self._sleep(task.id, self._ids.about(self._pull_seconds(name)))
            self.pulled.add(place)
        yield from self._sleep(task.id, self._ids.about(_CREATE))
        return mounts.missing_bind(spec)

    def _can_pull(self, image: Image, spec: Spec) -> bool:
        """Whether the registry hands it out, and for these nodes.

        Engines before 29.6 give the same error for all that a pull can fail for.
        """
        auth = str(part(spec, specs.PULL_OPTIONS).get(specs.AUTH, ""))
        name = str(spec.get("Image", ""))
        return image.architecture == ARCHITECTURE and self.registry.serves(name, auth)

    def _pull_seconds(self, name: str) -> float:
        """The duration of a pull; none for the images of the lab, which are already there."""
        return 0.0 if name.startswith("lab/") else _PULL

    def _start(self, task: Task) -> Course:
        spec = part(task.spec, "ContainerSpec")
        image = self.registry.image(str(spec.get("Image", "")))
        container = self._create(task)
        self._report(task.id, State.STARTING, "starting", container=container)
        if container.program.missing:
            yield Wait(self._ids.about(_START))
            self._fail(container, _no_command(container.program.missing), 127)
            return
        if not (yield from self._mount(container, spec)):
            return
        yield from self._sleep(task.id, self._ids.about(_START))
        container.started = self._timeline.now
        check = health_of(image, spec)
        if not check:
            self._report(task.id, State.RUNNING, "started", container=container)
        yield from self._run(container, check, environment_of(image, spec), task)

    def _create(self, task: Task) -> Container:
        """Create the container of a task, not started yet."""
        spec = part(task.spec, "ContainerSpec")
        image = self.registry.image(str(spec.get("Image", "")))
        container_id = self._ids.container()
        hostname = str(spec.get("Hostname") or container_id[:12])
        program = self.overrides.get(task.service_id) or program_of(image, spec, hostname)
        pid = 1000 + int(container_id[:5], 16) % 60000
        return self.containers.add(
            Container(container_id, task.id, task.service_id, task.node_id, program, pid)
        )

    def _mount(self, container: Container, spec: Spec) -> Generator[Wait, bool, bool]:
        """Mount the volumes; an address that does not resolve is retried for ever."""
        while True:
            why, again = mounts.failing_volume(spec, self.storage)
            if not why:
                return True
            yield Wait(self._ids.about(0.1))
            if not again:
                self._fail(container, why, 128)
                return False
            self._report(
                container.task_id,
                State.STARTING,
                "starting",
                err=why,
                container=container,
                code=128,
            )
            yield from self._sleep(container.task_id, _RETRY)
            if not self._wanted(container.task_id):
                self._report(container.task_id, State.SHUTDOWN, "shutdown", container=container)
                return False

    def _run(
        self, container: Container, check: Spec, environment: dict[str, str], task: Task
    ) -> Course:
        program, now = container.program, self._timeline.now
        limit = int(part(task.spec, "Resources", "Limits").get("MemoryBytes") or 0)
        too_much = bool(limit) and program.memory > limit
        end = now + program.seconds
        if too_much:
            end = min(end, now + program.hungry + self._ids.about(_OOM_AFTER))
        interval = seconds(check.get("Interval"), _INTERVAL) or _INTERVAL
        next_probe = now + interval if check else float("inf")
        keys = (("task", task.id), ("kill", task.id))
        while self._wanted(task.id):
            if killed := self.kills.pop(task.id, None):
                container.out_of_memory = killed.out_of_memory
                self._end(container, killed.code)
                return
            if self._timeline.now >= end:
                container.out_of_memory = too_much
                self._end(container, _KILLED if too_much else program.code)
                return
            if self._timeline.now >= next_probe:
                next_probe = self._timeline.now + interval
                if self._probe(container, check, environment):
                    code = yield from self._signal(container, task)
                    self._end(container, code, unhealthy=True)
                    return
            yield Wait(min(end, next_probe) - self._timeline.now, keys)
        yield Wait(_FIRST_SIGNAL)
        self._stopping(container)
        code = yield from self._signal(container, task)
        container.ended, container.code = self._timeline.now, code
        self._report(task.id, State.SHUTDOWN, "shutdown", container=container, code=code)

    def _probe(self, container: Container, check: Spec, environment: dict[str, str]) -> bool:
        """Run the health check; returns whether the container is unhealthy now."""
        code, output = probe(check, environment)
        if container.service_id in self.sick:
            code, output = 1, "the probe was told to fail"
        container.note(ContainerProbe(self._timeline.now, code, output))
        if not code:
            if container.health != "healthy":
                container.health = "healthy"
                self._report(container.task_id, State.RUNNING, "started", container=container)
            return False
        retries = int(check.get("Retries") or 0) or _RETRIES
        last = container.probes[-retries:]
        started = self._timeline.now - container.started >= seconds(check.get("StartPeriod"), 0.0)
        if started and len(last) == min(retries, 5) and all(one.code for one in last):
            container.health = "unhealthy"
            return True
        container.health = container.health or "starting"
        return False

    def _signal(self, container: Container, task: Task) -> Generator[Wait, bool, int]:
        """SIGTERM, and after the grace period SIGKILL; returns the exit code."""
        grace = seconds(part(task.spec, "ContainerSpec").get("StopGracePeriod"), _GRACE)
        program = container.program
        stops_in = None if program.stops_in is None else self._ids.about(program.stops_in)
        if stops_in is None or stops_in > grace:
            yield Wait(grace)
            return _KILLED
        yield Wait(stops_in)
        return program.stop_code

    def _stopping(self, container: Container) -> None:
        """Report the exit code -1 while the container stops, as engines do."""
        task = self._store.tasks.get(container.task_id)
        if task is not None:
            self._report(
                task.id, task.status.state, task.status.message, container=container, code=-1
            )

    def _end(self, container: Container, code: int, *, unhealthy: bool = False) -> None:
        task = self._store.tasks.get(container.task_id)
        container.ended, container.code = self._timeline.now, code
        if task is None:
            return
        if code == 0:
            self._report(task.id, State.COMPLETE, "finished", container=container)
            return
        why = f"task: non-zero exit ({code})" + (
            ": dockerexec: unhealthy container" if unhealthy else ""
        )
        message = task.status.message
        self._report(task.id, State.FAILED, message, err=why, container=container, code=code)

    def _fail(self, container: Container, why: str, code: int) -> None:
        container.ended, container.code = self._timeline.now, code
        self._report(
            container.task_id, State.FAILED, "starting", err=why, container=container, code=code
        )

    def _report(
        self,
        task_id: str,
        state: State,
        message: str,
        *,
        err: str = "",
        container: Container | Literal[False] | None = False,
        code: int = 0,
    ) -> None:
        """Report the state to the manager; reports about removed tasks are dropped.

        ``container`` is False to leave the container's status as it is, None if there is no
        container.
        """
        task = self._store.tasks.get(task_id)
        if task is None or task.ended:
            return
        if state is State.FAILED and not err:
            err = f"task: non-zero exit ({code})"
        status = replace(
            task.status,
            at=self._timeline.now,
            state=state,
            message=message,
            err=err,
            exit_code=code,
        )
        if container is None:
            status = replace(status, has_container_status=True)
        elif isinstance(container, Container):
            pid = container.pid if container.running else 0
            status = replace(
                status, has_container_status=True, container=container.id, pid=pid,
                ports=_ports(task) if state is State.RUNNING else (),
            )  # fmt: skip
        elif state > State.RUNNING:
            status = replace(status, pid=0, ports=())
        self._store.put(replace(task, status=status))

    def _wanted(self, task_id: str) -> bool:
        task = self._store.tasks.get(task_id)
        return task is not None and task.desired <= State.COMPLETE

    def _sleep(self, task_id: str, duration: float) -> Course:
        """Wait for some time, or until the task is not wanted any more."""
        until = self._timeline.now + duration
        while self._timeline.now < until and self._wanted(task_id):
            yield Wait(until - self._timeline.now, (("task", task_id),))


def _no_command(command: str) -> str:
    what = f'exec: "{command}": '
    what += (
        f"stat {command}: no such file or directory"
        if "/" in command
        else "executable file not found in $PATH"
    )
    return (
        "starting container failed: failed to create shim task: OCI runtime create failed: "
        f"runc create failed: unable to start container process: {what}: unknown"
    )


def _ports(task: Task) -> tuple[Json, ...]:
    """The host-mode ports that a running task has."""
    wanted = set(host_ports(task.endpoint))
    return tuple(
        {key: value for key, value in port.items() if key != "Name"}
        for port in task.endpoint.get("Ports") or ()
        if (port.get("PublishedPort"), port.get("Protocol") or "tcp") in wanted
    )
