"""A forced update and a roll back: only the adapter, on real engines and on the demo's.

A test class derives from `ChangesContract` and has the fixture `lab`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest

from bot.domain.errors import LeaseLostError, RefusedError
from bot.domain.jobs.deploy_plan import Kind
from bot.domain.swarm.model import LastChange, Service
from bot.swarm.connection import Connection
from bot.swarm.engine import DockerSwarm
from bot.swarm.stack_objects import DockerStackObjects
from tests.contract.engine_contract import changed_paths, eventually
from tests.contract.labs import AnyLab
from tests.contract.whole_spec import whole_spec
from tests.lab import images
from tests.lab.waiting import wait_until


def allow(_service: Service) -> None:
    """A guard that allows every write."""


def refuse(_service: Service) -> None:
    """A guard that allows no write."""
    raise RefusedError("not now")


def spec_of(lab: AnyLab, name: str, which: str = "Spec") -> dict[str, Any]:
    """A service's spec as the engine stores it."""
    found: dict[str, Any] = lab.client().inspect_service(name)[which]
    return found


def to_next(lab: AnyLab, *options: str) -> None:
    """Update the service ``web`` to the next version."""
    lab.docker(
        "service", "update", "--detach", "--quiet", "--no-resolve-image",
        "--image", images.BUSY_NEXT, *options, "web",
    )  # fmt: skip


class ChangesContract:
    """The contract of forced updates and roll backs."""

    @pytest.fixture
    async def swarm(self, lab: AnyLab) -> AsyncIterator[DockerSwarm]:
        """The engine of the lab's manager."""
        engine = DockerSwarm(lab.manager.socket)
        yield engine
        await engine.aclose()

    async def test_a_repeated_forced_update_is_made_once(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "serve")
        before = spec_of(lab, "web")

        made = await swarm.force_update(service_id, 1, allow)
        again = await swarm.force_update(service_id, 1, refuse)

        service = await swarm.service(service_id)
        assert (made.changed, again.changed, service.restarts) == (True, False, 1)
        assert made.template == again.template == service.template
        assert spec_of(lab, "web", "PreviousSpec") == before
        assert service.previous is not None
        assert service.previous.change is LastChange.RESTART

    async def test_a_forced_update_that_was_rolled_back_counts_as_made(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "serve")
        await swarm.force_update(service_id, 1, allow)
        lab.docker("service", "update", "--detach", "--quiet", "--rollback", "web")

        assert not (await swarm.force_update(service_id, 1, allow)).changed
        assert (await swarm.force_update(service_id, 2, allow)).changed

    async def test_an_image_is_set_once(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        service_id = lab.create_service("web", "serve")
        before = spec_of(lab, "web")

        made = await swarm.set_image(service_id, images.BUSY_NEXT, (), allow)
        again = await swarm.set_image(service_id, images.BUSY_NEXT, (), refuse)

        assert (made.changed, again.changed) == (True, False)
        assert made.template == again.template != ""
        before["TaskTemplate"]["ContainerSpec"]["Image"] = images.BUSY_NEXT
        assert spec_of(lab, "web") == before

    async def test_the_tasks_of_an_image_that_stays_are_replaced_once(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "serve")
        before = spec_of(lab, "web")

        made = await swarm.set_image(service_id, images.BUSY, (), allow, restarts=1)
        again = await swarm.set_image(service_id, images.BUSY, (), refuse, restarts=1)

        assert (made.changed, again.changed) == (True, False)
        before["TaskTemplate"]["ForceUpdate"] = 1
        assert spec_of(lab, "web") == before

    async def test_a_roll_back_uses_the_engines_own_and_is_made_once(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "serve", replicas=2)
        first = spec_of(lab, "web")
        to_next(lab)
        service = await swarm.service(service_id)
        assert service.previous is not None
        assert service.can_roll_back

        made = await swarm.roll_back(service_id, service.previous.digest, allow)
        again = await swarm.roll_back(service_id, service.previous.digest, refuse)

        assert (made.changed, made.rollback) == (True, True)
        assert (again.changed, again.rollback) == (False, True)
        after = await swarm.service(service_id)
        assert after.template == made.template == again.template
        assert after.update.is_roll_back
        assert spec_of(lab, "web") == first

    async def test_a_roll_back_keeps_the_number_of_replicas(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "serve", replicas=1)
        to_next(lab, "--replicas", "3")
        service = await swarm.service(service_id)
        assert service.previous is not None

        made = await swarm.roll_back(service_id, service.previous.digest, allow)
        again = await swarm.roll_back(service_id, service.previous.digest, refuse)

        after = await swarm.service(service_id)
        assert (made.changed, made.rollback, again.changed) == (True, False, False)
        assert (after.image, after.replicas) == (images.BUSY, 3)
        assert after.template == made.template

    async def test_a_paused_update_is_resumed_once(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        """Its spec is unchanged; the swarm begins another update with it."""
        options = ("--update-monitor", "500ms", "--restart-delay", "500ms")
        service_id = lab.create_service("web", "serve", replicas=2, options=options)
        to_next(lab, "--args", "crash 0 3")
        await asyncio.to_thread(
            wait_until,
            lambda: (
                lab.client().inspect_service("web").get("UpdateStatus", {}).get("State") == "paused"
            ),
            "a paused update",
        )
        service = await swarm.service(service_id)
        before, started = spec_of(lab, "web"), service.update_started or 0.0

        made = await swarm.resume(service_id, started)
        again = await swarm.resume(service_id, started)

        after = await swarm.service(service_id)
        assert (made.changed, again.changed) == (True, False)
        assert made.template == service.template
        assert spec_of(lab, "web") == before
        assert after.update_started != started

    @pytest.mark.parametrize("mode", ["replicated-job", "global-job"])
    async def test_the_tasks_of_a_removed_job_end(self, lab: AnyLab, mode: str) -> None:
        """Engines before 24.0 let them run."""
        create = ("service", "create", "--detach", "--no-resolve-image", "--name=job")
        lab.docker(*create, f"--mode={mode}", "lab/busy:1", "/bin/sh", "-c", "sleep 600")
        with closing(Connection(lab.manager.socket)) as connection:

            async def states() -> set[str]:
                tasks = await connection.list("/tasks", {"name": ["job"]})
                return {task["Status"]["State"] for task in tasks}

            await eventually(states, lambda found: found == {"running"})
            service = await connection.get("/services/job")
            await DockerStackObjects(connection).remove(Kind.SERVICE, service["ID"])
            assert "running" not in await eventually(states, lambda found: "running" not in found)
            assert await connection.list("/services", {"name": ["job"]}) == []

    async def test_a_write_that_the_guard_refuses_is_not_made(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "serve")
        to_next(lab)
        service = await swarm.service(service_id)
        assert service.previous is not None

        for change in (
            swarm.force_update(service_id, 1, refuse),
            swarm.roll_back(service_id, service.previous.digest, refuse),
        ):
            with pytest.raises(RefusedError, match="not now"):
                await change
        assert spec_of(lab, "web")["TaskTemplate"]["ContainerSpec"]["Image"] == images.BUSY_NEXT

    async def test_nothing_is_written_without_the_lease(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "serve")
        to_next(lab)
        service, before = await swarm.service(service_id), spec_of(lab, "web")
        assert service.previous is not None

        for change in (
            swarm.force_update(service_id, 1, allow, still=lambda: False),
            swarm.roll_back(service_id, service.previous.digest, allow, still=lambda: False),
        ):
            with pytest.raises(LeaseLostError):
                await change
        assert spec_of(lab, "web") == before

    async def test_a_stale_version_is_read_again(self, lab: AnyLab, swarm: DockerSwarm) -> None:
        """The service changes between read and write: both changes are kept."""
        service_id = lab.create_service("web", "serve")
        looks: list[Service] = []

        def meddle(service: Service) -> None:
            looks.append(service)
            if len(looks) == 1:
                lab.docker("service", "update", "--detach", "--label-add", "they=were-here", "web")

        assert (await swarm.force_update(service_id, 1, meddle)).changed
        service = await swarm.service(service_id)
        assert (service.restarts, service.labels, len(looks)) == (1, {"they": "were-here"}, 2)

    async def test_one_of_several_writers_makes_the_update(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "serve")
        other = DockerSwarm(lab.nodes[1].socket)

        writers = (swarm, other, swarm, other)
        made = await asyncio.gather(*(by.force_update(service_id, 1, allow) for by in writers))
        await other.aclose()

        assert [each.changed for each in made].count(True) == 1
        assert (await swarm.service(service_id)).restarts == 1
        assert not spec_of(lab, "web", "PreviousSpec")["TaskTemplate"].get("ForceUpdate")

    def test_services_refer_by_id_to_the_swarms_own_networks_which_no_list_has(
        self, lab: AnyLab
    ) -> None:
        options = ["--replicas=0", "--network=host"]
        lab.docker(
            "service", "create", "--quiet", "--detach", "--no-resolve-image", "--name=web",
            *options, images.BUSY, "/bin/serve",
        )  # fmt: skip
        (used,) = spec_of(lab, "web")["TaskTemplate"]["Networks"]
        with lab.client() as client:
            url = f"{client.base_url}/v{client.api_version}/networks/host?scope=swarm"
            found = client.get(url).json()
            listed = [each["Id"] for each in client.networks()]

        assert (found["Name"], found["Id"]) == ("host", used["Target"])
        assert used["Target"] not in listed

    async def test_a_change_keeps_every_field_of_the_newest_api(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        """A scale, a restart and a roll back differ in exactly the one thing that they change."""
        sent = _create_whole(lab)
        before = spec_of(lab, "web")
        lost = _lost(sent, before)
        assert not lost, lost

        await swarm.set_replicas("web", 2, allow)
        scaled = spec_of(lab, "web")
        await swarm.force_update("web", 1, allow)
        restarted = spec_of(lab, "web")
        previous = (await swarm.service("web")).previous
        assert previous is not None
        await swarm.roll_back("web", previous.digest, allow)

        assert changed_paths(before, scaled) == ["/Mode/Replicated/Replicas"]
        assert changed_paths(scaled, restarted) == ["/TaskTemplate/ForceUpdate"]
        assert changed_paths(scaled, spec_of(lab, "web")) == []


def _create_whole(lab: AnyLab) -> dict[str, Any]:
    """The service ``web`` with all fields; returns them as they were sent."""
    lab.docker("network", "create", "--driver=overlay", "inner")
    client = lab.client()
    version = client.version()["ApiVersion"]
    spec = whole_spec(
        "web",
        version,
        client.networks(names=["inner"])[0]["Id"],
        lab.docker("config", "create", "settings", "-", stdin="a").strip(),
        lab.docker("secret", "create", "key", "-", stdin="b").strip(),
    )
    url = f"{client.base_url}/v{version}/services/create"
    client.post(url, json=spec).raise_for_status()
    return spec


def _lost(sent: Any, stored: Any, path: str = "") -> list[str]:
    """What the engine did not store as it was sent; it may add defaults."""
    if isinstance(sent, dict) and isinstance(stored, dict):
        return [p for key in sent for p in _lost(sent[key], stored.get(key), f"{path}/{key}")]
    return [] if sent == stored or (not sent and not stored) else [path]
