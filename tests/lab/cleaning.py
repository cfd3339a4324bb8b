"""Removes what a test created in the swarm, quickly and completely."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound

from tests.lab.waiting import wait_until

_BUILT_IN_NETWORKS = {"ingress", "docker_gwbridge", "host", "none", "bridge"}


def running(client: APIClient, service: str) -> list[dict[str, Any]]:
    """The service's tasks that run and should run; none if there is no such service."""
    try:
        tasks = client.tasks(filters={"service": service, "desired-state": "running"})
    except NotFound:
        return []
    return [task for task in tasks if task["Status"]["State"] == "running"]


def clean_swarm(client: APIClient) -> None:
    """Remove all services, secrets and configs that tests created."""
    for service in client.services():
        with suppress(NotFound):
            client.remove_service(service["ID"])
    for secret in client.secrets():
        client.remove_secret(secret["ID"])
    for config in client.configs():
        client.remove_config(config["ID"])


def no_tasks(client: APIClient) -> bool:
    """Whether the swarm has no tasks left, including ended ones.

    Engine 20.10 keeps the ended tasks of a removed job service for ever, so those are ignored.
    """
    return all("JobIteration" in task and _has_ended(task) for task in client.tasks())


def _has_ended(task: dict[str, Any]) -> bool:
    return task["Status"]["State"] in _ENDED


def clean_engine(client: APIClient) -> None:
    """Remove all volumes and networks of one engine without containers."""
    for volume in client.volumes()["Volumes"] or []:
        client.remove_volume(volume["Name"], force=True)
    wait_until(lambda: _no_networks(client), "the end of all networks")


def reset_nodes(client: APIClient, roles: dict[str, bool]) -> None:
    """Restore every node's first role, availability `active` and no labels.

    A node that reports its own state at the same moment has another version by then.
    """
    wait_until(lambda: _nodes_reset(client, roles), "every node in its first role")


def _nodes_reset(client: APIClient, roles: dict[str, bool]) -> bool:
    """Request what is missing; returns whether nothing was."""
    done = True
    for node in client.nodes():
        role = "manager" if roles[node["Description"]["Hostname"]] else "worker"
        spec: Any = {"Role": role, "Availability": "active", "Labels": {}}
        if {**node["Spec"], "Labels": node["Spec"].get("Labels") or {}} != spec:
            done = False
            _update(client, node, spec)
    return done


def _update(client: APIClient, node: dict[str, Any], spec: Any) -> None:
    try:
        client.update_node(node["ID"], node["Version"]["Index"], spec)
    except APIError as error:
        if "update out of sequence" not in str(error):
            raise


_ENDED = {"complete", "shutdown", "failed", "rejected", "remove", "orphaned"}


def kill_containers(client: APIClient) -> None:
    """Kill all containers, because some ignore SIGTERM."""
    for container in client.containers():
        with suppress(APIError):  # it has just ended
            client.kill(container["Id"], "SIGKILL")


def no_containers(client: APIClient) -> bool:
    """Remove what is left by force; returns whether nothing was left."""
    containers = client.containers(all=True)
    for container in containers:
        with suppress(APIError):  # the swarm removes it as well
            client.remove_container(container["Id"], force=True, v=True)
    return not containers


def _no_networks(client: APIClient) -> bool:
    """A network stays in use for a moment longer than its last container."""
    networks = [
        network for network in client.networks() if network["Name"] not in _BUILT_IN_NETWORKS
    ]
    for network in networks:
        with suppress(APIError):
            client.remove_network(network["Id"])
    return not networks
