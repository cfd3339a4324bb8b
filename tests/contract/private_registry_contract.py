"""A registry that asks for a login, as engines see it: real ones, and the demo's.

A test class derives from `PrivateRegistryContract` and has the fixtures `lab` and `shelf`.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any, Protocol

import pytest
from docker import APIClient

from bot.domain.errors import RegistryError
from bot.swarm.connection import Connection
from bot.swarm.logins import Logins
from bot.swarm.registry import DockerRegistry
from tests.contract.labs import AnyLab
from tests.lab.registry import LOGIN, config_of
from tests.lab.waiting import wait_until

WRONG = "wr0ng-passw0rd"


class Shelf(Protocol):
    """A registry that asks for `LOGIN`, with the image `app:1`."""

    @property
    def address(self) -> str:
        """Its host and port, as in the names of its images."""

    def digest(self, name: str) -> str:
        """The digest of what has this name (`PATH:TAG`)."""


def header(shelf: Shelf, password: str = LOGIN[1]) -> dict[str, str]:
    """The header that gives the swarm a login."""
    login = {"username": LOGIN[0], "password": password, "serveraddress": shelf.address}
    return {"X-Registry-Auth": urlsafe_b64encode(json.dumps(login).encode()).decode()}


def spec(name: str, image: str, replicas: int = 2) -> dict[str, Any]:
    """A service whose containers end at once when they are asked to."""
    container = {"Image": image, "Command": ["/bin/serve"], "StopGracePeriod": 10**9}
    return {
        "Name": name,
        "TaskTemplate": {"ContainerSpec": container, "RestartPolicy": {"Delay": 10**8}},
        "Mode": {"Replicated": {"Replicas": replicas}},
    }


def create(client: APIClient, body: dict[str, Any], headers: dict[str, str]) -> str:
    """The id of a new service."""
    url = f"{client.base_url}/v{client.api_version}/services/create"
    answer = client.post(url, json=body, headers=headers)
    answer.raise_for_status()
    return str(answer.json()["ID"])


def update(
    client: APIClient, key: str, body: dict[str, Any], headers: dict[str, str], **query: str
) -> None:
    """Replace a service's spec, while the swarm itself may write to it."""
    url = f"{client.base_url}/v{client.api_version}/services/{key}/update"

    def posted() -> bool:
        params = {"version": client.inspect_service(key)["Version"]["Index"], **query}
        answer = client.post(url, params=params, json=body, headers=headers)
        if "out of sequence" in answer.text:
            return False
        answer.raise_for_status()
        return True

    wait_until(posted, "the update")


def scale(client: APIClient, key: str, replicas: int, headers: dict[str, str]) -> None:
    """Another number of replicas, in the spec as the engine shows it."""
    found = client.inspect_service(key)["Spec"]
    found["Mode"]["Replicated"]["Replicas"] = replicas
    update(client, key, found, headers)


class PrivateRegistryContract:
    """The contract of engines with a registry that asks for a login."""

    @pytest.fixture
    async def connection(self, lab: AnyLab) -> AsyncIterator[Connection]:
        made = Connection(lab.manager.socket)
        yield made
        made.close()

    async def test_an_image_is_found_with_the_login(
        self, connection: Connection, shelf: Shelf
    ) -> None:
        registry = DockerRegistry(connection, Logins(config_of(shelf.address)))

        found = await registry.look_up(f"{shelf.address}/app:1")

        assert (found.digest, found.login) == (shelf.digest("app:1"), True)

    async def test_what_the_registry_does_not_have_is_missing(
        self, connection: Connection, shelf: Shelf
    ) -> None:
        registry = DockerRegistry(connection, Logins(config_of(shelf.address)))

        with pytest.raises(RegistryError) as error:
            await registry.look_up(f"{shelf.address}/app:9")

        assert error.value.kind == "image_missing"

    @pytest.mark.parametrize(
        ("password", "said"),
        [("", "refuses access to"), (WRONG, "refuses the login of `robot`")],
        ids=["no login", "wrong login"],
    )
    async def test_a_request_without_the_right_login_is_denied(
        self, connection: Connection, shelf: Shelf, password: str, said: str
    ) -> None:
        logins = Logins(config_of(shelf.address, password)) if password else Logins()

        with pytest.raises(RegistryError, match=said) as error:
            await DockerRegistry(connection, logins).look_up(f"{shelf.address}/app:1")

        assert error.value.kind == "pull_denied"

    async def test_the_registry_is_asked_whether_a_login_is_right(
        self, connection: Connection, shelf: Shelf
    ) -> None:
        refusals = []
        for password in (LOGIN[1], WRONG):
            logins = Logins(config_of(shelf.address, password))
            (login,) = logins.all().values()
            refusals.append(await DockerRegistry(connection, logins).refusal(login))

        assert refusals[0] == ""
        assert "unauthorized" in refusals[1] or "401" in refusals[1]
        assert WRONG not in refusals[1]

    def test_nodes_cannot_pull_without_the_login(self, lab: AnyLab, shelf: Shelf) -> None:
        """Engines before 29.6 only say that they do not have the image."""
        image = f"{shelf.address}/app:1"
        for headers in ({}, header(shelf, WRONG)):
            key = create(lab.client(), spec("private", image), headers)

            rejected = wait_until(lambda: _rejected(lab, "private"), "a rejected task")

            assert rejected["Status"]["Message"] == "preparing"
            said = rejected["Status"]["Err"]
            assert said == f"No such image: {image}" or "unauthorized" in said
            lab.client().remove_service(key)

    def test_a_service_keeps_the_login_that_it_got(self, lab: AnyLab, shelf: Shelf) -> None:
        """An update without a login keeps it, and no answer of the engine shows it."""
        client = lab.client()
        key = create(client, spec("private", f"{shelf.address}/app:1", 1), header(shelf))
        lab.wait_running("private", 1)

        scale(client, key, 3, {})

        lab.wait_running("private", 3)
        shown = json.dumps([client.inspect_service(key), *client.tasks({"service": "private"})])
        assert "PullOptions" not in shown
        assert "RegistryAuth" not in shown

    def test_another_login_replaces_no_running_task(self, lab: AnyLab, shelf: Shelf) -> None:
        client = lab.client()
        key = create(client, spec("private", f"{shelf.address}/app:1"), header(shelf))
        lab.wait_running("private", 2)
        before = _tasks(lab, "private")

        scale(client, key, 3, header(shelf, WRONG))

        wait_until(lambda: _rejected(lab, "private"), "a rejected task")
        assert before <= _tasks(lab, "private")

    def test_a_roll_back_brings_the_earlier_login_back(self, lab: AnyLab, shelf: Shelf) -> None:
        client, image = lab.client(), f"{shelf.address}/app:1"
        key = create(client, spec("private", image, 1), header(shelf))
        lab.wait_running("private", 1)
        body = spec("private", image, 3)
        body["TaskTemplate"]["ContainerSpec"]["Env"] = ["CHANGED=1"]
        update(client, key, body, header(shelf, WRONG))

        update(client, key, body, {}, rollback="previous")
        scale(client, key, 3, {})

        lab.wait_running("private", 3)


def _rejected(lab: AnyLab, service: str) -> dict[str, Any] | None:
    found = lab.client().tasks({"service": service})
    return next((task for task in found if task["Status"]["State"] == "rejected"), None)


def _tasks(lab: AnyLab, service: str) -> set[str]:
    wanted = {"service": service, "desired-state": "running"}
    return {task["ID"] for task in lab.client().tasks(wanted)}
