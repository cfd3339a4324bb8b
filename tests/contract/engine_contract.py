"""The contract of the swarm adapter with an engine: real engines, and the demo's.

A test class derives from `EngineContract` and has the fixture `lab`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import pytest

from bot.domain.errors import (
    LeaseLostError,
    NotFoundError,
    OutOfSequenceError,
    RefusedError,
)
from bot.domain.swarm.model import Service, Task, TaskState, UpdateState
from bot.swarm.engine import DockerSwarm
from tests.contract.labs import AnyLab

T = TypeVar("T")

STACK = """
version: "3.8"
services:
  worker01:
    image: lab/busy:1
    command: ["/bin/serve"]
    environment: {PASSWORD: hunter2}
    labels: {place: container}
    stop_grace_period: 1s
    networks: [inner]
    healthcheck: {test: ["NONE"]}
    deploy:
      replicas: 2
      endpoint_mode: dnsrr
      labels: {team: a}
      resources: {limits: {memory: 64M}, reservations: {memory: 8M}}
      placement: {constraints: ["node.platform.os == linux"], max_replicas_per_node: 4}
networks:
  inner: {attachable: true}
"""


def allow(_: Service) -> None:
    """A guard that allows every write."""


def deploy(lab: AnyLab) -> None:
    lab.docker("stack", "deploy", "--resolve-image", "never", "-c", "-", "orochi", stdin=STACK)
    lab.wait_running("orochi_worker01", 2)


def changed_paths(before: Any, after: Any, path: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted(before.keys() | after.keys())
        return [p for k in keys for p in changed_paths(before.get(k), after.get(k), f"{path}/{k}")]
    return [] if before == after else [path]


async def eventually(look: Callable[[], Awaitable[T]], ready: Callable[[T], bool]) -> T:
    """What ``look`` finds once it is ``ready``."""
    async with asyncio.timeout(60):
        while True:
            found = await look()
            if ready(found):
                return found
            await asyncio.sleep(0.05)


async def _until_running(swarm: DockerSwarm, service_id: str, count: int) -> tuple[Task, ...]:
    look = await eventually(
        lambda: swarm.look(service_id), lambda look: sum(map(_runs, look.tasks)) == count
    )
    return tuple(filter(_runs, look.tasks))


def _runs(task: Task) -> bool:
    return task.state is TaskState.RUNNING and task.desired is TaskState.RUNNING


async def _first(swarm: DockerSwarm, service_id: str, state: TaskState) -> Task:
    look = await eventually(
        lambda: swarm.look(service_id),
        lambda look: any(task.state is state for task in look.tasks),
    )
    return next(task for task in look.tasks if task.state is state)


class EngineContract:
    """The contract of an engine."""

    @pytest.fixture
    async def swarm(self, lab: AnyLab) -> AsyncIterator[DockerSwarm]:
        adapter = DockerSwarm(lab.manager.socket)
        yield adapter
        await adapter.aclose()

    async def test_the_engine_reports_its_version_and_role(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        info = await swarm.engine()

        assert (info.hostname, info.is_manager, info.swarm_active) == (
            "photon-machine-01",
            True,
            True,
        )
        said = lab.client().version()
        assert (info.version, info.api_version) == (said["Version"], said["ApiVersion"])
        assert info.node_id in {node.id for node in await swarm.nodes()}

    async def test_nodes_are_listed_by_hostname_with_their_roles(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        nodes = await swarm.nodes()

        assert [node.hostname for node in nodes] == [node.name for node in lab.nodes]
        assert [node.manager for node in nodes].count("leader") == 1
        assert all(node.usable and node.resources.memory > 0 for node in nodes)
        assert {node.platform.os for node in nodes} == {"linux"}

    async def test_services_of_a_stack(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        deploy(lab)
        lab.create_service("lonely", "/bin/serve")

        everything, ours = await swarm.services(), await swarm.services("orochi")

        assert [service.name for service in everything] == ["lonely", "orochi_worker01"]
        assert [service.short_name for service in ours] == ["worker01"]
        assert ours[0].stack == "orochi"
        assert ours[0].replicas == 2
        assert ours[0].max_per_node == 4
        assert ours[0].reservation.memory == 8 * 2**20
        assert await swarm.services("other") == ()

    async def test_a_service_is_found_only_by_its_full_name_and_id(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "/bin/serve")

        assert (await swarm.service("web")).id == service_id
        assert (await swarm.service(service_id)).name == "web"
        for name in ("we", service_id[:5], "nope", "", "../info", "web/../web", "x?y=z"):
            with pytest.raises(NotFoundError):
                await swarm.service(name)

    async def test_a_look_at_a_stack_service(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        deploy(lab)
        service = await swarm.service("orochi_worker01")

        look = await swarm.look(service.id)

        assert look.service == service
        assert {task.slot for task in look.tasks} == {1, 2}
        assert all(_runs(task) and task.up_to_date for task in look.tasks)
        assert {task.node_id for task in look.tasks} <= {node.id for node in look.nodes}
        assert "hunter2" not in repr(look)

    async def test_a_look_at_an_unknown_service(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        look = await swarm.look("nosuchservice")

        assert (look.service, look.tasks, len(look.nodes)) == (None, (), 3)

    async def test_a_look_at_a_whole_stack_and_at_everything(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        deploy(lab)
        lonely = lab.create_service("lonely", "/bin/serve")
        lab.wait_running("lonely", 1)

        stack, everything = await swarm.stack_look("orochi"), await swarm.stack_look("")

        assert [service.name for service in stack.services] == ["orochi_worker01"]
        assert {task.service_id for task in stack.tasks} == {stack.services[0].id}
        assert lonely in {task.service_id for task in everything.tasks}
        assert len(everything.services) == 2
        assert len(stack.nodes) == 3

    async def test_tasks_are_current_when_the_engine_says_so(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        """The comparison of templates agrees with the `_up-to-date` filter through all updates."""
        lab.docker("node", "update", "--label-add", "disk=ssd", "photon-machine-01")
        service_id = lab.create_service("web", "/bin/serve", replicas=3)
        await _until_running(swarm, service_id, 3)
        updates = (
            ["--env-add", "A=1"],
            ["--force"],
            ["--constraint-add", "node.labels.disk==ssd"],
            ["--constraint-rm", "node.labels.disk==ssd"],
            ["--label-add", "a=b"],
            ["--limit-memory", "64M"],
            ["--restart-delay", "1s"],
            ["--no-resolve-image", "--image", "lab/none:1"],
            ["--rollback"],
        )
        seen = set()
        for update in updates:
            lab.docker("service", "update", "--detach", "--quiet", *update, "web")
            for _ in range(12):
                before = await swarm.look(service_id)
                ours = await swarm.services_look(frozenset({service_id}))
                after = await swarm.look(service_id)
                stable = {task.id: task.up_to_date for task in before.tasks if task in after.tasks}
                found = {task.id: task.up_to_date for task in ours.tasks if task.id in stable}
                if before.service == after.service == ours.services[0]:
                    assert found == {task: stable[task] for task in found}, update
                    seen |= set(found.values())
        assert seen == {True, False}

    async def test_a_scale_changes_one_field_and_keeps_every_task(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        deploy(lab)
        service = await swarm.service("orochi_worker01")
        tasks = {task.id for task in (await swarm.look(service.id)).tasks}
        before = lab.client().inspect_service(service.id)

        scaled = await swarm.set_replicas(service.id, 4, allow)

        after = lab.client().inspect_service(service.id)
        assert (scaled.before, scaled.changed) == (2, True)
        assert changed_paths(before["Spec"], after["Spec"]) == ["/Mode/Replicated/Replicas"]
        running = await _until_running(swarm, service.id, 4)
        assert tasks <= {task.id for task in running}
        assert (await swarm.service(service.id)).template == service.template

    async def test_a_scale_to_the_same_number_makes_no_update(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "/bin/serve", replicas=2)
        version = (await swarm.service(service_id)).version

        scaled = await swarm.set_replicas(service_id, 2, allow)

        assert (scaled.before, scaled.changed) == (2, False)
        assert (await swarm.service(service_id)).version == version

    async def test_a_global_service_is_refused(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        lab.docker(
            "service", "create", "--quiet", "--detach", "--no-resolve-image", "--name", "all",
            "--mode", "global", "lab/busy:1", "/bin/serve",
        )  # fmt: skip

        with pytest.raises(RefusedError):
            await swarm.set_replicas("all", 2, allow)

    async def test_the_guard_gets_the_service_and_can_prevent_the_write(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "/bin/serve", options=["--update-monitor", "1s"])
        await _until_running(swarm, service_id, 1)
        lab.docker(
            "service", "update", "--detach", "--no-resolve-image", "--image", "no/such:1", "web"
        )
        await eventually(
            lambda: swarm.service(service_id), lambda service: service.update is UpdateState.PAUSED
        )

        def refuse_paused(service: Service) -> None:
            if service.update is UpdateState.PAUSED:
                raise RefusedError("its update is paused")

        with pytest.raises(RefusedError, match="paused"):
            await swarm.set_replicas(service_id, 3, refuse_paused)
        assert (await swarm.service(service_id)).replicas == 1

    async def test_a_stale_version_is_read_again(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        """The service changes between read and write: both changes are kept."""
        service_id = lab.create_service("web", "/bin/serve")
        looks: list[Service] = []

        def meddle(service: Service) -> None:
            looks.append(service)
            if len(looks) == 1:
                lab.docker("service", "update", "--detach", "--label-add", "they=were-here", "web")

        scaled = await swarm.set_replicas(service_id, 3, meddle)

        service = await swarm.service(service_id)
        assert (scaled.changed, service.replicas, service.labels) == (
            True,
            3,
            {"they": "were-here"},
        )
        assert len(looks) == 2
        assert looks[0].version < looks[1].version

    async def test_an_outdated_write_is_not_repeated_without_the_lease(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        """The next holder of the lease changed the service between read and write."""
        service_id = lab.create_service("web", "/bin/serve", replicas=1)
        held = [True]

        def overtaken(service: Service) -> None:
            if service.replicas == 1:
                lab.docker("service", "scale", "--detach", "web=2")
                held.clear()

        with pytest.raises(LeaseLostError):
            await swarm.set_replicas(service_id, 3, overtaken, still=lambda: bool(held))
        assert (await swarm.service(service_id)).replicas == 2

    async def test_many_concurrent_writers_all_succeed(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "/bin/serve")
        other = DockerSwarm(lab.nodes[1].socket)

        writers = (swarm, other, swarm, other)
        done = await asyncio.gather(
            *(by.set_replicas(service_id, number, allow) for number, by in enumerate(writers, 2))
        )
        await other.aclose()

        assert all(scaled.changed for scaled in done)
        assert (await swarm.service(service_id)).replicas in {2, 3, 4, 5}

    async def test_a_write_that_is_always_stale_gives_up(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "/bin/serve")
        client = lab.client()

        def meddle(service: Service) -> None:
            raw = client.inspect_service(service_id)
            raw["Spec"]["Labels"] = {"round": str(service.version)}
            url = f"{client.base_url}/v{client.api_version}/services/{service_id}/update"
            client.post(
                url, params={"version": service.version}, json=raw["Spec"]
            ).raise_for_status()

        with pytest.raises(OutOfSequenceError):
            await swarm.set_replicas(service_id, 3, meddle)
        assert (await swarm.service(service_id)).replicas == 1

    async def test_tasks_are_those_wanted_to_run(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        # Engine 20.10 keeps the tasks of a job that an earlier test removed, so they are ignored.
        before = {task.id for task in await swarm.tasks()}
        web = lab.create_service("web", "/bin/serve", replicas=2)
        crash = lab.create_service("crash", "/bin/crash", options=["--restart-delay", "1h"])
        await _until_running(swarm, web, 2)
        failed = await _first(swarm, crash, TaskState.FAILED)

        tasks = [task for task in await swarm.tasks() if task.id not in before]

        assert {task.service_id for task in tasks} == {web, crash}, "the task that waits counts"
        assert failed.id not in {task.id for task in tasks}
        assert all(task.up_to_date for task in tasks)

    async def test_the_log_of_a_task_that_failed(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        script = r"for i in 1 2 3 4 5; do echo line $i; done; printf '\033[31mred\033[0m\n'; exit 3"
        service_id = lab.create_service(
            "web", "/bin/sh", "-c", script, options=["--restart-condition", "none"]
        )
        task = await _first(swarm, service_id, TaskState.FAILED)

        log = await swarm.last_lines(task, 3)

        assert task.exit_code == 3
        assert log.splitlines() == ["line 4", "line 5", "red"]

    async def test_an_unavailable_log_is_empty(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        gone = Task("nosuchtask", "s", 1, "n", TaskState.FAILED, TaskState.SHUTDOWN)

        assert await swarm.last_lines(gone, 5) == ""

    async def test_the_log_of_a_lost_node_does_not_hang(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service(
            "web", "/bin/serve", options=["--constraint", "node.hostname==photon-machine-03"]
        )
        (task,) = await _until_running(swarm, service_id, 1)
        lab.stop_node(lab.node(3))

        async with asyncio.timeout(8):
            assert await swarm.last_lines(task, 5) == ""

    async def test_the_last_probe_is_read_only_on_the_engines_own_node(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        health = ["--health-cmd", "echo no luck; exit 1", "--health-interval", "1s"]
        here = ["--constraint", "node.hostname==photon-machine-01", *health]
        there = ["--constraint", "node.hostname==photon-machine-02", *health]
        options = ["--health-retries", "1", "--restart-condition", "none"]
        near = lab.create_service("near", "/bin/serve", options=[*here, *options])
        far = lab.create_service("far", "/bin/serve", options=[*there, *options])
        ours, theirs = [await _first(swarm, each, TaskState.COMPLETE) for each in (near, far)]

        assert await swarm.probe_output(ours) == "no luck"
        assert await swarm.probe_output(theirs) == ""
        assert await swarm.out_of_memory(ours) is False
        assert await swarm.out_of_memory(theirs) is None
